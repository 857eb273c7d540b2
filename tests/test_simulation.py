"""`simulate()`: a chain alone, with a real request and no socket; and the exchange beneath it."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain, named, requires
from aiohttp_route_middleware.errors import InspectionError
from aiohttp_route_middleware.exchange import exchange
from aiohttp_route_middleware.simulation import simulate

USER = web.RequestKey("USER", str)
GREETING = web.AppKey("GREETING", str)


async def authenticate(request: web.Request) -> web.Response | None:
    if "X-User" not in request.headers:
        return web.Response(status=401)
    request[USER] = request.headers["X-User"]
    return None


async def tell_language(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers["Content-Language"] = "en"
    return response


@named("forbid(guests)")
async def forbid(request: web.Request) -> None:
    if request.get(USER) == "guest":
        raise web.HTTPForbidden


async def get_post(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.get(USER)} reads {request.match_info.get('id')}")


async def echo(request: web.Request) -> web.Response:
    query = request.rel_url.raw_query_string
    return web.Response(text=f"{request.method} {request.path} {query} {await request.text()} {request.content_type}")


class Page(web.View):
    async def get(self) -> web.Response:
        return web.Response(text=f"page {self.request.match_info['id']}")


READ_POST = chain(authenticate, tell_language, forbid, get_post)
ADA = {"X-User": "ada"}


async def test_the_response_and_the_trace_of_a_chain() -> None:
    done = await simulate(READ_POST, "/posts/7", headers=ADA, match_info={"id": "7"})
    assert (done.status, done.text, done.response.headers["Content-Language"]) == (200, "ada reads 7", "en")
    assert [(step.name, step.outcome.kind) for step in done.steps] == [
        ("authenticate", "passed"),
        ("tell_language", "passed"),
        ("forbid(guests)", "passed"),
        ("get_post", "answered"),
    ]
    assert done.answered_by is get_post


@pytest.mark.parametrize(
    ("headers", "status", "ran", "answered_by"),
    [
        pytest.param({}, 401, 1, authenticate, id="a guard returns"),
        pytest.param({"X-User": "guest"}, 403, 3, forbid, id="a guard raises"),
        pytest.param(ADA, 200, 4, get_post, id="the endpoint"),
    ],
)
async def test_who_answered_is_told(headers: dict[str, str], status: int, ran: int, answered_by: Any) -> None:
    done = await simulate(READ_POST, headers=headers)
    assert (done.status, len(done.steps)) == (status, ran)
    assert done.answered_by is answered_by


async def test_a_middleware_that_replaces_the_response_answered() -> None:
    async def replace(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        return web.Response(text="other")

    assert (await simulate(chain(replace, get_post))).answered_by is replace


async def test_how_long_each_link_took_is_told() -> None:
    async def wait(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(0.02)
        return await handler(request)

    outer, inner = (await simulate(chain(wait, get_post))).steps
    assert outer.started == 0.0
    assert outer.seconds >= inner.started >= 0.02 > inner.seconds


def make_routes() -> dict[str, web.AbstractRoute]:
    router = UrlDispatcherEx(authenticate)
    return {
        "dynamic": router.add_delete(r"/posts/{id:\d+}", get_post),
        "tail": router.add_get("/files/{id:.*}", get_post),
        "plain": router.add_post("/posts", echo),
        "any": router.add_route("*", "/any", echo),
        "view": router.add_view("/pages/{id}", Page),
    }


@pytest.mark.parametrize(
    ("route", "options", "text"),
    [
        pytest.param("dynamic", {"match_info": {"id": "7"}}, "ada reads 7", id="match_info fills the path"),
        pytest.param("dynamic", {"path": "/posts/8?x=1"}, "ada reads 8", id="the path gives match_info"),
        pytest.param("tail", {"path": "/files/a/b%2Fc"}, "ada reads a/b/c", id="slashes in a variable"),
        pytest.param("plain", {"body": b"hi"}, "POST /posts  hi application/octet-stream", id="a body"),
        pytest.param("any", {}, "GET /any   application/octet-stream", id="any method"),
        pytest.param(
            "any", {"method": "PUT", "path": "/any?a=1"}, "PUT /any a=1  application/octet-stream", id="query"
        ),
        pytest.param("view", {"path": "/pages/1"}, "page 1", id="a view"),
    ],
)
async def test_a_route_is_asked_with_its_own_method_and_path(route: str, options: dict[str, Any], text: str) -> None:
    done = await simulate(make_routes()[route], headers=ADA, **options)
    assert done.text == text
    assert done.steps[0].name == "authenticate"


async def test_links_that_read_the_route_find_its_path() -> None:
    async def tell_path(request: web.Request) -> web.Response:
        resource = request.match_info.route.resource
        return web.Response(text=resource.canonical if resource else "")

    route = UrlDispatcherEx().add_get("/posts/{id}", tell_path)
    assert (await simulate(route, match_info={"id": "7"})).text == "/posts/{id}"
    assert (await simulate(tell_path)).text == "/"


async def test_the_application_state_is_what_is_passed() -> None:
    async def greet(request: web.Request) -> web.Response:
        return web.Response(text=request.app[GREETING])

    app = web.Application()
    app[GREETING] = "hello"
    assert (await simulate(greet, app=app)).text == "hello"
    assert (await simulate(greet, app={GREETING: "hi"})).text == "hi"


async def test_an_exception_comes_out_where_a_test_sees_it(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: web.Request) -> web.Response:
        raise LookupError("in the endpoint")

    with pytest.raises(LookupError, match="in the endpoint"):
        await simulate(chain(authenticate, fail), headers=ADA)
    assert caplog.records == []


async def test_streams_files_and_empty_bodies_are_received_whole(tmp_path: Path) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(3):
            await response.write(b"x" * 100_000)
        return response

    async def send_file(request: web.Request) -> web.FileResponse:
        return web.FileResponse(tmp_path / "file")

    (tmp_path / "file").write_bytes(b"y" * 300_000)
    assert (await simulate(stream)).body == b"x" * 300_000
    assert (await simulate(send_file)).body == b"y" * 300_000
    assert (await simulate(get_post, method="HEAD")).body == b""


async def test_a_large_body_is_sent_whole_and_limited_as_by_aiohttp() -> None:
    async def count(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    assert (await simulate(count, method="POST", body=b"z" * 1_000_000)).text == "1000000"
    assert (await simulate(count, method="POST", body=b"z" * 2_000_000)).status == 413


async def test_no_socket_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    assert (await simulate(get_post)).status == 200


async def test_a_chain_that_is_traced_already_is_told_as_well() -> None:
    told: list[str] = []

    def trace(request: web.Request, link: Any) -> Any:
        told.append(link.__name__)
        return lambda outcome: told.append(outcome.kind)

    done = await simulate(chain(authenticate, get_post, trace=trace), headers=ADA)
    assert told == ["authenticate", "passed", "get_post", "answered"]
    assert len(done.steps) == 2


async def test_what_a_chain_requires_need_not_be_provided_to_simulate_it() -> None:
    async def greet(request: web.Request) -> web.Response:
        return web.Response(text=request[USER])

    with pytest.raises(KeyError):
        await simulate(requires(USER)(greet))


async def test_simulations_leave_nothing_behind() -> None:
    before = asyncio.all_tasks()
    await asyncio.gather(*(simulate(READ_POST, headers=ADA) for _ in range(20)))
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_simulation_that_hangs_can_be_cancelled() -> None:
    ended: list[str] = []

    async def hang(request: web.Request) -> web.Response:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")
        return web.Response()

    before = asyncio.all_tasks()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(simulate(hang), 0.05)
    await asyncio.sleep(0)
    assert ended == ["cancelled"]
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        pytest.param("text", {}, r"simulate\(\) got str; pass a route, a chain or a handler", id="no handler"),
        pytest.param(
            make_routes()["dynamic"],
            {},
            r"/posts/{id} needs a path, or match_info= .*: KeyError\('id'\)",
            id="no path",
        ),
        pytest.param(
            make_routes()["dynamic"],
            {"path": "/posts/x"},
            "nothing ran, and the answer is 404: '/posts/x' is no path of /posts/{id}",
            id="wrong",
        ),
        pytest.param(get_post, {"method": "G ET"}, "'G ET' is no HTTP method", id="a method that is none"),
        pytest.param(
            get_post, {"path": "/a b"}, "'/a b' is no path: it starts with a slash", id="a path that is none"
        ),
        pytest.param(
            get_post,
            {"headers": {"A": "b\r\nC: d"}},
            "the header 'a' has a name or a value that",
            id="a header with two lines",
        ),
    ],
)
async def test_what_cannot_be_simulated_is_refused(target: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InspectionError, match=message):
        await simulate(target, **options)


async def test_a_plain_function_cannot_be_traced_as_an_endpoint() -> None:
    with pytest.raises(RegistrationError, match="is an endpoint that is not async"):
        await simulate(lambda request: web.Response())


async def test_an_exchange_starts_and_cleans_up_the_application() -> None:
    signals: list[str] = []

    async def note_start(app: web.Application) -> None:
        signals.append("start")

    async def note_cleanup(app: web.Application) -> None:
        signals.append("cleanup")

    app = web.Application()
    app.on_startup.append(note_start)
    app.on_cleanup.append(note_cleanup)
    received = await exchange(app, "GET", "/nowhere", {"Host": "example.com"}, b"")
    assert (received.status, received.body) == (404, b"404: Not Found")
    assert ("Connection", "close") in received.headers
    assert signals == ["start", "cleanup"]


async def test_header_names_are_the_same_in_any_case() -> None:
    async def tell_host(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.host} {len(await request.read())}")

    done = await simulate(tell_host, method="POST", headers={"HOST": "example.com", "Content-length": "2"}, body=b"12")
    assert done.text == "example.com 2"


async def test_a_header_may_come_several_times() -> None:
    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=",".join(request.headers.getall("X-A")))

    assert (await simulate(tell, headers=CIMultiDict([("X-A", "1"), ("x-a", "2")]))).text == "1,2"


@pytest.mark.parametrize("headers", [{"Content-Length": "10"}, {"Transfer-Encoding": "chunked"}], ids=str)
async def test_headers_that_promise_another_body_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InspectionError, match="the headers promise another body"):
        await simulate(echo, method="POST", headers=headers)


async def test_an_exception_after_the_response_has_begun_comes_out_as_well() -> None:
    async def begin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"abc")
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await simulate(begin)


async def test_a_response_that_breaks_off_is_told_of() -> None:
    async def lie(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "10"})
        await response.prepare(request)
        await response.write(b"abc")
        return response

    with pytest.raises(InspectionError, match="the response broke off: IncompleteRead"):
        await simulate(lie)


@pytest.mark.parametrize("path", ["/elsewhere", "/posts/7", "/posts"])
async def test_a_route_is_the_very_route_wherever_it_is_asked(path: str) -> None:
    async def tell(request: web.Request) -> web.Response:
        route = request.match_info.route
        return web.Response(text=f"{route.name} {route.method} {route.handler is links} {request.path}")

    links = chain(authenticate, tell)
    router = UrlDispatcherEx()
    router.add_put("/posts/{id}", links, name="post")
    (route,) = router.routes()
    done = await simulate(route, path, headers=ADA, match_info={"id": "7"})
    assert done.text == f"post PUT True {path}"


async def test_the_simulated_resource_has_one_route_and_no_url() -> None:
    async def look(request: web.Request) -> web.Response:
        resource: Any = request.match_info.route.resource
        assert list(resource) == [request.match_info.route]
        assert (len(resource), resource.get_info(), resource.raw_match("/")) == (1, {"path": "/"}, False)
        for refused in (resource.url_for, lambda: resource.add_prefix("/a")):
            with pytest.raises(RuntimeError, match="a simulated route"):
                refused()
        return web.Response()

    assert (await simulate(look)).status == 200


async def test_a_request_that_aiohttp_refuses_is_not_blamed_on_the_path() -> None:
    with pytest.raises(InspectionError, match="nothing ran, and the answer is 400: aiohttp refuses the request"):
        await simulate(get_post, headers={"A": "a" * 10_000})


async def test_request_keys_are_given_as_a_middleware_of_the_application_would() -> None:
    done = await simulate(get_post, given={USER: "eve"}, match_info={"id": "7"})
    assert done.text == "eve reads 7"
