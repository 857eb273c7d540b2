"""A request on its way: target after target."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from aiohttp_route_middleware.proxy import Ejection, Exchange, ExchangeRecord, Retries, RetryBudget, Upstream
from aiohttp_route_middleware.proxy.mirror.copies import AnswerCopy
from aiohttp_route_middleware.proxy.mirror.mirroring import Mirror
from aiohttp_route_middleware.proxy.websockets.messages import relay_messages
from aiohttp_route_middleware.support.sending import has_gone

from .front import GET, POST, serve, until
from .raw import OK, Between, between_raw_sockets, bounded
from .test_faults import CONTINUE, EXPECTING, find_free_port, read_whole

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
SWITCH = GET.replace(
    b"\r\n\r\n",
    b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
)
AGREED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


async def test_without_retries_the_first_failure_is_the_answer() -> None:
    async with serve(f"http://127.0.0.1:{find_free_port()}", retries=False) as front:
        client = await front.send(GET)
        assert (await read_whole(client))[0] == 502
        assert front.record.attempts == 1


async def test_a_budget_that_is_spent_ends_the_retries(between: Between) -> None:
    between.upstream.answer = BUSY
    retries = Retries(statuses={503}, attempts=5, budget=RetryBudget(share=0.0, per_second=0.001, most=2))
    async with serve(between.url, retries=retries) as front:
        client = await front.send(GET)
        assert await read_whole(client) == (503, b"busy")
        assert len(between.upstream.requests) == 3
        assert (retries.budget.granted, retries.budget.refused) == (2, 1)


async def test_a_post_with_a_retried_status_is_not_repeated(between: Between) -> None:
    between.upstream.answer = BUSY
    async with serve(between.url, retries=Retries(statuses={503})) as front:
        client = await front.send(POST)
        assert await read_whole(client) == (503, b"busy")
        assert len(between.upstream.requests) == 1


async def test_a_target_that_was_tried_is_not_tried_again_while_there_is_another(between: Between) -> None:
    between.upstream.answer = OK
    gone = f"http://127.0.0.1:{find_free_port()}"
    async with serve(gone, between.url, ejection=Ejection(failures=100)) as front:
        for _ in range(4):
            client = await front.send(GET)
            assert await read_whole(client) == (200, b"ok")


async def test_a_websocket_is_passed_on_to_its_end(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(SWITCH)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(AGREED, b"down")
        assert (await client.read_response()).status == 101
        await client.send(b"up")
        assert await target.read_exactly(2) == b"up"
        assert await client.read_exactly(4) == b"down"
        target.close()
        await client.read_rest()
        client.close()
        await until(lambda: bool(front.records))
        assert (front.record.bytes_up, front.record.bytes_down) == (2, 4)


async def test_of_messages_that_are_read_no_extension_is_offered(between: Between) -> None:
    async with serve(
        between.url, of_proxy={"messages": relay_messages(from_client=lambda exchange, message: message)}
    ) as front:
        client = await front.send(SWITCH.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: x\r\n\r\n"))
        target = await between.upstream.accept()
        assert (await target.read_request()).values("Sec-WebSocket-Extensions") == []
        await target.send(AGREED)
        assert (await client.read_response()).status == 101
        client.abort()
        target.close()


@pytest.mark.parametrize("is_answered", [True, False])
async def test_a_mirror_hears_of_the_original_however_it_ends(between: Between, is_answered: bool) -> None:
    compared: list[tuple[int | None, int, int]] = []

    def compare(record: ExchangeRecord, original: AnswerCopy, mirrored: AnswerCopy | None) -> None:
        assert mirrored is not None
        compared.append((record.status, original.status, mirrored.status))

    async with between_raw_sockets() as other:
        other.upstream.answer = OK
        second = Upstream(other.url)
        mirror = Mirror(second, compare=compare)
        app = web.Application()
        second.run_with(app)
        async with serve(between.url, of_proxy={"mirror": mirror}, app=app, retries=False) as front:
            client = await front.send(GET)
            target = await between.upstream.accept()
            await target.read_request()
            await until(lambda: mirror.counts["answered"] == 1)  # it waits for the original now
            assert mirror._under_way == 1
            if is_answered:
                await target.send(OK)
            else:
                target.close()
            assert (await read_whole(client))[0] == (200 if is_answered else 502)
            await until(lambda: not mirror._under_way)
            assert compared == ([(200, 200, 200)] if is_answered else [])
            assert mirror.counts == {"sent": 1, "answered": 1}


async def test_for_a_client_that_has_left_within_a_hook_no_target_is_asked(between: Between) -> None:
    has_begun = asyncio.Event()

    async def dawdle(exchange: Exchange) -> None:
        has_begun.set()
        await until(lambda: has_gone(exchange.incoming))

    async with serve(between.url, hooks=(dawdle,)) as front:
        client = await front.send(GET)
        await bounded(has_begun.wait())
        client.close()
        await until(lambda: bool(front.records))
        assert (front.record.outcome, front.record.attempts) == ("client_gone", 0)
        assert between.upstream.wires == []


async def test_a_client_that_goes_in_the_moment_of_the_invitation_is_not_invited(between: Between) -> None:
    async with serve(between.url, expect_timeout=60.0) as front:
        await front.send(EXPECTING)
        target = await between.upstream.accept()
        await target.read_head()
        (of_client,) = front.runner.server.connections
        (of_target,) = front.connector._acquired
        of_client.transport.abort()  # it is told of that before the task that waits for the invitation runs
        of_target.data_received(CONTINUE)
        assert await target.read_rest() == b""
        await until(lambda: bool(front.records))
        assert front.record.outcome == "client_gone"
