"""What is told of an exchange when it is over, and that it is told once."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.naming import name_key
from aiohttp_route_middleware.proxy import EXCHANGE, Exchange, ExchangeRecord, Hook, Retries, after
from aiohttp_route_middleware.typedefs import Handler

from .raw import OK, Between, Message, Wire, bounded

GET = b"GET /posts?key=secret HTTP/1.1\r\nHost: shop.example\r\n\r\n"
POST = b"POST /posts HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nfirst"


class Told:
    """The records that were told, in their order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[ExchangeRecord] = asyncio.Queue()

    def __call__(self, record: ExchangeRecord) -> None:
        self._queue.put_nowait(record)

    async def next(self) -> ExchangeRecord:
        return await bounded(self._queue.get())

    @property
    def is_empty(self) -> bool:
        return self._queue.empty()


async def serve(between: Between, *hooks: Hook, **to: Any) -> Told:
    told = Told()
    await between.serve(*hooks, to={"on_exchange": told, "name": "shop", "retries": False, **to})
    return told


def test_the_key_has_a_name() -> None:
    assert name_key(EXCHANGE).endswith("proxy.EXCHANGE")


async def test_an_exchange_that_goes_well_is_told_in_full(between: Between) -> None:
    between.upstream.answer = OK
    told = await serve(between)
    client = await between.send(POST)
    await client.read_response()
    record = await told.next()
    assert (record.upstream, record.method, record.path) == ("shop", "POST", "/posts")
    assert (record.target, record.attempts, record.status) == (between.url, 1, 200)
    assert record.target_name == between.url  # it was given none
    assert (record.outcome, record.error) == ("answered", None)
    assert (record.bytes_up, record.bytes_down) == (5, 2)
    assert record.connect_seconds is not None
    assert record.first_byte_seconds is not None
    assert record.seconds is not None
    assert 0 <= record.connect_seconds <= record.first_byte_seconds <= record.seconds <= record.since_start()
    assert told.is_empty


async def test_the_path_is_told_without_its_query_which_may_hold_a_secret(between: Between) -> None:
    between.upstream.answer = OK
    told = await serve(between)
    await (await between.send(GET)).read_response()
    assert "secret" not in repr(await told.next())


async def test_a_failure_is_told_by_the_words_of_the_standard(between: Between) -> None:
    told = await serve(between)
    await between.upstream.close()
    client = await between.send(GET)
    assert (await client.read_response()).status == 502
    record = await told.next()
    assert (record.outcome, record.error, record.status) == ("failed", "connection_refused", None)
    assert (record.attempts, record.target) == (1, between.url)


async def test_an_answer_that_breaks_off_is_told_as_cut_off(between: Between) -> None:
    told = await serve(between)
    client = await between.send(GET)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    target.close()
    await client.read_rest()
    record = await told.next()
    assert (record.outcome, record.error) == ("cut_off", "http_response_incomplete")
    assert (record.status, record.bytes_down) == (200, 4)


@pytest.mark.parametrize("is_begun", [False, True], ids=["before the answer", "in its midst"])
async def test_a_client_that_goes_is_told_as_gone(between: Between, is_begun: bool) -> None:
    told = await serve(between)
    client = await between.send(GET)
    target = await between.upstream.accept()
    await target.read_request()
    if is_begun:
        await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await client.read_until(b"half")
    client.abort()
    record = await told.next()
    assert (record.outcome, record.status) == ("client_gone", 200 if is_begun else None)
    assert told.is_empty


def _answer(exchange: Exchange) -> None:
    exchange.response = web.Response(status=418)


def _refuse(exchange: Exchange) -> None:
    raise web.HTTPForbidden


def _fail(exchange: Exchange) -> None:
    raise ValueError("oh")


@pytest.mark.parametrize("is_late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("hook", [_answer, _refuse, _fail])
async def test_what_a_hook_answers_is_told_as_refused_and_what_it_puts_aside_as_replaced(
    between: Between, hook: Hook, is_late: bool
) -> None:
    def run(exchange: Exchange) -> None:
        hook(exchange)

    between.upstream.answer = OK
    told = await serve(between, after(run) if is_late else run)
    client = await between.send(GET)
    await client.read_response()
    record = await told.next()
    assert record.outcome == ("replaced" if is_late else "refused")
    assert record.attempts == int(is_late)
    assert told.is_empty


async def test_links_around_find_the_record_at_the_request(between: Between) -> None:
    seen: list[ExchangeRecord] = []

    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        seen.append(request[EXCHANGE])
        return response

    between.upstream.answer = OK
    await between.serve(links=lambda endpoint: chain(note, endpoint))
    await (await between.send(GET)).read_response()
    assert [(record.status, record.outcome) for record in seen] == [(200, "answered")]


async def test_who_is_told_may_fail_and_the_client_does_not_notice(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(record: ExchangeRecord) -> None:
        raise ValueError("no more room for records")

    between.upstream.answer = OK
    await between.serve(to={"on_exchange": fail})
    client = await between.send(GET)
    assert (await client.read_response()).body == b"ok"
    await client.send(GET)
    assert (await client.read_response()).body == b"ok"
    assert "no more room for records" in caplog.text


async def test_of_a_failure_the_times_of_the_attempt_before_are_not_told(between: Between) -> None:
    statuses = iter([b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", b""])

    async def answer(wire: Wire, _: Message) -> None:
        await wire.send(next(statuses))
        wire.close()

    between.upstream.answer = answer
    told = await serve(between, retries=Retries(statuses={503}))
    client = await between.send(GET)
    assert (await client.read_response()).status == 502
    record = await told.next()
    assert (record.attempts, record.status, record.first_byte_seconds) == (2, None, None)


async def test_of_a_failure_it_is_told_how_much_was_sent(between: Between) -> None:
    told = await serve(between)
    client = await between.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
    target = await between.upstream.accept()
    await target.read_request()
    target.close()
    assert (await client.read_response()).status == 502
    record = await told.next()
    assert record.bytes_up == 3
