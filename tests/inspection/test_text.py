"""Text for a terminal: never wider than 80 columns, nothing lost, and no escape sequence but our own colours."""

import re
from collections.abc import Callable
from typing import Any
from unicodedata import east_asian_width

import pytest
from aiohttp import web
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aiohttp_route_middleware import chain, named
from aiohttp_route_middleware.inspection import LinkInfo, RouteInfo, list_routes
from aiohttp_route_middleware.inspection.explanation import Explanation, explain
from aiohttp_route_middleware.inspection.text import write_explanation, write_routes, write_routes_at_length
from aiohttp_route_middleware.naming import escape_unprintable
from aiohttp_route_middleware.places import Site

from .conftest import (
    PostView,
    audit,
    authenticate,
    authorise,
    get_post,
    index,
    inner,
    new_app,
    outer,
)

COLOUR = re.compile(r"\x1b\[(?:0|1|2|32|1;31)m")


def uncoloured(text: str) -> str:
    return COLOUR.sub("", text)


def squeezed(text: str) -> str:
    """A text without its line breaks and spaces."""
    return re.sub(r"\s", "", text)


def make_app() -> web.Application:
    app, router = new_app(authenticate, middlewares=[outer])
    sub = web.Application(middlewares=[inner])
    sub.router.add_get("/{id}", chain(audit, get_post))
    router.add_get("/posts/{id}", authorise("read"), get_post, name="post")
    router.add_delete("/posts/{id}", authorise("read", "write"), authorise("delete any post"), get_post)
    router.add_view("/view", PostView, without=authenticate)
    app.add_subapp("/sub", sub)
    return app


def table(app: web.Application) -> list[str]:
    """The lines of the table, without the places of links, which depend on the working directory."""
    return write_routes(list_routes(app)).splitlines()


def test_the_table_shows_applications_routes_and_how_often_each_link_is_used() -> None:
    lines = [re.sub(r"  \S+conftest\.py:\d+", "  FILE", line) for line in table(make_app())]
    assert lines == [
        "application  middlewares: outer",
        "  GET HEAD /posts/{id}                  (authenticate) authorise(read)",
        "                                        -> get_post  name: post",
        "  DELETE   /posts/{id}                  (authenticate) authorise(read, write)",
        "                                        authorise(delete any post) -> get_post",
        "! *        /view                        -> PostView",
        "",
        "/sub  middlewares: outer, inner",
        "  GET HEAD /sub/{id}                    audit -> get_post",
        "",
        "4 routes, 1 without links",
        "! no links; middlewares of the application may still guard it",
        "( ) inherited from the router, a group or a table",
        "",
        "routes  link",
        "     2  authenticate  FILE",
        "     1  authorise(read)  FILE",
        "     1  authorise(read, write)  FILE",
        "     1  authorise(delete any post)  FILE",
        "     1  audit  FILE",
    ]


def test_at_length_each_link_has_a_line_with_its_place() -> None:
    text = write_routes_at_length(list_routes(make_app()))
    assert re.sub(r"  \S+\.py:\d+", "  FILE", text).split("\n\n")[0].splitlines() == [
        "  GET HEAD /posts/{id}",
        "    application outer  FILE",
        "    inherited   authenticate  FILE",
        "    own         authorise(read)  FILE",
        "    endpoint    get_post  FILE",
        "    name        post",
        "    defined     FILE",
    ]
    assert text.splitlines()[-1].split()[:2] == ["1", "audit"]


@pytest.mark.parametrize(
    ("count", "bare", "summary"),
    [(0, 0, "0 routes, 0 without links"), (1, 0, "1 route, 0 without links"), (2, 2, "2 routes, 2 without links")],
)
@pytest.mark.parametrize("write", [write_routes, write_routes_at_length], ids=lambda write: write.__name__)
def test_the_summary_counts_in_good_english(
    count: int, bare: int, summary: str, write: Callable[[list[RouteInfo]], str]
) -> None:
    app, router = new_app(*([] if bare else [authenticate]))
    for number in range(count):
        router.add_get(f"/{number}", index)
    assert summary in write(list_routes(app)).splitlines()


def test_routes_without_links_are_marked_and_only_those() -> None:
    app, router = new_app(middlewares=[outer])
    router.add_get("/bare", index)
    router.add_get("/safe", authenticate, index)
    at_length = write_routes_at_length(list_routes(app)).splitlines()
    assert next(line for line in at_length if line.startswith("!")) == "! GET HEAD /bare"
    assert [line for line in table(app) if line.startswith("!")] == [
        "! GET HEAD /bare                        -> index",
        "! no links; middlewares of the application may still guard it",
    ]


def test_what_the_signs_mean_is_told_only_where_they_are_used() -> None:
    app, router = new_app()
    router.add_get("/", authenticate, index)
    text = write_routes(list_routes(app))
    assert "!" not in text
    assert "( )" not in text


def test_a_long_path_has_a_line_of_its_own() -> None:
    app, router = new_app()
    router.add_get("/a/path/as/long/as/its/column", authenticate, index)
    router.add_get("/a/path/as/wide/as/its/colum", authenticate, index)
    assert table(app)[1:4] == [
        "  GET HEAD /a/path/as/long/as/its/column",
        "                                        authenticate -> index",
        "  GET HEAD /a/path/as/wide/as/its/colum authenticate -> index",
    ]


def test_middlewares_that_do_not_exist_are_called_none() -> None:
    app = web.Application()
    app.router.add_get("/", index)
    assert table(app)[0] == "application  middlewares: none"


def test_two_applications_below_one_prefix_show_their_own_middlewares() -> None:
    app = web.Application()
    for middlewares, path in (([outer], "/guarded"), ([], "/bare")):
        sub = web.Application(middlewares=middlewares)
        sub.router.add_get(path, index)
        app.add_subapp("/sub", sub)
    assert table(app)[:4] == [
        "/sub  middlewares: outer",
        "! GET HEAD /sub/guarded                 -> index",
        "",
        "/sub  middlewares: none",
    ]


async def explained(app: web.Application, method: str, url: str) -> list[str]:
    text = write_explanation(await explain(app, method, url))
    return [re.sub(r"  \S+\.py:\d+", "  FILE", line) for line in text.splitlines()]


async def test_an_explanation_shows_what_runs_from_the_outside_to_the_inside() -> None:
    assert await explained(make_app(), "GET", "/posts/7") == [
        "  GET /posts/7",
        "    route       GET /posts/{id}",
        "    match_info  id = '7'",
        "    application outer  FILE",
        "    inherited   authenticate  FILE",
        "    own         authorise(read)  FILE",
        "    endpoint    get_post  FILE",
        "    name        post",
        "    defined     FILE",
    ]


async def test_an_explanation_begins_with_what_is_not_obvious() -> None:
    assert (await explained(make_app(), "HEAD", "/posts/7"))[:3] == [
        "  HEAD /posts/7",
        "    HEAD came with the GET route: its links run, and no body is sent",
        "    route       GET /posts/{id}",
    ]


async def test_where_nothing_answers_the_status_comes_first_and_the_reasons_below() -> None:
    assert await explained(make_app(), "GET", "/sub/7/") == [
        "  GET /sub/7/",
        "    404 no route has the path /sub/7/",
        "    /sub/7 is there: mind the slash at the end",
        "    paths like it: /sub/{id}",
        "    application outer  FILE",
        "    application inner  FILE",
    ]
    assert await explained(make_app(), "PUT", "/posts/7") == [
        "  PUT /posts/7",
        "    405 /posts/7 answers DELETE, GET, HEAD, not PUT",
        "    application outer  FILE",
    ]


async def test_a_view_without_the_method_shows_its_route_and_its_status() -> None:
    assert (await explained(make_app(), "PUT", "/view"))[:3] == [
        "  PUT /view",
        "    405 the links run, then PostView, which has no `put`, answers 405: GET",
        "    route       * /view",
    ]


# What is written in each of the three ways, in colour or not.
Write = Callable[[list[RouteInfo], bool], str]


def as_table(routes: list[RouteInfo], in_colour: bool) -> str:
    return write_routes(routes, in_colour=in_colour)


def at_length(routes: list[RouteInfo], in_colour: bool) -> str:
    return write_routes_at_length(routes, in_colour=in_colour)


def as_explanations(routes: list[RouteInfo], in_colour: bool) -> str:
    """Each route explained; and each as one that is missed."""
    written = ""
    for route in routes:
        values = {link.name: link.module for link in route.links}
        notes = (f"{route.path} {route.endpoint.name}", route.path)
        for status, answer in ((None, route), (404, None), (405, route)):
            found = Explanation("GET", route.path, status, answer, values, route.middlewares, notes)
            written += write_explanation(found, in_colour=in_colour)
    return written


few = settings(max_examples=40)  # each example is written six times
ways = pytest.mark.parametrize("write", [as_table, at_length, as_explanations], ids=lambda write: write.__name__)


@ways
async def test_without_colour_no_escape_sequence_is_written(write: Write) -> None:
    assert "\x1b" not in write(list_routes(make_app()), False)


@ways
async def test_colour_adds_nothing_but_colour(write: Write) -> None:
    routes = list_routes(make_app())
    coloured = write(routes, True)
    assert coloured != write(routes, False)
    lines = [line.rstrip() for line in uncoloured(coloured).splitlines()]
    assert lines == write(routes, False).splitlines()


def test_colour_is_red_for_routes_without_links_and_green_for_endpoints() -> None:
    text = write_routes(list_routes(make_app()), in_colour=True)
    assert "\x1b[1;31m!" in text
    assert "\x1b[32m-> PostView\x1b[0m" in text
    assert "\x1b[1;31m1 without links\x1b[0m" in text


def test_colour_is_green_where_every_route_has_links() -> None:
    app, router = new_app()
    router.add_get("/", authenticate, index)
    assert "\x1b[32m0 without links\x1b[0m" in write_routes(list_routes(app), in_colour=True)


# Names and paths as hostile as they can be, and as long as makes lines break at every place.
hostile = st.one_of(
    st.text(max_size=10),
    st.text(st.sampled_from("\x1b[2Jm\x9b\x07\r\n\t\u202e\u2028\xa0\ud800 ()!->"), max_size=20),
    st.builds(
        lambda part, times: part * times, st.sampled_from(["a", "ab ", "/{id}", "\x1b[31m"]), st.integers(1, 90)
    ),
)
sites = st.none() | st.builds(Site, hostile, st.integers(1, 10**6))
links = st.builds(LinkInfo, hostile, hostile, sites, st.none())
some_links = st.lists(links, max_size=3).map(tuple)
routes_of_anyone: st.SearchStrategy[RouteInfo] = st.builds(
    RouteInfo,
    methods=st.sampled_from([("GET", "HEAD"), ("DELETE",), ("*",), ("BASELINE-CONTROL",)]),
    path=hostile,
    name=st.none() | hostile,
    mounts=st.lists(hostile, max_size=2).map(tuple),
    middlewares=some_links,
    inherited=some_links,
    own=some_links,
    endpoint=links,
    site=sites,
    routes=st.just(()),
)
lists_of_routes = st.lists(routes_of_anyone, max_size=3)


@ways
@few
@given(routes=lists_of_routes)
def test_no_line_is_wider_than_80_columns(write: Write, routes: list[RouteInfo]) -> None:
    for in_colour in (False, True):
        for line in uncoloured(write(routes, in_colour)).split("\n"):
            assert len(line.rstrip()) <= 80
            assert in_colour or line == line.rstrip()


def make_route(name: str) -> RouteInfo:
    link = LinkInfo(name, "module", None, None)
    return RouteInfo(("GET",), "/", None, (), (), (link, link), (link,), link, None, ())


@example([make_route("x" * 37)])
@example([make_route("x" * 17)])
@given(lists_of_routes)
def test_in_colour_no_line_is_wider_than_80_columns_not_even_by_a_space(routes: list[RouteInfo]) -> None:
    for line in uncoloured(as_table(routes, True)).split("\n"):
        assert len(line) <= 80


def test_a_character_may_be_two_columns_wide() -> None:
    @named("会員であることを確かめる" * 4)
    async def check(request: web.Request) -> None: ...

    app, router = new_app()
    router.add_get("/", check, index)
    for line in table(app):
        assert sum(2 if east_asian_width(char) in "WF" else 1 for char in line) <= 80


@ways
@few
@given(routes=lists_of_routes)
def test_no_escape_sequence_reaches_the_terminal_but_our_own_colours(write: Write, routes: list[RouteInfo]) -> None:
    for in_colour in (False, True):
        for line in write(routes, in_colour).split("\n"):
            assert uncoloured(line).isprintable()
            assert in_colour or line.isprintable()
    assert COLOUR.sub("", write(routes, True)).count("\x1b") == 0


def told_in_the_table(route: RouteInfo) -> list[str]:
    chained = [link.name for link in (*route.links, route.endpoint)]
    return [route.path, route.methods[0], *chained, *(str(link.site or "") for link in route.links), route.name or ""]


def told_at_length(route: RouteInfo) -> list[str]:
    endpoint, site = route.endpoint, str(route.site or "")
    middlewares = [part for link in route.middlewares for part in (link.name, str(link.site or ""))]
    return [*told_in_the_table(route), *middlewares, str(endpoint.site or ""), site]


@pytest.mark.parametrize(
    ("write", "tell"),
    [(as_table, told_in_the_table), (at_length, told_at_length), (as_explanations, told_at_length)],
    ids=["as_table", "at_length", "as_explanations"],
)
@few
@given(routes=lists_of_routes)
def test_nothing_is_lost_where_lines_are_broken(
    write: Write, tell: Callable[[RouteInfo], list[str]], routes: list[RouteInfo]
) -> None:
    for in_colour in (False, True):
        written = squeezed(uncoloured(write(routes, in_colour)))
        for text in [text for route in routes for text in tell(route)]:
            assert squeezed(escape_unprintable(text)) in written


@given(routes_of_anyone)
def test_the_middlewares_and_the_prefixes_of_an_application_are_never_lost(route: RouteInfo) -> None:
    written = squeezed(write_routes([route]))
    for text in (*route.mounts, *(link.name for link in route.middlewares)):
        assert squeezed(escape_unprintable(text)) in written


@given(st.text(), st.dictionaries(hostile, hostile, max_size=3), st.lists(hostile, min_size=1, max_size=3))
def test_whatever_is_asked_for_is_told(url: str, match_info: dict[str, str], notes: list[str]) -> None:
    route: Any = make_route("name")
    found = Explanation("GET", url, 404, route, match_info, (), tuple(notes))
    written = squeezed(write_explanation(found))
    for text in [url, *notes, *match_info, *match_info.values()]:
        assert squeezed(escape_unprintable(text)) in written
