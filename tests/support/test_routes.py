"""All routes of an application, each once."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from aiohttp_route_middleware.support.routes import walk_apps, walk_routes


async def answer(request: web.Request) -> web.Response:
    return web.Response()


def names_of(app: web.Application) -> list[str]:
    return [str(route.resource and route.resource.canonical) for route in walk_routes(app)]


def test_the_routes_of_sub_applications_are_found_as_well() -> None:
    app, sub, deep = web.Application(), web.Application(), web.Application()
    app.router.add_get("/a", answer, allow_head=False)
    sub.router.add_get("/b", answer, allow_head=False)
    deep.router.add_get("/c", answer, allow_head=False)
    sub.add_subapp("/deep", deep)
    app.add_subapp("/sub", sub)
    assert names_of(app) == ["/a", "/sub/b", "/sub/deep/c"]


def test_an_application_that_is_there_twice_is_walked_once() -> None:
    app, sub = web.Application(), web.Application()
    sub.router.add_get("/b", answer, allow_head=False)
    app.add_subapp("/sub", sub)
    app.router.register_resource(next(iter(app.router.resources())))
    assert names_of(app) == ["/sub/b"]


def test_a_router_of_another_kind_lists_nothing() -> None:
    app: Any = web.Application()
    app._router = object()
    assert list(walk_routes(app)) == []
    assert walk_apps(app) == [app]


def test_an_application_comes_before_those_within_it_and_each_once() -> None:
    app, sub, deep = web.Application(), web.Application(), web.Application()
    sub.add_subapp("/deep", deep)
    app.add_subapp("/sub", sub)
    app.router.register_resource(next(iter(app.router.resources())))
    assert walk_apps(app) == [app, sub, deep]
