"""Copies of what passes: the body of a request on its way to a target, and the answer on its way back.

Rules kept here: who is copied does not wait, and is told of nothing; of a long body a bounded part is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import NamedTuple

from multidict import CIMultiDictProxy

from ..wire.attempt import Answer
from ..wire.bodies import Body

__all__ = ("AnswerCopy", "CopiedBody", "KeptBytes", "OriginalAnswer")


class AnswerCopy(NamedTuple):
    """What a target has answered.

    Args:
        status: of the answer.
        headers: as the target has sent them.
        body: as the target has encoded it, up to `max_body` bytes.
        is_whole: whether this is all of the body.
    """

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    is_whole: bool


class KeptBytes:
    """Bytes, up to a bound.

    Args:
        limit: so many.

    Attributes:
        is_too_much: whether there were more.
    """

    def __init__(self, limit: int) -> None:
        self.is_too_much: bool = False
        self._room = limit
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """Keep a piece, or what there is room for."""
        self.is_too_much = self.is_too_much or len(piece) > self._room
        if self._room:
            self._pieces.append(piece[: self._room])
            self._room = max(0, self._room - len(piece))

    def join(self) -> bytes:
        """Return all that was kept."""
        return b"".join(self._pieces)


class CopiedBody:
    """The body of the original, of which a copy is kept as it passes.

    Args:
        body: of the original.
        limit: bytes that are kept.
        take: gets the copy when all has passed: the field that frames it, and the bytes; `None` for these if there
            were more.
    """

    def __init__(self, body: Body, limit: int, take: Callable[[str, bytes | None], None]) -> None:
        self._body = body
        self._limit = limit
        self._take = take

    @property
    def framing(self) -> str:
        """That of the original."""
        return self._body.framing

    @property
    def is_consumed(self) -> bool:
        """Whether that of the original is."""
        return self._body.is_consumed

    def read_whole(self) -> bytes | None:
        """Return what the original does."""
        whole = self._body.read_whole()
        if whole is not None:
            self._take(self._body.framing, whole if len(whole) <= self._limit else None)
        return whole

    async def read_pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield what the original does."""
        kept = KeptBytes(self._limit)
        async with aclosing(self._body.read_pieces()) as pieces:
            async for piece in pieces:
                kept.add(piece)
                yield piece
        whole = kept.join()
        self._take(f"Content-Length: {len(whole)}\r\n", None if kept.is_too_much else whole)


class OriginalAnswer:
    """What the original was answered, as far as it has passed.

    Args:
        limit: bytes of the body that are kept.

    Attributes:
        copy: what is known of it at its end; `None` if it has come to none.
    """

    def __init__(self, limit: int) -> None:
        self.copy: asyncio.Future[AnswerCopy | None] = asyncio.get_running_loop().create_future()
        self._kept = KeptBytes(limit)
        self._answer: Answer | None = None

    def watch(self, answer: Answer) -> None:
        """Keep the pieces of its body as they are read."""
        self._answer = answer
        answer.tap = self._kept.add

    def end(self, error: BaseException | None) -> None:
        """Note that it has ended."""
        answer, self._answer = self._answer, None
        if self.copy.done():  # the mirror has not waited
            return
        if answer is None or error is not None:
            self.copy.set_result(None)
            return
        is_whole = answer.content.at_eof() and not self._kept.is_too_much
        message = answer.message
        self.copy.set_result(AnswerCopy(message.code, message.headers, self._kept.join(), is_whole))
