"""Links in every place where they may stand: on a route, a group, a router, an application, a sub-application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx

__all__ = ("SCOPES", "each_scope", "make_app", "path_in")

SCOPES = ("route", "group", "router", "application", "sub-application")
each_scope = pytest.mark.parametrize("scope", SCOPES)

_PREFIX = "/sub"


def make_app(scope: str, links: Iterable[Any], routes: Mapping[str, Any], **options: Any) -> web.Application:
    """Make an application with links in one scope, before each of its routes.

    Args:
        scope: one of `SCOPES`; else the links stand nowhere.
        links: in their order.
        routes: handlers, by method and path: `{"GET /posts": list_posts}`.
        options: for each route, as `given=[KEY]`.

    Returns:
        The outermost application.
    """
    links = tuple(links)
    app = web.Application(middlewares=links if scope == "application" else ())
    inner = web.Application(middlewares=links) if scope == "sub-application" else app
    place: Any = UrlDispatcherEx.install(inner, *(links if scope == "router" else ()))
    if scope == "group":
        place = place.group("", *links)
    for route, handler in routes.items():
        method, path = route.split(" ")
        add = getattr(place, f"add_{method.lower()}")
        add(path, *(links if scope == "route" else ()), handler, **options)
    if inner is not app:
        app.add_subapp(_PREFIX, inner)
    return app


def path_in(scope: str, path: str) -> str:
    """Tell where a path of `make_app()` is."""
    return f"{_PREFIX}{path}" if scope == "sub-application" else path
