"""Responses that are kept: as bytes, and back from bytes.

Rules kept here: what belongs to one connection is not kept (RFC 9111, section 3.1); what a store gives back may be
garbage, of another version or somebody else's: it is checked before anything of it is sent; a head that was checked is
known again, byte for byte, within bounds: the last 256, of 4 KiB at most. They stay in memory when the store has
forgotten them, until others take their place; larger ones are checked each time.
"""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from aiohttp import hdrs, web
from multidict import MultiMapping

from ...syntax import is_field_value, is_token
from .field_groups import FRAMING

__all__ = ("StoredResponse", "dump_response", "lasting_headers", "load_response")

_VERSION = b"arm-response-1\n"
_SIZE = struct.Struct(">I")
_MOST_HEAD = 65_536
_MOST_REMEMBERED = 4_096
_END_OF_TIME = 2**53  # seconds that a float tells apart; NaN is not below it
_NO_BODY = frozenset((204, 205, 304))
# RFC 9110, section 7.6.1, and RFC 9111, section 3.1; how long the body is, is told again when it is sent
_OF_THE_CONNECTION = frozenset(
    name.lower()
    for name in (
        *FRAMING,
        hdrs.CONNECTION,
        hdrs.KEEP_ALIVE,
        hdrs.PROXY_AUTHENTICATE,
        "Proxy-Authentication-Info",
        hdrs.PROXY_AUTHORIZATION,
        "Proxy-Connection",
        hdrs.TE,
        hdrs.UPGRADE,
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
    if size > _MOST_HEAD:
        return None
    read_head = _read_head_once if size <= _MOST_REMEMBERED else _read_head
    head = read_head(bytes(stored[start : start + size]))  # some stores give a bytearray, which cannot be remembered
    body = stored[start + size :]
    if head is None or head.size != len(body) or (limit is not None and len(body) > limit):
        return None
    return StoredResponse(status=head.status, reason=head.reason, headers=head.headers, body=body, taken=head.taken)


class _Head(NamedTuple):
    """What was kept of a response beside its body; `size` is that of the body."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    size: int
    taken: float


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
    if not 200 <= status <= 999 or not 0 <= taken < _END_OF_TIME or not is_field_value(reason):
        return None
    if not all(_is_field(field) for field in cast("Iterable[Any]", headers)):
        return None
    fields = tuple((name, value) for name, value in cast("list[tuple[str, str]]", headers))
    return _Head(status, reason, fields, size, float(taken))


_read_head_once = functools.lru_cache(maxsize=256)(_read_head)


def _is_field(field: Any) -> bool:
    match field:
        case [str() as name, str() as value]:
            return is_token(name) and is_field_value(value)
        case _:
            return False
