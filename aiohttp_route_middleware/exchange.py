"""One request to an aiohttp server, and its response, without a socket.

Both are real: aiohttp's own protocol parses the bytes of the request, runs the application, and writes the bytes of
the response. Only the transport between them keeps the bytes in memory.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from socket import socket
from typing import Any, NoReturn, cast

from aiohttp import web

from .errors import InspectionError
from .syntax import is_token

__all__ = ("Received", "exchange")

_TARGET = re.compile(r"/[!-~]*")  # RFC 9112, section 3.2.1, and what else is printable
_VALUE = re.compile(r"[^\x00\r\n]*")  # RFC 9110, section 5.5


@dataclass(frozen=True)
class Received:
    """A response as the client gets it.

    Args:
        status: the status code.
        headers: name and value, in their order.
        body: decoded from its transfer coding.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


async def exchange(
    app: web.Application, method: str, target: str, headers: Mapping[str, str], body: bytes, **options: Any
) -> Received:
    """Send one request to an application, and return its response.

    Args:
        app: it is started, and cleaned up after the response.
        method: the HTTP method.
        target: path and query, percent-encoded.
        headers: of the request; what HTTP needs besides is added.
        body: of the request.
        options: for `web.AppRunner`.

    Raises:
        InspectionError: HTTP allows no such request.
    """
    sent = _write_request(method, target, headers, body)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, **options)
    await runner.setup()
    try:
        wire = _Wire()
        protocol = cast(web.Server, runner.server)()  # there is one after setup()
        wire.connect(protocol)
        protocol.data_received(sent)
        await wire.closed
        return _read_response(bytes(wire.received), method)
    finally:
        await runner.cleanup()


def _write_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    sent = _complete_headers(headers, str(len(body)))
    if not is_token(method):
        raise InspectionError(f"{method!r} is no HTTP method")
    if not _TARGET.fullmatch(target):
        raise InspectionError(f"{target!r} is no path: it starts with a slash, and is percent-encoded")
    for name, value in sent:
        if not is_token(name) or not _VALUE.fullmatch(value):
            raise InspectionError(f"the header {name!r} has a name or a value that HTTP does not allow")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _complete_headers(headers: Mapping[str, str], length: str) -> list[tuple[str, str]]:
    # names are the same in any case (RFC 9110, section 5.1), and may come several times
    sent = [(name.lower(), value) for name, value in headers.items() if name.lower() != "connection"]
    names = {name for name, _ in sent}
    if "transfer-encoding" in names or any(name == "content-length" and value != length for name, value in sent):
        raise InspectionError("the headers promise another body: leave out content-length and transfer-encoding")
    if "host" not in names:
        sent.append(("host", "localhost"))
    if length != "0" and "content-length" not in names:
        sent.append(("content-length", length))
    return [*sent, ("connection", "close")]


def _read_response(received: bytes, method: str) -> Received:
    response = http.client.HTTPResponse(cast(socket, _Socket(received)), method=method)
    try:
        response.begin()
        return Received(response.status, tuple(response.getheaders()), response.read())
    except http.client.HTTPException as error:
        raise InspectionError(f"the response broke off: {type(error).__name__}") from error


class _Socket:
    """All that http.client asks of a socket to read from."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._received)


class _Wire(asyncio.Transport):
    """A connection whose client has sent its request and keeps what it receives."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 0)})
        self.received = bytearray()
        self.closed = asyncio.get_running_loop().create_future()

    def connect(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol
        protocol.connection_made(self)

    def write(self, data: Any) -> None:
        self.received += data

    def is_closing(self) -> bool:
        return self.closed.done()

    def close(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    @property
    def _sendfile_compatible(self) -> NoReturn:  # asyncio asks for it; the answer makes aiohttp write files itself
        raise NotImplementedError

    def pause_reading(self) -> None:
        """All that the client sends is there already."""

    resume_reading = pause_reading
