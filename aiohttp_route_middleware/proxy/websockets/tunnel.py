"""A WebSocket through the proxy: bytes from one connection to the other, both ways, as they come.

So close codes, pings, fragments and extensions are those of client and target (RFC 6455); nobody in between has read
them. The target has agreed before the client is told so.

Rules kept here:
- Nothing but a WebSocket becomes a tunnel, and only if client, target and both parsers of aiohttp say so: what one of
  them still takes for HTTP could be the request of somebody else (request smuggling). The client must have sent a key
  of 16 bytes and version 13, and the target must have answered that key: so it has understood what it was asked for.
- When one side ends, what it has sent before still reaches the other, which is told so at once and is given a while to
  end as well: whoever closes a connection with something unread in it resets it, and takes back what was sent last.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.http import WS_KEY
from aiohttp.http_parser import RawResponseMessage
from multidict import MultiMapping

from ...support.network.websockets import is_websocket
from ..message.fields import drop_connection_fields
from ..message.framing import Framing
from ..response import AnswerReplacedError, ReceivedResponse
from ..wire.attempt import Answer
from ..wire.bodies import Body
from ..wire.failures import BadResponseError, ClientGoneError
from ..wire.outgoing import OutgoingRequest
from .piping import Pipe, Source

__all__ = (
    "SWITCHED",
    "SWITCHING",
    "EndTunnel",
    "TunnelResponse",
    "check_agreement",
    "check_handshake",
    "may_become_tunnel",
)

EndTunnel = Callable[[int, int, "BaseException | None"], None]
SWITCHED = 101
SWITCHING = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
"""What asks for a WebSocket (RFC 6455, section 4.1)."""

_VERSIONS = ["13"]
_KEY = re.compile("[A-Za-z0-9+/]{22}==")  # 16 bytes (RFC 6455, section 4.1)
_LINGER = 10.0  # seconds


def check_handshake(incoming: web.Request, framing: Framing) -> None:
    """Refuse a handshake with a body: its bytes could be taken for those of the tunnel, or the other way round.

    Raises:
        HTTPBadRequest: there is one.
    """
    if framing.has_body and is_websocket(incoming):
        refusal = web.HTTPBadRequest(text="The handshake of a WebSocket has no body.")
        refusal.force_close()
        # nothing more is read as a request: neither what arrives from here on, nor what aiohttp 3.14.0 takes for the
        # first bytes of the WebSocket
        incoming.protocol.close()
        cast(Any, incoming.protocol)._message_tail = b""
        raise refusal


def may_become_tunnel(incoming: web.Request, outgoing: OutgoingRequest, body: Body) -> bool:
    """Whether a request asks for a WebSocket, and for nothing else; all other upgrades are ignored.

    So are handshakes without a key, or of another version: the target, which sees no upgrade, tells what it wants.

    Args:
        incoming: the request of the client.
        outgoing: as hooks have left it.
        body: what is sent with it.
    """
    return (
        hdrs.UPGRADE in incoming.headers  # so that nothing else is asked of most requests
        and is_websocket(incoming)
        and outgoing.method == hdrs.METH_GET
        and body.read_whole() == b""
        and cast(Any, incoming)._message.upgrade
        and _names_websocket_alone(incoming.headers.getall(hdrs.UPGRADE))
        and _read_key(outgoing.headers) is not None
        and _read_values(outgoing.headers, hdrs.SEC_WEBSOCKET_VERSION) == _VERSIONS
    )


def check_agreement(answer: Answer, outgoing: OutgoingRequest) -> None:
    """Refuse a 101 that is no agreement to a WebSocket (RFC 6455, section 4.1).

    Raises:
        BadResponseError: it is none; the connection was closed.
    """
    message = answer.message
    if not _agrees(message, _read_key(outgoing.headers)) or (
        hdrs.SEC_WEBSOCKET_EXTENSIONS in message.headers and hdrs.SEC_WEBSOCKET_EXTENSIONS not in outgoing.headers
    ):
        answer.abandon()
        raise BadResponseError("the target has answered 101, and not agreed to what was asked for")


def _agrees(message: RawResponseMessage, key: str | None) -> bool:
    return (
        key is not None  # else nothing was asked for
        and message.upgrade  # else aiohttp goes on to read HTTP
        and _names_websocket_alone(message.headers.getall(hdrs.UPGRADE, ()))
        and _read_values(message.headers, hdrs.SEC_WEBSOCKET_ACCEPT) == [_answer_to(key)]
    )


def _read_key(headers: MultiMapping[str]) -> str | None:
    """The key of a handshake; nothing if there is none, or several, or what is no key."""
    keys = _read_values(headers, hdrs.SEC_WEBSOCKET_KEY)
    return keys[0] if len(keys) == 1 and _KEY.fullmatch(keys[0]) else None


def _read_values(headers: MultiMapping[str], name: str) -> list[str]:
    return [one.strip(" \t") for one in headers.getall(name, ())]  # aiohttp 3.14.0 leaves blanks behind


def _answer_to(key: str) -> str:
    """What a server that has understood a handshake answers to its key (RFC 6455, section 4.2.2)."""
    digest = hashlib.sha1(key.encode("ascii") + WS_KEY, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def _names_websocket_alone(fields: Any) -> bool:
    """Whether this is what aiohttp's parsers switch for: of a list they take no notice."""
    return len(fields) == 1 and fields[0].isascii() and fields[0].strip(" \t").lower() == "websocket"


class TunnelResponse(ReceivedResponse):
    """The handshake of a target; when it is sent, the connection is a tunnel.

    Args:
        answer: of the target, with status 101.
        end: called once, when the tunnel has ended: with the bytes that have gone to the target, those that came from
            it, and what has gone wrong.
        patience: seconds in which a side may take nothing of what waits for it.
    """

    _length_check = False
    _send_headers_immediately = True

    def __init__(self, answer: Answer, end: EndTunnel, patience: float) -> None:
        message = answer.message
        super().__init__(status=message.code, reason=message.reason, headers=message.headers)
        drop_connection_fields(self._headers)
        self._headers[hdrs.CONNECTION] = "Upgrade"
        self._headers[hdrs.UPGRADE] = "websocket"
        self._answer: Answer | None = answer
        self._end = end
        self.patience: float = patience
        """Seconds in which a side may take nothing."""
        self.stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Whether the server stops."""
        self.up: int = 0
        """Bytes that have gone to the target."""
        self.down: int = 0
        """Bytes that came from it."""

    async def run(self, request: web.Request) -> None:
        """Send the handshake, and pass on what comes until one side ends.

        Args:
            request: the handshake of the client.
        """
        answer, self._answer = self._answer, None
        if answer is None:
            raise RuntimeError("a tunnel is used once")
        self.force_close()  # nothing else is read from this connection
        error: BaseException | None = ClientGoneError()
        try:
            with suppress(ConnectionError):  # the client has gone, which aiohttp finds out as well
                await self.prepare(request)
                error = None
                await self.carry(request.protocol, answer.protocol)
        finally:
            answer.close_softly()
            self._end(self.up, self.down, error)

    def note_counts(self, up: int, down: int) -> None:
        """Note how many bytes have gone either way."""
        self.up = up
        self.down = down

    def stop(self) -> None:
        """End the tunnel: the server stops."""
        if not self.stopped.done():
            self.stopped.set_result(None)

    def abandon(self) -> None:
        """Let go of the answer: another response is sent."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.abandon()
            self._end(0, 0, AnswerReplacedError())

    async def write_eof(self, data: bytes = b"") -> None:
        """End a message that has no body; called by aiohttp."""
        self._eof_sent = True
        self._req = None
        self._payload_writer = None

    async def carry(self, client: Any, target: Any) -> None:
        """Pass on until one side has ended, and wait a while for the other.

        Args:
            client: the protocol of its connection.
            target: likewise.
        """
        down, up = Pipe(target, client, self.patience), Pipe(client, target, self.patience)
        try:
            target.set_parser(down, None)
            client.set_parser(up)
            await self.wait_for(down, up)
            await self.let_end(down, up)
        finally:
            self.note_counts(up.count, down.count)
            for pipe in (down, up):
                pipe.stop()

    async def wait_for(self, *sources: Source, seconds: float | None = None) -> None:
        """Wait until one of these ends, or the server stops, or the time is over."""
        ends = {self.stopped, *(source.ended for source in sources)}
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    async def let_end(self, *sources: Source) -> None:
        """Tell those that are left that nothing more comes, and read what they send, for nobody, until they end."""
        for source in sources:
            source.end()
        for source in sources:
            if not source.ended.done():
                await self.wait_for(source, seconds=_LINGER)
            if source.is_stuck() or not (source.ended.done() or self.stopped.done()):
                source.abort()

    def __del__(self) -> None:
        self.abandon()  # nobody has sent it
