"""`Cache-Control`: read, written, and combined (RFC 9111, section 5.2).

Rules kept here: names are compared in lower case (section 5.2); of a directive that is there twice the first counts,
and a number that cannot be read makes a response stale (section 4.2.1); restrictions add up: what is private or not
to be stored stays so, whoever else has something to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from aiohttp import hdrs
from multidict import CIMultiDict

from ...syntax import TOKEN, is_token, quote, unquote

__all__ = (
    "Directives",
    "combine",
    "is_restriction",
    "read_directives",
    "read_seconds",
    "restrict",
    "write_directives",
)

Directives: TypeAlias = Mapping[str, "str | None"]

_DIRECTIVE = re.compile(rf'[ \t]*({TOKEN})(?:=(?:("(?:[^"\\]|\\.)*")|({TOKEN})))?[ \t]*(?:,|$)')
_LONGEST = 2**31  # RFC 9111, section 1.2.2: what is larger counts as this

# they forbid, and say nothing of how long a response is fresh
_RESTRICTIONS = frozenset(("must-revalidate", "no-cache", "no-store", "no-transform", "private", "proxy-revalidate"))
# what each of them takes back
_TAKEN_BACK = {
    "private": ("public", "s-maxage", "proxy-revalidate"),
    "no-cache": ("immutable", "stale-while-revalidate", "stale-if-error"),
    "must-revalidate": ("stale-while-revalidate", "stale-if-error"),
}


def read_directives(fields: Iterable[str]) -> dict[str, str | None]:
    """Return the directives of all fields, names in lower case; what cannot be read is passed over."""
    text = ",".join(fields)
    found: dict[str, str | None] = {}
    position = 0
    while position < len(text):
        match = _DIRECTIVE.match(text, position)
        if match is None:
            position = (text.find(",", position) + 1) or len(text)
            continue
        name, quoted, plain = match.groups()
        found.setdefault(name.lower(), plain if quoted is None else unquote(quoted))
        position = match.end()
    return found


def read_seconds(directives: Directives, name: str) -> int | None:
    """Return the seconds that a directive names: `None` if it is not there, 0 if they cannot be read."""
    if name not in directives:
        return None
    value = directives[name] or ""
    if not value.isascii() or not value.isdecimal():
        return 0
    return _LONGEST if len(value) > 10 else min(int(value), _LONGEST)


def write_directives(directives: Directives) -> str:
    """Write directives as the value of a field."""
    return ", ".join(name if value is None else f"{name}={_write_value(value)}" for name, value in directives.items())


def is_restriction(directives: Directives) -> bool:
    """Whether directives forbid, and leave it to others to say how long a response is fresh."""
    return directives.keys() <= _RESTRICTIONS


def combine(there: Directives, added: Directives) -> dict[str, str | None]:
    """Return what holds where both were said; of a directive that is in both, what was there first.

    Example:
        combine({"private": None}, {"public": None, "max-age": "60"})  # {"private": None, "max-age": "60"}
    """
    both = {**added, **there}
    if "no-store" in both:  # nothing else matters to those that store nothing
        return {name: None for name in ("private", "no-store", "no-transform") if name in both}
    for restriction, names in _TAKEN_BACK.items():
        if restriction in both:
            for name in names:
                both.pop(name, None)
    return {name: both[name] for name in (*there, *added) if name in both}


def restrict(headers: CIMultiDict[str], restriction: str) -> None:
    """Add a restriction to the `Cache-Control` of a response, whatever it says: what it takes back is gone."""
    if hdrs.CACHE_CONTROL not in headers:  # as mostly
        headers[hdrs.CACHE_CONTROL] = restriction
        return
    there = read_directives(headers.getall(hdrs.CACHE_CONTROL, ()))
    if "no-store" in there:  # nothing restricts more
        return
    headers[hdrs.CACHE_CONTROL] = write_directives(combine({restriction: None}, there))


def _write_value(value: str) -> str:
    return value if is_token(value) else quote(value)
