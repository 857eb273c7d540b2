"""The lock changes when what guards a route changes, and at nothing else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware import chain, named
from aiohttp_route_middleware.inspection import LinkInfo, RouteInfo, list_routes
from aiohttp_route_middleware.inspection.lock import compare_lock, write_lock

from .conftest import USER, PostView, audit, authenticate, authorise, get_post, index, inner, log_time, new_app, outer

HERE = f"{__package__}.conftest"


def lines(app: web.Application) -> list[str]:
    """The lock without what it says of itself."""
    return [line for line in write_lock(list_routes(app)).splitlines() if not line.startswith("#")]


def make_app(
    links: list[Any] | None = None, endpoint: Any = index, middlewares: list[Any] | None = None, path: str = "/posts"
) -> web.Application:
    app, router = new_app(middlewares=[outer, inner] if middlewares is None else middlewares)
    router.add_post(path, *([authenticate, authorise("write")] if links is None else links), endpoint)
    return app


def test_a_line_holds_methods_path_middlewares_and_links(tmp_path: Path) -> None:
    app, router = new_app(authenticate, middlewares=[outer, inner])
    router.add_get("/posts/{id}", authorise("a", "b"), log_time, get_post, name="post")
    router.add_static("/files", tmp_path, without=authenticate)
    bare = web.Application()
    bare.router.add_view("/view", PostView)
    assert lines(app) == [
        f"GET,HEAD /posts/{{id}}: {HERE}:outer > {HERE}:inner | "
        f"{HERE}:authenticate > {HERE}:authorise(a, b) > {HERE}:log_time",
        f"GET,HEAD /files/{{...}}: {HERE}:outer > {HERE}:inner | -",
    ]
    assert lines(bare) == ["* /view: - | -"]


def test_the_lock_says_what_it_is_and_how_it_is_written() -> None:
    head = write_lock([]).splitlines()
    assert all(line.startswith("#") for line in head)
    assert "--lock FILE" in head[1]
    assert "--check FILE" in head[1]


@pytest.mark.parametrize(
    ("guarded", "bare"),
    [
        pytest.param(("GET", r"/u/{x:\d+}"), ("GET", "/u/{y}"), id="paths that overlap"),
        pytest.param(("GET", "/x"), ("*", "/x"), id="methods that overlap"),
        pytest.param(("GET", "/"), ("GET", "/"), id="the same twice"),
    ],
)
def test_the_order_of_registration_decides_who_answers_and_so_it_is_locked(
    guarded: tuple[str, str], bare: tuple[str, str]
) -> None:
    routes = [
        web.route(*guarded, chain(authenticate, index)),
        web.get("/between", index),
        web.route(*bare, index),
    ]
    first, last = web.Application(), web.Application()
    first.add_routes(routes)
    last.add_routes(reversed(routes))
    assert sorted(lines(first)) == sorted(lines(last))
    assert lines(first) != lines(last)


def test_a_name_cannot_look_like_several_links() -> None:
    @named("check > tests:authenticate | x")
    async def check(request: web.Request) -> None: ...

    app, router = new_app()
    router.add_get("/", check, index)
    assert lines(app) == [f'GET,HEAD /: - | "{HERE.replace("conftest", "test_lock")}:check > tests:authenticate | x"']


async def other_endpoint(request: web.Request) -> web.Response:
    return web.Response()


@pytest.mark.parametrize(
    "app",
    [
        make_app(endpoint=other_endpoint),
        make_app(endpoint=web.View),
        make_app(links=[authenticate, chain(authorise("write"), index)], endpoint=[]),
        make_app(links=[[authenticate], (authorise("write"),)]),
    ],
    ids=["another endpoint elsewhere", "a View", "chain()", "lists"],
)
def test_the_lock_stays_when_nothing_that_guards_has_changed(app: web.Application) -> None:
    assert compare_lock(write_lock(list_routes(make_app())), list_routes(app), "routes.lock") == ""


def test_the_lock_stays_when_links_move_from_a_route_to_its_group() -> None:
    app, router = new_app(authenticate, middlewares=[outer, inner])
    router.group("/posts", authorise("write")).add_post("", index)
    assert lines(app) == lines(make_app())


def test_the_lock_stays_when_files_and_lines_move() -> None:
    def move(link: LinkInfo) -> LinkInfo:
        return replace(link, site=None, link=None)

    routes = list_routes(make_app())
    moved = [
        replace(
            route,
            site=None,
            name="named",
            middlewares=tuple(map(move, route.middlewares)),
            own=tuple(map(move, route.own)),
            endpoint=move(route.endpoint),
        )
        for route in routes
    ]
    assert moved != routes
    assert write_lock(moved) == write_lock(routes)


def make_authorise(name: str) -> Any:
    @named(name)
    async def authorise(request: web.Request) -> None: ...

    return authorise


@pytest.mark.parametrize(
    "app",
    [
        make_app([authorise("write")]),
        make_app([]),
        make_app([authenticate, authorise("write"), audit]),
        make_app([authorise("write"), authenticate]),
        make_app([authenticate, authorise("read")]),
        make_app([authenticate, authorise("write", "delete")]),
        make_app([authenticate, make_authorise("authorise(write)")]),
        make_app(middlewares=[outer]),
        make_app(middlewares=[]),
        make_app(middlewares=[inner, outer]),
        make_app(path="/posts/"),
    ],
    ids=[
        "one link removed",
        "all links removed",
        "a link added",
        "links reordered",
        "named otherwise",
        "named for more",
        "from another module",
        "one middleware removed",
        "all middlewares removed",
        "middlewares reordered",
        "another path",
    ],
)
def test_the_lock_changes_with_what_guards_a_route(app: web.Application) -> None:
    assert lines(app) != lines(make_app())
    assert compare_lock(write_lock(list_routes(make_app())), list_routes(app), "routes.lock") != ""


def test_a_link_made_with_something_else_looks_the_same_unless_it_is_named() -> None:
    def make(scope: str) -> Any:
        async def allow(request: web.Request) -> None:
            request[USER] = scope

        return allow

    assert lines(make_app([make("read")])) == lines(make_app([make("write")]))


def test_a_new_route_and_one_that_is_gone_change_the_lock() -> None:
    app = make_app()
    locked = write_lock(list_routes(app))
    app.router.add_get("/new", index)
    line = f"GET,HEAD /new: {HERE}:outer > {HERE}:inner | -"
    assert f"\n+{line}\n" in compare_lock(locked, list_routes(app), "routes.lock")
    assert f"\n-{line}\n" in compare_lock(write_lock(list_routes(app)), list_routes(make_app()), "routes.lock")


def test_a_difference_is_a_unified_diff_that_names_the_file() -> None:
    locked = write_lock(list_routes(make_app()))
    difference = compare_lock(locked, list_routes(make_app([authenticate])), "conf/routes.lock")
    assert difference.splitlines() == [
        "--- conf/routes.lock",
        "+++ the application",
        "@@ -1,3 +1,3 @@",
        *[f" {line}" for line in locked.splitlines()[:2]],
        f"-POST /posts: {HERE}:outer > {HERE}:inner | {HERE}:authenticate > {HERE}:authorise(write)",
        f"+POST /posts: {HERE}:outer > {HERE}:inner | {HERE}:authenticate",
    ]
    assert difference.endswith("\n")


@pytest.mark.parametrize(
    "change",
    [str, lambda locked: locked.replace("\n", "\r\n"), lambda locked: locked.removesuffix("\n")],
    ids=["as written", "lines of Windows", "no line break at the end"],
)
def test_a_lock_that_an_editor_or_git_has_touched_is_the_same(change: Callable[[str], str]) -> None:
    routes = list_routes(make_app())
    assert compare_lock(change(write_lock(routes)), routes, "routes.lock") == ""


@pytest.mark.parametrize("locked", ["", "nonsense\n"], ids=["empty", "something else"])
def test_a_file_that_is_no_lock_differs(locked: str) -> None:
    assert "+POST /posts: " in compare_lock(locked, list_routes(make_app()), "routes.lock")


hostile = st.text(st.sampled_from("\n\r\x0b\x0c\x1b\x1c\x85\u2028\u2029\u202e\ud800 #:|>-+aé日")) | st.text()


def make_route(path: str, name: str) -> RouteInfo:
    link = LinkInfo(name, name, None, None)
    return RouteInfo(("GET",), path, None, (), (link,), (link,), (link,), link, None, ())


@given(st.lists(st.tuples(hostile, hostile), max_size=4))
def test_whatever_paths_and_names_are_each_route_is_one_line(parts: list[tuple[str, str]]) -> None:
    routes = [make_route(*part) for part in parts]
    lock = write_lock(routes)
    assert lock.isascii() or all(char == "\n" or char.isprintable() for char in lock)
    assert len(lock.splitlines()) == lock.count("\n") == len(routes) + 2
    assert compare_lock(lock.encode().decode(), routes, "routes.lock") == ""


def test_a_path_cannot_forge_a_line() -> None:
    app = web.Application()
    app.router.add_get("/a\nGET /admin: - | shop:authenticate", index)
    assert lines(app) == [r"GET,HEAD /a\nGET /admin: - | shop:authenticate: - | -"]


def test_the_lock_changes_when_a_route_answers_more_than_before() -> None:
    assert lines(make_app(path=r"/posts/{id:\d+}")) != lines(make_app(path=r"/posts/{id:.*}"))
