"""What the proxies stand before: short answers, long downloads and uploads by a bare protocol; an echo by aiohttp.

`python -m bench.proxy_upstream` prints the port of each and ends by itself after a while.
"""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from aiohttp import WSMsgType, web

HOST = "127.0.0.1"
BODY = (
    b'{"id":12345,"name":"A name of some length","tags":["one","two","three"],"total":1234.5,"currency":"EUR"}'.ljust(
        150
    )
)
BULK = 500 * 2**20  # bytes of a long body; the path of a download may ask for fewer
PAUSE = 1.0  # seconds that the upstream, or its client, takes no byte once a mebibyte has come
_LIFETIME = 1800  # seconds after which it ends by itself
_PIECE = bytes(65536)
_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Upstream(asyncio.Protocol):
    """Answers `GET /small`, `GET /down/BYTES` and `PUT /up`, one request after the other; checks nothing."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0  # bytes of an upload of known length
        self._is_chunked = False
        self._taken = 0
        self._may_write = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None  # kept, so that it is not collected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to write when asked."""
        self._transport = cast(asyncio.Transport, transport)  # of a TCP server
        self._may_write.set()

    def pause_writing(self) -> None:
        """The client is slower."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will be sent."""
        if self._sending is not None:
            self._sending.cancel()

    def data_received(self, data: bytes) -> None:
        """Take the head of a request, or a piece of an upload."""
        if self._left or self._is_chunked:
            self._take_body(data)
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            head, _, rest = self._head.partition(b"\r\n\r\n")
            self._head = b""
            self._answer(head.lower(), rest)

    def _answer(self, head: bytes, rest: bytes) -> None:
        if head.startswith(b"get /small"):
            self._transport.write(_JSON)
        elif head.startswith(b"get /down/"):
            self._sending = asyncio.create_task(self._send(int(head.split(b" ", 2)[1].rpartition(b"/")[2])))
        else:
            self._taken = 0
            self._is_chunked = b"\r\ntransfer-encoding: chunked" in head
            self._left = 0 if self._is_chunked else _read_length(head)
            self._take_body(rest)

    def _take_body(self, data: bytes) -> None:
        before, self._taken = self._taken, self._taken + len(data)
        if before < 2**20 <= self._taken:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(PAUSE, self._transport.resume_reading)
        self._left = max(0, self._left - len(data))
        if self._is_chunked and not data.endswith(b"\r\n0\r\n\r\n"):
            return
        if not self._left:
            self._is_chunked = False
            self._transport.write(_JSON)

    async def _send(self, size: int) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while size > 0:
            await self._may_write.wait()
            self._transport.write(_PIECE[:size])
            size -= len(_PIECE)


def _read_length(head: bytes) -> int:
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


async def _echo(request: web.Request) -> web.StreamResponse:
    if request.path == "/small":
        return web.Response(body=BODY, content_type="application/json")
    connection = web.WebSocketResponse(compress=False)
    await connection.prepare(request)
    async for message in connection:
        if message.type is WSMsgType.BINARY:
            await connection.send_bytes(message.data)
    return connection


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, HOST, 0, backlog=512)
    app = web.Application()
    app.router.add_get("/{tail:.*}", _echo)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=_LIFETIME)
    await runner.setup()
    listener = socket.create_server((HOST, 0))
    await web.SockSite(runner, listener).start()
    print(server.sockets[0].getsockname()[1], listener.getsockname()[1], flush=True)
    await asyncio.sleep(_LIFETIME)


if __name__ == "__main__":
    asyncio.run(_serve())
