"""The limits of a request, and what its response tells of them.

Rules kept here: `RateLimit` refers to a policy by its name (draft-ietf-httpapi-ratelimit-headers-10, section 4), so no
two links tell of policies by one name: where they would, the outermost tells of `"100/minute"`, the next one of
`"100/minute (2)"`, whichever of them refuses.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ..battery import awaiting
from ..request_keys import read_key
from ..responses import on_response
from .fields import POLICY, RATE_LIMIT, Reading, join_field, name_policies, write_policies, write_readings
from .limits import Limit, read_limits

__all__ = ("Policies", "choose_policies", "read_policies")

_FEW = 256  # plans, mostly; more are read again
_Told = tuple[object, tuple[str, ...], int]  # by which link, by which names, as the how-manieth
_TOLD: web.RequestKey[list[_Told]] = web.RequestKey("rate_limit_told", list)


@dataclass(frozen=True, slots=True)
class Policies:
    """Limits that hold together.

    Args:
        limits: each of them.
        names: what they are called in header fields, the first time.
        written: the value of `RateLimit-Policy`, the first time.
        bucket: the name of what they are counted for, or none.
    """

    limits: tuple[Limit, ...]
    names: tuple[str, ...]
    written: str
    bucket: str

    def tell(self, request: web.Request, link: object, label: str, readings: Sequence[Reading]) -> None:
        """Have the header fields added to the response.

        Args:
            request: that was counted.
            link: that has counted it; each is itself.
            label: of the link.
            readings: of each limit.
        """
        number = _number(request, link, (label, *self.names))
        names, written, key = self.names, self.written, label
        if number > 1:
            names = name_policies(self.limits, self.bucket, number)
            written, key = write_policies(names, self.limits), f"{label} ({number})"

        def apply(_: web.Request, response: web.StreamResponse) -> None:
            join_field(response.headers, POLICY, written)
            join_field(response.headers, RATE_LIMIT, write_readings(names, readings, time.time()))

        on_response(request, key, apply)


def read_policies(battery: str, limits: Any, *, bucket: str, prefix: str, longest: int) -> Policies:
    """Read limits; arguments as for `read_limits()`, and the name of what they are counted for, or none."""
    read = read_limits(battery, limits, prefix=prefix, longest=longest)
    names = name_policies(read, bucket)
    return Policies(read, names, write_policies(names, read), bucket)


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


def _number(request: web.Request, link: object, names: tuple[str, ...]) -> int:
    """Tell the how-manieth link it is that tells of something by one of these names; a link keeps its number."""
    told = read_key(request, _TOLD)
    if told is None:
        request[_TOLD] = [(link, names, 1)]
        return 1
    taken = {number for other, others, number in told if other is not link and not {*others}.isdisjoint(names)}
    number = next(number for number in itertools.count(1) if number not in taken)
    told.append((link, names, number))
    return number
