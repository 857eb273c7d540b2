"""One request, sent to one target, and the head of its answer.

Rules kept here:
- The body is sent while the answer is awaited, and goes on while that is passed back: an early 413 arrives at once
  (RFC 9112, section 9.5), and both may be streams.
- With `Expect: 100-continue` the target decides whether the client sends its body at all (RFC 9110, section 10.1.1);
  one that says nothing is taken for one that does not know of it.
- Interim answers are not passed on; a `101` that nobody has asked for is no answer.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import StreamReader, hdrs
from aiohttp.http_parser import RawResponseMessage

from .bodies import Body
from .connection import Connection, Connector
from .failures import (
    BadResponseError,
    ClientGoneError,
    ClientSilentError,
    DisconnectedError,
    ResponseTimeoutError,
)
from .upload import Upload, UploadEnd

__all__ = ("Answer", "Attempt", "Waits")

Invite = Callable[[], None]


@dataclass(frozen=True)
class Waits:
    """For how many seconds an upstream is waited for.

    Args:
        connect: for a connection.
        response: from the end of the request to the head of its answer.
        idle: in which nothing moves in a body.
        expect: for `100 Continue`.
    """

    connect: float
    response: float
    idle: float
    expect: float


_MOST_INTERIM = 100
# aiohttp lets them pass in responses, and refuses to write them
_CONTROLS = re.compile(r"[\0-\x08\n-\x1f\x7f]")


class Answer:
    """The head of an answer, and what is behind it.

    Args:
        message: the head.
        content: the body.
        seconds: that the target has taken for it, since it had all of the request.
        attempt: which it answers.
    """

    def __init__(self, message: RawResponseMessage, content: StreamReader, seconds: float, attempt: Attempt) -> None:
        self.message: RawResponseMessage = message
        self.seconds: float = seconds
        self.content: StreamReader = content
        self.tap: Callable[[bytes], None] | None = None
        """Shown each piece of the body that is read to be passed on."""
        self._attempt = attempt

    def take_whole(self) -> bytes | None:
        """Take all of the body at once, if it is here already; `None` if it is not, or not all right."""
        content: Any = self.content
        if not content.is_eof() or content.exception() is not None:
            return None
        pieces: Any = getattr(content, "_buffer", ())  # there is none where there can be no body
        if len(pieces) != 1 or content._protocol._reading_paused:
            return self.content.read_nowait(-1)  # which has aiohttp look whether there is more, and read on
        content._size = 0
        piece: bytes = pieces.popleft()
        return piece

    @property
    def is_asked_in_full(self) -> bool:
        """Whether all of the request was sent, so that only the answer is left."""
        return self._attempt.is_whole

    def finish(self) -> None:
        """All of it was read: the connection may carry another request."""
        self._attempt.finish()

    def abandon(self) -> None:
        """Nobody wants the rest of it."""
        self._attempt.end(ClientGoneError())

    @property
    def protocol(self) -> Any:
        """What aiohttp has put on the connection.

        Raises:
            ClientGoneError: that has ended.
        """
        return self._attempt.protocol

    def close_softly(self) -> None:
        """Close the connection when all that was written is sent."""
        self._attempt.close_softly()


class Attempt:
    """One request to one target.

    Args:
        body: what follows its head.
        waits: how long for what.
        invite: asks the client for its body, which expects that; `None`: it sends it anyway.
        may_switch: whether it asks for another protocol, so that the answer may be a 101.
    """

    def __init__(self, body: Body, waits: Waits, invite: Invite | None = None, *, may_switch: bool = False) -> None:
        self._body = body
        self._waits = waits
        self._invite = invite
        self._may_switch = may_switch
        self._connection: Connection | None = None
        self._upload: Upload | None = None
        self._content: StreamReader | None = None
        self._why: BaseException | None = None  # it was ended from here
        self._count = 0
        self.connect_seconds: float = 0.0
        """Until there was a connection."""

    @property
    def sent(self) -> int:
        """Bytes of the body that were sent, with what frames them if it was sent in one piece."""
        return self._count if self._upload is None else self._upload.count

    async def send(self, connector: Connector, head: bytes, method: str) -> Answer:
        """Send the request, and return its answer as soon as its head is there.

        Raises:
            UpstreamError: there is none.
            ClientGoneError: nobody waits for it.
            ClientSilentError: the client did not send all of its body.
        """
        try:
            connection = await self._connect(connector)
            connection.expect_response(method)
            message, content = await self._ask(connection, head)
        except BaseException as error:
            if isinstance(error, DisconnectedError) and self._upload is not None and not self.is_whole:
                error.is_of_target = False  # it may have been tired of waiting for the client
            why = self._why  # it was ended from here, which is why it has failed
            self.end(error)
            if why is None or why is error or isinstance(error, asyncio.CancelledError):
                raise
            raise why from error
        seconds = connection.stop_deadline()
        self._content = content
        if self._upload is not None:
            self._upload.is_bounded = False
        if not content.is_eof():
            headers = message.headers
            is_to_end = hdrs.CONTENT_LENGTH not in headers and hdrs.TRANSFER_ENCODING not in headers
            connection.guard(content, is_to_end=is_to_end)
            connection.bound_silence(self._waits.idle)
        return Answer(message, content, seconds, self)

    def finish(self) -> None:
        """Give the connection back, unless its target has not read all that it was to be sent."""
        if not self.is_whole:
            self.end(ClientGoneError())
        elif self._connection is not None:
            self._connection.release()
            self._connection = None

    def end(self, why: BaseException) -> None:
        """End it where it stands; who waits for its answer, or for more of that, gets an error."""
        if self._why is None:
            self._why = why
        if self._upload is not None:
            self._upload.stop()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._content is not None and not self._content.is_eof():
            self._content.set_exception(why)

    @property
    def protocol(self) -> Any:
        """See `Answer.protocol`."""
        if self._connection is None:
            raise ClientGoneError
        return self._connection.protocol

    def close_softly(self) -> None:
        """See `Answer.close_softly()`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close_softly()

    @property
    def is_whole(self) -> bool:
        """Whether the target was sent all that the head has promised."""
        if self._upload is None:
            return self._invite is None
        return self._upload.end is UploadEnd.WHOLE

    def _is_ended(self) -> bool:
        return self._why is not None

    async def _connect(self, connector: Connector) -> Connection:
        began = time.monotonic()
        self._connection = connection = await connector.open(self._is_ended)
        self.connect_seconds = time.monotonic() - began
        if self._why is not None:  # the client has gone in the meantime
            raise self._why
        return connection

    async def _ask(self, connection: Connection, head: bytes) -> tuple[RawResponseMessage, StreamReader]:
        if self._invite is not None:
            connection.transport.write(head)
            early = await self._await_invitation(connection)
            if early is not None:
                return early
            self._invite()
        else:
            whole = self._body.read_whole()
            if whole is not None:
                connection.transport.write(head + whole)
                self._count = len(whole)
                connection.start_deadline(self._waits.response)
                return await self._read_final_head(connection)
            connection.transport.write(head)
        self._upload = Upload(connection, self._body, self._waits.idle)
        self._upload.task.add_done_callback(self._look_at_upload)
        return await self._read_final_head(connection)

    async def _await_invitation(self, connection: Connection) -> tuple[RawResponseMessage, StreamReader] | None:
        """Return the final answer, if it comes before the body is asked for."""
        try:
            found = await asyncio.wait_for(connection.read_head(), self._waits.expect)
        except asyncio.TimeoutError:
            return None
        return found if self._is_final(found[0]) else None

    def _look_at_upload(self, _: asyncio.Task[None]) -> None:
        upload, connection = self._upload, self._connection
        if upload is None or connection is None:
            return
        if upload.end in (UploadEnd.WHOLE, UploadEnd.REFUSED):
            if self._content is None:
                connection.start_deadline(self._waits.response)
        elif upload.end is UploadEnd.STALLED:
            self.end(ClientSilentError())
        elif upload.end is UploadEnd.STUCK:
            self.end(ResponseTimeoutError("the target has stopped to read the body"))
        else:
            self.end(upload.error or ClientGoneError())

    async def _read_final_head(self, connection: Connection) -> tuple[RawResponseMessage, StreamReader]:
        for _ in range(_MOST_INTERIM):
            message, content = await connection.read_head()
            if self._is_final(message):
                return message, content
        raise BadResponseError("the target has announced an answer too often")

    def _is_final(self, message: RawResponseMessage) -> bool:
        """Whether this is the answer; an interim one announces it.

        Raises:
            BadResponseError: it could be read in two ways.
        """
        if message.code < 100 or message.version.major != 1:
            raise BadResponseError("the target has answered with what is no HTTP/1")
        if message.code == 101 and self._may_switch:
            return True
        if 100 <= message.code < 200 and message.code != 101:
            return False
        if not _is_writable(message):
            raise BadResponseError("the target has answered with a field that no other parser would read like ours")
        coding = message.headers.getall(hdrs.TRANSFER_ENCODING, ())
        if message.code == 101 or (coding and [one.strip(" \t").lower() for one in coding] != ["chunked"]):
            raise BadResponseError(f"the target has answered {message.code} in a way that was not asked for")
        return True


def _is_writable(message: RawResponseMessage) -> bool:
    """Whether no name has a blank behind it (RFC 9112, section 5.1), and there are no control characters."""
    names = "".join(message.headers)
    if " " in names or "\t" in names:
        return False
    text = "".join([names, message.reason, *message.headers.values()])
    return text.isprintable() or not _CONTROLS.search(text)
