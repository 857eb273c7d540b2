"""The routes of an application, with those of its sub-applications."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aiohttp import web

__all__ = ("walk_apps", "walk_routes")


def walk_apps(app: web.Application) -> list[web.Application]:
    """Return an application, and all that are within it, each once, as far as a router lists its resources."""
    apps = [app]
    for one in apps:  # it grows; an application may be in several, and even in itself
        for resource in _list_resources(one):
            inner = resource.get_info().get("app")
            if inner is not None and inner not in apps:
                apps.append(inner)
    return apps


def walk_routes(app: web.Application) -> Iterator[web.AbstractRoute]:
    """Yield every route once, as far as a router lists its resources."""
    for one in walk_apps(app):
        for resource in _list_resources(one):
            if resource.get_info().get("app") is None:
                yield from resource


def _list_resources(app: web.Application) -> Iterable[web.AbstractResource]:
    return app.router.resources() if isinstance(app.router, web.UrlDispatcher) else ()
