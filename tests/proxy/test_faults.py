"""What goes wrong between a client and a target, caused for real."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import ExitStack
from typing import Any

import pytest
import trustme

from aiohttp_route_middleware.proxy import Retries

from .front import GET, POST, UPLOAD, Front, serve, until
from .raw import OK, Between, Wire, bounded

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECTING = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
reset = Wire.abort


def find_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


async def read_whole(client: Wire, method: str = "GET") -> tuple[int, bytes]:
    response = await client.read_response(method)
    return response.status, response.body


# a target that cannot be reached


async def test_a_target_that_refuses_connections_is_502_and_tells_nothing_of_itself() -> None:
    port = find_free_port()
    async with serve(f"http://127.0.0.1:{port}", of_proxy={"proxy_status": "front"}) as front:
        client = await front.send(GET)
        response = await client.read_response()
        assert response.status == 502
        assert str(port).encode() not in response.raw
        assert response.values("Proxy-Status") == [b"front; error=connection_refused"]
        assert (front.record.outcome, front.record.error) == ("failed", "connection_refused")
        assert front.record.attempts == 2


async def test_a_target_that_refuses_connections_takes_none_of_those_that_it_may_have() -> None:
    async with serve(f"http://127.0.0.1:{find_free_port()}", connections=1, retries=False) as front:
        for _ in range(3):
            client = await front.send(GET)
            assert (await client.read_response()).status == 502
        assert {record.error for record in front.records} == {"connection_refused"}


async def test_a_host_that_nobody_knows_is_502() -> None:
    async with serve("http://nobody.invalid") as front:
        client = await front.send(GET)
        assert (await read_whole(client))[0] == 502
        assert front.record.error == "dns_error"


async def test_a_target_that_takes_too_long_to_connect_is_504() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        for _ in range(8):  # nobody takes them, and then there is no room for another
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        port = listener.getsockname()[1]
        async with serve(f"http://127.0.0.1:{port}", connect_timeout=0.05, retries=False) as front:
            client = await front.send(GET)
            assert (await read_whole(client))[0] == 504
            assert front.record.error == "connection_timeout"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


async def serve_tls(authority: trustme.CA, name: str) -> tuple[asyncio.Server, int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("name", "is_trusted", "error"),
    [
        pytest.param("localhost", True, None, id="right"),
        pytest.param("localhost", False, "tls_certificate_error", id="signed by nobody we know"),
        pytest.param("other.example", True, "tls_certificate_error", id="for another host"),
    ],
)
async def test_a_target_is_asked_over_tls_only_with_a_good_certificate(
    authority: trustme.CA, name: str, is_trusted: bool, error: str | None
) -> None:
    server, port = await serve_tls(authority, name)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with serve(f"https://localhost:{port}", tls=trusting if is_trusted else True) as front:
        client = await front.send(GET)
        assert (await read_whole(client))[0] == (502 if error else 200)
        await until(lambda: bool(front.records))
        assert front.record.error == error
    server.close()


async def test_a_target_that_speaks_no_tls_is_502(between: Between) -> None:
    between.upstream.answer = OK
    async with serve(f"https://127.0.0.1:{between.upstream.port}", retries=False) as front:
        client = await front.send(GET)
        await until(lambda: bool(between.upstream.wires))
        await between.upstream.wires[0].send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert (await read_whole(client))[0] == 502
        assert front.record.error == "tls_protocol_error"


# a target that does not answer


async def test_a_target_that_hangs_before_its_head_is_504(between: Between) -> None:
    async with serve(between.url, response_timeout=0.05, retries=False) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        assert (await read_whole(client))[0] == 504
        assert (front.record.outcome, front.record.error) == ("failed", "http_response_timeout")
        assert await target.read_rest() == b""


async def test_a_head_that_drips_is_bounded_as_a_whole(between: Between) -> None:
    async def drip(target: Wire) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"a" * 10000:
            await target.send(bytes([byte]))
            await asyncio.sleep(0.01)

    async with serve(between.url, response_timeout=0.1, retries=False) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        dripping = asyncio.ensure_future(drip(target))
        assert (await read_whole(client))[0] == 504
        dripping.cancel()


async def test_a_body_that_drips_is_passed_on_drop_by_drop(between: Between) -> None:
    async with serve(between.url, response_timeout=0.2, idle_timeout=0.5) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.send(CHUNKED)
        await client.read_head()
        for _ in range(20):
            await target.send(b"1\r\na\r\n")
            assert await client.read_until(b"a\r\n") == b"1\r\na\r\n"
        await target.send(b"0\r\n\r\n")
        assert await client.read_until(b"0\r\n\r\n")
        await until(lambda: bool(front.records))
        assert (front.record.outcome, front.record.bytes_down) == ("answered", 20)


async def test_a_body_that_stops_is_cut_off_for_the_client(between: Between) -> None:
    async with serve(between.url, idle_timeout=0.05) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.send(CHUNKED, b"1\r\na\r\n")
        assert b"0\r\n\r\n" not in await client.read_rest()
        assert (front.record.outcome, front.record.error) == ("cut_off", "http_response_incomplete")
        await target.read_rest()


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Len"], ids=["nothing", "half a line", "half a head"]
)
@pytest.mark.parametrize("leave", [Wire.close, reset], ids=["an end", "a reset"])
async def test_a_target_that_leaves_before_its_head_is_whole_is_502(between: Between, said: bytes, leave: Any) -> None:
    async with serve(between.url, retries=False) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(said)
        leave(target)
        assert (await read_whole(client))[0] == 502
        assert front.record.error == "connection_terminated"


@pytest.mark.parametrize("leave", [Wire.close, reset], ids=["an end", "a reset"])
@pytest.mark.parametrize(
    "begun",
    [CHUNKED + b"3\r\nabc\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"],
    ids=["in chunks", "with a length"],
)
async def test_an_answer_that_is_broken_off_is_never_passed_on_as_whole(
    between: Between, begun: bytes, leave: Any
) -> None:
    async with serve(between.url) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(begun)
        await client.read_until(b"abc")
        leave(target)
        assert b"0\r\n\r\n" not in await client.read_rest()
        assert (front.record.outcome, front.record.bytes_down) == ("cut_off", 3)


async def test_a_reset_in_a_body_without_framing_is_a_reset_for_a_client_of_http_1_0(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(CHUNKED + b"3\r\nabc\r\n")
        await client.read_until(b"abc")
        reset(target)
        await client.read_rest()
        assert client.is_reset


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
    ids=["SSH", "no status", "two lengths", "gzip, chunked", "gzip", "a switch nobody has asked for", "a huge head"],
)
async def test_an_answer_that_can_be_read_in_two_ways_is_502(between: Between, said: bytes) -> None:
    async with serve(between.url, retries=False) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(said)
        assert (await read_whole(client))[0] == 502
        assert front.record.error == "http_protocol_error"


async def test_interim_answers_are_left_out(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", CONTINUE, OK)
        response = await client.read_response()
        assert (response.status, response.body, response.values("Link")) == (200, b"ok", [])


# a target that lies about its length


async def test_what_is_behind_an_answer_reaches_nobody(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        assert await read_whole(client) == (200, b"ok")
        await client.send(GET)
        second = await between.upstream.accept()
        await second.read_request()
        await second.send(OK)
        assert await read_whole(client) == (200, b"ok")


@pytest.mark.parametrize(
    "stray",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"evil",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"\r\n",
        b"HTTP/1.1 2",
    ],
    ids=["an answer", "a 408", "no HTTP", "an interim answer", "an empty line", "half a head"],
)
async def test_what_comes_over_an_idle_connection_answers_no_other_request(between: Between, stray: bytes) -> None:
    async with serve(between.url) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(OK)
        assert await read_whole(client) == (200, b"ok")
        ((protocol, _),) = next(iter(front.connector._conns.values()))
        seen = asyncio.Event()
        take = protocol.data_received

        def note(data: bytes) -> None:
            take(data)
            seen.set()

        protocol.data_received = note
        await target.send(stray)
        await bounded(seen.wait())
        await client.send(GET)
        second = await between.upstream.accept()
        await second.read_request()
        await second.send(OK)
        assert await read_whole(client) == (200, b"ok")


# connections that are kept


async def keep_one(front: Front, between: Between) -> tuple[Wire, Wire]:
    client = await front.send(GET)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(OK)
    assert await read_whole(client) == (200, b"ok")
    assert front.pooled == 1
    return client, target


async def test_a_kept_connection_that_ends_when_it_is_used_again_costs_a_get_one_more_attempt(
    between: Between,
) -> None:
    async with serve(between.url) as front:
        client, target = await keep_one(front, between)
        await client.send(GET)
        await target.read_request()
        target.close()
        second = await between.upstream.accept()
        await second.read_request()
        await second.send(OK)
        assert await read_whole(client) == (200, b"ok")
        await until(lambda: len(front.records) == 2)
        assert front.records[1].attempts == 2


async def test_a_kept_connection_that_ends_when_it_is_used_again_is_502_for_a_post(between: Between) -> None:
    async with serve(between.url) as front:
        client, target = await keep_one(front, between)
        await client.send(POST)
        await target.read_request()
        target.close()
        assert (await read_whole(client))[0] == 502
        assert front.records[1].attempts == 1
        assert len(between.upstream.wires) == 1


async def test_a_kept_connection_that_has_ended_is_not_used_again(between: Between) -> None:
    async with serve(between.url) as front:
        client, target = await keep_one(front, between)
        ((protocol, _),) = next(iter(front.connector._conns.values()))
        target.close()
        await until(lambda: protocol.transport is None)
        await client.send(POST)
        second = await between.upstream.accept()
        await second.read_request()
        await second.send(OK)
        assert await read_whole(client) == (200, b"ok")


async def test_a_kept_connection_has_no_timer_of_the_exchange_before(between: Between) -> None:
    async with serve(between.url, response_timeout=0.05, idle_timeout=0.05, keep_alive=60.0) as front:
        client, target = await keep_one(front, between)
        for _ in range(3):
            await asyncio.sleep(0.06)  # both timers would be over
            await client.send(POST)
            await target.read_request()
            await target.send(OK)
            assert await read_whole(client) == (200, b"ok")
        assert len(between.upstream.wires) == 1


# retries


async def test_a_post_goes_on_to_the_next_target_if_the_first_cannot_be_reached(between: Between) -> None:
    async with serve(f"http://127.0.0.1:{find_free_port()}", between.url) as front:
        client = await front.send(POST)
        target = await between.upstream.accept()
        assert (await target.read_request()).body == b"abc"
        await target.send(OK)
        assert await read_whole(client) == (200, b"ok")
        await until(lambda: bool(front.records))
        assert (front.record.attempts, front.record.target) == (2, between.url)


async def test_an_answer_with_a_retried_status_is_let_go_and_another_one_passed_on(between: Between) -> None:
    async with serve(between.url, retries=Retries(statuses={503})) as front:
        client = await front.send(GET)
        first = await between.upstream.accept()
        await first.read_request()
        await first.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\nbusy")
        second = await between.upstream.accept()
        assert await first.read_rest() == b""
        await second.read_request()
        await second.send(OK)
        assert await read_whole(client) == (200, b"ok")


async def test_the_last_attempt_is_passed_on_whatever_its_status(between: Between) -> None:
    between.upstream.answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
    async with serve(between.url, retries=Retries(statuses={503}, attempts=3)) as front:
        client = await front.send(GET)
        assert await read_whole(client) == (503, b"busy")
        assert len(between.upstream.requests) == 3


async def test_a_body_that_was_taken_from_the_client_is_not_sent_again(between: Between) -> None:
    async with serve(between.url, retries=Retries(statuses={503})) as front:
        client = await front.send(UPLOAD.replace(b"POST", b"PUT"), b"3\r\nabc\r\n")
        target = await between.upstream.accept()
        await target.read_until(b"abc\r\n")
        await client.send(b"0\r\n\r\n")
        await target.read_until(b"0\r\n\r\n")
        await target.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
        assert await read_whole(client) == (503, b"busy")
        assert len(between.upstream.wires) == 1


async def test_a_body_that_has_arrived_as_a_whole_is_sent_again(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(POST.replace(b"POST", b"PUT"))
        for is_last in (False, True):
            target = await between.upstream.accept()
            assert (await target.read_request()).body == b"abc"
            await target.send(OK) if is_last else target.close()
        assert await read_whole(client) == (200, b"ok")


async def test_where_no_target_may_be_asked_it_is_503(between: Between) -> None:
    async with serve(between.url) as front:
        (target,) = front.upstream.targets
        front.upstream.targets.note_check(target, is_answering=False)
        client = await front.send(GET)
        assert (await read_whole(client))[0] == 503
        assert (front.record.error, front.record.attempts) == ("destination_unavailable", 0)
