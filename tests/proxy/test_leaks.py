"""Clients that go, at any moment, and servers that stop: nothing of an exchange stays behind."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import weakref
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.proxy import Ejection, Exchange
from aiohttp_route_middleware.proxy.wire.attempt import Attempt

from .front import GET, POST, UPLOAD, Front, serve, until
from .raw import OK, Between, Wire, bounded
from .test_faults import CHUNKED, read_whole, reset

BOTH = pytest.mark.parametrize("cancels", [False, True], ids=["patient", "handler_cancellation"])
LEAVING = pytest.mark.parametrize("leave", [Wire.close, reset], ids=["an end", "a reset"])
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def options(cancels: bool) -> dict[str, Any]:
    return {"server": {"handler_cancellation": cancels}}


# a client that goes


@BOTH
async def test_for_a_client_that_has_gone_before_no_target_is_asked(between: Between, cancels: bool) -> None:
    entered, gone, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        entered.set()
        try:
            await gone.wait()
        finally:
            ended.set()

    async with serve(between.url, hooks=(wait,), **options(cancels)) as front:
        client = await front.send(GET)
        await bounded(entered.wait())
        client.close()
        await until(lambda: not front.connected)
        gone.set()
        await bounded(ended.wait())
        await until(lambda: bool(front.records))
        assert front.record.outcome == "client_gone"
        assert front.record.attempts == 0
        assert between.upstream.wires == []


@BOTH
async def test_a_client_that_goes_while_it_waits_for_a_connection_makes_none(between: Between, cancels: bool) -> None:
    async with serve(between.url, connections=1, **options(cancels)) as front:
        first = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        second = await front.send(GET)
        await until(lambda: front.in_flight == 2)
        second.close()
        await until(lambda: front.connected == 1)
        await target.send(OK)
        assert await read_whole(first) == (200, b"ok")
        await until(lambda: len(front.records) == 2)
        await front.settle()
        assert target.received == target.received[: target.received.index(b"\r\n\r\n") + 4]
        assert len(between.upstream.wires) == 1


@BOTH
@LEAVING
async def test_a_client_that_goes_while_it_waits_for_an_answer_ends_the_attempt_at_once(
    between: Between, leave: Any, cancels: bool
) -> None:
    async with serve(between.url, **options(cancels)) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        leave(client)
        assert await target.read_rest() == b""
        await front.settle()
        assert front.record.outcome == "client_gone"


@BOTH
@LEAVING
async def test_a_client_that_goes_while_nothing_comes_ends_the_answer_at_once(
    between: Between, leave: Any, cancels: bool
) -> None:
    async with serve(between.url, **options(cancels)) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(EVENTS + b"3\r\none\r\n")
        await client.read_until(b"one\r\n")
        leave(client)
        assert await target.read_rest() == b""
        await front.settle()
        assert front.record.outcome == "client_gone"


@BOTH
async def test_a_client_that_goes_amid_an_answer_it_does_not_read_ends_it(between: Between, cancels: bool) -> None:
    async with serve(between.url, **options(cancels)) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        pouring = asyncio.ensure_future(pour(target))
        await client.read_head()
        await asyncio.wait([pouring], timeout=0.1)
        reset(client)
        await asyncio.wait([pouring])
        assert isinstance(pouring.exception(), ConnectionError)
        await front.settle()
        assert front.record.outcome == "client_gone"


async def pour(wire: Wire) -> None:
    while True:
        await wire.send(b"a" * 2**16)


async def test_server_sent_events_arrive_one_by_one(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(EVENTS)
        assert (await client.read_head()).status == 200  # before any event
        for number in range(5):
            event = b"data: %d\n\n" % number
            chunk = b"%x\r\n%b\r\n" % (len(event), event)
            await target.send(chunk)
            assert await client.read_exactly(len(chunk)) == chunk
        client.close()
        await target.read_rest()


# back-pressure


async def test_what_a_client_does_not_read_is_not_read_from_the_target(between: Between) -> None:
    sent = 0

    async def count(target: Wire) -> None:
        nonlocal sent
        while True:
            target._writer.write(b"a" * 2**16)
            await target._writer.drain()
            sent += 2**16

    async with serve(between.url) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        counting = asyncio.ensure_future(count(target))
        protocols = list(front.connector._acquired)
        await until(lambda: protocols[0]._reading_paused)
        before = -1
        while before != sent:  # what the system buffers is full at last
            before = sent
            await asyncio.sleep(0.1)
        (protocol,) = protocols
        assert protocol._payload._size < 2 * 2**20
        (served,) = front.runner.server.connections
        assert served.transport.get_write_buffer_size() < 2 * 2**20
        counting.cancel()
        client.close()


async def test_30_mib_up_and_down_are_never_held_as_a_whole(between: Between) -> None:
    size, most = 30 * 2**20, 0
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size

    async def echo(wire: Wire) -> None:
        nonlocal most
        left = size
        while left:
            piece = await wire._reader.read(min(left, 2**16))
            left -= len(piece)
            wire._writer.write(piece)
            await wire._writer.drain()
            for protocol in front.connector._acquired:
                buffered = protocol.transport.get_write_buffer_size()
                most = max(most, buffered + (protocol._payload._size if protocol._payload else 0))

    async def upload(wire: Wire) -> None:
        await wire.send(head)
        for _ in range(size // 2**16):
            await wire.send(b"a" * 2**16)

    async with serve(between.url) as front:
        client = await front.connect()
        uploading = asyncio.ensure_future(upload(client))
        target = await between.upstream.accept()
        await target._reader.readuntil(b"\r\n\r\n")
        await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        echoing = asyncio.ensure_future(echo(target))
        await client._reader.readuntil(b"\r\n\r\n")
        got = 0
        while got < size:
            got += len(await client._reader.read(2**16))
        await asyncio.gather(uploading, echoing)
        await until(lambda: bool(front.records))
        assert (front.record.bytes_up, front.record.bytes_down) == (size, size)
    assert most < 4 * 2**20


# an answer that nobody sends


async def answer_in_its_place(request: web.Request, handler: Handler) -> web.StreamResponse:
    await handler(request)
    return web.Response(text="other")


async def fail_behind(request: web.Request, handler: Handler) -> web.StreamResponse:
    await handler(request)
    raise web.HTTPConflict


@pytest.mark.parametrize(("link", "status"), [(answer_in_its_place, 200), (fail_behind, 409)])
@pytest.mark.parametrize(
    "answer", [OK, CHUNKED + b"3\r\nabc\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"], ids=["whole", "begun", "empty"]
)
async def test_an_answer_that_a_link_does_not_send_frees_its_connection_at_once(
    between: Between, link: Any, status: int, answer: bytes
) -> None:
    async with serve(between.url, links=lambda endpoint: chain(link, endpoint)) as front:
        gc.disable()  # nothing waits for that
        try:
            client = await front.send(GET)
            target = await between.upstream.accept()
            await target.read_request()
            await target.send(answer)
            assert (await client.read_response()).status == status
            assert await target.read_rest() == b""
            await front.settle()
        finally:
            gc.enable()
        assert front.record.outcome == "replaced"


@pytest.mark.parametrize("body", [None, b"other"], ids=["read", "replaced"])
async def test_an_answer_that_was_read_and_is_not_sent_is_no_longer_counted(
    between: Between, body: bytes | None
) -> None:
    async def look(exchange: Exchange) -> Any:
        yield
        await exchange.answer.read() if body is None else exchange.answer.replace_body(body)

    async with serve(between.url, hooks=(look,), links=lambda endpoint: chain(answer_in_its_place, endpoint)) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(OK)
        assert await read_whole(client) == (200, b"other")
        await front.settle()
        assert front.record.outcome == "replaced"


@BOTH
async def test_a_client_that_goes_while_the_end_of_its_answer_is_written_leaves_nothing(
    between: Between, cancels: bool
) -> None:
    async def make_large(exchange: Exchange) -> Any:
        yield
        exchange.answer.replace_body(b"a" * 2**26)

    async with serve(between.url, hooks=(make_large,), **options(cancels)) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(OK)
        await client.read_head()
        reset(client)
        await until(lambda: bool(front.records))
        await front.settle()


# a server that stops


@pytest.mark.parametrize("said", [b"", CHUNKED + b"3\r\nabc\r\n"], ids=["before the head", "amid the body"])
async def test_a_server_that_stops_ends_what_is_under_way(between: Between, said: bytes) -> None:
    async with serve(between.url) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(said)
        if said:
            await client.read_until(b"abc")
        stopping = asyncio.ensure_future(front.runner.cleanup())
        assert await target.read_rest() == b""
        rest = await client.read_rest()
        assert b"0\r\n\r\n" not in rest
        await bounded(stopping)
        (counted,) = front.upstream.targets
        assert counted.in_flight == 0


# a thousand clients


def count_sockets() -> int:
    return sum(os.readlink(f"/proc/self/fd/{one}").startswith("socket:") for one in list_descriptors())


def list_descriptors() -> list[str]:
    return [one for one in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{one}")]


async def answer_slowly(wire: Wire, _: object) -> None:
    await wire.send(CHUNKED)
    for _ in range(3):
        await wire.send(b"3\r\nabc\r\n")
        await asyncio.sleep(0)
    await wire.send(b"0\r\n\r\n")


async def vanish(front: Front, dice: random.Random) -> None:
    """Send some of a request, and read some of its answer."""
    whole = dice.choice([GET, POST, UPLOAD + b"3\r\nabc\r\n0\r\n\r\n"])
    client = await front.connect()
    client._writer.write(whole[: dice.randrange(len(whole) + 1)])
    for _ in range(dice.randrange(12)):
        await asyncio.sleep(0)
    (reset if dice.randrange(2) else Wire.close)(client)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="there is no list of open sockets")
@BOTH
async def test_a_thousand_clients_that_vanish_leave_nothing(between: Between, cancels: bool) -> None:
    between.upstream.answer = answer_slowly
    dice = random.Random(7)
    async with serve(between.url, ejection=Ejection(failures=3, share=1.0), **options(cancels)) as front:
        sockets = count_sockets()
        await asyncio.gather(*(vanish(front, dice) for _ in range(10)))
        await front.settle()
        for _ in range(20):
            await asyncio.gather(*(vanish(front, dice) for _ in range(50)))
            front.clients.clear()
        await until(lambda: not front.connected)
        await front.settle()
        ours = [one for one in asyncio.all_tasks() if "aiohttp_route_middleware" in repr(one)]
        assert ours == []
        (target,) = front.upstream.targets
        assert (target.in_flight, target.health.is_tried) == (0, False)
        assert all(record.outcome is not None for record in front.records)
        await until(lambda: len(open_wires(between)) == front.pooled)
        await until(lambda: count_sockets() == sockets + 2 * front.pooled)
        gc.collect()
        assert [one for one in gc.get_objects() if isinstance(one, Attempt)] == []


def open_wires(between: Between) -> list[Wire]:
    return [wire for wire in between.upstream.wires if not wire._writer.transport.is_closing()]


async def test_an_exchange_is_freed_without_the_garbage_collector(between: Between) -> None:
    kept: list[weakref.ref[Exchange]] = []

    def note(exchange: Exchange) -> None:
        kept.append(weakref.ref(exchange))

    between.upstream.answer = OK
    async with serve(between.url, hooks=(note,)) as front:
        gc.disable()
        try:
            for raw in (GET, POST, UPLOAD + b"3\r\nabc\r\n0\r\n\r\n"):
                client = await front.send(raw)
                assert await read_whole(client) == (200, b"ok")
                client.close()
            await until(lambda: not front.connected)
            await until(lambda: all(one() is None for one in kept))
        finally:
            gc.enable()
