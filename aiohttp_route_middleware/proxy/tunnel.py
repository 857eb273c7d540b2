"""A WebSocket through the proxy: bytes from one connection to the other, both ways, as they come.

So close codes, pings, fragments and extensions are those of client and target (RFC 6455); nobody in between has read
them. The target has agreed before the client is told so.

Rules kept here: who does not read is not sent more than the buffers hold; when one side ends, what it has sent before
still reaches the other, which is ended then.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

from aiohttp import hdrs, web

from .message.fields import drop_connection_fields
from .response import End, ReceivedResponse
from .wire.attempt import Answer
from .wire.failures import ClientGoneError

__all__ = ("SWITCHED", "SWITCHING", "TunnelResponse")

SWITCHED = 101
SWITCHING = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
"""What asks for a WebSocket (RFC 6455, section 4.1)."""


class TunnelResponse(ReceivedResponse):
    """The handshake of a target; when it is sent, the connection is a tunnel.

    Args:
        answer: of the target, with status 101.
        end: called once, when the tunnel has ended: with the bytes that came from the target, and what has gone wrong.
    """

    _length_check = False
    _send_headers_immediately = True

    def __init__(self, answer: Answer, end: End) -> None:
        message = answer.message
        super().__init__(status=message.code, reason=message.reason, headers=message.headers)
        drop_connection_fields(self._headers)
        self._headers[hdrs.CONNECTION] = "Upgrade"
        self._headers[hdrs.UPGRADE] = "websocket"
        self._answer: Answer | None = answer
        self._end = end
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, request: web.Request) -> None:
        """Send the handshake, and pass bytes on until one side ends.

        Args:
            request: the handshake of the client.
        """
        answer, self._answer = self._answer, None
        if answer is None:
            raise RuntimeError("a tunnel is used once")
        self.force_close()  # nothing else is read from this connection
        down: _Pipe | None = None
        try:
            await self.prepare(request)
            client, target = cast(Any, request.protocol), answer.protocol
            down, up = _Pipe(target, client, self._over), _Pipe(client, target, self._over)
            target.set_parser(down, None)
            client.set_parser(up)
            await self._over
        finally:
            answer.close()
            self._end(down.count if down else 0, None if self._over.done() else ClientGoneError())

    def stop(self) -> None:
        """End the tunnel: the server stops."""
        if not self._over.done():
            self._over.set_result(None)

    def abandon(self) -> None:
        """Let go of the answer: another response is sent."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.abandon()
            self._end(0, ClientGoneError())

    async def write_eof(self, data: bytes = b"") -> None:
        """End a message that has no body; called by aiohttp."""
        self._eof_sent = True
        self._req = None
        self._payload_writer = None


class _Pipe:
    """One direction: what aiohttp takes for a parser of what comes from the source.

    Args:
        source: the protocol of one connection.
        sink: that of the other.
        over: told when the source has ended.

    Attributes:
        count: bytes so far.
    """

    def __init__(self, source: Any, sink: Any, over: asyncio.Future[None]) -> None:
        self.count: int = 0
        self._source = source.transport
        self._sink_protocol = sink
        self._sink = sink.transport
        self._over = over
        self._waiting: asyncio.Task[None] | None = None
        if self._source is None or self._sink is None:  # one of them has gone already
            self.feed_eof()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Pass on what has come; called by aiohttp."""
        if data and self._sink is not None:
            self.count += len(data)
            self._sink.write(data)
            if self._sink_protocol._paused and self._waiting is None:
                self._source.pause_reading()
                self._waiting = asyncio.get_running_loop().create_task(self._resume())
        return False, b""

    def feed_eof(self) -> None:
        """Note the end of the source; called by aiohttp."""
        if not self._over.done():
            self._over.set_result(None)

    async def _resume(self) -> None:
        """Read on when the sink has room again."""
        try:
            await self._sink_protocol._drain_helper()
        except ConnectionError:
            self.feed_eof()
        else:
            with suppress(RuntimeError):  # uvloop's word for a source that has gone
                self._source.resume_reading()
        finally:
            self._waiting = None
