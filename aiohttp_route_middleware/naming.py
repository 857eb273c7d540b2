"""How a link is named in errors, logs and listings: as a reader of the code knows it, with file and line."""

from __future__ import annotations

import re
from typing import Any

from .keys import read_note
from .marks import read_mark, unwrap_partial
from .places import locate
from .record import read_record

__all__ = ("describe", "escape_unprintable", "name_key", "name_link")

_COMPREHENSION = re.compile(r"\.<locals>\.<(?:listcomp|dictcomp|setcomp)>")  # named so up to Python 3.11


def describe(link: Any) -> str:
    """Name a link with the file and line where it is written."""
    record = read_record(link)
    # what a finished chain ends in is what one looks for, and what a trace is wrapped around
    link = record.links[-1] if record else getattr(link, "__stands_for__", link)
    site = locate(unwrap_partial(link))
    return name_link(link) if site is None else f"{name_link(link)} ({site})"


def name_link(link: Any) -> str:
    """Name a link: as it calls itself by `@named`, or the function, the method, the class, the class of the object.

    The function `authorise` that a factory `authorise` has made is called `authorise`, not `authorise.authorise`.

    Args:
        link: a link, an endpoint, or a finished chain, which is named as its endpoint.

    Example:
        name_link(authorise(["post:read"]))  # "authorise"
    """
    name = read_mark(link, "__link_name__")
    if isinstance(name, str):
        return name
    link = unwrap_partial(link)
    name = getattr(link, "__qualname__", None) or type(link).__qualname__
    parts = _COMPREHENSION.sub("", str(name)).split(".<locals>.")
    return ".".join(part for place, part in enumerate(parts) if place == 0 or part != parts[place - 1])


def name_key(key: Any) -> str:
    """Name a request key with the module that it is imported from; a text stays in quotes.

    Of a key that is not of this package, that is the module in which it was made.
    """
    note = read_note(key)
    if note:
        return note.name
    return repr(key) if isinstance(key, str) else str(key).removeprefix("<RequestKey(").partition(",")[0]


def escape_unprintable(text: str) -> str:
    """Escape what a line of text should not hold: line breaks, and what would steer a terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
