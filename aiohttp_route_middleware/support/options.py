"""Options that batteries check in the same way."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from ..errors import ConfigurationError

__all__ = ("check_flags", "in_order")

_T = TypeVar("_T")


def check_flags(battery: str, **flags: object) -> None:
    """Refuse what is not `True` or `False`: a text such as "no", from a file, would be true.

    Args:
        battery: its name, for the error message.
        flags: options by name.
    """
    for option, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigurationError(battery, f"{option}={value!r}", cure="write True or False")


def in_order(entries: Collection[_T]) -> Collection[_T]:
    """Return a set sorted, so that a link is named alike in each run; a list as it is."""
    return sorted(entries, key=str) if isinstance(entries, (set, frozenset)) else entries
