"""What tells one request from another: a hash of what it asks for, its body included.

Rules kept here: two requests have the same fingerprint only if they ask for the same: each part is hashed with its
length, and nothing is guessed to be equal, such as JSON in another order. The boundary of a multipart body is none of
it: clients make up a new one whenever they send a form again. The body stays readable for whoever comes next, and the
request can still be cloned: what has arrived as a whole is looked at where it is, all else is read and put back.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import StreamReader, hdrs, web

from ...errors import ConfigurationError
from ..forms import find_parameter

__all__ = ("hash_parts", "peek_body", "split_body", "take_fingerprint")

_LARGE = 1_048_576  # bytes; hashing so many takes a millisecond or two, in which nothing else would run


async def take_fingerprint(battery: str, request: web.Request, method: str, route: str, names: Sequence[str]) -> bytes:
    """Return 32 bytes that tell a request from all that ask for something else.

    Args:
        battery: to name in errors.
        request: its body is read, and put back.
        method: that it means.
        route: that answers it.
        names: of fields that belong to it, besides `Host` and `Content-Type`.

    Raises:
        ConfigurationError: a link before has taken the body away.
        HTTPRequestEntityTooLarge: the body is larger than the application allows.
    """
    body = await peek_body(battery, request)
    content_type = request.headers.get(hdrs.CONTENT_TYPE, "")
    fields = [(name, request.headers.getall(name, ())) for name in (hdrs.HOST, *names)]
    told = json.dumps((method, route, request.raw_path, fields))  # in ASCII, and clear where each text ends
    parts = [told.encode(), *split_body(body, content_type)]
    return await asyncio.to_thread(hash_parts, parts) if len(body) > _LARGE else hash_parts(parts)


def hash_parts(parts: Iterable[bytes]) -> bytes:
    """Return the SHA-256 of parts, each with its length: `ab`, `c` is not `a`, `bc`."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()


def split_body(body: bytes, content_type: str) -> list[bytes]:
    """Return the media type and the body; of a multipart body its parts, without the boundary (RFC 2046, 5.1.1).

    Args:
        body: all of it.
        content_type: as it was sent.
    """
    media_type = content_type.partition(";")[0].strip(" \t").lower()
    boundary = find_parameter(content_type, "boundary") if media_type.startswith("multipart/") else None
    if not boundary:
        return [_encode(content_type), body]
    return [_encode(f"{media_type}; boundary"), *(b"\r\n" + body).split(b"\r\n--" + _encode(boundary))]


async def peek_body(battery: str, request: web.Request) -> bytes:
    """Return the body, which can be read again by any means.

    Args:
        battery: to name in errors.
        request: as a link has got it; a clone of it would be one whose body cannot be read again.

    Raises:
        ConfigurationError: a link before has taken the body away.
        HTTPRequestEntityTooLarge: the body is larger than the application allows.
    """
    if not request.can_read_body:  # there is none, or a link before has read it, and aiohttp remembers
        known = await request.read()
        if not known and request.content.total_bytes:
            problem = "the body of the request has been taken by a link before, with post() or multipart()"
            raise ConfigurationError(battery, problem, cure="put this link before that one")
        return known
    body = _look(request.content)
    if body is None:
        return await _read(request.content, request.client_max_size)
    _refuse_too_large(len(body), request.client_max_size)
    return body


def _look(content: Any) -> bytes | None:
    """Return a body that has arrived as a whole, as most have; `None` if there is more, or less, to know of it."""
    if not content.is_eof() or content.exception() is not None or content._buffer_offset:
        return None
    return b"".join(content._buffer)  # there is no door to look through


async def _read(content: StreamReader, limit: int) -> bytes:
    """Read without `request.read()`, which remembers the body: then the request cannot be cloned any more."""
    pieces, size = [], 0
    while piece := await content.readany():
        pieces.append(piece)
        size += len(piece)
        _refuse_too_large(size, limit)
    body = b"".join(pieces)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        content.unread_data(body)  # there is no other way, and aiohttp itself goes it as well
    return body


def _refuse_too_large(size: int, limit: int) -> None:
    if 0 < limit < size:  # 0 is no limit
        raise web.HTTPRequestEntityTooLarge(limit)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # as aiohttp has decoded it
