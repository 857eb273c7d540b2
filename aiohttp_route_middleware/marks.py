"""What a link declares of itself: attributes that any room may read."""

from __future__ import annotations

import functools
from types import FunctionType, MethodType
from typing import Any

__all__ = ("is_same", "read_mark", "read_marks", "set_mark", "unwrap_partial")


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
    return next(iter(read_marks(link, mark)), None)


def read_marks(link: Any, mark: str) -> list[Any]:
    """Return all that a link declares: itself, by the callable in a partial, and by the `__call__` of its class."""
    meant = unwrap_partial(link)
    holders = (link, meant, getattr(type(meant), "__call__", None))  # noqa: B004  # for its mark
    found: list[Any] = []
    for holder in holders:
        value = getattr(holder, mark, None)
        if value is not None and not any(value is one for one in found):
            found.append(value)
    return found


def unwrap_partial(link: Any) -> Any:
    """Return the callable inside any `functools.partial`."""
    while isinstance(link, functools.partial):
        link = link.func
    return link


def is_same(link: Any, other: Any) -> bool:
    """Tell whether two links are the same object; a bound method is made anew each time it is read."""
    if link is other:
        return True
    if not (type(link) is MethodType and type(other) is MethodType):
        return False
    return link.__self__ is other.__self__ and link.__func__ is other.__func__
