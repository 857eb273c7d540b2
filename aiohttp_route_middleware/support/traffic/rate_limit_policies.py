"""The limits of a request, and what its response tells of them."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ..battery import awaiting
from ..headers import Apply
from .rate_limit_fields import POLICY, RATE_LIMIT, Reading, join_field, name_policies, write_policies, write_readings
from .rate_limits import Limit, read_limits

__all__ = ("Policies", "choose_policies", "read_policies")

_FEW = 256  # plans, mostly; more are read again


@dataclass(frozen=True, slots=True)
class Policies:
    """Limits that hold together.

    Args:
        limits: each of them.
        names: what they are called in header fields.
        written: the value of `RateLimit-Policy`.
    """

    limits: tuple[Limit, ...]
    names: tuple[str, ...]
    written: str

    def tell(self, readings: Sequence[Reading]) -> Apply:
        """Make what adds the header fields to a response."""

        def apply(_: web.Request, response: web.StreamResponse) -> None:
            join_field(response.headers, POLICY, self.written)
            join_field(response.headers, RATE_LIMIT, write_readings(self.names, readings, time.time()))

        return apply


def read_policies(battery: str, limits: Any, *, bucket: str, prefix: str, longest: int) -> Policies:
    """Read limits; arguments as for `read_limits()`, and the name of what they are counted for, or none."""
    read = read_limits(battery, limits, prefix=prefix, longest=longest)
    names = name_policies(read, bucket)
    return Policies(read, names, write_policies(names, read))


def choose_policies(
    limits: Callable[[web.Request], Any], read: Callable[[Any], Policies]
) -> Callable[[web.Request], Awaitable[Policies | None]]:
    """Make what finds the limits of a request by a function, async or plain; `None` if it has none."""
    ask = awaiting(limits)
    read_text = functools.lru_cache(maxsize=_FEW)(read)

    async def choose(request: web.Request) -> Policies | None:
        chosen = await ask(request)
        if chosen is None:
            return None
        return read_text(chosen) if isinstance(chosen, str) else read(chosen)

    return choose
