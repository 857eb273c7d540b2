"""A forwarder of bytes between two TCP connections that loses none, whatever order ends and errors come in.

Two things are easily lost, for asyncio and the kernel both throw away what was not read yet:
what a server has sent before it reset the connection, when writing to it fails first; and what was just sent to a
client, when its connection is closed while something from it was not read.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

__all__ = ("forward",)

_HOST = "127.0.0.1"


class _End(asyncio.Protocol):
    """One of both connections."""

    def __init__(self, target: int | None = None) -> None:
        self._target = target  # a port; None at the end that was opened to it
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self._has_ended = False  # nothing more comes from here
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # of a TCP connection
        if self._target is not None and self.transport is not None:
            self.transport.pause_reading()
            self._opening = asyncio.create_task(self._open(self._target))

    async def _open(self, target: int) -> None:
        loop = asyncio.get_running_loop()
        _, other = await loop.create_connection(_End, _HOST, target)
        self.other, other.other = other, self
        if self.transport is not None:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Pass on, or drop what cannot be sent any more; reading goes on, so that closing resets nothing."""
        if self.other and self.other.transport and not self.other.transport.is_closing():
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        self._end()
        return True  # the other direction goes on

    def connection_lost(self, error: Exception | None) -> None:
        """Pass on what has come before the error: the socket is closed only after this call."""
        if error is not None and self.transport is not None:
            with suppress(OSError):
                while data := os.read(self.transport.get_extra_info("socket").fileno(), 65536):
                    self.data_received(data)
        self._end()

    def _end(self) -> None:
        self._has_ended = True
        other = self.other
        if other is None or other.transport is None:
            return
        if other._has_ended:
            for end in (self, other):
                if end.transport is not None:
                    end.transport.close()
        elif not other.transport.is_closing():
            other.transport.write_eof()


@asynccontextmanager
async def forward(target: int) -> AsyncIterator[int]:
    """Forward to a port of this machine, until the block ends; yield the port to connect to."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _End(target), _HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
