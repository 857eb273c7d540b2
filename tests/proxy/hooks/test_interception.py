"""Answers of one's own in place of some that targets give, and in place of none at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy import Exchange, ExchangeRecord, Hook, Upstream, after, proxy
from aiohttp_route_middleware.proxy.hooks.interception import intercept

from ...conftest import Client
from ..raw import Between

Serve = Callable[..., Any]
NOWHERE = "http://127.0.0.1:1"


class House:
    """A target whose path tells the status, and a proxy before it."""

    def __init__(self, client: Client, records: list[ExchangeRecord]) -> None:
        self.client = client
        self.records = records

    async def get(self, path: str) -> tuple[int, str]:
        response = await self.client.get(path)
        return response.status, await response.text()


async def answer_status(request: web.Request) -> web.Response:
    return web.Response(status=int(request.path[1:]), text="of the target", headers={"X-Kept": "1"})


@pytest.fixture
def serve(aiohttp_client: AiohttpClient, aiohttp_server: AiohttpServer) -> Serve:
    async def serve(*hooks: Hook, target: str = "", handler: Any = answer_status, **options: Any) -> House:
        behind = web.Application()
        behind.router.add_route("*", "/{tail:.*}", handler)
        server = await aiohttp_server(behind)
        records: list[ExchangeRecord] = []
        url = target or f"http://127.0.0.1:{server.port}"
        upstream = Upstream(url, on_exchange=records.append, retries=False, **options)
        app = web.Application()
        upstream.run_with(app)
        app.router.add_route("*", "/{tail:.*}", proxy(upstream, *hooks))
        return House(await aiohttp_client(app), records)

    return serve


def answer_page(exchange: Exchange) -> web.Response:
    return web.Response(status=503, text="a page")


async def answer_page_later(exchange: Exchange) -> web.Response:
    await asyncio.sleep(0)
    return web.Response(status=503, text="a page")


async def raise_page(exchange: Exchange) -> web.Response:
    raise web.HTTPServiceUnavailable(text="a page")


def answer_nothing(exchange: Exchange) -> None:
    """Leave all as it is."""


@pytest.mark.parametrize("answer", [answer_page, answer_page_later, raise_page])
async def test_a_chosen_status_is_answered_by_the_function_async_or_plain(serve: Serve, answer: Any) -> None:
    house = await serve(intercept({404, 502}, answer))
    assert await house.get("/404") == (503, "a page")
    assert await house.get("/502") == (503, "a page")


@pytest.mark.parametrize("path", ["/200", "/500", "/503"])
async def test_any_other_status_stays(serve: Serve, path: str) -> None:
    house = await serve(intercept({404, 502}, answer_page))
    assert await house.get(path) == (int(path[1:]), "of the target")


async def test_a_function_may_tell_the_statuses(serve: Serve) -> None:
    house = await serve(intercept(lambda status: status >= 500, answer_page))
    assert await house.get("/500") == (503, "a page")
    assert await house.get("/404") == (404, "of the target")


@pytest.mark.parametrize("answer", [answer_page, answer_page_later, raise_page])
async def test_an_upstream_that_fails_is_answered_as_well_and_told_in_the_log_and_the_record(
    serve: Serve, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    house = await serve(intercept({502}, answer), target=NOWHERE)
    with caplog.at_level(logging.WARNING, logger="aiohttp_route_middleware.proxy"):
        assert await house.get("/a") == (503, "a page")
    (line,) = caplog.messages
    assert line.startswith("GET /a: upstream upstream: http://127.0.0.1:1 could not be reached")
    (record,) = house.records
    assert (record.outcome, record.error, record.status) == ("failed", "connection_refused", None)


async def test_a_failure_has_the_status_that_it_would_become(serve: Serve) -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    house = await serve(intercept({504}, answer_page), handler=hang, response_timeout=0.01)
    assert await house.get("/200") == (503, "a page")
    house = await serve(intercept({503, 504}, answer_page), target=NOWHERE)
    assert (await house.get("/200"))[0] == 502


async def test_the_function_sees_whether_there_was_an_answer_and_why_not(serve: Serve) -> None:
    seen: list[tuple[bool, str | None]] = []

    def answer(exchange: Exchange) -> web.Response:
        seen.append((exchange.has_response, exchange.record.error))
        return web.Response()

    for target in ("", NOWHERE):
        await (await serve(intercept({502}, answer), target=target)).get("/502")
    assert seen == [(True, None), (False, "connection_refused")]


async def test_the_function_may_take_over_fields_and_read_the_body(serve: Serve) -> None:
    async def answer(exchange: Exchange) -> web.Response:
        body = await exchange.answer.read()
        kept = exchange.response.headers["X-Kept"]
        return web.Response(text=f"instead of: {body.decode()}", headers={"X-Kept": kept})

    house = await serve(intercept({404}, answer))
    response = await house.client.get("/404")
    assert (response.headers["X-Kept"], await response.text()) == ("1", "instead of: of the target")


@pytest.mark.parametrize(("target", "expected"), [("", (502, "of the target")), (NOWHERE, (502, "502: Bad Gateway"))])
async def test_none_leaves_all_as_it_is(
    serve: Serve, target: str, expected: tuple[int, str], caplog: pytest.LogCaptureFixture
) -> None:
    house = await serve(intercept({502}, answer_nothing), target=target)
    assert await house.get("/502") == expected
    assert len(caplog.messages) == (target == NOWHERE)


async def test_the_body_of_the_target_is_dropped_and_its_connection_closed_at_once(between: Between) -> None:
    records: list[ExchangeRecord] = []
    await between.serve(intercept({502}, answer_page), to={"on_exchange": records.append})
    client = await between.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1000000\r\n\r\nhalf of it")
    response = await client.read_response()
    assert (response.status, response.body) == (503, b"a page")
    assert await target.read_rest() == b""
    (record,) = records
    assert (record.outcome, record.status, record.error) == ("replaced", 502, None)


async def test_a_hook_that_fails_after_the_answer_frees_the_connection_at_once(serve: Serve) -> None:
    @after
    def fail(exchange: Exchange) -> None:
        raise web.HTTPGone

    house = await serve(fail)
    assert (await house.get("/200"))[0] == 410
    (record,) = house.records  # told when the answer was let go
    assert (record.outcome, record.status) == ("replaced", 200)


async def test_hooks_further_out_see_the_response_in_its_place(serve: Serve) -> None:
    seen: list[int] = []

    @after
    def note(exchange: Exchange) -> None:
        seen.append(exchange.response.status)

    await (await serve(note, intercept({502}, answer_page), note)).get("/502")
    assert seen == [502, 503]


async def test_what_is_no_response_is_500(serve: Serve) -> None:
    answer: Any = lambda exchange: "secret"  # noqa: E731  # the type is wrong on purpose
    house = await serve(intercept({502}, answer))
    assert (await house.get("/502"))[0] == 500


@pytest.mark.parametrize(
    ("statuses", "answer", "problem"),
    [
        ((), answer_page, "there are no statuses"),
        ({100}, answer_page, "statuses="),
        ("404", answer_page, "statuses="),
        (404, answer_page, "statuses="),
        ({404}, "page.html", "answer is"),
        ({404}, lambda request, error: None, r"answer is .*; let it take \(exchange\)"),
        (answer_page_later, answer_page, "statuses is answer_page_later .*, which is async"),
    ],
)
def test_what_makes_no_sense_is_refused(statuses: Any, answer: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as error:
        intercept(statuses, answer)
    assert error.value.battery == "intercept()"
