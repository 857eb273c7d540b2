"""Raw sockets on both sides of a proxy: exact bytes go out, and what comes in is kept as it came.

A test is the upstream itself: `wire = await between.upstream.accept()`, `await wire.read_request()`, `await
wire.send(b"HTTP/1.1 200 OK\r\n...")`, and so it controls what happens before what. Or the upstream answers each
request with the same bytes: `between.upstream.answer = OK`; then `between.upstream.requests` tells what has arrived.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from aiohttp_route_middleware.proxy import Hook, Upstream, proxy

__all__ = (
    "BOUND",
    "HEAD_OK",
    "OK",
    "Between",
    "CutOffError",
    "Message",
    "RawUpstream",
    "Wire",
    "between_raw_sockets",
    "bounded",
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD_OK = OK[:-2]
BOUND = 20.0  # seconds, after which a test has failed that would wait for ever
_T = TypeVar("_T")
_NO_WAIT = struct.pack("ii", 1, 0)  # what was not sent is dropped
_PIECE = 2**16  # bytes


async def bounded(awaitable: Awaitable[_T]) -> _T:
    """Wait for what must happen; fail in place of waiting for ever."""
    return await asyncio.wait_for(awaitable, BOUND)


class CutOffError(Exception):
    """The connection has ended before the message; `got` is what has come of it."""

    def __init__(self, got: bytes) -> None:
        super().__init__(got)
        self.got: bytes = got


class Message:
    """A request or a response.

    Args:
        head: its bytes, with the empty line.
        framed: its body as it came, chunks and all.
        body: its body, with the framing undone.
    """

    def __init__(self, head: bytes, framed: bytes = b"", body: bytes = b"") -> None:
        self.head: bytes = head
        self.framed: bytes = framed
        self.body: bytes = body
        self.line, *lines = head[:-4].split(b"\r\n")
        pairs = [line.partition(b":") for line in lines]
        self.fields: list[tuple[bytes, bytes]] = [(name, value.strip(b" \t")) for name, _, value in pairs]

    @property
    def raw(self) -> bytes:
        """All of its bytes."""
        return self.head + self.framed

    @property
    def status(self) -> int:
        """The status of a response."""
        return int(self.line.split(b" ", 2)[1])

    def values(self, name: str) -> list[bytes]:
        """The values of all fields with this name, in their order."""
        return [value for one, value in self.fields if one.lower() == name.lower().encode()]


class Wire:
    """One end of a connection.

    Attributes:
        received: all bytes that have come.
        is_reset: whether the connection has ended with a reset.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.received: bytes = b""
        self.is_reset: bool = False
        self._reader = reader
        self._writer = writer
        self._taken = 0  # of what was received

    async def send(self, *pieces: bytes) -> None:
        """Send these bytes, each piece on its own."""
        for piece in pieces:
            self._writer.write(piece)
            await bounded(self._writer.drain())

    def end(self) -> None:
        """Send nothing more, and read on; nothing, if the other side has closed already."""
        with suppress(OSError):
            self._writer.write_eof()

    def close(self) -> None:
        """Close the connection when all was sent."""
        self._writer.close()

    def abort(self) -> None:
        """Reset the connection."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_WAIT)
        self._writer.transport.abort()

    async def finish(self) -> None:
        """Close the connection at once, and wait until it is closed."""
        self._writer.transport.abort()
        with suppress(OSError):
            await bounded(self._writer.wait_closed())

    async def read_request(self) -> Message:
        """Read one request.

        Raises:
            CutOffError: the connection has ended before.
        """
        message = await self.read_head()
        return await self.read_body(message)

    async def read_response(self, method: str = "GET") -> Message:
        """Read one response, also an interim one.

        Args:
            method: of its request.

        Raises:
            CutOffError: the connection has ended before.
        """
        message = await self.read_head()
        if method == "HEAD" or message.status < 200 or message.status in {204, 304}:
            return message
        return await self.read_body(message, to_end=True)

    async def read_head(self) -> Message:
        """Read a head, and leave the body."""
        return Message(await self.read_until(b"\r\n\r\n"))

    async def read_body(self, message: Message, *, to_end: bool = False) -> Message:
        """Read what follows a head.

        Args:
            message: the head.
            to_end: whether a body without framing goes to the end of the connection; else there is none.
        """
        lengths = message.values("Content-Length")
        if message.values("Transfer-Encoding"):
            return await self._read_chunks(message.head)
        if lengths:
            body = await self.read_exactly(int(lengths[0]))
        else:
            body = await self.read_rest() if to_end else b""
        return Message(message.head, body, body)

    async def read_exactly(self, count: int) -> bytes:
        """Read so many bytes."""
        while len(self.received) - self._taken < count:
            await self._receive()
        return self._take(count)

    async def read_until(self, mark: bytes) -> bytes:
        """Read to the end of these bytes."""
        while (at := self.received.find(mark, self._taken)) < 0:
            await self._receive()
        return self._take(at + len(mark) - self._taken)

    async def read_rest(self) -> bytes:
        """Read until the connection ends, in whatever way."""
        with suppress(CutOffError):
            while True:
                await self._receive()
        return self._take(len(self.received) - self._taken)

    async def _read_chunks(self, head: bytes) -> Message:
        began, body, size = self._taken, b"", -1
        while size:
            size = int((await self.read_until(b"\r\n")).partition(b";")[0], 16)
            if size:
                body += (await self.read_exactly(size + 2))[:-2]
        while await self.read_until(b"\r\n") != b"\r\n":  # trailers
            pass
        return Message(head, self.received[began : self._taken], body)

    async def _receive(self) -> None:
        try:
            piece = await bounded(self._reader.read(_PIECE))
        except ConnectionError:
            self.is_reset, piece = True, b""
        if not piece:
            raise CutOffError(self.received[self._taken :])
        self.received += piece

    def _take(self, count: int) -> bytes:
        began, self._taken = self._taken, self._taken + count
        return self.received[began : self._taken]


Answer = Callable[[Wire, Message], Awaitable[None]]


class RawUpstream:
    """A server that does what a test tells it.

    Attributes:
        answer: what is sent to each request, or a function that sends it; `None`: the test takes connections itself,
            with `accept()`.
        greeting: what each connection begins with, asked or not.
        requests: all that have arrived, if they were not read by the test.
        wires: all connections, in their order.
    """

    def __init__(self) -> None:
        self.answer: bytes | Answer | None = None
        self.greeting: bytes = b""
        self.requests: list[Message] = []
        self.wires: list[Wire] = []
        self._waiting: asyncio.Queue[Wire] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self.port: int = 0

    @property
    def received(self) -> bytes:
        """All bytes that have come, of all connections in their order."""
        return b"".join(wire.received for wire in self.wires)

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._welcome, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close the connections, and listen no more."""
        for wire in self.wires:
            await wire.finish()
        if self._server is not None:
            self._server.close()

    async def accept(self) -> Wire:
        """Return the next connection."""
        return await bounded(self._waiting.get())

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        self.wires.append(wire)
        await wire.send(self.greeting)
        if self.answer is None:
            self._waiting.put_nowait(wire)
            return
        with suppress(CutOffError, asyncio.TimeoutError, ConnectionError):
            while True:
                request = await wire.read_request()
                self.requests.append(request)
                if isinstance(self.answer, bytes):
                    await wire.send(self.answer)
                else:
                    await self.answer(wire, request)
        wire.close()


class Server(TestServer):
    """A server with the options that servers have, not those of tests: a lost client cancels no handler."""

    async def _make_runner(self, **options: Any) -> web.AppRunner:
        return web.AppRunner(self.app, **{**options, **self._options})

    async def start_server(self, loop: asyncio.AbstractEventLoop | None = None, **options: Any) -> None:
        """Listen; called once."""
        self._options = {"handler_cancellation": False, **options}
        await super().start_server(loop)


class Between:
    """A raw upstream, and a server of aiohttp in front of it, which raw clients connect to.

    Attributes:
        upstream: the raw one.
        server: that of aiohttp, after `serve()`.
    """

    def __init__(self) -> None:
        self.upstream: RawUpstream = RawUpstream()
        self.server: Server | None = None
        self._clients: list[Wire] = []

    @property
    def url(self) -> str:
        """Of the raw upstream."""
        return f"http://127.0.0.1:{self.upstream.port}"

    async def serve(
        self,
        *hooks: Hook,
        links: Callable[[Handler], Handler] | None = None,
        prepare: Callable[[web.Application], object] | None = None,
        url: str | None = None,
        to: dict[str, Any] | None = None,
        server: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Start the proxy, for all methods and paths.

        Args:
            hooks: of `proxy()`.
            links: puts something around the endpoint.
            prepare: called with the application before it starts.
            url: of the target; by default the raw upstream.
            to: options of `Upstream()`.
            server: options of the server.
            options: other ones of `proxy()`.
        """
        upstream = Upstream(url or self.url, **(to or {}))
        endpoint = proxy(upstream, *hooks, **options)
        app = web.Application()
        upstream.run_with(app)
        if prepare is not None:
            prepare(app)
        app.router.add_route("*", "/{tail:.*}", endpoint if links is None else links(endpoint))
        self.server = Server(app)
        await self.server.start_server(**(server or {}))

    async def connect(self, port: int | None = None) -> Wire:
        """Connect to the proxy, or to the raw upstream if there is none, or to another port."""
        if port is None:
            port = self.upstream.port if self.server is None else self.server.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        wire = Wire(reader, writer)
        self._clients.append(wire)
        return wire

    async def send(self, *pieces: bytes) -> Wire:
        """Connect, and send these bytes."""
        wire = await self.connect()
        await wire.send(*pieces)
        return wire

    async def ask(self, raw: bytes, answer: bytes | None = None) -> tuple[Message, Message]:
        """Send one request over new connections, have it answered, and return what has arrived on both sides.

        Args:
            raw: the request.
            answer: the answer; by default it has a body, if it may.
        """
        method = raw.partition(b" ")[0].decode()
        client = await self.send(raw)
        target = await self.upstream.accept()
        request = await target.read_request()
        await target.send(answer or (HEAD_OK if method == "HEAD" else OK))
        return request, await client.read_response(method)

    async def close(self) -> None:
        """Close all connections, and then the servers."""
        for wire in self._clients:
            await wire.finish()
        await self.upstream.close()
        if self.server is not None:
            await self.server.close()


@asynccontextmanager
async def between_raw_sockets() -> AsyncIterator[Between]:
    """Open a raw upstream, and close all that is there at the end; the proxy starts with `serve()`."""
    between = Between()
    await between.upstream.open()
    try:
        yield between
    finally:
        await between.close()
