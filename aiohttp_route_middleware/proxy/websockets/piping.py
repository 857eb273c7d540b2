"""Bytes from one connection to another, as they come.

Rules kept here:
- Who does not read is not sent more than the buffers hold; the other side is not read for as long. Since nobody would
  see it go meanwhile, who takes nothing for too long is cut off.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

__all__ = ("Pipe", "Source", "drain")

_NO_FLOW_CONTROL = (AttributeError, NotImplementedError, RuntimeError)  # of a transport that is closed, or has none


class Source:
    """One connection, of which something else than HTTP is read: what aiohttp takes for a parser.

    Args:
        protocol: what aiohttp has put on it.

    Attributes:
        ended: whether nothing more comes.
    """

    def __init__(self, protocol: Any) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._protocol = protocol
        self._transport = protocol.transport
        if self._transport is None:  # it has gone already; aiohttp has kept what it has sent
            self.feed_eof()

    def feed_eof(self) -> None:
        """Note the end; called by aiohttp."""
        if not self.ended.done():
            self.ended.set_result(None)

    def end(self) -> None:
        """Tell it that nothing more comes, when all that was written is sent."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
        else:  # TLS
            transport.close()

    def is_stuck(self) -> bool:
        """Whether it does not take what is written to it."""
        return bool(self._protocol._paused)

    def abort(self) -> None:
        """Drop what was written to it, and close it."""
        if self._transport is not None:
            self._transport.abort()


async def drain(protocol: Any, transport: asyncio.Transport, patience: float) -> None:
    """Wait until a connection has taken what was written to it, or has ended; cut it off if that takes too long.

    Args:
        protocol: what aiohttp has put on it.
        transport: its own.
        patience: seconds.
    """
    try:
        await asyncio.wait_for(protocol._drain_helper(), patience)
    except asyncio.TimeoutError:
        transport.abort()
    except ConnectionError:
        pass  # whoever reads from it finds out


class Pipe(Source):
    """One direction.

    Args:
        source: the protocol of one connection.
        sink: that of the other.
        patience: seconds in which the sink may take nothing.

    Attributes:
        count: bytes so far.
    """

    def __init__(self, source: Any, sink: Any, patience: float) -> None:
        super().__init__(source)
        self.count: int = 0
        self._sink_protocol = sink
        self._sink = sink.transport
        self._patience = patience
        self._waiting: asyncio.Task[None] | None = None

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Pass on what has come; called by aiohttp."""
        sink = self._sink
        if data and sink is not None and not sink.is_closing():
            self.count += len(data)
            sink.write(data)
            if self._sink_protocol._paused and self._transport is not None:
                self._hold()
        return False, b""

    def stop(self) -> None:
        """Wait for nobody any more."""
        if self._waiting is not None:
            self._waiting.cancel()

    def _hold(self) -> None:
        """Read no more; said again for each piece, for aiohttp reads on when it has handed over what it has kept."""
        with suppress(*_NO_FLOW_CONTROL):
            self._transport.pause_reading()
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_task(self._resume())

    async def _resume(self) -> None:
        """Read on when the sink has room again, or has gone: the end of the source would not be seen else."""
        try:
            await drain(self._sink_protocol, self._sink, self._patience)
            with suppress(*_NO_FLOW_CONTROL):
                self._transport.resume_reading()
        finally:
            self._waiting = None
