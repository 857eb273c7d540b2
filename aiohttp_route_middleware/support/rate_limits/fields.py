"""The header fields `RateLimit-Policy` and `RateLimit`, as structured fields.

draft-ietf-httpapi-ratelimit-headers-10: both are lists of strings with parameters (RFC 9651, sections 3.1 and 3.3.3).
What is there already, of another battery or of the handler, is about other policies, and stays in the list.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from multidict import CIMultiDict, istr

from .limits import LARGEST, Limit

__all__ = (
    "POLICY",
    "RATE_LIMIT",
    "Reading",
    "join_field",
    "name_policies",
    "seconds_until",
    "write_policies",
    "write_readings",
)

POLICY, RATE_LIMIT = istr("RateLimit-Policy"), istr("RateLimit")


class Reading(NamedTuple):
    """How much is left of a limit.

    Args:
        remaining: how much; never negative.
        resets_at: when more will be there, in seconds since 1970.
    """

    remaining: int
    resets_at: float


def name_policies(limits: Iterable[Limit], bucket: str = "", number: int = 1) -> tuple[str, ...]:
    """Name each limit as a string of a structured field: `"100/minute"`, `"bucket:100/minute"`, `"100/minute (2)"`."""
    before = f"{bucket}:" if bucket else ""
    after = f" ({number})" if number > 1 else ""
    return tuple(_write_string(f"{before}{limit.text}{after}") for limit in limits)


def write_policies(names: Iterable[str], limits: Iterable[Limit]) -> str:
    """Write the value of `RateLimit-Policy`: how much (section 3.1.1), and in how many seconds (section 3.1.3)."""
    return ", ".join(f"{name};q={limit.amount};w={limit.seconds}" for name, limit in zip(names, limits))


def write_readings(names: Sequence[str], readings: Sequence[Reading], now: float) -> str:
    """Write the value of `RateLimit`: what remains (section 4.1.1), and seconds until there is more (section 4.1.2).

    The seconds are told as of now, when the response is sent, and not as of when the request was counted.
    """
    if len(names) == 1:
        return f"{names[0]};r={readings[0].remaining};t={seconds_until(readings[0].resets_at, now)}"
    return ", ".join(
        f"{name};r={reading.remaining};t={seconds_until(reading.resets_at, now)}"
        for name, reading in zip(names, readings)
    )


def seconds_until(when: float, now: float) -> int:
    """Count whole seconds until then, rounded up, so that nobody comes too early; never fewer than none."""
    return min(max(0, math.ceil(when - now)), LARGEST)


def join_field(headers: CIMultiDict[str], name: istr, value: str) -> None:
    """Add members to a list that may be there already."""
    present = headers.getall(name, None)
    headers[name] = value if present is None else ", ".join([*present, value])


def _write_string(text: str) -> str:
    """Write printable ASCII as a string (RFC 9651, section 4.1.6)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
