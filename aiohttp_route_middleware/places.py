"""Where code is written: the file and line of a link, and of the registration of a route."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

__all__ = ("Site", "find_caller", "locate")

_OURS = (f"{__package__}.", "aiohttp.")


@dataclass(frozen=True, slots=True)
class Site:
    """A line of code.

    Args:
        file: its path.
        line: its number, from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        """File and line, from the working directory if the file is below it."""
        return f"{_shorten(Path(self.file))}:{self.line}"


def _shorten(file: Path) -> Path:
    try:
        return file.relative_to(Path.cwd())
    except (OSError, ValueError):  # the working directory is gone, or the file is elsewhere
        return file


def locate(link: Any) -> Site | None:
    """Tell where a function, the class of an object, or a class is written."""
    call = getattr(type(link), "__call__", None)  # noqa: B004  # its code is wanted, not whether it is callable
    for function in (link, call):
        code = getattr(function, "__code__", None)
        if type(code) is CodeType:  # a mock would pass for one
            return Site(code.co_filename, code.co_firstlineno)
    if not isinstance(link, type):
        return None
    try:
        return Site(inspect.getfile(link), inspect.getsourcelines(link)[1])
    except (OSError, TypeError):  # typed in at a prompt, or not written in Python
        return None


def find_caller() -> Site | None:
    """Tell which line outside this package and aiohttp is running it."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__", "").startswith(_OURS):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return Site(frame.f_code.co_filename, frame.f_lineno)
