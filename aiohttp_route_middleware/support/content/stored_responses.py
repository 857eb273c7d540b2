"""Responses that are kept: as bytes, back from bytes, and captured on their way out.

Rules kept here: what belongs to one connection is not kept (RFC 9111, section 3.1); a body that is too large, broken
off, or not of its announced length is none (section 3.3); what a store gives back may be garbage, of another version
or somebody else's: it is checked before anything of it is sent; a head that was checked is known again, byte for byte,
within bounds: the last 256, of 64 KiB at most.
"""

from __future__ import annotations

import functools
import json
import re
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, cast

from aiohttp import hdrs, web
from multidict import MultiMapping

from ...syntax import is_token
from ..body_filters import add_filter

__all__ = ("CapturedBody", "StoredResponse", "capture_body", "dump_response", "lasting_headers", "load_response")

CapturedBody: TypeAlias = Callable[["bytes | None"], Awaitable[None]]

_VERSION = b"arm-response-1\n"
_SIZE = struct.Struct(">I")
_MOST_HEAD = 65_536
_END_OF_TIME = 2**53  # seconds that a float tells apart; NaN is not below it
_NO_BODY = frozenset((204, 205, 304))
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110, section 5.5: a field value has none of these
# RFC 9110, section 7.6.1, and RFC 9111, section 3.1; how long the body is, is told again when it is sent
_OF_THE_CONNECTION = frozenset(
    (
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


@dataclass(slots=True, kw_only=True)  # a frozen one takes three times as long to make; nobody changes it all the same
class StoredResponse:
    """A response, as it can be sent again.

    Args:
        status: its status code.
        reason: its reason phrase, which may be empty.
        headers: its fields in order; one that was there twice is here twice.
        body: all of it.
        taken: when it was taken, in seconds since 1970; 0 if nobody needs to know.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    taken: float = 0.0

    def to_response(self) -> web.Response:
        """Make a response of it that can be sent."""
        body = None if self.status in _NO_BODY else self.body
        return web.Response(status=self.status, reason=self.reason, headers=self.headers, body=body)


def lasting_headers(headers: MultiMapping[str]) -> tuple[tuple[str, str], ...]:
    """Return the fields of a response that may be kept: all but those of its connection, and of its length."""
    named = {name.strip().lower() for value in headers.getall(hdrs.CONNECTION, ()) for name in value.split(",")}
    left_out = _OF_THE_CONNECTION | named
    return tuple((str(name), value) for name, value in headers.items() if name.lower() not in left_out)


def dump_response(response: StoredResponse) -> bytes | None:
    """Return a response as bytes; `None` if its headers are too large to be kept: 64 KiB as JSON."""
    described = (response.status, response.reason, response.headers, len(response.body), response.taken)
    head = json.dumps(described, separators=(",", ":")).encode()
    if len(head) > _MOST_HEAD:
        return None
    return b"".join((_VERSION, _SIZE.pack(len(head)), head, response.body))


def load_response(stored: bytes | None, *, limit: int | None = None) -> StoredResponse | None:
    """Return the response that was kept; `None` if this is nothing, garbage, of another version, or too large.

    Args:
        stored: what a store has given.
        limit: bytes that its body may have; default: any number.
    """
    if stored is None or not stored.startswith(_VERSION):
        return None
    start = len(_VERSION) + _SIZE.size
    if len(stored) < start:
        return None
    (size,) = _SIZE.unpack_from(stored, len(_VERSION))
    # bytes(): some stores give a bytearray, of which nothing can be remembered
    head = _read_head(bytes(stored[start : start + size])) if size <= _MOST_HEAD else None
    body = stored[start + size :]
    if head is None or head.size != len(body) or (limit is not None and len(body) > limit):
        return None
    return StoredResponse(status=head.status, reason=head.reason, headers=head.headers, body=body, taken=head.taken)


def capture_body(request: web.Request, response: web.StreamResponse, done: CapturedBody, *, limit: int) -> None:
    """Have a body be kept while it is sent; for what `on_response()` calls, before the headers are sent.

    Args:
        request: whose response it is.
        response: of any kind: returned, written by its handler, or a file; it may have no body.
        done: called once with the whole body before its end is sent; with `None` as soon as it is known that there
            will be none: it is too large, compressed by aiohttp as a stream, or not of the length that was announced.
            Not called if the client or the handler breaks off before, or an error takes the place of the response.
        limit: bytes that are kept at most.
    """
    add_filter(request, response, _Capture(done, limit, _find_announced(request, response)))


_UNKNOWN = -1  # no length was announced
_NEVER = -2  # no length is right


def _find_announced(request: web.Request, response: web.StreamResponse) -> int:
    if cast(Any, request.writer)._compress is not None:  # behind this: what comes by is not what is sent
        return _NEVER
    if request.method == hdrs.METH_HEAD or response.status in _NO_BODY:  # the length of a body that is not sent
        return _UNKNOWN
    length = response.headers.get(hdrs.CONTENT_LENGTH)
    if length is None:
        return _UNKNOWN
    return int(length) if length.isascii() and length.isdecimal() else _NEVER


class _Capture:
    """Keeps the pieces of one body, up to a limit."""

    def __init__(self, done: CapturedBody, limit: int, announced: int) -> None:
        self._done = done
        self._limit = limit
        self._announced = announced
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_over = False

    async def write(self, piece: bytes) -> bytes:
        if not self._is_over:
            self._size += len(piece)
            self._pieces.append(piece)
            if self._size > self._limit or self._announced == _NEVER:
                await self._tell(None)
            elif self._size == self._announced:  # with this piece a client has all of it, and may ask again
                await self._tell(b"".join(self._pieces))
        return piece

    async def end(self) -> bytes:
        if not self._is_over:
            is_whole = self._announced in (_UNKNOWN, self._size)
            await self._tell(b"".join(self._pieces) if is_whole else None)
        return b""

    async def _tell(self, body: bytes | None) -> None:
        self._is_over = True
        self._pieces.clear()
        await self._done(body)


class _Head(NamedTuple):
    """What was kept of a response beside its body; `size` is that of the body."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    size: int
    taken: float


@functools.lru_cache(maxsize=256)
def _read_head(written: bytes) -> _Head | None:
    try:
        head: Any = json.loads(written)
    except (ValueError, RecursionError):
        return None
    match head:
        case [int() as status, str() as reason, list() as headers, int() as size, int() | float() as taken]:
            pass
        case _:
            return None
    if not 200 <= status <= 999 or not 0 <= taken < _END_OF_TIME or not _may_be_sent(reason):
        return None
    if not all(_is_field(field) for field in cast("Iterable[Any]", headers)):
        return None
    fields = tuple((name, value) for name, value in cast("list[tuple[str, str]]", headers))
    return _Head(status, reason, fields, size, float(taken))


def _is_field(field: Any) -> bool:
    match field:
        case [str() as name, str() as value]:
            return is_token(name) and _may_be_sent(value)
        case _:
            return False


def _may_be_sent(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return _FORBIDDEN.search(text) is None
