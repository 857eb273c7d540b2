"""What fails behind an ASGI middleware comes out in front as it does where there is none."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import anyio
import pytest
from aiohttp import ClientPayloadError, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient
from starlette.middleware.errors import ServerErrorMiddleware

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.adapters.from_asgi import from_asgi
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.access_log import access_log
from aiohttp_route_middleware.middlewares.on_error import on_error
from aiohttp_route_middleware.middlewares.problem_details import problem_details
from aiohttp_route_middleware.support.asgi.messages import Message, Receive, Scope, Send
from aiohttp_route_middleware.support.departure import Departure
from aiohttp_route_middleware.typedefs import Handler

from .middlewares import Base, InGroup, PassOn
from .worlds import PatientServer, respond

each_middleware = pytest.mark.parametrize("middleware", [PassOn, Base, InGroup])


class Seen:
    """A link that writes down what comes back to it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Exception as error:
            self.seen.append(error)
            raise
        self.seen.append(response.status)
        return response


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Any:
    """Serve links and a handler at `/`."""

    async def serve(*links: Any) -> TestClient[Any, Any]:
        app = web.Application()
        setup(app)
        UrlDispatcherEx.install(app).add_get("/", *links[:-1], links[-1])
        return await aiohttp_client(PatientServer(app))

    return serve


async def fail(request: web.Request) -> web.Response:
    raise KeyError("boom")


async def run_out_of_time(request: web.Request) -> web.Response:
    raise asyncio.TimeoutError


async def fail_when_begun(request: web.Request) -> web.StreamResponse:
    await web.StreamResponse().prepare(request)
    raise KeyError("begun")


async def fail_half_way(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"half")
    raise KeyError("half")


def lines_of(caplog: pytest.LogCaptureFixture) -> list[Any]:
    told = [record.__dict__["access"] for record in caplog.records if hasattr(record, "access")]
    return [(one["status"], one["outcome"], one["bytes"]) for one in told]


@each_middleware
@pytest.mark.parametrize("handler", [fail, run_out_of_time])
async def test_an_exception_comes_out_as_it_does_without_it(
    handler: Any, middleware: Any, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """To the client, to a link before, and in the log of requests."""
    caplog.set_level(logging.INFO)
    answers = []
    for links in ((), (from_asgi(middleware),)):
        seen = Seen()
        response = await (await serve(access_log(), seen, *links, handler)).get("/")
        answers.append((response.status, await response.text(), repr(seen.seen), lines_of(caplog)))
        caplog.clear()
    assert answers[0] == answers[1]


@each_middleware
async def test_links_that_answer_exceptions_answer_it(middleware: Any, serve: Any) -> None:
    problem = await (await serve(problem_details(), from_asgi(middleware), fail)).get("/")
    assert (problem.status, problem.content_type) == (500, "application/problem+json")
    teapot = on_error({KeyError: lambda request, error: web.Response(status=418)})
    assert (await (await serve(teapot, from_asgi(middleware), fail)).get("/")).status == 418


class Fail(PassOn):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("its own")


class FailAtBody(PassOn):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def fail(message: Message) -> None:
            if message["type"] == "http.response.body":
                raise KeyError("its own")
            await send(message)

        await self.app(scope, receive, fail)


@pytest.mark.parametrize("middleware", [Fail, FailAtBody])
async def test_what_the_middleware_itself_raises_is_seen_and_a_500(
    middleware: Any, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    caplog.set_level(logging.INFO)
    seen = Seen()
    response = await (await serve(access_log(), seen, from_asgi(middleware), answer)).get("/")
    assert (response.status, response.reason) == (500, "Internal Server Error")
    assert repr(seen.seen) == "[KeyError('its own')]"
    assert lines_of(caplog) == [(500, "sent", 55)]


async def test_a_group_that_tells_more_than_what_has_failed_behind_stays_one(serve: Any) -> None:
    class FailToo(PassOn):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            async def fail_too() -> None:
                raise ValueError("mine")

            async with anyio.create_task_group() as group:
                group.start_soon(self.app, scope, receive, send)
                group.start_soon(fail_too)

    seen = Seen()
    assert (await (await serve(seen, from_asgi(FailToo), fail)).get("/")).status == 500
    (error,) = seen.seen
    assert {repr(one) for one in error.exceptions} == {"KeyError('boom')", "ValueError('mine')"}


@each_middleware
@pytest.mark.parametrize("handler", [fail_when_begun, fail_half_way])
async def test_half_a_response_never_looks_whole(handler: Any, middleware: Any, serve: Any) -> None:
    """Starlette ends what was begun, and raises then: without it, the connection is cut, or the answer is a 500."""
    seen = Seen()
    response = await (await serve(seen, from_asgi(middleware), handler)).get("/")
    if response.status == 200:
        with pytest.raises(ClientPayloadError):
            await response.read()
    else:
        assert response.status == 500
    assert [type(one) for one in seen.seen] == [KeyError]


async def test_a_middleware_may_answer_in_place_of_what_has_failed_half_way(serve: Any) -> None:
    class Rescue(PassOn):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            async def swallow(message: Message) -> None:
                pass

            try:
                await self.app(scope, receive, swallow)
            except KeyError:
                await respond(send, b"rescued", 503)

    response = await (await serve(from_asgi(Rescue), fail_half_way)).get("/")
    assert (response.status, await response.text()) == (503, "rescued")


@pytest.mark.parametrize(
    ("links", "told"),
    [
        pytest.param((from_asgi(PassOn),), (500, "sent", 55), id="aiohttp answers"),
        pytest.param((from_asgi(ServerErrorMiddleware),), (500, "sent", 21), id="the middleware answers"),
        pytest.param((problem_details(), from_asgi(PassOn)), (500, "sent", 72), id="a link before answers"),
        pytest.param((from_asgi(PassOn), from_asgi(PassOn)), (500, "sent", 55), id="behind two"),
    ],
)
async def test_a_log_behind_it_is_told_what_the_client_gets(
    links: Any, told: Any, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = await serve(*links, access_log(), fail)
    assert (await client.get("/")).status == 500
    await client.close()
    assert lines_of(caplog) == [told]


@each_middleware
async def test_an_error_of_a_handler_is_told_when_the_client_has_left_too(
    middleware: Any, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    came, left = asyncio.Event(), asyncio.Event()

    async def fail_late(request: web.Request) -> web.Response:
        came.set()
        Departure(request, left.set)
        await left.wait()
        raise KeyError("late")

    seen = Seen()
    client = await serve(seen, from_asgi(middleware), fail_late)
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await came.wait()
    writer.close()
    await left.wait()
    await client.close()
    assert repr(seen.seen) == "[KeyError('late')]"
    assert "Error handling request" in caplog.text
