"""The routes of an application, with those of its sub-applications."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

__all__ = ("walk_routes",)


def walk_routes(app: web.Application) -> Iterator[web.AbstractRoute]:
    """Yield every route once, as far as a router lists its resources."""
    apps = [app]
    for one in apps:  # it grows; an application may be in several, and even in itself
        resources = one.router.resources() if isinstance(one.router, web.UrlDispatcher) else ()
        for resource in resources:
            inner = resource.get_info().get("app")
            if inner is None:
                yield from resource
            elif inner not in apps:
                apps.append(inner)
