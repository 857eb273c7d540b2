"""Errors are problem details, with the headers that they had, and tell nothing that is not meant for strangers."""

import asyncio
import builtins
import json
import logging
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import WSCloseCode, WSMsgType, web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.adapters.from_asgi import from_asgi
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.problem_details import problem, problem_details
from aiohttp_route_middleware.support.responses import on_response

from ..patient_server import serve_patiently
from ..scopes import each_scope, make_app, path_in
from .half_answers import Begin, begin_head_alone, begin_in_chunks, each_error, each_half, is_broken, receive

LOGGER = "aiohttp_route_middleware.middlewares.problem_details"


async def refuse(_: web.Request) -> web.Response:
    error = web.HTTPTooManyRequests(text="slow down", headers={"Retry-After": "7"})
    error.set_cookie("seen", "1")
    raise error


async def fail(_: web.Request) -> web.Response:
    raise RuntimeError("hunter2")


async def be_late(_: web.Request) -> web.Response:
    raise asyncio.TimeoutError


async def redirect(_: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/elsewhere")


async def show_page(_: web.Request) -> web.Response:
    raise web.HTTPForbidden(text="<h1>No</h1>", content_type="text/html")


async def raise_problem(_: web.Request) -> web.Response:
    raise problem(409, type="https://example.com/conflict", title="There is one already", number=7)


async def answer(_: web.Request) -> web.Response:
    return web.Response(status=404, text="returned")


HANDLERS = {
    "GET /refuse": refuse,
    "GET /fail": fail,
    "GET /be-late": be_late,
    "GET /redirect": redirect,
    "GET /page": show_page,
    "GET /problem": raise_problem,
    "GET /answer": answer,
}


async def ask(client: Any, path: str) -> tuple[int, dict[str, Any], Any]:
    async with client.get(path) as response:
        assert response.content_type == "application/problem+json"
        return response.status, json.loads(await response.read()), response


@each_scope
async def test_a_refusal_is_told_with_all_its_headers(scope: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, [problem_details()], HANDLERS))
    status, told, response = await ask(client, path_in(scope, "/refuse"))
    assert (status, told) == (
        429,
        {"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "slow down"},
    )
    assert response.headers["Retry-After"] == "7"
    assert response.cookies["seen"].value == "1"


@each_scope
async def test_a_failure_is_logged_and_not_told(
    scope: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = await aiohttp_client(make_app(scope, [problem_details()], HANDLERS))
    status, told, _ = await ask(client, path_in(scope, "/fail"))
    assert (status, told) == (500, {"type": "about:blank", "title": "Internal Server Error", "status": 500})
    assert [(record.name, record.levelno) for record in caplog.records] == [(LOGGER, logging.ERROR)]
    assert "hunter2" in caplog.text


async def test_a_time_out_is_504_as_aiohttp_has_it(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("router", [problem_details()], HANDLERS))
    assert (await ask(client, "/be-late"))[0] == 504


async def test_with_debug_a_failure_is_told(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("router", [problem_details(debug=True)], HANDLERS))
    _, told, _ = await ask(client, "/fail")
    assert told["detail"] == "RuntimeError('hunter2')"
    assert "in fail" in "".join(told["traceback"])


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("POST", "/refuse", 405)])
async def test_an_application_tells_its_own_404_and_405(
    method: str, path: str, status: int, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app("application", [problem_details()], HANDLERS))
    async with client.request(method, path) as response:
        assert response.content_type == "application/problem+json"
        assert (await response.json(content_type=None))["status"] == response.status == status
        assert (response.headers.get("Allow") == "GET,HEAD") is (status == 405)


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [("/redirect", 303, "text/plain"), ("/page", 403, "text/html"), ("/answer", 404, "text/plain")],
)
async def test_what_was_made_with_care_stays_as_it_is(
    path: str, status: int, kind: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app("router", [problem_details(describe=lambda *_: {"type": "x"})], HANDLERS))
    async with client.get(path, allow_redirects=False) as response:
        assert (response.status, response.content_type) == (status, kind)


async def test_a_problem_stays_as_it_was_raised(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("router", [problem_details(describe=lambda *_: {"type": "x"})], HANDLERS))
    status, told, _ = await ask(client, "/problem")
    assert (status, told) == (
        409,
        {"type": "https://example.com/conflict", "title": "There is one already", "status": 409, "number": 7},
    )


async def test_members_may_be_added_by_a_function(aiohttp_client: AiohttpClient) -> None:
    async def describe(request: web.Request, error: web.HTTPException) -> dict[str, str] | None:
        return {"type": "https://example.com/slow", "instance": request.path} if error.status == 429 else None

    client = await aiohttp_client(make_app("router", [problem_details(describe=describe)], HANDLERS))
    _, told, _ = await ask(client, "/refuse")
    assert (told["type"], told["instance"]) == ("https://example.com/slow", "/refuse")
    _, told, _ = await ask(client, "/fail")
    assert told["type"] == "about:blank"


async def test_an_alternative_of_any_of_is_still_seen_to_refuse(aiohttp_client: AiohttpClient) -> None:
    alternatives = any_of([problem_details(), basic_auth({"a": "b"})], basic_auth({"c": "d"}))
    client = await aiohttp_client(make_app("router", [alternatives], {"GET /": answer}))
    async with client.get("/", headers={"Authorization": "Basic Yzpk"}) as response:
        assert response.status == 404
    async with client.get("/") as response:
        assert response.status == 401


@each_half
@each_error
async def test_what_was_begun_is_cut_and_logged_once_and_nothing_follows(
    begin: Begin, version: str, error: Any, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await begin(request)
        raise error()

    links = [problem_details(), problem_details(describe=lambda *_: {"type": "x"})]
    client = await aiohttp_client(make_app("router", links, {"GET /": handler}))
    assert is_broken(await receive(client, version))
    (failure,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert failure.exc_info
    assert type(error()).__name__ in caplog.text


async def test_an_answer_that_was_sent_to_its_end_stays_whole(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection is closed after it, and what was written still arrives."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write_eof(bytes(2**22))
        raise web.HTTPForbidden

    client = await aiohttp_client(make_app("router", [problem_details()], {"GET /": handler}))
    received = await receive(client)
    assert received is not None
    assert received.count(b"HTTP/1.1 200") == 1
    assert received.endswith(b"\0\r\n0\r\n\r\n")
    assert "HTTPForbidden" in caplog.text


async def test_an_exception_that_is_itself_the_answer_is_sent_to_its_end(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        error = web.HTTPForbidden(text="all of it")
        await error.prepare(request)
        raise error

    client = await aiohttp_client(make_app("router", [problem_details()], {"GET /": handler}))
    async with client.get("/") as response:
        assert (response.status, await response.text()) == (403, "all of it")


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"debug": 1}, "debug=1"), ({"describe": {}}, "describe is dict")],
    ids=["debug", "describe"],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        problem_details(**options)
    assert str(refusal.value).startswith(f"problem_details(): {problem}")


def describe_as(members: Any) -> Any:
    def describe(_: web.Request, error: web.HTTPException) -> Any:
        if isinstance(members, Exception):
            raise members
        return members

    return describe


FAULTS = [
    pytest.param("hunter2", "returned str; return a mapping of members, or None", id="a text"),
    pytest.param("", "returned str; return a mapping", id="an empty text"),
    pytest.param([], "returned list; return a mapping", id="an empty list"),
    pytest.param([("type", "hunter2")], "returned list; return a mapping", id="a list of pairs"),
    pytest.param(False, "returned bool; return a mapping", id="a flag"),
    pytest.param({1: "hunter2"}, "returned a member whose name is no text; return a mapping", id="a number as a name"),
    pytest.param({("a",): "hunter2"}, "returned a member whose name is no text; return", id="a tuple as a name"),
    pytest.param({"a": 1, "key": b"hunter2"}, "returned key, which is not JSON; pass texts", id="bytes"),
    pytest.param({"key": float("nan")}, "returned key, which is not JSON; pass texts", id="nan"),
    pytest.param({"status": 200}, "returned another status than 429; leave it out", id="another status"),
]


@pytest.mark.parametrize(("members", "problem"), FAULTS)
async def test_what_a_function_returns_wrongly_is_logged_with_its_cure_and_not_told(
    members: Any, problem: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = await aiohttp_client(make_app("router", [problem_details(describe=describe_as(members))], HANDLERS))
    status, told, _ = await ask(client, "/refuse")
    assert (status, told) == (500, {"type": "about:blank", "title": "Internal Server Error", "status": 500})
    (record,) = caplog.records
    assert record.name == LOGGER
    assert "problem_details(): describe=describe_as.describe (tests/middlewares/" in caplog.text
    assert problem in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "error", [RuntimeError("hunter2"), web.HTTPForbidden(text="hunter2")], ids=["any", "a refusal"]
)
async def test_a_function_that_fails_is_a_failure_as_any_other(
    error: Exception, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The log tells what was to be described as well."""
    client = await aiohttp_client(make_app("router", [problem_details(describe=describe_as(error))], HANDLERS))
    status, told, _ = await ask(client, "/refuse")
    assert (status, told) == (500, {"type": "about:blank", "title": "Internal Server Error", "status": 500})
    assert [record.name for record in caplog.records] == [LOGGER]
    assert "HTTPTooManyRequests" in caplog.text


async def test_a_status_may_be_left_out_or_repeated(aiohttp_client: AiohttpClient) -> None:
    links = [problem_details(describe=lambda _, error: {"status": error.status if error.status == 429 else None})]
    client = await aiohttp_client(make_app("router", links, HANDLERS))
    assert (await ask(client, "/refuse"))[1]["status"] == 429
    assert "status" not in (await ask(client, "/fail"))[1]


def raised(make: Any) -> Any:
    async def handler(_: web.Request) -> web.Response:
        raise make()

    return handler


def in_charset(charset: str, body: bytes) -> Any:
    def make() -> web.HTTPException:
        error = web.HTTPConflict()
        error.body = body
        error.headers["Content-Type"] = f"text/plain; charset={charset}"
        return error

    return make


@pytest.mark.parametrize(
    ("charset", "body", "detail"),
    [
        pytest.param("latin-1", b"caf\xe9", "caf\xe9", id="as it says"),
        pytest.param("utf-8", b"caf\xe9", "caf\ufffd", id="bytes of another"),
        pytest.param("ascii", b"caf\xe9", "caf\ufffd", id="beyond ascii"),
        pytest.param("no-such", b"text", None, id="unknown"),
        pytest.param("hex", b"text", None, id="no charset"),
        pytest.param("idna", b"text", None, id="one that replaces nothing"),
        pytest.param("undefined", b"text", None, id="one for nothing"),
    ],
)
async def test_a_text_that_cannot_be_decoded_is_no_failure(
    charset: str, body: bytes, detail: str | None, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    routes = {"GET /": raised(in_charset(charset, body))}
    client = await aiohttp_client(make_app("router", [problem_details()], routes))
    status, told, _ = await ask(client, "/")
    assert (status, told.get("detail")) == (409, detail)
    assert caplog.records == []


async def test_a_body_that_comes_in_pieces_stays_as_it_is(aiohttp_client: AiohttpClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"all "
        yield b"of it"

    def make() -> web.HTTPException:
        error = web.HTTPConflict()
        error.body = pieces()
        return error

    client = await aiohttp_client(make_app("router", [problem_details()], {"GET /": raised(make)}))
    async with client.get("/") as response:
        assert (response.status, await response.text()) == (409, "all of it")


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_what_has_no_body_stays_without(status: int, aiohttp_client: AiohttpClient) -> None:
    kinds: dict[int, Any] = {204: web.HTTPNoContent, 205: web.HTTPResetContent, 304: web.HTTPNotModified}
    client = await aiohttp_client(make_app("router", [problem_details()], {"GET /": raised(kinds[status])}))
    received = await receive(client)
    assert received is not None
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert received.endswith(b"\r\n\r\n")


async def test_head_is_answered_with_the_head_of_a_problem_alone(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("router", [problem_details()], {"GET /": raised(web.HTTPForbidden)}))
    received, whole = await receive(client, method="HEAD"), await receive(client)
    assert received is not None
    assert whole is not None
    assert received.startswith(b"HTTP/1.1 403 ")
    assert received.endswith(b"\r\n\r\n")
    for field in (b"Content-Type: application/problem+json", b"Content-Length: "):
        assert field in received
        assert field in whole


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are no exception groups")
async def test_a_group_of_exceptions_is_a_failure(aiohttp_client: AiohttpClient, caplog: Any) -> None:
    def make() -> Exception:
        group: Any = vars(builtins)["ExceptionGroup"]
        failure: Exception = group("several", [web.HTTPForbidden(text="hunter2"), KeyError("hunter2")])
        return failure

    client = await aiohttp_client(make_app("router", [problem_details()], {"GET /": raised(make)}))
    status, told, _ = await ask(client, "/")
    assert (status, told) == (500, {"type": "about:blank", "title": "Internal Server Error", "status": 500})
    assert "KeyError" in caplog.text


async def test_a_handshake_that_fails_is_a_problem(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket

    client = await aiohttp_client(make_app("router", [problem_details()], {"GET /": handler}))
    status, told, _ = await ask(client, "/")
    assert status == told["status"] == 400
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "7"}
    async with client.get("/", headers=headers) as response:
        assert (response.status, response.content_type) == (400, "application/problem+json")


async def test_nothing_is_written_into_a_websocket_that_is_open(aiohttp_client: AiohttpClient, caplog: Any) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        raise web.HTTPForbidden

    client = await aiohttp_client(make_app("router", [problem_details()], {"GET /": handler}))
    async with client.ws_connect("/") as socket:
        await socket.send_str("go")
        message = await socket.receive()
        assert message.type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)
        assert socket.close_code == WSCloseCode.ABNORMAL_CLOSURE
    assert "HTTPForbidden was raised too late" in caplog.text


async def test_a_cancellation_goes_on_and_is_not_described(aiohttp_client: AiohttpClient) -> None:
    described: list[object] = []
    ended: list[BaseException] = []
    started, over = asyncio.Event(), asyncio.Event()

    @web.middleware
    async def watch(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except BaseException as error:
            ended.append(error)
            raise
        finally:
            over.set()
        return response

    async def handler(_: web.Request) -> web.Response:
        started.set()
        await asyncio.Event().wait()
        return web.Response()

    links = [watch, problem_details(describe=lambda _, error: described.append(error))]
    client = await aiohttp_client(make_app("router", links, {"GET /": handler}))
    asking = asyncio.create_task(receive(client))
    await started.wait()
    asking.cancel()
    await over.wait()
    assert [type(error) for error in ended] == [asyncio.CancelledError]
    assert described == []


async def test_a_client_that_has_gone_gets_nothing_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    started, gone, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        started.set()
        await gone.wait()
        over.set()
        raise KeyError("k")

    async with serve_patiently(make_app("router", [problem_details()], {"GET /": handler})) as server:
        _, writer = await server.connect("GET / HTTP/1.1")
        await started.wait()
        await server.lose(writer)
        gone.set()
        await over.wait()
    assert [record.name for record in caplog.records] == [LOGGER]


class Passing:
    """An ASGI middleware that lets everything pass, or fails."""

    def __init__(self, app: Any, *, fails: bool = False) -> None:
        self._app = app
        self._fails = fails

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._fails:
            raise KeyError("hunter2")
        await self._app(scope, receive, send)


@pytest.mark.parametrize(
    ("links", "kind"),
    [
        pytest.param([from_asgi(Passing), problem_details()], "application/problem+json", id="behind"),
        pytest.param([problem_details(), from_asgi(Passing)], "text/plain", id="before"),
    ],
)
async def test_what_passes_an_asgi_middleware_is_a_response(
    links: Any, kind: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app("router", links, {"GET /": raised(web.HTTPForbidden)}))
    async with client.get("/") as response:
        assert (response.status, response.content_type) == (403, kind)


async def test_what_an_asgi_middleware_fails_with_is_told_before_it(aiohttp_client: AiohttpClient) -> None:
    links = [problem_details(), from_asgi(Passing, fails=True)]
    client = await aiohttp_client(make_app("router", links, {"GET /": answer}))
    status, told, _ = await ask(client, "/")
    assert (status, told) == (500, {"type": "about:blank", "title": "Internal Server Error", "status": 500})


@pytest.mark.parametrize("begin", [begin_in_chunks, begin_head_alone], ids=["with a body", "a head alone"])
async def test_half_an_answer_behind_an_asgi_middleware_is_cut(begin: Begin, aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await begin(request)
        raise web.HTTPForbidden

    links = [from_asgi(Passing), problem_details()]
    client = await aiohttp_client(make_app("router", links, {"GET /": handler}))
    assert is_broken(await receive(client))


async def test_a_huge_text_is_told_whole(aiohttp_client: AiohttpClient) -> None:
    text = "\N{SNOWMAN}\0" * 2**18
    routes = {"GET /": raised(lambda: web.HTTPConflict(text=text))}
    client = await aiohttp_client(make_app("router", [problem_details()], routes))
    assert (await ask(client, "/"))[1]["detail"] == text


@pytest.mark.parametrize("length", [None, 5], ids=["in chunks", "of a known length"])
async def test_what_could_not_be_prepared_has_not_begun_and_is_a_problem(
    length: int | None, aiohttp_client: AiohttpClient
) -> None:
    """A header that a battery sets fails on the stream of the handler; nothing of it was sent."""

    def fail_once(_: web.Request, response: web.StreamResponse) -> None:
        raise RuntimeError("hunter2")

    async def handler(request: web.Request) -> web.StreamResponse:
        on_response(request, "test()", fail_once)
        response = web.StreamResponse()
        response.content_length = length
        await response.prepare(request)
        return response

    app = make_app("router", [problem_details()], {"GET /": handler})
    setup(app)
    client = await aiohttp_client(app)
    status, told, _ = await ask(client, "/")
    assert (status, told) == (500, {"type": "about:blank", "title": "Internal Server Error", "status": 500})
