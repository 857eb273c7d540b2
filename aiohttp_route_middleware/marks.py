"""What a link declares of itself, and what a finished chain tells: attributes that any room may read."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import FunctionType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from aiohttp import web

from .places import Site
from .settings import Settings

__all__ = (
    "ChainRecord",
    "note_site",
    "read_mark",
    "read_record",
    "read_site",
    "set_mark",
    "set_record",
    "unwrap_partial",
)

_Route = TypeVar("_Route", bound=web.AbstractRoute)
_sites: WeakKeyDictionary[web.AbstractRoute, Site] = WeakKeyDictionary()  # of routes whose handlers cannot tell


@dataclass(slots=True, eq=False)
class ChainRecord:
    """What is known of a finished chain.

    Args:
        links: flattened, endpoint included.
        inherited: how many of them, from the first, come from a router, groups or a table.
        settings: how it was compiled.
        site: where it was written: the route that it was composed for, or the call of `chain()`.
        handler: the finished chain itself; who has copied its attributes is not one.
    """

    links: tuple[Any, ...]
    inherited: int
    settings: Settings
    site: Site | None = None
    handler: Any = None


def set_record(handler: Any, record: ChainRecord) -> None:
    """Make a finished chain of `handler`."""
    handler.__chain__ = record
    record.handler = handler


def read_record(handler: Any) -> ChainRecord | None:
    """Return what is known of a finished chain; `None` for anything else, wrappers of a chain included."""
    record = getattr(handler, "__chain__", None)
    return record if isinstance(record, ChainRecord) and record.handler is handler else None


def note_site(route: _Route, site: Site | None) -> _Route:
    """Remember where a route is defined; the HEAD route that came with a GET route is defined there, too."""
    record = read_record(route.handler)
    if record is not None and record.site in (None, site):
        record.site = site
    elif site is not None:
        for sibling in route.resource or ():
            if sibling is route or (
                (route.method, sibling.method) == ("GET", "HEAD") and sibling.handler is route.handler
            ):
                _sites[sibling] = site
    return route


def read_site(route: web.AbstractRoute) -> Site | None:
    """Tell where a route is defined, if it was registered or its chain was composed by this package."""
    record = read_record(route.handler)
    return _sites.get(route) or (record.site if record else None)


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
