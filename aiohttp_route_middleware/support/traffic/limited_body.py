"""A body that nobody reads beyond a limit, however it is read.

aiohttp feeds what arrives to the `StreamReader` of the request, and all ways to read a body go through that. What
counts here is what it is fed: of a compressed body what comes out of it.

Rules kept here: what is over the limit is not kept in memory; who reads on gets a 413, from any method; when all links
are done, what still arrives is thrown away quietly, as aiohttp does with what no handler has read, so that the client
can read the answer while it is still sending (RFC 9112, section 9.6), and the connection is closed after that.

`StreamReader` has neither a hook nor room for attributes: its class is exchanged for one with the same layout.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from aiohttp import StreamReader, web

from ..deadlines import Deadline, TimeIsUpError

__all__ = (
    "drop_body",
    "find_refusal",
    "is_left_to_endpoint",
    "is_limited",
    "leave_to_endpoint",
    "limit_body",
    "read_rest",
    "release_body",
    "too_large",
)

_LONGEST_WAIT = 10  # seconds; as long as aiohttp waits for a body that no handler has read


class _LimitedReader(StreamReader):
    __slots__ = ()

    limit: int
    is_released: bool

    def set_read_chunk_size(self, n: int) -> None:
        super().set_read_chunk_size(min(n, self.limit + 1))  # else read() would have all that comes unpacked at once

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        if self.total_bytes + len(data) <= self.limit:
            return super().feed_data(data, size)
        self.total_bytes = self.limit + 1  # over it for good: what follows leaves no gap
        if not self.is_released and self.exception() is None:
            self.set_exception(too_large(self.limit))
        if self.total_compressed_bytes is not None:
            self._protocol.pause_reading()  # else the rest of a bomb would be unpacked at once
        return False


def too_large(limit: int) -> web.HTTPRequestEntityTooLarge:
    """Make the refusal; the connection is closed after it (RFC 9110, section 15.5.14)."""
    text = f"The body of this request is larger than {limit} bytes."
    refusal = web.HTTPRequestEntityTooLarge(limit, text=text)
    refusal.force_close()
    return refusal


def limit_body(content: StreamReader, limit: int) -> None:
    """Let nobody read more than this; of several limits the lowest counts.

    Raises:
        HTTPRequestEntityTooLarge: more than that has arrived.
    """
    before = content.limit if isinstance(content, _LimitedReader) else limit
    _exchange(content, min(before, limit), is_released=False)
    if content.total_bytes > limit:
        raise too_large(limit)


def drop_body(content: StreamReader, limit: int) -> None:
    """Let what is over the limit be thrown away, and not be unpacked before."""
    _exchange(content, limit, is_released=True)


def leave_to_endpoint(request: web.Request) -> None:
    """Note that an endpoint passes the body on piece by piece, also when it has returned: nobody else reads it."""
    cast(Any, request.writer).__body_is_passed_on__ = True


def is_left_to_endpoint(request: web.Request) -> bool:
    """Whether an endpoint does so."""
    return hasattr(request.writer, "__body_is_passed_on__")


def is_limited(content: StreamReader) -> bool:
    """Whether somebody has limited this body already."""
    return isinstance(content, _LimitedReader)


def find_refusal(content: StreamReader) -> web.HTTPRequestEntityTooLarge | None:
    """Return the refusal if more than the limit has arrived."""
    refusal = content.exception()
    return refusal if isinstance(refusal, web.HTTPRequestEntityTooLarge) else None


async def read_rest(content: StreamReader) -> None:
    """Read what no handler has read, and throw it away; a body that does not end is left to aiohttp.

    Raises:
        HTTPRequestEntityTooLarge: it is over the limit.
    """
    try:
        with Deadline(_LONGEST_WAIT):
            while not content.at_eof():
                await content.readany()
    except TimeIsUpError:
        return
    except Exception:  # malformed, or the client has gone: nobody has asked for it
        if find_refusal(content) is not None:
            raise


def release_body(content: StreamReader) -> None:
    """Go on without refusals, when an answer is on its way: aiohttp itself reads the rest, and takes no errors.

    Args:
        content: that was given to `limit_body()`.
    """
    if find_refusal(content) is not None:
        content.set_exception(cast(Any, None))
    _exchange(content, cast(_LimitedReader, content).limit, is_released=True)


def _exchange(content: StreamReader, limit: int, *, is_released: bool) -> None:
    cast(Any, content).__class__ = _make_class(limit, is_released)


@lru_cache(maxsize=256)
def _make_class(limit: int, is_released: bool) -> type[StreamReader]:
    return type("LimitedReader", (_LimitedReader,), {"__slots__": (), "limit": limit, "is_released": is_released})
