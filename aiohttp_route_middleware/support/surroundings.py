"""The links around the endpoint of a request: what stands there can be found before it runs."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from ..marks import read_mark
from ..record import links_of, read_record

__all__ = ("find_chain", "find_endpoint", "find_marks")


def find_marks(request: web.Request, mark: str) -> list[Any]:
    """Return what the links around an endpoint declare, from the outermost inwards.

    The middlewares of the applications come first, then the links of the chain; what stands inside another link, such
    as `unless()`, is not found.
    """
    marks = (read_mark(getattr(link, "__stands_for__", link), mark) for link in _walk_inwards(request))
    return [one for one in marks if one is not None]


def _walk_inwards(request: web.Request) -> Iterator[Any]:
    match = request.match_info
    for app in match.apps:
        yield from app.middlewares
    yield from links_of(find_chain(match.handler))


def find_chain(handler: Any) -> Any:
    """Find the finished chain in what a decorator or a partial has put around it; else the handler itself."""
    inner = handler
    while inner is not None and read_record(inner) is None:
        inner = inner.func if isinstance(inner, functools.partial) else getattr(inner, "__wrapped__", None)
    return handler if inner is None else inner


def find_endpoint(handler: Any) -> Any:
    """Find the endpoint of a route: behind the links of a chain; else the handler itself."""
    return links_of(find_chain(handler))[-1]
