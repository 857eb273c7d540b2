"""How a link is named in errors and logs: as a reader of the code knows it, with file and line."""

from __future__ import annotations

import functools
from types import CodeType
from typing import Any

__all__ = ("describe", "name_link", "unwrap_partial")


def describe(link: Any) -> str:
    """Name a link with the file and line where it is written."""
    if getattr(link, "__chained__", None) is link:  # a finished chain: what it ends in is what one looks for
        link = getattr(link, "__wrapped__", link)
    code = _find_code(unwrap_partial(link))
    return name_link(link) if code is None else f"{name_link(link)} ({code.co_filename}:{code.co_firstlineno})"


def name_link(link: Any) -> str:
    """Name a link: the function, the method, the class, or the class of the object.

    The function `authorise` that a factory `authorise` has made is called `authorise`, not `authorise.authorise`.
    """
    link = unwrap_partial(link)
    name = getattr(link, "__qualname__", None) or type(link).__qualname__
    parts = str(name).split(".<locals>.")
    return ".".join(part for place, part in enumerate(parts) if place == 0 or part != parts[place - 1])


def unwrap_partial(link: Any) -> Any:
    """Return the callable inside any `functools.partial`."""
    while isinstance(link, functools.partial):
        link = link.func
    return link


def _find_code(link: Any) -> CodeType | None:
    call = getattr(type(link), "__call__", None)  # noqa: B004  # its code is wanted, not whether it is callable
    for function in (link, call):
        code = getattr(function, "__code__", None)
        if type(code) is CodeType:  # a mock would pass for one
            return code
    return None
