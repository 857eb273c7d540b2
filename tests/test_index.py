"""The route index: whatever the routes and the path, the answer is that of aiohttp's own router, asked beside it."""

import re
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from aiohttp_route_middleware import UrlDispatcherEx, index

FILES = Path(__file__).parent
REQUEST = make_mocked_request("GET", "/")


async def endpoint(request: web.Request) -> web.Response:
    return web.Response(text=request.path)


def application(extended: bool = True) -> web.Application:
    app = web.Application()
    if extended:
        UrlDispatcherEx.install(app)
    return app


def drive(coroutine: Coroutine[Any, Any, web.UrlMappingMatchInfo]) -> web.UrlMappingMatchInfo:
    """Run what waits for nothing, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        found: web.UrlMappingMatchInfo = stop.value
        return found
    raise AssertionError("a router waits for nothing")


def resolve(router: web.UrlDispatcher, method: str, path: str, host: str = "") -> Any:
    """Return the whole outcome: which route, what it captured and where; or the refusal; or the error."""
    url = URL.build(path=path, encoded=True)  # as aiohttp's parser does; URL(path) would take //a for a host
    request = REQUEST.clone(method=method, rel_url=url, headers={"Host": host})
    try:
        found = drive(router.resolve(request))
    except Exception as error:
        return type(error).__name__, str(error)
    if isinstance(found.http_exception, web.HTTPMethodNotAllowed):
        return found.http_exception.headers["Allow"], len(found.apps)
    if found.http_exception is not None:
        return found.http_exception.status, len(found.apps)
    assert found.route.resource is not None
    place = [*router.routes()].index(found.route)
    return place, dict(found), found.route.resource.canonical, len(found.apps)


# ---- random tables

# Segments of routes, each with what random paths have in its place; @ is a number that makes names differ.
SEGMENTS: dict[str, tuple[str, ...]] = {
    "a": ("a", "%61"),
    "b": ("b",),
    "": ("",),
    "a b": ("a%20b", "a%2520b"),
    "a%2Fb": ("a%2Fb", "a%2fb", "a/b"),
    "%25": ("%25", "%2525"),
    "é": ("%C3%A9", "%25C3%25A9", "é"),
    "{v@}": ("a", "b", "7", "a%2Fb", "%C3%A9", "%7B", ""),
    "res{v@}": ("res7", "res"),
    "{v@}.{w@}": ("a.b", "a"),
    r"{v@:\d+}": ("7", "77", "a"),
    r"{v@:\d{2}}": ("7", "77"),
    "{v@:[a-c]*}": ("", "abc", "d"),
    "{v@:a|b}": ("a", "b"),
    "{v@:a|b/a}": ("a", "b/a", "b"),
    "{v@:(?:a|b)+}": ("ab", "c"),
    "{v@:(?i:a)}": ("a", "A"),
    "{v@:[+-9]}": ("/", "7", "a"),
    "{v@:.*}": ("", "a", "a/b", "//"),
    "{v@:.+/b}": ("a/b", "a//b", "b/a/b"),
    "{v@:.*?}": ("", "a", "b/a"),
    # they break out of their groups
    "{v@:a)|(?:/a/b}": ("a", "a/b"),
    "{v@:a)?(?:b}": ("ab", "b"),
    "{v@:a)(?:/b)*(?:}": ("a", "a/b/b"),
    "{v@:a)/b/*(?:b}/b/": ("a/bb/b/", "a/b/b/b/"),
    "{v@:a)/b/{0,1}(?:b}/b/{w@}": ("a/bb/b/7", "a/b/b/b/7"),
}
# Prefixes of sub-applications; aiohttp takes the braces in them for braces.
PREFIXES = {"a": ("a",), "a/b": ("a/b",), "é": ("%C3%A9",), "{v}": ("%7Bv%7D", "{v}"), "a{/b|": ("a%7B/b|",)}
HOSTS = ["", "a.test", "b.test"]


@dataclass(frozen=True)
class Route:
    segments: tuple[str, ...]
    methods: list[str]
    named: bool


@dataclass(frozen=True)
class Move:
    """Takes resources out of the index, and puts them back in reverse order with a prefix, as sub-applications do."""

    places: list[int]
    prefix: str


@dataclass(frozen=True)
class Mount:
    """A sub-application; without a prefix, by its host."""

    prefix: str | None
    host: str
    extended: bool
    table: list[Any]


def mostly(usual: st.SearchStrategy[Any], *others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda number: usual if number < 8 else st.one_of(*others))


any_segments = st.lists(st.sampled_from([*SEGMENTS]), max_size=3)
segments = mostly(  # most of all share a key
    st.builds(lambda first, more: (first, *more), st.sampled_from(["{v@}", "{v@}", "a"]), any_segments),
    any_segments.map(tuple),
)
methods = st.lists(st.sampled_from(["GET", "POST", "PUT", "*"]), min_size=1, max_size=2, unique=True)
routes = st.builds(Route, segments, methods, st.booleans())
any_places = st.lists(st.integers(0, 9), max_size=9, unique=True) | st.just([*range(50)])
moves = st.builds(Move, any_places, st.sampled_from(["", "", "/a", "/{v}"]))
entries = mostly(routes, moves, st.sampled_from(["/", "/a", "/a/b", "/é"]))  # those are static


def mounts(entries: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    prefixes = st.sampled_from([*PREFIXES, *PREFIXES, None])
    return st.builds(Mount, prefixes, st.sampled_from(HOSTS[1:]), st.booleans(), st.lists(entries, max_size=14))


tables = st.lists(mostly(entries, mounts(mostly(entries, mounts(entries)))), min_size=5, max_size=20)


def paths_of(table: list[Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for entry in table:
        if isinstance(entry, Route):
            yield (*before, *entry.segments)
        elif isinstance(entry, Mount):
            yield from paths_of(entry.table, before if entry.prefix is None else (*before, entry.prefix))


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Any], list[tuple[str, str, str]]]:
    """Draw a table, and requests that most of its routes match nearly."""
    table = draw(tables)
    known = [*paths_of(table)] or [()]
    requests = []
    for _ in range(draw(st.integers(1, 8))):
        pieces = draw(st.sampled_from(known))
        texts = [draw(st.sampled_from((SEGMENTS | PREFIXES)[piece])) for piece in pieces]
        if draw(st.booleans()):
            place = draw(st.integers(0, len(texts)))
            texts[place : place + draw(st.integers(0, 1))] = draw(st.sampled_from([[], [""], ["a"], ["7", "b"]]))
        path = draw(st.sampled_from(["/" + "/".join(texts)] * 9 + ["*", ""]))
        requests.append((draw(st.sampled_from(["GET", "POST", "BREW"])), path, draw(st.sampled_from(HOSTS))))
    return table, requests


def path_text(route: Route) -> str:
    return "".join("/" + segment.replace("@", str(place)) for place, segment in enumerate(route.segments))


def build(app: web.Application, stock: bool, table: list[Any], requests: list[Any]) -> list[Any]:
    """Fill an application; return what came of it: errors, and answers in between."""
    log: list[Any] = []
    for place, entry in enumerate(table):
        try:
            if isinstance(entry, Route):
                resource = app.router.add_resource(path_text(entry), name=f"name{place}" if entry.named else None)
                for method in entry.methods:
                    resource.add_route(method, endpoint)
            elif isinstance(entry, Mount):
                inner = application(entry.extended and not stock)
                log.append(build(inner, stock, entry.table, requests))
                if entry.prefix is None:
                    app.add_domain(entry.host, inner)
                else:
                    app.add_subapp(f"/{entry.prefix}", inner)
            elif isinstance(entry, Move):
                move(app.router, entry, lambda: log.append([resolve(app.router, *request) for request in requests]))
            else:
                app.router.add_static(entry, FILES)
        except Exception as error:
            log.append(repr(error))
    return log


def move(router: web.UrlDispatcher, entry: Move, ask: Callable[[], None]) -> None:
    moved = [resource for place, resource in enumerate(router.resources()) if place in entry.places]
    ask()  # what was built for that must not outlive the change
    for resource in moved:
        router.unindex_resource(resource)
    ask()
    for resource in reversed(moved):
        if entry.prefix:
            resource.add_prefix(entry.prefix)
        router.index_resource(resource)


@given(problem=problems(), extended=st.sampled_from([True, True, False]))
def test_a_random_table_answers_every_request_as_aiohttps_router_does(problem: Any, extended: bool) -> None:
    table, requests = problem
    expected_app, app = application(extended=False), application(extended)
    assert build(app, False, table, requests) == build(expected_app, True, table, requests)
    for _ in range(2):
        for request in requests:
            assert resolve(app.router, *request) == resolve(expected_app.router, *request), request
        expected_app.freeze()
        app.freeze()


def test_a_prefix_that_looks_like_a_variable_is_a_literal_as_with_aiohttps_router() -> None:
    table = [*(Route(("{v@}", name), ["GET"], named=False) for name in SEGMENTS), Move([*range(50)], "/{v}")]
    requests = [("GET", path, HOSTS[0]) for path in ("/{v}/7/a", "/7/7/a", "/7/a", "/%7Bv%7D/7/a")]
    expected_app, app = application(extended=False), application(extended=True)
    assert build(app, False, table, requests) == build(expected_app, True, table, requests)
    for request in requests:
        assert resolve(app.router, *request) == resolve(expected_app.router, *request), request


# ---- by name

FILLERS = ["/{q}/fill1", "/{q}/fill2", "/{q}/fill3", "/{q}/fill4", "/{q}/fill5"]


# What is registered before the fillers, what is asked for, and which of the routes answers, or how it is refused.
CASES: dict[str, tuple[list[str], str, int | str]] = {
    "the first of several wins": (["GET /{a}/x", "GET /{b}/{c}"], "GET /7/x", 0),
    "the first wins over a literal": (["GET /{b}/{c}", "GET /{a}/x"], "GET /7/x", 0),
    "what is always asked wins as the first": (["GET /{t:.*}", "GET /{a}/x"], "GET /7/x", 0),
    "what is always asked loses as the second": (["GET /{a}/x", "GET /{t:.*}"], "GET /7/x", 0),
    "aiohttp asks longer beginnings first": (["GET /{t:.*}", "GET /a/x"], "GET /a/x", 1),
    "one of another method passes on": (["POST /{a}/x", "GET /{b}/{c}"], "GET /7/x", 1),
    "Allow is of all that match": (["POST /{a}/x", "PUT /{b}/{c}", "* /{a}/y"], "GET /7/x", "POST,PUT"),
    "Allow is of all keys": (["PUT /{t:.*}", "POST /{a}/x", "GET /x"], "BREW /x", "GET,PUT"),
    "any method": (["* /{a}/x"], "BREW /7/x", 0),
    "an encoded letter of a literal": (["GET /{a}/x"], "GET /7/%78", 0),
    "an encoded slash is none": (["GET /{a}/x"], "GET /7%2F8/x", 0),
    "an encoded slash in a literal": (["GET /{a}/x%2Fy"], "GET /7/x%2Fy", 0),
    "a slash is no encoded slash": (["GET /{a}/x%2Fy"], "GET /7/x/y", 404),
    "an encoded percent sign": (["GET /{a}/100%25"], "GET /%37/100%25", 0),
    "aiohttp never finds é behind a variable": (["GET /{a}/é"], "GET /7/%C3%A9", 404),
    "a trailing slash counts": (["GET /{a}/x"], "GET /7/x/", 404),
    "empty segments": (["GET /{a}//x/"], "GET /7//x/", 0),
    "the empty path": (["GET "], "GET /", 0),
    "no path": (["GET /{a}/x"], "OPTIONS *", 404),
    "a mixed segment": (["GET /{a}/v{n}/x"], "GET /7/v2/x", 0),
    "braces in an expression": ([r"GET /{n:\d{2}}/x"], "GET /77/x", 0),
    "an alternative with a slash": (["GET /{lang:de|de/ch}/x"], "GET /de/ch/x", 0),
    "a tail": (["GET /{a}/x/{t:.*}"], "GET /7/x/8/9", 0),
    "an empty tail": (["GET /{a}/x/{t:.*}"], "GET /7/x/", 0),
    "no tail": (["GET /{a}/x/{t:.*}"], "GET /7/x", 404),
    "slashes in the middle": (["GET /{t:.+}/x/{a}"], "GET /7/8/x/9", 0),
    "breaking out of the group": (["GET /{n:a)|(?:/y/z}"], "GET /y/z", "TypeError"),
    "repeating the slash before it": (["GET /{x:a)/b/*(?:d}/b/"], "GET /a/bd/b/", 0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_answer_is_aiohttps(name: str) -> None:
    table, request_line, expected = CASES[name]
    answers = []
    for router in (UrlDispatcherEx(), web.UrlDispatcher()):
        for line in [*table, *(f"GET {path}" for path in FILLERS)]:
            method, path = line.split(" ")
            router.add_route(method, path, endpoint)
        router.freeze()
        answers.append(resolve(router, *request_line.split(" ")))
    assert answers[0] == answers[1]
    assert answers[0][0] == expected


class Caseless(web.DynamicResource):
    def _match(self, path: str) -> dict[str, str] | None:
        return super()._match(path.lower())


def caseless_by_its_pattern(path: str) -> web.DynamicResource:
    resource = web.DynamicResource(path)
    resource._pattern = re.compile(resource._pattern.pattern, re.IGNORECASE)
    return resource


@pytest.mark.parametrize("make", [Caseless, caseless_by_its_pattern])
def test_what_is_not_as_aiohttp_makes_it_decides_itself(make: Callable[[str], web.DynamicResource]) -> None:
    router = UrlDispatcherEx()
    for path in FILLERS:
        resource = make(path)
        resource.add_route("GET", endpoint)
        router.register_resource(resource)
    assert resolve(router, "GET", "/7/FILL5")[1] == {"q": "7"}


def test_the_methods_of_several_resources_are_gathered_anew_for_each_request() -> None:
    router = UrlDispatcherEx()
    for path in [*FILLERS, "/{a}/{b}"]:
        router.add_route(f"M{len(router.resources())}", path, endpoint)
    answers = [resolve(router, "BREW", path)[0] for path in ("/7/fill1", "/7/fill2", "/7/x")]
    assert answers == ["M0,M5", "M1,M5", "M5"]


def test_a_resource_registered_twice_is_found_until_it_is_taken_out_twice() -> None:
    router = UrlDispatcherEx()
    resources = [router.add_resource(path) for path in FILLERS]
    resources[0].add_route("GET", endpoint)
    router.register_resource(resources[0])
    for resource in [*resources, resources[0]]:
        assert resolve(router, "GET", "/7/fill1")[:2] == (0, {"q": "7"})
        router.unindex_resource(resource)
    assert resolve(router, "GET", "/7/fill1") == (404, 0)
    with pytest.raises(ValueError, match="not in list"):
        router.unindex_resource(resources[0])


# ---- the work


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[web.Resource]:
    """All resources that are asked whether they match."""
    asked: list[web.Resource] = []
    resolve = web.Resource.resolve

    async def note(self: web.Resource, request: web.Request) -> Any:
        asked.append(self)
        return await resolve(self, request)

    monkeypatch.setattr(web.Resource, "resolve", note)
    return asked


# Each for a thousand numbers in the place of @; what is asked for, and how many resources are asked for it.
THOUSANDS: dict[str, tuple[str, str, int]] = {
    "a literal in the middle": ("/{tenant}/res@/{id}", "/t/res999/7", 1),
    "a literal at the end": ("/{tenant}/{kind}/{id}/res@", "/t/k/7/res999", 1),
    "a trailing slash": ("/{tenant}/{kind}/res@/", "/t/k/res999/", 1),
    "literals at many places": ("/a/{id}/b/{c}/res@/d", "/a/7/b/c/res999/d", 1),
    "mixed segments": ("/{tenant}/res@/v{n}.{format}", "/t/res999/v1.json", 1),
    "numbers": (r"/{id:\d+}/res@/{n:\d{2}}", "/7/res999/77", 1),
    "classes": ("/{a:[a-z0-9]+}/res@/{b:[abc]?}", "/c3/res999/", 1),
    "plain alternatives": ("/{lang:en|de}/res@", "/de/res999", 1),
    "tails": ("/{tenant}/res@/{tail:.*}", "/t/res999/a/b", 1),
    "what is known before what is not": ("/{tenant}/res@/{a:(?i:x)}/{b}", "/t/res999/X/b", 1),
    "not found": ("/{tenant}/res@/{id}", "/t/none/7", 0),
    "aiohttp's own index": ("/res@/{id}", "/res999/7", 1),
    "not known: literals after slashes": ("/{a:.+}/res@", "/a/b/res999", 1000),
    "not known: alternatives in a group": ("/{tenant}/res@/{a:(?:b|c)}", "/t/res999/c", 1000),
    "not known: a beginning of a segment": ("/{tenant}/res@-{n:.}", "/t/res999-1", 1000),
}


@pytest.mark.parametrize("name", THOUSANDS)
def test_of_a_thousand_resources_only_those_that_may_match_are_asked(asked: list[web.Resource], name: str) -> None:
    template, path, count = THOUSANDS[name]
    router = UrlDispatcherEx()
    for number in range(1000):
        router.add_get(template.replace("@", str(number)), endpoint)
    router.freeze()
    answer = resolve(router, "GET", path)
    assert len(asked) == count
    assert (answer[0] == 404) is (count == 0)


@pytest.mark.parametrize("prefixes", [[], ["/a"], ["/a", "/b"]], ids=["the application", "mounted", "mounted twice"])
def test_nothing_is_built_at_the_first_request(monkeypatch: pytest.MonkeyPatch, prefixes: list[str]) -> None:
    built: list[web.AbstractResource] = []
    read_shape = index.read_shape

    def note(resource: web.AbstractResource) -> index.Shape:
        built.append(resource)
        return read_shape(resource)

    monkeypatch.setattr(index, "read_shape", note)
    inner = outermost = application()
    for path in FILLERS:
        inner.router.add_get(path, endpoint)
    for prefix in prefixes:
        around = application()
        around.add_subapp(prefix, outermost)
        outermost = around
    outermost.freeze()
    before = len(built)
    assert {*inner.router.resources()} <= {*built}
    assert resolve(outermost.router, "GET", "".join([*reversed(prefixes), "/7/fill5"]))[1] == {"q": "7"}
    assert len(built) == before


@pytest.mark.parametrize("path", ["/" * 8000, "/7" * 4000, "/7/fill5" + "/" * 8000, "/7/" + "%2F" * 2000])
def test_a_huge_path_is_not_found(asked: list[web.Resource], path: str) -> None:
    router = UrlDispatcherEx()
    for filler in FILLERS:
        router.add_get(filler, endpoint)
    assert resolve(router, "GET", path) == (404, 0)
    assert asked == []


# ---- what others see


async def test_monitoring_that_wraps_aiohttps_resolve_sees_every_request(
    monkeypatch: pytest.MonkeyPatch, aiohttp_client: AiohttpClient
) -> None:
    assert UrlDispatcherEx.resolve is web.UrlDispatcher.resolve
    seen: list[tuple[str, str]] = []
    resolve = web.UrlDispatcher.resolve

    async def trace(self: web.UrlDispatcher, request: web.Request) -> web.UrlMappingMatchInfo:
        found = await resolve(self, request)
        seen.append((request.path, found.route.resource.canonical if found.route.resource else ""))
        return found

    monkeypatch.setattr(web.UrlDispatcher, "resolve", trace)
    app = application()
    for path in FILLERS:
        app.router.add_get(path, endpoint)
    client = await aiohttp_client(app)
    for path, status in (("/7/fill1", 200), ("/7/fill5", 200), ("/7/none", 404)):
        assert (await client.get(path)).status == status
    assert seen == [("/7/fill1", "/{q}/fill1"), ("/7/fill5", "/{q}/fill5"), ("/7/none", "")]


def test_what_walks_aiohttps_index_finds_every_route_in_it() -> None:
    router = UrlDispatcherEx()
    routes = [router.add_post(path, endpoint) for path in FILLERS]
    (crowd,) = router._resource_index["/"]
    assert [*crowd] == routes
    assert len(crowd) == len(routes)
    assert (crowd.canonical, crowd.get_info(), crowd.name) == ("/", {"path": "/"}, None)
    assert not crowd.raw_match("/")
    refused: list[Any] = [crowd.url_for, lambda: crowd.add_prefix("/a")]
    for call in refused:
        with pytest.raises(RuntimeError, match="the members"):
            call()
    assert [*router.resources()] == [route.resource for route in routes]


def test_an_application_that_is_mounted_in_itself_can_be_frozen() -> None:
    app = application()
    app.add_subapp("/x", app)
    app.freeze()
    assert app.router.frozen
