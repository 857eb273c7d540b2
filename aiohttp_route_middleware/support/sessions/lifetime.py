"""For how long a session lasts."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ConfigurationError
from ...option_checks import check_seconds

__all__ = ("Lifetime", "read_lifetime")

_REFRESH = 10  # parts of `idle`: one request in each is enough to go on


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """For how many seconds a session lasts.

    Args:
        unwritten: after it was saved.
        absolute: at all.
        refresh: after it was saved, until it is saved anew although nothing has changed.
    """

    unwritten: float
    absolute: float
    refresh: float

    def is_alive(self, *, created: int, written: int, now: float) -> bool:
        """Tell whether a session may still be used.

        Args:
            created: when it began.
            written: when it was last saved.
            now: what the clock says; all three in seconds since the epoch.
        """
        return now - written < self.unwritten and now - created < self.absolute


def read_lifetime(battery: str, *, max_age: float | None, idle: float | None, absolute: float) -> Lifetime:
    """Return the lifetime that a battery has got as options.

    Raises:
        ConfigurationError: one is no time, or not within `absolute`.
    """
    longest = check_seconds(battery, "absolute", absolute)
    limits = {"max_age": max_age, "idle": idle}
    given = [check_seconds(battery, option, value) for option, value in limits.items() if value is not None]
    if any(value > longest for value in given):
        raise ConfigurationError(
            battery, "max_age or idle is longer than absolute", cure="raise absolute, the longest of the three"
        )
    refresh = longest if idle is None else idle / _REFRESH
    return Lifetime(unwritten=min([*given, longest]), absolute=longest, refresh=refresh)
