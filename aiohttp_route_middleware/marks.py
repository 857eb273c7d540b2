"""What a link declares of itself: attributes that any room may read."""

from __future__ import annotations

import functools
from types import FunctionType
from typing import Any

__all__ = ("read_mark", "set_mark", "unwrap_partial")


def set_mark(link: Any, mark: str, value: object) -> None:
    """Let a link declare something.

    Raises:
        AttributeError: it takes no attributes, as a bound method.
    """
    setattr(link, mark, value)


def read_mark(link: Any, mark: str) -> Any:
    """Return what a link declares, itself or by what is called with it; `None` if it does not."""
    if type(link) is FunctionType:
        return getattr(link, mark, None)
    for holder in (link, unwrap_partial(link), getattr(type(link), "__call__", None)):  # noqa: B004  # for its mark
        value = getattr(holder, mark, None)
        if value is not None:
            return value
    return None


def unwrap_partial(link: Any) -> Any:
    """Return the callable inside any `functools.partial`."""
    while isinstance(link, functools.partial):
        link = link.func
    return link
