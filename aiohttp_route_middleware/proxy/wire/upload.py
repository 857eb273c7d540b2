"""A body on its way to a target, while its answer may be on its way back.

Rules kept here: what the client has not sent to its end never reaches the target as complete: the connection is cut
off instead; a target that does not read any more is not a failure, it may be answering; a target or a client that
stands still is not waited for forever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from enum import Enum

from aiohttp.http import StreamWriter

from .bodies import Body
from .connection import Connection

__all__ = ("Upload", "UploadEnd")


class UploadEnd(Enum):
    """How an upload has ended."""

    WHOLE = "all of it was sent"
    REFUSED = "the target does not read it any more"
    BROKEN = "the client has not sent it to its end"
    STALLED = "nothing has come from the client for too long"
    STUCK = "the target has read nothing for too long"


class Upload:
    """The body of one request, sent by a task of its own.

    Args:
        connection: where it goes to; its head is sent already.
        body: what is sent.
        seconds: for which nothing may move.

    Attributes:
        count: bytes of the content so far.
        end: `None` while it goes on.
        error: what the client's side or the hook has raised, if it is broken.
        is_bounded: whether it may not stand still; with an answer on its way it may.
    """

    def __init__(self, connection: Connection, body: Body, seconds: float) -> None:
        self.count: int = 0
        self.end: UploadEnd | None = None
        self.error: Exception | None = None
        self.is_bounded: bool = True
        self._connection = connection
        self._body = body
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._moved = self._loop.time()
        self._is_writing = False
        self._timer = self._loop.call_later(seconds, self._look_for_movement)
        self.task: asyncio.Task[None] = self._loop.create_task(self._run())

    def stop(self) -> None:
        """Send no more."""
        self._timer.cancel()
        self.task.cancel()

    async def _run(self) -> None:
        try:
            self.end = await self._send()
        except asyncio.CancelledError:
            if self.end is None:  # it was stopped: nobody asks any more
                raise
        except Exception as error:
            self.end, self.error = UploadEnd.BROKEN, error
        finally:
            self._timer.cancel()

    async def _send(self) -> UploadEnd:
        writer = StreamWriter(self._connection.protocol, self._loop)
        if self._body.framing.startswith("Transfer-Encoding"):
            writer.enable_chunking()
        async with aclosing(self._body.read_pieces()) as pieces:
            async for piece in pieces:
                if not await self._write(writer.write(piece)):
                    return UploadEnd.REFUSED
                self.count += len(piece)
        return UploadEnd.WHOLE if await self._write(writer.write_eof()) else UploadEnd.REFUSED

    async def _write(self, writing: Awaitable[None]) -> bool:
        self._moved, self._is_writing = self._loop.time(), True
        try:
            await writing
        except ConnectionError:
            return False
        self._moved, self._is_writing = self._loop.time(), False
        return True

    def _look_for_movement(self) -> None:
        left = self._moved + self._seconds - self._loop.time()
        if left > 0 or not self.is_bounded:
            self._timer = self._loop.call_later(left if left > 0 else self._seconds, self._look_for_movement)
            return
        self.end = UploadEnd.STUCK if self._is_writing else UploadEnd.STALLED
        self.task.cancel()
