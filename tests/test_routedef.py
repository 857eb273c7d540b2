"""Route definitions and tables with links register on any aiohttp router."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from pytest_aiohttp.plugin import AiohttpClient

import aiohttp_route_middleware as arm
from aiohttp_route_middleware import RegistrationError, RouteTableDef, UrlDispatcherEx, links_of

from .conftest import Diary, routes

HERE = Path(__file__).parent
VERBS = ["head", "options", "post", "put", "patch", "delete"]


async def endpoint(request: web.Request) -> web.Response:
    return web.Response(text="done")


async def one(request: web.Request) -> None: ...


async def two(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def three(request: web.Request) -> None: ...


class Post(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="view")


# ---- functions


def test_each_function_defines_a_chain_for_any_router(router: web.UrlDispatcher) -> None:
    router.add_routes(
        [
            arm.get("/get", one, two, endpoint, name="get"),
            arm.get("/get-only", one, endpoint, allow_head=False),
            *(getattr(arm, verb)("/verbs", [one], endpoint) for verb in VERBS),
            arm.route("REPORT", "/route", one, endpoint),
            arm.route("*", "/any", one, endpoint),
            arm.view("/view", one, Post),
        ]
    )
    listed = routes(router)
    assert listed[:2] == [(method, "/get", (one, two, endpoint)) for method in ("HEAD", "GET")]
    assert listed[2] == ("GET", "/get-only", (one, endpoint))
    assert listed[3:9] == [(verb.upper(), "/verbs", (one, endpoint)) for verb in VERBS]
    assert listed[9:11] == [("REPORT", "/route", (one, endpoint)), ("*", "/any", (one, endpoint))]
    assert listed[11] == ("*", "/view", (one, Post))
    assert "get" in router


def test_a_definition_is_aiohttps_and_says_what_it_defines() -> None:
    definition = arm.get("/", one, endpoint)
    assert isinstance(definition, web.RouteDef)
    assert repr(definition) == "<RouteDef GET / -> 'endpoint', allow_head=True, name=None>"
    assert arm.get("/", endpoint).handler is endpoint


def test_a_definition_shows_the_names_of_its_links_and_not_what_they_hold() -> None:
    @dataclasses.dataclass
    class Key:
        secret: str

        async def __call__(self, request: web.Request) -> None: ...

    for definition in (arm.get("/", endpoint, without=Key("hidden")), arm.static("/s", HERE, Key("hidden"))):
        assert "Key]" in repr(definition)
        assert "hidden" not in repr(definition)


def test_the_handler_may_be_a_keyword_as_in_aiohttp() -> None:
    any_get: Any = arm.get
    assert any_get("/", handler=endpoint).handler is endpoint
    assert links_of(any_get("/", one, handler=endpoint).handler) == (one, endpoint)


def test_a_definition_is_refused_where_it_is_written() -> None:
    with pytest.raises(RegistrationError, match=r"^POST /posts: link 2 of 2, two .*, is a middleware"):
        arm.post("/posts", one, two)  # type: ignore[arg-type]  # the mistake itself


def test_a_definition_joins_the_links_of_the_router_and_the_group() -> None:
    router = UrlDispatcherEx(one)
    router.add_routes([arm.post("/a", three, endpoint), arm.post("/b", three, endpoint, without=[one])])
    router.group("/g", two).add_routes([arm.post("/c", three, endpoint, without=[two])])
    assert routes(router) == [
        ("POST", "/a", (one, three, endpoint)),
        ("POST", "/b", (three, endpoint)),
        ("POST", "/g/c", (one, three, endpoint)),
    ]


def test_leaving_out_links_needs_a_router_that_has_some() -> None:
    router = web.UrlDispatcher()
    with pytest.raises(RegistrationError, match=r"^POST /: without= needs a router with leading links; register the"):
        router.add_routes([arm.post("/", endpoint, without=[one])])
    with pytest.raises(RegistrationError, match=r"^static /s: without= needs a router with leading links"):
        router.add_routes([arm.static("/s", HERE, without=[one])])
    assert routes(router) == []


async def test_static_definitions_guard_files_on_any_router(
    diary: Diary, aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a file")
    app = web.Application()
    definition = arm.static("/s", tmp_path, diary.guard("link"), name="files")
    assert isinstance(definition, web.StaticDef)
    assert [route.method for route in app.add_routes([definition])] == ["GET", "HEAD"]
    client = await aiohttp_client(app)
    assert await (await client.get("/s/a.txt")).text() == "a file"
    assert diary.names == ["link"]
    assert app.router["files"].url_for(filename="b").path == "/s/b"


def test_static_definitions_join_the_links_of_the_router() -> None:
    router = UrlDispatcherEx(one)
    router.add_routes([arm.static("/a", HERE, two), arm.static("/b", HERE, two, without=[one])])
    assert [(path, links[:-1]) for _, path, links in routes(router)] == [("/a", (one, two))] * 2 + [("/b", (two,))] * 2


def test_static_definitions_refuse_wrong_links_where_they_are_written() -> None:
    with pytest.raises(RegistrationError, match=r"^static /s: link 1 of 1, NoneType, is not callable"):
        arm.static("/s", HERE, None)  # type: ignore[arg-type]  # the mistake itself


# ---- RouteTableDef


def test_a_table_is_filled_by_decorators_that_return_the_function_unchanged(router: web.UrlDispatcher) -> None:
    table = RouteTableDef(one)
    assert table.get("/get", two, name="get")(endpoint) is endpoint
    assert table.get("/get-only", allow_head=False)(endpoint) is endpoint
    for verb in VERBS:
        getattr(table, verb)("/verbs", three)(endpoint)
    table.route("REPORT", "/route")(endpoint)
    assert table.view("/view", two)(Post) is Post
    router.add_routes(table)
    listed = routes(router)
    assert listed[:2] == [(method, "/get", (one, two, endpoint)) for method in ("HEAD", "GET")]
    assert listed[2] == ("GET", "/get-only", (one, endpoint))
    assert listed[3:9] == [(verb.upper(), "/verbs", (one, three, endpoint)) for verb in VERBS]
    assert listed[9:] == [("REPORT", "/route", (one, endpoint)), ("*", "/view", (one, two, Post))]


def test_a_table_is_a_sequence() -> None:
    table = RouteTableDef()
    table.get("/a")(endpoint)
    table.static("/s", HERE)
    assert len(table) == 2
    assert repr(table) == "<RouteTableDef count=2>"
    assert isinstance(table[0], web.RouteDef)
    assert table[:] == list(table)
    assert table[1] in table


def test_the_tables_links_come_after_the_routers_and_may_be_left_out() -> None:
    table = RouteTableDef(two, [three])
    table.post("/a")(endpoint)
    table.post("/b", without=[two])(endpoint)
    table.post("/c", without=[one, three])(endpoint)
    table.static("/s", HERE, without=[three, one])
    router = UrlDispatcherEx(one)
    router.add_routes(table)
    assert routes(router)[:3] == [
        ("POST", "/a", (one, two, three, endpoint)),
        ("POST", "/b", (one, three, endpoint)),
        ("POST", "/c", (two, endpoint)),
    ]
    assert routes(router)[3][2][:-1] == (two,)


def test_leaving_out_what_neither_table_nor_router_has_is_refused() -> None:
    table = RouteTableDef(two)
    table.post("/", without=[three])(endpoint)
    with pytest.raises(RegistrationError, match=r"^POST /: without= names three .*inherited here: one;"):
        UrlDispatcherEx(one).add_routes(table)
    with pytest.raises(RegistrationError, match=r"^POST /: without= needs a router with leading links"):
        web.UrlDispatcher().add_routes(table)


def test_wrong_links_are_refused_by_the_table_and_by_its_decorators() -> None:
    with pytest.raises(RegistrationError, match=r"^RouteTableDef: link 1 of 1, Post \(.*\), is a View"):
        RouteTableDef(Post)  # type: ignore[arg-type]  # the mistake itself
    table = RouteTableDef()
    with pytest.raises(RegistrationError, match=r"^GET /: link 1 of 2, Post \(.*\), is a View"):
        table.get("/", Post)(endpoint)  # type: ignore[arg-type]  # the mistake itself
    assert len(table) == 0


def test_a_decorator_without_a_path_is_refused() -> None:
    table = RouteTableDef()
    with pytest.raises(RegistrationError, match=r"the path is endpoint \(.*\); the path comes first, as text"):
        table.get(endpoint)  # type: ignore[arg-type]  # the mistake itself
    with pytest.raises(RegistrationError, match=r"^GET: the path is one "):
        arm.get(one, endpoint)  # type: ignore[arg-type]  # the mistake itself


async def test_decorators_stack_on_one_function(diary: Diary, aiohttp_client: AiohttpClient) -> None:
    table = RouteTableDef()

    @table.get("/", diary.guard("get"))
    @table.post("/", diary.guard("post"))
    async def both(request: web.Request) -> web.Response:
        return web.Response(text=request.method)

    app = web.Application()
    app.add_routes(table)
    client = await aiohttp_client(app)
    assert await (await client.post("/")).text() == "POST"
    assert await (await client.get("/")).text() == "GET"
    assert diary.names == ["post", "get"]
