"""Limits, as they are written: `"100/minute"`, `"10/second;1000/hour"`; read by the library `limits`.

Rules kept here:
- A limit lets at least one request pass in at least a second: the header fields know no window below that.
- The limits of one request differ, for each is counted under its own name.
- What is counted, and for how long, are integers that a structured field can hold (RFC 9651, section 3.3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...errors import ConfigurationError, MissingDependencyError
from ...option_checks import refuse_option

try:
    from limits import RateLimitItem, parse_many
except ImportError as _error:
    raise MissingDependencyError("limits", "rate-limit") from _error

__all__ = ("LARGEST", "Limit", "LimitTexts", "read_limits")

LimitTexts: TypeAlias = str | RateLimitItem | Sequence[str | RateLimitItem]

LARGEST = 999_999_999_999_999  # RFC 9651, section 3.3.1
_CURE = 'write an amount and a time, as in "100/minute" or "10/second;1000/hour"'


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit.

    Args:
        item: what `limits` counts by.
        text: as it is called in header fields and names, `"100/minute"`.
        amount: how much is allowed.
        seconds: in how long.
        around: what `limits` writes before and after a key, to count under it.
    """

    item: RateLimitItem
    text: str
    amount: int
    seconds: int
    around: tuple[str, str]

    def name_key(self, key: str) -> str:
        """Return under which name of the storage `limits` counts a key."""
        before, after = self.around
        return f"{before}{key}{after}"


def read_limits(battery: str, limits: Any, *, prefix: str = "", longest: int = LARGEST) -> tuple[Limit, ...]:
    """Read one or several limits.

    Args:
        battery: its name, as in errors.
        limits: a text, a limit of the library `limits`, or a list of these.
        prefix: before all that is kept in the storage.
        longest: seconds that the storage can count for.

    Raises:
        ConfigurationError: one is not a limit, two are alike, or there are none.
    """
    entries = limits if isinstance(limits, (list, tuple)) else (limits,)
    found = [_make(battery, item, prefix, longest) for entry in entries for item in _parse(battery, entry)]
    if not found:
        raise ConfigurationError(battery, "there are no limits", cure=_CURE)
    texts = [limit.text for limit in found]
    if len({*texts}) < len(texts):
        raise ConfigurationError(battery, f"two of the limits {', '.join(texts)} are alike", cure="leave one out")
    return tuple(found)


def _parse(battery: str, entry: Any) -> list[RateLimitItem]:
    if isinstance(entry, RateLimitItem):
        return [entry]
    try:
        return parse_many(entry)
    except ValueError:
        raise refuse_option(battery, "limits", entry, _CURE) from None


def _make(battery: str, item: RateLimitItem, prefix: str, longest: int) -> Limit:
    multiple = "" if item.multiples == 1 else str(item.multiples)
    text = f"{item.amount}/{multiple}{item.GRANULARITY.name}"
    seconds = item.get_expiry()
    if not 1 <= item.amount <= LARGEST or not 1 <= seconds <= LARGEST:
        raise refuse_option(battery, "limits", text, "allow at least one, in at least a second")
    if seconds > longest:
        cure = f"count for {longest} seconds or less, or in Redis"
        raise ConfigurationError(battery, f"{text} is longer than the storage can count for", cure=cure)
    counted = type(item)(item.amount, item.multiples, namespace=f"{prefix}rate")
    before, _, after = counted.key_for("\0").partition("\0")  # which is not in a prefix
    return Limit(counted, text, item.amount, seconds, (before, after))
