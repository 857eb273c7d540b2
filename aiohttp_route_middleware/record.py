"""What is known of a finished chain: an attribute of it, and where its route is defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from aiohttp import web

from .places import Site
from .settings import Settings

__all__ = ("ChainRecord", "links_of", "note_site", "read_record", "read_site", "set_record")

_Route = TypeVar("_Route", bound=web.AbstractRoute)
_sites: WeakKeyDictionary[web.AbstractRoute, Site] = WeakKeyDictionary()  # of routes whose handlers cannot tell


@dataclass(slots=True, eq=False)
class ChainRecord:
    """What is known of a finished chain.

    Args:
        links: flattened, endpoint included.
        leading_count: how many of them, from the first, come from a router, groups or a table.
        settings: how it was compiled.
        site: where it was written: the route that it was composed for, or the call of `chain()`.
        handler: the finished chain itself; who has copied its attributes is not one.
    """

    links: tuple[Any, ...]
    leading_count: int
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


def links_of(handler: Any) -> tuple[Any, ...]:
    """Read back the flattened links of a composed handler or of a route, endpoint included.

    Args:
        handler: what `chain()` returned, any other handler, or an aiohttp route.

    Returns:
        The links in order; `(handler,)` for a handler that is no chain.

    Example:
        links_of(app.router.add_get("/", authenticate, index))  # (authenticate, index)
    """
    handler = handler.handler if isinstance(handler, web.AbstractRoute) else handler
    record = read_record(handler)
    return record.links if record else (handler,)
