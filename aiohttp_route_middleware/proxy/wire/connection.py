"""Connections to one target: pooled by aiohttp's connector, spoken to through its own parser.

A `ClientSession` would do what a proxy must not: keep cookies, follow redirects, ask again on its own, hide `100
Continue`. So only what is below it is used: the connector opens connections and keeps them, and its protocol reads
answers. What is written to a connection is written here.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import aiohttp
from aiohttp import client_reqrep, hdrs
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import EofStream, StreamReader
from multidict import CIMultiDict
from yarl import URL

from ...errors import RouteMiddlewareError
from ...support.traffic.slots import Slots
from .failures import (
    AddressRefusedError,
    BadResponseError,
    ConnectError,
    ConnectionLimitError,
    ConnectTimeoutError,
    DisconnectedError,
    ResponseTimeoutError,
)
from .parsers import IDLE, HeadOnly

__all__ = ("AddressNotAllowedError", "Connection", "Connector")

_LINGER = 5.0  # seconds
_LONGEST_LINE = 64 * 1024  # bytes; targets are trusted with more than clients: policies and tickets are long
_MOST_FIELDS = 512
# aiohttp 4 has a smaller one for those who only want to connect
_Request: Any = getattr(client_reqrep, "ClientRequestBase", client_reqrep.ClientRequest)


class AddressNotAllowedError(RouteMiddlewareError, OSError):
    """A socket was to be made for an address that may not be connected to.

    Args:
        address: which one.
    """

    def __init__(self, address: str) -> None:
        super().__init__("an address that may not be connected to")  # of different texts aiohttp makes one OSError
        self.address: str = address


class Connector:
    """Opens connections to the origin of one target, and keeps those that can be used again.

    Args:
        connector: where they are kept.
        origin: scheme, host and port.
        tls: the context, for https; `True` for the usual one.
        seconds: to be connected.
        limit: how many connections there are at a time; `None`: as many as are wanted.
    """

    def __init__(
        self,
        connector: aiohttp.TCPConnector,
        origin: URL,
        tls: ssl.SSLContext | bool,
        seconds: float,
        limit: int | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._connector = connector
        self._origin = origin
        # not sent: it tells where to connect to
        self._request = _Request("GET", origin, headers=CIMultiDict(), loop=loop, ssl=tls)
        self._timeout = aiohttp.ClientTimeout(total=None, connect=seconds)
        self._seconds = seconds
        # aiohttp's own limit does not tell who waits for others from who waits for the target
        self._slots = None if limit is None else Slots(limit, queue=sys.maxsize)

    async def open(self, has_gone: Callable[[], bool]) -> Connection:
        """Return a connection that nobody else uses.

        Args:
            has_gone: whether nobody wants it any more.

        Raises:
            ConnectionLimitError: there are too many, and none became free in time.
            ConnectTimeoutError: it took too long.
            ConnectError: there is none.
        """
        slots = self._slots
        if slots is None:
            return await self._open(_keep_nothing)
        if not slots.take() and not await slots.wait(self._seconds, has_gone):
            raise ConnectionLimitError(f"{self._origin} has as many connections as it may have")
        try:
            return await self._open(slots.free)
        except BaseException:
            slots.free()
            raise

    async def _open(self, free: Callable[[], None]) -> Connection:
        try:
            return Connection(await self._connector.connect(self._request, [], self._timeout), free)
        except asyncio.TimeoutError as error:
            raise ConnectTimeoutError(f"{self._origin} could not be reached in time") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _tell_why(self._origin, error) from error


class Connection:
    """One connection, for one request and its answer.

    Args:
        of_aiohttp: that of the connector.
        free: called once when it has ended, or is left to others.
    """

    __slots__ = (
        "_content",
        "_deadline",
        "_free",
        "_is_to_end",
        "_of_aiohttp",
        "_protocol",
        "_waiting_since",
    )

    def __init__(self, of_aiohttp: Any, free: Callable[[], None]) -> None:
        self._of_aiohttp = of_aiohttp
        self._free = free
        self._protocol = of_aiohttp.protocol
        self._content: StreamReader | None = None
        self._is_to_end = False
        self._deadline: asyncio.TimerHandle | None = None
        self._waiting_since = 0.0

    @property
    def protocol(self) -> Any:
        """What aiohttp has put on the transport."""
        return self._protocol

    @property
    def transport(self) -> asyncio.Transport:
        """Where bytes are written.

        Raises:
            DisconnectedError: the target has closed it.
        """
        transport: asyncio.Transport | None = self._protocol.transport
        if transport is None or transport.is_closing():
            failure = DisconnectedError("the connection was closed before the request was sent")
            failure.was_sent = False
            raise failure
        return transport

    def expect_response(self, method: str) -> None:
        """Read the bytes that come as the answer to a request with this method, from now on."""
        self._protocol.set_response_params(
            skip_payload=method == hdrs.METH_HEAD,
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=None,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            max_headers=_MOST_FIELDS,
        )
        if method == hdrs.METH_HEAD:
            self._protocol._parser = HeadOnly(self._protocol._parser, self._protocol.force_close)

    def start_deadline(self, seconds: float) -> None:
        """Bound the time until the head of the answer is there."""
        self._waiting_since = time.monotonic()
        self._deadline = self._protocol._loop.call_later(seconds, self._protocol.set_exception, _TimeIsUp())

    async def read_head(self) -> tuple[RawResponseMessage, StreamReader]:
        """Return the head of the next answer, which may be an interim one, and its body.

        Raises:
            DisconnectedError: the target has closed the connection.
            ResponseTimeoutError: the deadline has passed.
            BadResponseError: this is no HTTP.
        """
        try:
            return cast("tuple[RawResponseMessage, StreamReader]", await self._protocol.read())
        except _TimeIsUp:
            raise ResponseTimeoutError("the target has not answered in time") from None
        except (OSError, aiohttp.ClientConnectionError, EofStream) as error:
            raise DisconnectedError("the target has closed the connection before its answer") from error
        except HttpProcessingError as error:
            raise _tell_fault(error) from error

    def stop_deadline(self) -> float:
        """End the waiting, and return how long that was; nothing if the request is still on its way."""
        if self._deadline is None:
            return 0.0
        self._deadline.cancel()
        self._deadline = None
        return time.monotonic() - self._waiting_since

    def bound_silence(self, seconds: float) -> None:
        """Bound the time in which nothing comes of the body."""
        if self._protocol.transport is not None:  # else it has ended already, and the body knows
            self._protocol.read_timeout = seconds
            self._protocol.start_timeout()

    def guard(self, content: StreamReader, *, is_to_end: bool) -> None:
        """Break off a body at the end of the connection, where aiohttp does not: if it is malformed, and at a reset.

        Args:
            content: the body.
            is_to_end: whether the end of the connection is its end (RFC 9112, section 6.3); a reset is none.
        """
        self._content, self._is_to_end = content, is_to_end
        closed = self._protocol.closed
        if closed is None:  # it has ended already
            self._break_off()
            return
        closed.remove_done_callback(_hear_end)  # of the answer before
        closed.add_done_callback(_hear_end)
        closed.add_done_callback(self._break_off)

    def release(self) -> None:
        """Leave it to the next request, if it can have one."""
        self.stop_deadline()
        if self._content is not None and self._protocol.closed is not None:
            self._protocol.closed.remove_done_callback(self._break_off)
        self._protocol._parser = IDLE
        self._of_aiohttp.release()
        self._free()

    def close(self) -> None:
        """End it at once; who waits for an answer gets `DisconnectedError`.

        What was written and is not sent yet is dropped: it was half a request.
        """
        self.stop_deadline()
        transport = self._protocol.transport
        self._protocol.set_exception(ConnectionResetError("the connection is closed from here"))
        self._of_aiohttp.close()
        self._free()
        if transport is not None:
            transport.abort()

    def close_softly(self) -> None:
        """End it when what was written is sent, or when nobody takes that for a while."""
        transport = self._protocol.transport
        self._of_aiohttp.close()
        self._free()
        if transport is not None:
            asyncio.get_running_loop().call_later(_LINGER, transport.abort)

    def _break_off(self, closed: asyncio.Future[None] | None = None) -> None:
        content = self._content
        if content is None or content.exception() is not None:
            return
        is_reset = self._is_to_end and closed is not None and closed.exception() is not None
        if is_reset or not content.is_eof():
            content.set_exception(aiohttp.ClientPayloadError("the body was broken off, or is malformed"))


def _hear_end(closed: asyncio.Future[None]) -> None:
    """Take note of how a connection has ended, or asyncio logs that nobody did."""
    with suppress(asyncio.CancelledError):
        closed.exception()


class _TimeIsUp(Exception):  # noqa: N818  # no error: it never leaves this room
    """The head of an answer was not there in time."""


def _keep_nothing() -> None:
    """There is no limit."""


def _tell_fault(error: HttpProcessingError) -> BadResponseError:
    """Tell what is wrong with an answer, without what is in it: that is for nobody's log."""
    what = error.message.strip().partition("\n")[0].partition(":")[0].partition(" when reading")[0]
    failure = BadResponseError(f"the target has answered with what is no HTTP: {what}")
    failure.is_of_target = not isinstance(error.__cause__, LineTooLong)  # it may be what a client has sent, echoed
    return failure


def _tell_why(origin: URL, error: Exception) -> ConnectError:
    refused = getattr(error, "os_error", None)
    if isinstance(refused, AddressNotAllowedError):
        problem = f"{origin} has no address that may be connected to"
        return AddressRefusedError(f"{problem}: {refused.address} is not public; allow it by networks=")
    failure = ConnectError(f"{origin} could not be reached: {error}")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        failure.proxy_error = "dns_error"
    elif isinstance(error, aiohttp.ClientConnectorCertificateError):
        failure.proxy_error = "tls_certificate_error"
    elif isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        failure.proxy_error = "tls_protocol_error"
    return failure
