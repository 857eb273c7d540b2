"""What fails behind an ASGI middleware, and what becomes of it in front.

| what has happened | what becomes of it |
| --- | --- |
| it failed in a task of the middleware, which tells of it by a group | the exception comes out, not the group |
| it failed in the middle of its response, which the middleware ends | the same, since a half would look whole |
| it failed, and something in front answers | who waits behind for the end of the response is told of that one |
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ...answer import blame
from ...errors import AnswerError
from .message_writer import MessageWriter
from .messages import Message, Send

__all__ = ("Failure", "check_answer")


class Failure:
    """What has failed behind, for one request."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self._half: int | None = None  # the status of a response that was begun, and not ended
        self._writer: MessageWriter | None = None

    def note(self, error: Exception, request: web.Request, writer: MessageWriter) -> None:
        """Remember what has failed, and have who waits behind told of the end in front.

        Args:
            error: what was raised.
            request: in front of the middleware.
            writer: of the request behind it.
        """
        self.error = error
        self._half = None if writer.is_ended else writer.status
        self._writer, writer.output_size = writer, 0
        _end_together(request.writer, writer)

    def find(self, error: Exception) -> Exception:
        """Return what has failed behind, if this is a group of nothing else; else what was raised."""
        found: Any = error
        while isinstance(members := getattr(found, "exceptions", None), tuple) and len(members) == 1:
            found = members[0]
        return error if self.error is None or found is not self.error else self.error

    def is_fault(self, error: Exception) -> bool:
        """Whether it is to be told even when the client has left, as that of any handler."""
        return error is self.error and not isinstance(error, OSError)

    def watch(self, send: Send) -> Send:
        """Return a `send()` that does not let half a response be ended."""
        status: int | None = None  # of the response that is sent; one of its own the middleware may end

        async def pass_on(message: Message) -> None:
            nonlocal status
            if status is None:
                status = message.get("status")
            elif self.error and status == self._half and not message.get("more_body"):
                raise self.error
            if self._writer is not None:
                self._writer.output_size += len(message.get("body", b""))
            await send(message)

        return pass_on


def _end_together(front: Any, behind: MessageWriter) -> None:
    end = front.write_eof

    async def write_eof(piece: bytes = b"") -> None:
        await end(piece)
        behind.is_muted = True
        await behind.write_eof(piece)

    front.write_eof = write_eof


def check_answer(response: object) -> None:
    """Refuse what is no response."""
    if not isinstance(response, web.StreamResponse):
        raise AnswerError(f"from_asgi(): what stands behind it {blame(response)}")
