"""A request to a WSGI application: a loop, which sends, and a thread, which must never wait for what is over.

Rules kept here (PEP 3333, "The start_response() Callable"): status and headers are held until the first piece that is
not empty, or the end; until then `exc_info` replaces them, after that it is raised; a second call without it is an
error. What would end the server, such as `sys.exit()`, ends the request.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..asgi.messages import Message, Receive, Send

__all__ = ("Pieces", "Start", "Visit", "staying")

_END: Any = object()


@contextmanager
def staying() -> Generator[None]:
    """Turn what would end the server into an error."""
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"the WSGI application has raised {type(error).__name__}") from error


class Visit:
    """What goes back and forth; `error` ends it."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.error: BaseException | None = None
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """Return the next message, if the client is still there."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the body has not come to its end")
        return message

    async def send(self, message: Message) -> None:
        """Take the next message, or forget it, if it is over."""
        if self.error is not None:
            return
        try:
            await self._send(message)
        except Exception as error:
            self.error = error


class Start:
    """The `start_response()` of one request."""

    def __init__(self, start_response: Callable[..., Any]) -> None:
        self._start_response = start_response
        self._head: tuple[Any, Any] | None = None
        self._write: Callable[[bytes], object] | None = None  # once the head is sent

    def __call__(self, status: Any, headers: Any, exc_info: Any = None) -> Callable[[bytes], object]:
        """Keep status and headers."""
        if exc_info and self._write is not None:
            raise exc_info[1].with_traceback(exc_info[2])
        if not exc_info and self._head is not None:
            raise RuntimeError("start_response() was called again without exc_info")
        self._head = status, headers
        return self.write

    def write(self, piece: bytes) -> None:
        """Send a piece, as old applications do."""
        if piece:
            self.begin()(piece)

    def begin(self) -> Callable[[bytes], object]:
        """Send what was kept, once."""
        if self._write is not None:
            return self._write
        if self._head is None:
            raise RuntimeError("the WSGI application has not called start_response()")
        write: Callable[[bytes], object] = self._start_response(*self._head)
        self._write = write
        return write


class Pieces:
    """What an application yields, as long as somebody takes it."""

    def __init__(self, pieces: Iterable[bytes], visit: Visit, start: Start) -> None:
        self._pieces = pieces
        self._visit = visit
        self._start = start

    def __iter__(self) -> Iterator[bytes]:
        """Begin to take them."""
        with staying():
            self._iterator = iter(self._pieces)
        return self

    def __next__(self) -> bytes:
        """Return the next piece that is not empty."""
        while self._visit.error is None:
            with staying():
                piece = next(self._iterator, _END)
            if piece is _END:
                self._start.begin()
                break
            if piece:
                self._start.begin()
                return piece
        raise StopIteration

    def close(self) -> None:
        """Close them, as WSGI promises."""
        with staying():
            getattr(self._pieces, "close", lambda: None)()
