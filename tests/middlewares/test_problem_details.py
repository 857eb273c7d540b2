"""Errors are problem details, with the headers that they had, and tell nothing that is not meant for strangers."""

import asyncio
import json
import logging
from typing import Any

import pytest
from aiohttp import ClientError, web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.problem_details import problem, problem_details

from ..scopes import each_scope, make_app, path_in

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


async def test_what_was_begun_is_cut_and_nothing_follows(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def begin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        raise RuntimeError("cannot go on")

    app = web.Application()
    UrlDispatcherEx.install(app, problem_details()).add_get("/", begin)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert response.status == 200
        with pytest.raises(ClientError):
            await response.read()
    assert LOGGER not in {record.name for record in caplog.records}


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"debug": 1}, "debug=1"), ({"describe": {}}, "describe is dict")],
    ids=["debug", "describe"],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        problem_details(**options)
    assert str(refusal.value).startswith(f"problem_details(): {problem}")
