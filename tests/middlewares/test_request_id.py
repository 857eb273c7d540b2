"""Each request has an id, in its response, in every log record, and wherever it leads."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.log import server_logger
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.request_id import (
    REQUEST_ID,
    RequestIdFilter,
    current_request_id,
    request_id,
)

from .matrix import MATRIX, Case, ask
from .matrix import make_app as make_matrix_app

SENT = "client-1.a_b="
logger = logging.getLogger("test_request_id")


class Records(logging.Handler):
    """Keeps the id of each record, with its message."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(RequestIdFilter())
        self.found: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append((record.getMessage(), vars(record)["request_id"]))


@pytest.fixture
def records() -> Iterator[Records]:
    handler = Records()
    for one in (logger, server_logger):
        one.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    for one in (logger, server_logger):
        one.removeHandler(handler)


async def show(request: web.Request) -> web.Response:
    logger.info("shown")
    return web.Response(text=f"{request[REQUEST_ID]} {current_request_id.get()}")


def make_app(*links: Any, **handlers: Any) -> web.Application:
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, *links)
    for name, handler in {"show": show, **handlers}.items():
        router.add_get(f"/{name}", handler)
    return app


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_bears_an_id_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_matrix_app(scope, request_id()))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        assert len(response.headers.getall("X-Request-ID")) == 1


async def test_an_id_that_was_sent_is_used(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(request_id()))
    async with client.get("/show", headers={"X-Request-ID": SENT}) as response:
        assert await response.text() == f"{SENT} {SENT}"
        assert response.headers["X-Request-ID"] == SENT


@pytest.mark.parametrize("sent", ["a b", "x" * 129, "é", "a,b", ""])
async def test_an_id_that_may_do_harm_is_replaced(sent: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(request_id()))
    async with client.get("/show", headers={"X-Request-ID": sent}) as response:
        made, current = (await response.text()).split()
        assert made == current == response.headers["X-Request-ID"]
        assert len(made) == 32


async def test_without_one_the_trace_id_is_taken(aiohttp_client: AiohttpClient) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    client = await aiohttp_client(make_app(request_id()))
    async with client.get("/show", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}) as response:
        assert response.headers["X-Request-ID"] == trace_id


async def test_what_was_sent_may_be_passed_over(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(request_id(accept=False, make=lambda: "made")))
    async with client.get("/show", headers={"X-Request-ID": SENT}) as response:
        assert response.headers["X-Request-ID"] == "made"


async def test_the_header_may_have_another_name_and_a_handler_may_set_it(aiohttp_client: AiohttpClient) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"X-Correlation-ID": "mine"})

    client = await aiohttp_client(make_app(request_id(header="X-Correlation-ID"), answer=answer))
    async with client.get("/show", headers={"x-correlation-id": SENT}) as response:
        assert response.headers["X-Correlation-ID"] == SENT
    async with client.get("/answer") as response:
        assert response.headers.getall("X-Correlation-ID") == ["mine"]


async def test_each_record_has_the_id_also_that_of_a_failure_and_of_tasks(
    aiohttp_client: AiohttpClient, records: Records
) -> None:
    async def fail(_: web.Request) -> web.Response:
        raise RuntimeError("unforeseen")

    async def work() -> None:
        logger.info("worked")

    async def start(_: web.Request) -> web.Response:
        await asyncio.create_task(work())
        return web.Response()

    async def refuse(_: web.Request) -> web.Response:
        logger.info("refused")
        raise web.HTTPForbidden

    client = await aiohttp_client(make_app(request_id(), fail=fail, start=start, refuse=refuse))
    for path in ("show", "fail", "start", "refuse"):
        async with client.get(f"/{path}", headers={"X-Request-ID": path}):
            pass
    assert records.found == [
        ("shown", "show"),
        ("Error handling request from 127.0.0.1", "fail"),
        ("worked", "start"),
        ("refused", "refuse"),
    ]


@pytest.mark.parametrize("path", ["/show", "/refuse", "/fail"])
async def test_nothing_is_left_for_the_next_request_of_the_connection(
    path: str, aiohttp_client: AiohttpClient, records: Records
) -> None:
    async def refuse(_: web.Request) -> web.Response:
        raise web.HTTPForbidden

    async def fail(_: web.Request) -> web.Response:
        raise RuntimeError("unforeseen")

    async def show_none(_: web.Request) -> web.Response:
        return web.Response(text=f"[{current_request_id.get()}]")

    app = make_app()
    router: Any = app.router
    for name, handler in {"show": show, "refuse": refuse, "fail": fail}.items():
        router.add_get(f"/with/{name}", request_id(), handler)
    router.add_get("/without", show_none)
    client = await aiohttp_client(app)
    async with client.get(f"/with{path}"):
        pass
    async with client.get("/without") as response:
        assert await response.text() == "[]"


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"header": "X ID"}, "header='X ID'"), ({"accept": "no"}, "accept='no'"), ({"make": "uuid"}, "make is str")],
    ids=["header", "accept", "make"],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        request_id(**options)
    assert str(refusal.value).startswith(f"request_id(): {problem}")
