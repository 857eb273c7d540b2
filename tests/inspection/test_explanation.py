"""explain(): what would answer a URL and what runs before it; or why nothing does. Nothing of the application runs."""

import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import hdrs, web
from aiohttp.abc import AbstractMatchInfo, AbstractRouter
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from aiohttp_route_middleware import UrlDispatcherEx, chain
from aiohttp_route_middleware.errors import InspectionError
from aiohttp_route_middleware.inspection.explanation import Explanation, explain
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.cors import cors

from ..conftest import Diary
from .conftest import (
    PostView,
    audit,
    authenticate,
    authorise,
    find,
    get_post,
    index,
    inner,
    log_time,
    names,
    new_app,
    outer,
)


def label(found: Explanation) -> str | None:
    return found.route.label if found.route else None


async def test_a_route_is_told_with_its_links_and_what_the_path_holds() -> None:
    app, router = new_app(authenticate, middlewares=[outer])
    router.add_get("/", index)
    router.add_get(r"/posts/{id:\d+}/{rest:.*}", authorise("read"), get_post, name="post")
    found = await explain(app, "GET", "/posts/7/a/b?page=2")
    assert (found.method, found.url, found.status, found.notes) == ("GET", "/posts/7/a/b?page=2", None, ())
    assert found.route == find(app, r"GET /posts/{id:\d+}/{rest:.*}")
    assert names(found.route.links) == ["authenticate", "authorise(read)"]
    assert found.match_info == {"id": "7", "rest": "a/b"}
    assert names(found.middlewares) == ["outer"]


def make_nested_app() -> web.Application:
    app, sub, subsub = (web.Application(middlewares=[one]) for one in (outer, inner, log_time))
    subsub.router.add_get("/{id}", chain(audit, get_post))
    sub.router.add_post("/", index)
    sub.add_subapp("/deep", subsub)
    app.add_subapp("/sub", sub)
    app.router.add_get("/", index)
    return app


@pytest.mark.parametrize(
    ("method", "url", "status", "middlewares"),
    [
        ("GET", "/", None, ["outer"]),
        ("POST", "/sub/", None, ["outer", "inner"]),
        ("GET", "/sub/deep/7", None, ["outer", "inner", "log_time"]),
        ("GET", "/nowhere", 404, ["outer"]),
        ("GET", "/sub/nowhere", 404, ["outer", "inner"]),
        ("GET", "/sub/", 405, ["outer", "inner"]),
        ("POST", "/sub/deep/7", 405, ["outer", "inner", "log_time"]),
    ],
)
async def test_middlewares_run_from_the_outermost_whether_a_route_answers_or_not(
    method: str, url: str, status: int | None, middlewares: list[str]
) -> None:
    found = await explain(make_nested_app(), method, url)
    assert found.status == status
    assert names(found.middlewares) == middlewares


def register_posts(app: web.Application) -> None:
    app.router.add_get("/posts", index)
    app.router.add_get("/posts/{id}/", index)
    app.router.add_post("/exact", index, name="exact")
    app.router.add_get("/pots", index)


@pytest.mark.parametrize(
    ("method", "url", "notes"),
    [
        (
            "GET",
            "/posts/",
            [
                "no route has the path /posts/",
                "/posts is there: mind the slash at the end",
                "paths like it: /posts, /pots, /posts/{id}/",
            ],
        ),
        (
            "GET",
            "/posts/7?page=2",
            [
                "no route has the path /posts/7",
                "/posts/7/ is there: mind the slash at the end",
                "paths like it: /posts, /pots, /posts/{id}/",
            ],
        ),
        ("GET", "/psots", ["no route has the path /psots", "paths like it: /pots, /posts"]),
        ("GET", "/unlike", ["no route has the path /unlike"]),
        ("GET", "/", ["no route has the path /"]),
        (
            "GET",
            "/exact/",
            ["no route has the path /exact/", "/exact is there: mind the slash at the end", "paths like it: /exact"],
        ),
        (
            "POST",
            "/exact/",
            [
                "no route has the path /exact/",
                "/exact is there: mind the slash at the end",
                "paths like it: /exact",
            ],
        ),
    ],
    ids=["a slash too many", "a slash too few", "misspelt", "like nothing", "root", "slash, other method", "slash"],
)
async def test_why_there_is_no_route_is_told_with_what_was_perhaps_meant(
    method: str, url: str, notes: list[str]
) -> None:
    app = web.Application()
    register_posts(app)
    found = await explain(app, method, url)
    assert (found.status, found.route, list(found.notes)) == (404, None, notes)
    assert found.match_info == {}


async def test_an_application_without_routes_has_no_path_and_none_like_it() -> None:
    found = await explain(web.Application(), "GET", "/")
    assert (found.status, found.notes) == (404, ("no route has the path /",))


async def test_a_wrong_method_is_told_with_those_that_are_answered() -> None:
    app, router = new_app()
    router.add_delete("/posts/{id}", index)
    router.add_get("/posts/{name}", index)
    found = await explain(app, "POST", "/posts/7")
    assert (found.status, found.route) == (405, None)
    assert found.notes == ("/posts/7 answers DELETE, GET, HEAD, not POST",)


async def test_head_comes_with_get_and_is_explained() -> None:
    app, router = new_app()
    router.add_get("/", authenticate, index)
    found = await explain(app, "HEAD", "/")
    assert found.status is None
    assert label(found) == "GET /"
    assert found.notes == ("HEAD came with the GET route: its links run, and no body is sent",)


async def test_head_that_was_not_wanted_is_explained() -> None:
    app, router = new_app()
    router.add_get("/", index, allow_head=False)
    found = await explain(app, "HEAD", "/")
    assert found.status == 405
    assert found.notes == ("/ answers GET, not HEAD", "its GET route was registered with allow_head=False")


async def test_a_head_route_of_its_own_needs_no_explanation() -> None:
    app, router = new_app()
    router.add_get("/", index, allow_head=False)
    router.add_head("/", audit, get_post)
    found = await explain(app, "HEAD", "/")
    assert (label(found), found.notes) == ("HEAD /", ())


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS"])
async def test_a_view_without_the_method_answers_405_after_its_links(method: str) -> None:
    app, router = new_app(authenticate)
    router.add_view("/view", PostView)
    found = await explain(app, method, "/view")
    assert found.status == 405
    assert found.route is not None
    assert names(found.route.links) == ["authenticate"]
    lower = method.lower()
    assert found.notes == (f"the links run, then PostView, which has no `{lower}`, answers 405: GET",)


@pytest.mark.parametrize("links", [[], [authenticate]], ids=["plain", "behind links"])
async def test_a_view_with_the_method_answers(links: list[Any]) -> None:
    app, router = new_app(*links)
    router.add_view("/view", PostView)
    found = await explain(app, "GET", "/view")
    assert (found.status, label(found), found.notes) == (None, "* /view", ())


class Reports(web.View):
    async def report(self) -> web.Response:
        return web.Response()


async def test_a_view_answers_no_method_that_aiohttp_does_not_know(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    app.router.add_view("/", Reports)
    assert (await (await aiohttp_client(app)).request("REPORT", "/")).status == 405
    assert (await explain(app, "REPORT", "/")).status == 405


def make_domains() -> web.Application:
    app = web.Application(middlewares=[outer])
    app.router.add_get("/hook", index)
    app.router.add_get("/outside", index)
    for domain in ("api.example.com", "*.mask.org", "port.example.com:8080", "xn--bcher-kva.example"):
        sub = web.Application(middlewares=[inner])
        sub.router.add_get("/hook", chain(authenticate, index))
        app.add_domain(domain, sub)
    return app


@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("/hook", "GET /hook"),
        ("http://other.example.com/hook", "GET /hook"),
        ("http://api.example.com/hook", "GET api.example.com/hook"),
        ("https://API.example.com/hook?a=b", "GET api.example.com/hook"),
        ("http://user:secret@api.example.com/hook", "GET api.example.com/hook"),
        ("//api.example.com/hook", "GET api.example.com/hook"),
        ("http://a.mask.org/hook", "GET *.mask.org/hook"),
        ("http://mask.org/hook", "GET /hook"),
        ("http://port.example.com:8080/hook", "GET port.example.com:8080/hook"),
        ("http://port.example.com/hook", "GET /hook"),
        ("http://xn--bcher-kva.example/hook", "GET xn--bcher-kva.example/hook"),
        pytest.param(
            "http://bücher.example/hook",
            "GET xn--bcher-kva.example/hook",
        ),
    ],
)
async def test_the_host_of_a_url_selects_among_domains(url: str, route: str) -> None:
    found = await explain(make_domains(), "GET", url)
    assert label(found) == route
    assert names(found.middlewares) == (["outer"] if route == "GET /hook" else ["outer", "inner"])


async def test_in_a_domain_the_routes_outside_are_not_found_but_named() -> None:
    found = await explain(make_domains(), "GET", "http://api.example.com/outside")
    assert found.status == 404
    assert found.notes == ("no route has the path /outside", "paths like it: /outside")
    assert names(found.middlewares) == ["outer", "inner"]


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("/p/a%20b", "a b"),
        ("/p/a b", "a b"),
        ("/p/a%2Fb", "a/b"),
        ("/p/gr%C3%BC%C3%9Fe", "grüße"),
        ("/p/grüße", "grüße"),
        ("/p/a+b", "a+b"),
        ("/p/%2525", "%25"),
        ("/p/a?x=/other/%20/grüße", "a"),
        ("/p/a;b=c,d:e@f", "a;b=c,d:e@f"),
        ("http://localhost/p/a#fragment", "a"),
    ],
)
async def test_paths_and_queries_are_encoded_as_a_client_does_it(
    url: str, value: str, aiohttp_client: AiohttpClient
) -> None:
    async def endpoint(request: web.Request) -> web.Response:
        return web.Response(text=request.match_info["value"])

    app, router = new_app()
    router.add_get("/p/{value}", endpoint)
    found = await explain(app, "GET", url)
    assert found.match_info == {"value": value}
    client = await aiohttp_client(app)
    asked = URL(url).relative() if url.startswith("http") else url
    assert await (await client.get(asked)).text() == value


async def test_a_url_without_a_path_asks_for_the_root() -> None:
    app, router = new_app()
    router.add_get("/", index)
    assert label(await explain(app, "GET", "http://localhost")) == "GET /"
    assert label(await explain(app, "GET", "http://localhost?a=b")) == "GET /"


async def test_the_empty_path_of_the_outermost_application_is_the_root(aiohttp_client: AiohttpClient) -> None:
    app, router = new_app()
    router.add_get("", index)
    assert (await (await aiohttp_client(app)).get("/")).status == 200
    assert label(await explain(app, "GET", "/")) == "GET /"


async def test_the_path_of_a_route_is_no_url() -> None:
    app, router = new_app()
    router.add_get("/posts/{id:\\d+}", index)
    found = await explain(app, "GET", "/posts/{id}")
    assert found.notes[1] == "a URL is wanted, not the path of a route: /posts/7, not /posts/{id}"


async def test_the_method_may_be_in_small_letters_and_any_token() -> None:
    app, router = new_app()
    router.add_route("REPORT", "/", index)
    found = await explain(app, "report", "/")
    assert (found.method, label(found)) == ("REPORT", "REPORT /")


@pytest.mark.parametrize("method", ["", "GET POST", "GET\r\nX: y", "GÉT", "/", "GET\n"], ids=ascii)
async def test_what_is_no_method_is_refused(method: str) -> None:
    with pytest.raises(InspectionError, match=r"^'.*' is no HTTP method$"):
        await explain(web.Application(), method, "/")


@pytest.mark.parametrize("url", ["", "posts/7", "?a=b", "#a", "mailto:a@example.com", "*"], ids=ascii)
async def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InspectionError) as caught:
        await explain(web.Application(), "GET", url)
    assert str(caught.value) == f"{url!r} is neither a path that starts with a slash nor a URL with a host"


@pytest.mark.parametrize("url", ["http://[::1/", "/\udcff"], ids=["half a bracket", "a byte that is no text"])
async def test_what_cannot_be_a_url_is_refused_in_our_words(url: str) -> None:
    with pytest.raises(InspectionError):
        await explain(web.Application(), "GET", url)


async def test_a_host_that_no_header_can_hold_is_refused() -> None:
    with pytest.raises(InspectionError, match="host"):
        await explain(web.Application(), "GET", "http://a\0b/")


TOO_LONG = f"/{'a' * 10_000}"


async def test_what_aiohttp_takes_for_no_request_is_refused() -> None:
    with pytest.raises(InspectionError, match=r"^aiohttp takes no request for GET /aaa"):
        await explain(web.Application(), "GET", TOO_LONG)


async def test_what_aiohttp_takes_for_no_request_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InspectionError):
        await explain(web.Application(), "GET", TOO_LONG)
    assert caplog.records == []


class Own(web.PlainResource):
    """A resource of somebody else's, which answers without a route that it lists."""

    async def resolve(self, request: web.Request) -> Any:
        if request.path != "/own":
            return None, set()
        return web.UrlMappingMatchInfo({"found": "it"}, web.UrlDispatcher().add_get("/x", index)), {"GET"}


async def test_what_a_resource_answers_without_a_listed_route_is_told() -> None:
    app = web.Application(middlewares=[outer])
    app.router.register_resource(Own("/own"))
    found = await explain(app, "GET", "/own")
    assert (found.status, found.route) == (None, None)
    assert found.notes == ("answered by a resource that does not list its routes",)
    assert found.match_info == {"found": "it"}
    assert names(found.middlewares) == ["outer"]


class Broken(web.PlainResource):
    async def resolve(self, request: web.Request) -> Any:
        raise LookupError("no table")


async def test_an_error_of_a_router_is_told_for_what_it_is() -> None:
    app = web.Application()
    app.router.register_resource(Broken("/broken"))
    with pytest.raises(Exception, match="no table"):
        await explain(app, "GET", "/broken")


async def test_what_is_no_application_or_cannot_be_listed_is_refused() -> None:
    class Blind(AbstractRouter):
        async def resolve(self, request: web.Request) -> AbstractMatchInfo:
            raise NotImplementedError

    with pytest.raises(InspectionError, match=r"is not a web\.Application$"):
        await explain(UrlDispatcherEx(), "GET", "/")  # type: ignore[arg-type]  # the mistake itself
    with pytest.warns(DeprecationWarning, match="router argument is deprecated"):
        blind = web.Application(router=Blind())  # type: ignore[arg-type]  # aiohttp wants its own class
    with pytest.raises(InspectionError, match="cannot list its resources"):
        await explain(blind, "GET", "/")


async def test_files_are_answered_by_their_directory(tmp_path: Path) -> None:
    app, router = new_app()
    router.add_static("/files", tmp_path, authenticate)
    found = await explain(app, "GET", "/files/a/b.txt")
    assert label(found) == "GET /files/{...}"
    assert found.match_info == {"filename": "a/b.txt"}
    assert (await explain(app, "POST", "/files/a")).status == 405


def make_watched_app(diary: Diary) -> web.Application:
    """An application that writes down whatever of it runs."""

    async def note(app: web.Application) -> None:
        diary.names.append("signal")

    async def keep(app: web.Application) -> AsyncIterator[None]:
        diary.names.append("context")
        yield

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        diary.names.append("on_response_prepare")

    app, router = new_app(diary.guard("guard"), middlewares=[web.middleware(diary.middleware("middleware"))])
    app.on_startup.append(note)
    app.on_shutdown.append(note)
    app.on_cleanup.append(note)
    app.cleanup_ctx.append(keep)
    app.on_response_prepare.append(prepare)
    router.add_get("/posts", diary.endpoint())
    return app


REQUESTS = [("GET", "/posts"), ("HEAD", "/posts"), ("POST", "/posts"), ("GET", "/posts/"), ("GET", "/psots")]


@pytest.mark.parametrize(("method", "url"), REQUESTS)
async def test_nothing_of_the_application_runs(method: str, url: str, diary: Diary) -> None:
    app = make_watched_app(diary)
    await explain(app, method, url)
    assert diary.names == []
    assert not app.frozen


async def test_a_started_application_is_explained_while_it_serves(diary: Diary, aiohttp_client: AiohttpClient) -> None:
    app = make_watched_app(diary)
    before = [await explain(app, *asked) for asked in REQUESTS]
    client = await aiohttp_client(app)
    diary.names.clear()
    assert [await explain(app, *asked) for asked in REQUESTS] == before
    assert diary.names == []
    assert (await client.get("/posts")).status == 200
    assert diary.names[:3] == ["middleware", "guard", "endpoint"]


async def test_a_handler_may_explain_its_own_application(aiohttp_client: AiohttpClient) -> None:
    async def tell(request: web.Request) -> web.Response:
        found = await explain(request.app, "DELETE", "/tell")
        return web.json_response([found.status, *found.notes])

    app, router = new_app()
    router.add_get("/tell", authenticate, tell)
    client = await aiohttp_client(app)
    assert await (await client.get("/tell")).json() == [405, "/tell answers GET, HEAD, not DELETE"]


async def test_explaining_logs_nothing(caplog: pytest.LogCaptureFixture, diary: Diary) -> None:
    caplog.set_level(logging.DEBUG)
    for asked in REQUESTS:
        await explain(make_watched_app(diary), *asked)
    assert [record for record in caplog.records if record.name != "asyncio"] == []


def make_varied_app(add: Callable[[web.UrlDispatcher], None]) -> web.Application:
    app, sub = web.Application(), web.Application()
    UrlDispatcherEx.install(app, authenticate)
    add(app.router)
    add(sub.router)
    app.add_subapp("/sub", sub)
    return app


def add_varied_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/", index)
    router.add_get("/a", index)
    router.add_post("/a", index)
    router.add_get("/a/", index, allow_head=False)
    router.add_get("/{first}", index)
    router.add_delete(r"/{first:\d+}", get_post)
    router.add_put("/{first}/{second:.+}", get_post)
    router.add_view("/view", PostView)
    router.add_route("*", "/any", index)
    router.add_head("/head", index)


PATHS = ["/", "/a", "/a/", "/b", "/7", "/b/", "/b/c", "/b/c/d", "/view", "/view/", "/any", "/head", "/a%2Fb"]


@pytest.mark.parametrize("method", sorted(hdrs.METH_ALL - {hdrs.METH_CONNECT}))
async def test_what_is_explained_is_what_the_server_does(method: str, aiohttp_client: AiohttpClient) -> None:
    app = make_varied_app(add_varied_routes)
    client = await aiohttp_client(app)
    for path in [prefix + path for prefix in ("", "/sub") for path in PATHS]:
        url = URL(path, encoded=True)
        found = await explain(app, method, path)
        assert (found.status or 200) == (await client.request(method, url)).status, path


async def test_an_application_in_two_places_is_explained_where_it_was_asked_for() -> None:
    shared, admin, app = web.Application(), web.Application(middlewares=[inner]), web.Application()
    shared.router.add_get("/x", index)
    admin.add_subapp("/api", shared)
    app.add_domain("admin.example", admin)
    app.add_domain("public.example", shared)
    found = await explain(app, "GET", "http://public.example/api/x")
    assert label(found) == "GET public.example/api/x"
    assert found.route is not None
    assert (found.middlewares, found.route.middlewares) == ((), ())
    assert names((await explain(app, "GET", "http://admin.example/api/x")).middlewares) == ["inner"]


async def test_two_places_that_cannot_be_told_apart_are_told() -> None:
    shared, app = web.Application(), web.Application()
    shared.router.add_get("/x", index)
    for domain in ("a.example", "b.example"):
        app.add_domain(domain, shared)
    found = await explain(app, "GET", "http://b.example/x")
    assert found.notes == ("its application is mounted in several places: a.example/x, b.example/x",)


async def test_a_view_that_chooses_its_method_itself_is_not_said_to_lack_one() -> None:
    class Own(web.View):
        async def _iter(self) -> web.StreamResponse:
            return web.Response()

    app, router = new_app()
    router.add_view("/", Own)
    assert (await explain(app, "DELETE", "/")).status is None


async def test_an_application_in_itself_is_listed_once() -> None:
    app, router = new_app()
    router.add_get("/x", index)
    app.add_subapp("/again", app)
    assert label(await explain(app, "GET", "/again/x")) is not None


PREFLIGHT = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}


@pytest.mark.parametrize("method", ["OPTIONS", "*"], ids=["405", "a route"])
async def test_of_a_preflight_it_says_that_the_route_which_is_asked_for_answers(
    method: str, aiohttp_client: AiohttpClient
) -> None:
    app, router = new_app()
    setup(app)
    router.add_get("/posts", cors("https://shop.example"), index)
    if method == "*":
        router.add_route("*", "/posts", index)
    found = await explain(app, "OPTIONS", "/posts")
    assert found.status == (None if method == "*" else 405)
    assert found.notes[-1].startswith("a preflight is answered before all this, by cors()")
    client = await aiohttp_client(app)
    async with client.options("/posts", headers=PREFLIGHT) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    async with client.options("/posts") as response:
        assert response.status == (200 if method == "*" else 405)


@pytest.mark.parametrize(
    ("prepared", "method", "path"),
    [(False, "OPTIONS", "/posts"), (True, "PUT", "/posts"), (True, "OPTIONS", "/nothing")],
    ids=["not prepared", "another method", "no route"],
)
async def test_nothing_is_said_of_preflights_where_there_is_none(prepared: bool, method: str, path: str) -> None:
    app, router = new_app()
    if prepared:
        setup(app)
    router.add_get("/posts", cors("https://shop.example"), index)
    assert "preflight" not in " ".join((await explain(app, method, path)).notes)
