"""Which responses a shared cache may keep, and for how long they may be used (RFC 9111, sections 3 and 4).

Rules kept here: what sets a cookie, is private, or varies with everything is never kept; what was sent to somebody in
particular only if the response allows it (section 3.5); nothing is guessed (section 4.2.2): without a word of the
response there is the time that the application has set, and only for a 200 that answers a request without cookies.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import hdrs
from multidict import MultiMapping

from ..content.cache_directives import Directives, read_directives, read_seconds
from ..content.http_dates import read_date

__all__ = ("Freshness", "find_obstacle", "find_refusal", "list_vary", "may_share", "measure")

_NEVER = frozenset((206, 304))  # a part, and a word about what others have kept
_FORBIDDING = ("no-store", "private", "no-cache")
_ALLOWING = ("public", "s-maxage", "must-revalidate")  # RFC 9111, section 3.5
_FRESH_ONLY = frozenset(("must-revalidate", "proxy-revalidate", "s-maxage"))  # section 4.2.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """For how long a response may be used.

    Args:
        lifetime: seconds for which it is fresh, from when it was made.
        age: seconds since it was made, when it was taken.
        updating: seconds for which it may still be used after that while it is made again.
        failing: the same, if making it again fails.
        is_told: whether the response itself tells how long it is fresh.
    """

    lifetime: int
    age: int
    updating: int = 0
    failing: int = 0
    is_told: bool = True

    @property
    def useful(self) -> int:
        """Seconds for which it is worth keeping, from when it was taken."""
        return self.lifetime - self.age + max(self.updating, self.failing)


def measure(headers: MultiMapping[str], taken: float, ttl: int | None) -> Freshness:
    """Tell for how long a response may be used.

    Args:
        headers: of the response.
        taken: when it was taken, in seconds since 1970.
        ttl: seconds for which it is fresh if it tells nothing of that; `None` for none.
    """
    said = read_directives(headers.getall(hdrs.CACHE_CONTROL, ()))
    told = _read_lifetime(said, headers, taken)
    only_fresh = not _FRESH_ONLY.isdisjoint(said)
    return Freshness(
        lifetime=(ttl or 0) if told is None else told,
        age=_read_age(headers, taken),
        updating=0 if only_fresh else read_seconds(said, "stale-while-revalidate") or 0,
        failing=0 if only_fresh else read_seconds(said, "stale-if-error") or 0,
        is_told=told is not None,
    )


def find_obstacle(status: int, headers: MultiMapping[str], freshness: Freshness) -> str | None:
    """Tell why a shared cache may not keep the response to a GET, as `Cache-Status` has it; `None` if it may."""
    if status < 200 or status in _NEVER:
        return f"status:{status}"
    for name in (hdrs.SET_COOKIE, hdrs.CONTENT_RANGE):
        if name in headers:
            return str(name)
    said = read_directives(headers.getall(hdrs.CACHE_CONTROL, ()))
    for directive in _FORBIDDING:
        if directive in said:
            return directive
    if "*" in list_vary(headers):
        return "Vary:*"
    if not freshness.is_told and (status != 200 or freshness.lifetime == 0):
        return "no-lifetime"
    return None if freshness.lifetime > freshness.age else "stale"


def may_share(headers: MultiMapping[str], freshness: Freshness, *, is_identified: bool, has_cookies: bool) -> bool:
    """Whether a response to such a request may be kept for others, and one that was kept be sent to it.

    Args:
        headers: of the response.
        freshness: of the response.
        is_identified: whether it is known, or was claimed, who is asking.
        has_cookies: whether the request has any.
    """
    if is_identified:
        said = read_directives(headers.getall(hdrs.CACHE_CONTROL, ()))
        return any(name in said for name in _ALLOWING)
    return freshness.is_told or not has_cookies


def find_refusal(asked: Directives, freshness: Freshness, age: int) -> str | None:
    """Tell why a kept response may not be used, as `Cache-Status` has it; `None` if it may.

    Args:
        asked: the directives of the request.
        freshness: of the response.
        age: its age now, in seconds.
    """
    oldest, remaining = read_seconds(asked, "max-age"), read_seconds(asked, "min-fresh")
    if "no-cache" in asked or (oldest is not None and age > oldest):
        return "request"  # before all else: then it is not used when it is stale either
    if remaining is not None and freshness.lifetime - age < remaining:
        return "request"
    return "stale" if age >= freshness.lifetime else None


def list_vary(headers: MultiMapping[str]) -> frozenset[str]:
    """Return the names in `Vary`, in lower case."""
    listed = (name.strip(" \t").lower() for name in ",".join(headers.getall(hdrs.VARY, ())).split(","))
    return frozenset(name for name in listed if name)


def _read_lifetime(said: Directives, headers: MultiMapping[str], taken: float) -> int | None:
    for name in ("s-maxage", "max-age"):  # RFC 9111, section 4.2.1, for a shared cache
        seconds = read_seconds(said, name)
        if seconds is not None:
            return seconds
    if hdrs.EXPIRES not in headers:
        return None
    ends = read_date(headers[hdrs.EXPIRES])  # section 5.3: what is no date, as 0, is in the past
    return 0 if ends is None else max(0, ends - _read_made(headers, taken))


def _read_age(headers: MultiMapping[str], taken: float) -> int:
    told = read_seconds({"age": headers.get(hdrs.AGE)}, "age") or 0
    return max(told, int(taken) - _read_made(headers, taken), 0)  # section 4.2.3


def _read_made(headers: MultiMapping[str], taken: float) -> int:
    made = read_date(headers.get(hdrs.DATE, ""))
    return int(taken) if made is None else made
