"""The route index: what one request costs does not grow with the number of routes.

aiohttp finds resources by the literal beginning of their paths, and asks all that share it one after the other:
all routes like `/{tenant}/orders/{id}` share `/`. Where more than a few do, one resource stands for them here. It
keeps them in tables by the literal segments of their paths, and asks those that can match, in registration order; they
decide. What it does not understand for certain it asks always, so the answer is that of aiohttp's router.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, NoReturn

from aiohttp import web

__all__ = ("IndexedDispatcher",)

_FEW = 4  # so many are asked one after the other sooner than a table is searched

_VARIABLE = re.compile(r"\{([_a-zA-Z][_a-zA-Z0-9]*)\}")
# Expressions that surely match no slash: aiohttp's own, and those of letters, digits, classes and repeats.
_SLASHLESS = re.compile(
    r"""
    (?: \[\^\{\}/\]\+                                         # what aiohttp makes of {name}
      | (?: (?: \\[dw] | \[ (?: \w (?:-\w)? )+ \] | [\w|-] )  # \d, [a-z0-9], a letter, an alternative
            (?: [+*?] | \{[\d,]+\} )?                          # repeated
        )+
    ) \)
    """,
    re.VERBOSE,
)
_REPEATS = ("*", "+", "?", "{")
_PLAIN_FLAGS = re.compile("").flags

_Resolved = tuple[web.UrlMappingMatchInfo | None, set[str]]


class IndexedDispatcher(web.UrlDispatcher):
    """aiohttp's router, with its `resolve()`, whose cost stays flat as routes grow."""

    def __init__(self) -> None:
        super().__init__()
        self._crowds: dict[str, Crowd] = {}

    def index_resource(self, resource: web.AbstractResource) -> None:
        """Add a resource to the index; aiohttp calls this."""
        key = self._get_resource_index_key(resource)
        if key in self._crowds:
            self._crowds[key].add(resource)
            return
        super().index_resource(resource)
        listed = self._resource_index[key]
        if len(listed) > _FEW:
            self._crowds[key] = Crowd(key, listed)
            self._resource_index[key] = [self._crowds[key]]

    def unindex_resource(self, resource: web.AbstractResource) -> None:
        """Take a resource out of the index; aiohttp calls this before it gives it a prefix."""
        key = self._get_resource_index_key(resource)
        if key in self._crowds:
            self._crowds[key].remove(resource)
        else:
            super().unindex_resource(resource)

    def freeze(self) -> None:
        """Build what the index needs before the first request."""
        super().freeze()
        for crowd in self._crowds.values():
            crowd.forget()  # freezing has made "/" of the empty path
        self.build_index()

    def build_index(self) -> None:
        """Build the tables of this router and of those in it, which got their prefixes after they were frozen."""
        routers: list[IndexedDispatcher] = [self]
        for router in routers:  # it grows: an application may be in several, and even in itself
            for crowd in router._crowds.values():
                crowd.look_up()
            inner = [resource.get_info().get("app") for resource in router.resources()]
            for found in [app.router for app in inner if app is not None]:
                # by identity: routers are mappings, and those without names are equal
                if isinstance(found, IndexedDispatcher) and not any(found is one for one in routers):
                    routers.append(found)


class Crowd(web.AbstractResource):
    """Stands in aiohttp's index for all resources of one key, in registration order."""

    def __init__(self, key: str, members: list[web.AbstractResource]) -> None:
        super().__init__()
        self._key = key
        self._members = members
        self._lookup: Lookup | None = None

    @property
    def canonical(self) -> str:
        return self._key

    async def resolve(self, request: web.Request) -> _Resolved:
        allowed: set[str] = set()
        for _, member in (self._lookup or self.look_up()).find(request.rel_url.path_safe):
            match, methods = await member.resolve(request)
            if match is not None:
                return match, methods
            allowed |= methods
        return None, allowed

    def look_up(self) -> Lookup:
        """Return the tables of the members, built if they are not."""
        if self._lookup is None:
            self._lookup = Lookup()
            for position, member in enumerate(self._members):
                self._lookup.add(read_shape(member), (position, member))
        return self._lookup

    def forget(self) -> None:
        """Have the tables built again: the members have changed."""
        self._lookup = None

    def add(self, member: web.AbstractResource) -> None:
        """Take one more resource, as the last."""
        self._members.append(member)
        self.forget()

    def remove(self, member: web.AbstractResource) -> None:
        """Let a resource go."""
        self._members.remove(member)
        self.forget()

    def __len__(self) -> int:
        return sum(map(len, self._members))

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return (route for member in self._members for route in member)

    def get_info(self) -> Any:
        return {"path": self._key}

    def raw_match(self, path: str) -> bool:
        return False

    def url_for(self, **_: str) -> NoReturn:
        raise RuntimeError("the members have URLs, what stands for them in the index has none")

    def add_prefix(self, prefix: str) -> NoReturn:
        raise RuntimeError("the members get prefixes, what stands for them in the index gets none")


@dataclass(frozen=True)
class Shape:
    """What is known of the paths that a resource matches.

    Args:
        segments: between the slashes, from the left: a literal, or `None` for what no slash is in.
        is_whole: whether that is the whole path; otherwise anything may follow.
    """

    segments: tuple[str | None, ...] = ()
    is_whole: bool = False


Member = tuple[int, web.AbstractResource]  # with its position in registration order
_Table = dict[Any, list[Member]]  # by the literals of the path
_Pick = Callable[[Sequence[str | None]], Any]  # the literals of a path at certain places


class Lookup:
    """Resources by the literals of their paths: one table for all whose literals stand at the same places."""

    def __init__(self) -> None:
        self._always: list[Member] = []
        self._whole: dict[int, dict[_Pick, _Table]] = {}  # by the number of segments
        self._begun: dict[int, dict[_Pick, _Table]] = {}  # by the number of segments that are known

    def add(self, shape: Shape, member: Member) -> None:
        """Put a resource where the paths of its shape find it."""
        if not shape.segments:
            self._always.append(member)
            return
        tables = (self._whole if shape.is_whole else self._begun).setdefault(len(shape.segments), {})
        pick = _pick(tuple(place for place, segment in enumerate(shape.segments) if segment is not None))
        tables.setdefault(pick, {}).setdefault(pick(shape.segments), []).append(member)

    def find(self, path: str) -> list[Member]:
        """Return all that may match, in registration order."""
        segments = path.split("/")
        found = [*self._always]
        for pick, table in self._whole.get(len(segments), _NO_TABLES).items():
            found += table.get(pick(segments), ())
        for known, tables in self._begun.items():
            if known < len(segments):
                for pick, table in tables.items():
                    found += table.get(pick(segments), ())
        return found if len(found) < 2 else sorted(found, key=_by_position)


_NO_TABLES: dict[_Pick, _Table] = {}
_by_position = itemgetter(0)


@cache
def _pick(places: tuple[int, ...]) -> _Pick:
    # before the first slash there is nothing, in any path; one place gives a text, several a tuple
    return itemgetter(*(places[1:] or places))


def read_shape(resource: web.AbstractResource) -> Shape:
    """Tell what is certain of the paths that a resource matches."""
    if type(resource) is web.PlainResource:
        return Shape(tuple(resource.canonical.split("/")), is_whole=True)
    if type(resource) is web.DynamicResource:
        info: Any = resource.get_info()
        return _read_pattern(info["pattern"], info["formatter"])
    return Shape()


def _read_pattern(pattern: re.Pattern[str], formatter: str) -> Shape:
    """Follow the expression as far as it is known to be what aiohttp makes of literals and slashless variables."""
    text = pattern.pattern
    if pattern.flags != _PLAIN_FLAGS:  # for one, upper and lower case might be the same
        return Shape()
    known = ""
    at = 0
    for place, piece in enumerate(_VARIABLE.split(formatter)):
        expected = f"(?P<{piece}>" if place % 2 else re.escape(piece)
        if not text.startswith(expected, at):
            break
        at += len(expected)
        if place % 2:
            variable = _SLASHLESS.match(text, at)
            if variable is None:
                break
            at = variable.end()
        known += "{" if place % 2 else piece  # no literal has a brace
    else:
        if at == len(text):
            return Shape(_split(known), is_whole=True)
    # What follows might be an alternative to all that stands before it, or make the slash right before it optional.
    if "|" in text[at:] or text.startswith(_REPEATS, at):
        return Shape()
    return Shape(_split(known)[:-1])


def _split(known: str) -> tuple[str | None, ...]:
    return tuple(None if "{" in segment else segment for segment in known.split("/"))
