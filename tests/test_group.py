"""RouteGroup: a prefix, which may be empty, and leading links, on any router and inside another group."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import (
    RegistrationError,
    RouteGroup,
    RouteTableDef,
    UrlDispatcherEx,
    get,
    static,
)

from .conftest import Diary, routes


async def endpoint(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.method} {request.path}")


async def one(request: web.Request) -> None: ...


async def two(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def three(request: web.Request) -> None: ...


class Post(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="view")


def test_a_group_has_the_add_methods_of_a_router(router: web.UrlDispatcher) -> None:
    group = RouteGroup(router, "/posts", one)
    group.add_get("/{id}", two, endpoint, name="post")
    for verb in ("options", "post", "put", "patch", "delete"):
        getattr(group, f"add_{verb}")("/{id}", endpoint, name="post")
    group.add_head("", endpoint)
    group.add_route("REPORT", "", endpoint)
    group.add_view("/view", Post)
    posts = [(method, "/posts/{id}", (one, endpoint)) for method in ("OPTIONS", "POST", "PUT", "PATCH", "DELETE")]
    assert routes(router) == [
        ("HEAD", "/posts/{id}", (one, two, endpoint)),
        ("GET", "/posts/{id}", (one, two, endpoint)),
        *posts,
        ("HEAD", "/posts", (one, endpoint)),
        ("REPORT", "/posts", (one, endpoint)),
        ("*", "/posts/view", (one, Post)),
    ]
    assert router["post"].url_for(id="7").path == "/posts/7"


def test_groups_nest_and_the_outer_links_come_first(router: web.UrlDispatcher) -> None:
    outer = RouteGroup(router, "/a", one)
    inner = outer.group("/b", [two])
    innermost = RouteGroup(inner, "", three)
    innermost.add_post("/c", endpoint)
    inner.add_post("", endpoint)
    assert routes(router) == [("POST", "/a/b/c", (one, two, three, endpoint)), ("POST", "/a/b", (one, two, endpoint))]
    assert innermost.links == (one, two, three)
    assert repr(innermost) == "<RouteGroup '/a/b'>"


async def test_the_prefix_may_be_empty_which_a_sub_application_cannot(
    aiohttp_client: AiohttpClient, diary: Diary
) -> None:
    app = web.Application()
    public, private = RouteGroup(app.router), RouteGroup(app.router, "", diary.guard("private"))
    public.add_get("/", endpoint)
    private.add_get("/account", endpoint)
    client = await aiohttp_client(app)
    assert await (await client.get("/")).text() == "GET /"
    assert diary.names == []
    assert await (await client.get("/account")).text() == "GET /account"
    assert diary.names == ["private"]


def test_a_group_reads_well_with_with() -> None:
    router = UrlDispatcherEx()
    with router.group("/posts", one) as posts, posts.group("/{id}", two) as post:
        post.add_delete("", endpoint)
    assert routes(router) == [("DELETE", "/posts/{id}", (one, two, endpoint))]


def test_an_error_inside_with_passes_through() -> None:
    with pytest.raises(LookupError), UrlDispatcherEx().group("/posts"):
        raise LookupError


def test_the_links_of_the_router_come_before_those_of_its_groups() -> None:
    router = UrlDispatcherEx(one)
    router.group("/a", two).add_post("/", three, endpoint)
    assert routes(router) == [("POST", "/a/", (one, two, three, endpoint))]


def test_a_group_and_a_route_leave_out_inherited_links_by_identity() -> None:
    router = UrlDispatcherEx(one)
    outer = router.group("/a", two)
    inner = outer.group("/b", three, without=[one])
    inner.add_post("/", endpoint)
    inner.add_post("/bare", endpoint, without=[three, two])
    inner.group("/c").add_post("/", endpoint, without=two)
    outer.add_post("/", endpoint, without=[one])
    assert routes(router) == [
        ("POST", "/a/b/", (two, three, endpoint)),
        ("POST", "/a/b/bare", (endpoint,)),
        ("POST", "/a/b/c/", (three, endpoint)),
        ("POST", "/a/", (two, endpoint)),
    ]


def test_leaving_out_what_is_not_inherited_is_refused_where_it_is_asked_for() -> None:
    router = UrlDispatcherEx(one)
    group = router.group("/a", two)
    with pytest.raises(RegistrationError, match=r"^group '/b': without= names three .*inherited here: one, two;"):
        group.group("/b", without=[three])
    with pytest.raises(RegistrationError, match=r"^POST /a/x: without= names three "):
        group.add_post("/x", endpoint, without=[three])
    without_one = group.group("/c", without=[one])
    with pytest.raises(RegistrationError, match=r"^static /a/c/files: without= names one .*inherited here: two;"):
        without_one.add_static("/files", Path(__file__).parent, without=[one])
    assert routes(router) == []


async def test_a_group_takes_route_definitions_and_static_files(
    router: web.UrlDispatcher, diary: Diary, tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    (tmp_path / "a.txt").write_text("a file")
    app = web.Application()
    group = RouteGroup(app.router, "/g", diary.guard("group"))
    table = web.RouteTableDef()
    table.get("/table")(endpoint)
    own_table = RouteTableDef()
    own_table.get("/own-table")(endpoint)
    added = group.add_routes([web.get("/get", endpoint), web.static("/s", tmp_path), web.view("/v", Post), *table])
    assert [route.method for route in added] == ["GET", "GET", "HEAD", "*", "GET"]
    group.add_routes([get("/own-get", endpoint), static("/own-s", tmp_path), *own_table])
    group.add_static("/files", tmp_path, diary.guard("files"))
    client = await aiohttp_client(app)
    for path in ("/g/get", "/g/s/a.txt", "/g/v", "/g/table", "/g/own-get", "/g/own-s/a.txt", "/g/own-table"):
        assert (await client.get(path)).status == 200
    assert diary.names == ["group"] * 7
    assert await (await client.get("/g/files/a.txt")).text() == "a file"
    assert diary.names[7:] == ["group", "files"]


@pytest.mark.parametrize(
    ("prefix", "cure"),
    [("posts", "write '/posts'"), ("/posts/", "write '/posts'"), ("/", "leave it out"), ("posts/", "write '/posts'")],
    ids=["no slash before", "slash after", "slash alone", "both"],
)
def test_a_prefix_with_the_wrong_slashes_is_refused_with_the_right_ones(prefix: str, cure: str) -> None:
    with pytest.raises(RegistrationError, match=rf"^group '{prefix}': the prefix .*; {cure}$"):
        RouteGroup(UrlDispatcherEx(), prefix)


def test_a_path_without_slash_is_refused_lest_it_melts_into_the_prefix() -> None:
    group = UrlDispatcherEx().group("/posts")
    with pytest.raises(RegistrationError, match=r"the path 'new' does not start with a slash; write '/new'"):
        group.add_get("new", endpoint)
    with pytest.raises(RegistrationError, match=r"the path 'files' does not start with a slash"):
        group.add_static("files", Path(__file__).parent)


def test_what_is_no_router_or_no_path_is_refused() -> None:
    with pytest.raises(RegistrationError, match=r"^group '': a group got Application .*; pass the router: app.router"):
        RouteGroup(web.Application())  # type: ignore[arg-type]  # the mistake itself
    group = UrlDispatcherEx().group()
    for mistake in (group.group, group.add_get, group.add_static):
        with pytest.raises(RegistrationError, match=r"the path is one \(.*\); the path comes first, as text"):
            mistake(one, endpoint)  # type: ignore[arg-type]  # the mistake itself


def test_a_wrong_leading_link_is_refused_at_once(router: web.UrlDispatcher) -> None:
    with pytest.raises(RegistrationError, match=r"^group '/posts': link 1 of 1, Post \(.*\), is a View"):
        RouteGroup(router, "/posts", Post)  # type: ignore[arg-type]  # the mistake itself


def test_a_refused_chain_names_the_whole_path_and_leaves_nothing_behind(router: web.UrlDispatcher) -> None:
    with pytest.raises(RegistrationError, match=r"^GET /a/b: link 3 of 3, two .*, is a middleware"):
        RouteGroup(router, "/a", one).add_get("/b", one, two)  # type: ignore[arg-type]  # the mistake itself
    assert routes(router) == []
