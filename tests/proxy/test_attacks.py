"""What a client or a target might bring about on purpose, and does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware.proxy import Ejection, Exchange, after, rewrite_locations, set_header

from .front import GET, Front, serve, until
from .raw import OK, Between, CutOffError, bounded

EXPECTING = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 29\r\n\r\n"
HALF = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx"
MUCH = 8 * 2**20  # bytes, which no buffers hold
STRICT: dict[str, Any] = {"ejection": Ejection(failures=1, share=1.0, period=60.0), "retries": False}


def is_in(front: Front) -> bool:
    return all(target.health.is_in for target in front.upstream.targets)


# a client does not send targets out


async def test_a_target_that_is_tired_of_a_slow_upload_stays_in(between: Between) -> None:
    async with serve(between.url, **STRICT) as front:
        client = await front.send(HALF)
        target = await between.upstream.accept()
        await target.read_until(b"\r\n\r\nx")
        target.close()
        assert (await client.read_response()).status == 502
        assert is_in(front)


async def test_a_target_that_answers_nobody_goes_out(between: Between) -> None:
    async with serve(between.url, **STRICT) as front:
        client = await front.send(GET)
        (await between.upstream.accept()).close()
        assert (await client.read_response()).status == 502
        assert not is_in(front)


async def test_who_waits_for_a_connection_of_others_gets_503_and_the_target_stays_in(between: Between) -> None:
    async with serve(between.url, connections=1, connect_timeout=0.05, **STRICT) as front:
        first = await front.send(GET)
        target = await between.upstream.accept()
        second = await front.send(GET)
        assert (await second.read_response()).status == 503
        assert front.records[0].error == "connection_limit_reached"
        assert is_in(front)
        await target.send(OK)
        assert (await first.read_response()).body == b"ok"


async def test_who_waits_for_a_connection_and_goes_leaves_his_place(between: Between) -> None:
    async with serve(between.url, connections=1, connect_timeout=60.0) as front:
        first = await front.send(GET)
        target = await between.upstream.accept()
        second = await front.send(GET)
        await until(lambda: front.in_flight == 2)
        second.abort()
        await until(lambda: front.connected == 1)
        await target.send(OK)
        assert (await first.read_response()).body == b"ok"


async def test_a_field_that_is_too_long_is_502_and_the_target_stays_in(between: Between) -> None:
    async with serve(between.url, **STRICT) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.send(b"HTTP/1.1 200 OK\r\nX-Echo: " + b"a" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n")
        assert (await client.read_response()).status == 502
        assert is_in(front)


async def test_a_field_that_is_long_is_passed_on(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.send(b"HTTP/1.1 200 OK\r\nX-Policy: " + b"a" * 30_000 + b"\r\nContent-Length: 0\r\n\r\n")
        assert len((await client.read_response()).values("X-Policy")[0]) == 30_000


async def test_a_target_that_is_tired_of_a_slow_reader_stays_in(
    between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiohttp_route_middleware.proxy.response._LONG", 0.0)
    async with serve(between.url, **STRICT) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % MUCH)
        sending = asyncio.ensure_future(target.send(b"x" * (MUCH - 1)))
        await until(lambda: front.runner.server.connections[0].writing_paused)
        await client.read_exactly(MUCH // 2)
        await bounded(sending)
        target.close()
        await client.read_rest()
        await front.settle()
        assert front.record.outcome == "cut_off"
        assert is_in(front)


# a client that does not read


@pytest.mark.parametrize("whole", [True, False], ids=["in one piece", "in pieces"])
async def test_a_client_that_does_not_read_is_cut_off(between: Between, whole: bool) -> None:
    @after
    async def read(exchange: Exchange) -> None:
        if whole:
            await exchange.answer.read(limit=MUCH)

    async with serve(between.url, hooks=(read,), idle_timeout=0.2) as front:
        await front.send(GET)
        target = await between.upstream.accept()
        sending = asyncio.ensure_future(
            target.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % MUCH, b"x" * MUCH)
        )
        await until(lambda: bool(front.records))
        assert front.record.outcome == "client_gone"
        await asyncio.wait([sending])
        sending.exception()


# an answer that cannot be sent


def _split(exchange: Exchange) -> None:
    exchange.response.headers["X-Echo"] = "a\r\nX-Evil: y"


def _no_text(exchange: Exchange) -> None:
    exchange.response.headers["X-Echo"] = "\ud800"


@pytest.mark.parametrize("hook", [_split, _no_text], ids=["a line break", "a surrogate"])
async def test_what_a_hook_writes_wrong_into_an_answer_is_500_and_frees_its_connection(
    between: Between, hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(between.url, hooks=(after(hook),)) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nx" % MUCH)
        assert (await client.read_response()).status == 500
        await front.settle()
        assert "'X-Echo'" in caplog.text


async def test_a_signal_that_fails_frees_the_connection(between: Between) -> None:
    async def fail(_: web.Request, response: web.StreamResponse) -> None:
        raise ValueError("a signal")

    app = web.Application()
    app.on_response_prepare.append(fail)
    async with serve(between.url, app=app) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nx" % MUCH)
        assert await client.read_rest() == b""
        await front.settle()
        assert front.record.outcome == "replaced"


# nobody knows whether a body follows


async def test_after_an_answer_without_an_invitation_the_connection_is_closed(between: Between) -> None:
    async with serve(between.url, expect_timeout=60.0, server={"lingering_time": 0}) as front:
        client = await front.send(EXPECTING)
        target = await between.upstream.accept()
        await target.read_head()
        await target.send(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
        assert (await client.read_response()).values("Connection") == [b"close"]
        await client.send(b"GET /harmless HTTP/1.1\r\nX: GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await client.read_rest() == b""
        assert len(between.upstream.wires) == 1


async def test_after_a_refusal_without_an_invitation_the_connection_is_closed(between: Between) -> None:
    async with serve(between.url, expect_timeout=60.0, server={"lingering_time": 0}) as front:
        client = await front.send(EXPECTING)
        (await between.upstream.accept()).close()
        refusal = await client.read_response()
        assert (refusal.status, refusal.values("Connection")) == (502, [b"close"])


async def test_after_an_expectation_that_nobody_knows_the_connection_is_closed(between: Between) -> None:
    async with serve(between.url, server={"lingering_time": 0}) as front:
        client = await front.send(EXPECTING.replace(b"100-continue", b"more"))
        refusal = await client.read_response()
        assert (refusal.status, refusal.values("Connection")) == (417, [b"close"])


async def test_a_hook_that_asks_for_the_head_alone_promises_no_body(between: Between) -> None:
    def ask_for_head(exchange: Exchange) -> None:
        exchange.request.method = "HEAD"

    async with serve(between.url, hooks=(ask_for_head,)) as front:
        client = await front.send(GET + GET)
        target = await between.upstream.accept()
        for _ in range(2):
            assert (await target.read_request()).head.startswith(b"HEAD / ")
            await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
        assert [(await client.read_response()).body for _ in range(2)] == [b"", b""]


# what others must not see


async def test_trace_is_not_passed_on(between: Between) -> None:
    async with serve(between.url, hooks=(set_header("X-API-Key", "secret"),)) as front:
        client = await front.send(GET.replace(b"GET", b"TRACE"))
        assert (await client.read_response()).status == 501
        assert not between.upstream.wires


async def test_what_a_link_has_added_is_not_removed_by_the_client(between: Between) -> None:
    def add_user(handler: Any) -> Any:
        async def pass_on(request: web.Request) -> web.StreamResponse:
            headers = request.headers.copy()
            headers["X-User"] = "alice"
            answer: web.StreamResponse = await handler(request.clone(headers=headers))
            return answer

        return pass_on

    async with serve(between.url, links=add_user) as front:
        client = await front.send(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x-user, x-mine, te\r\nX-Mine: 1\r\nTE: trailers\r\n\r\n"
        )
        target = await between.upstream.accept()
        request = await target.read_request()
        await target.send(OK)
        await client.read_response()
        assert (request.values("X-User"), request.values("X-Mine"), request.values("TE")) == ([b"alice"], [], [])


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nSet-Cookie: a\0secret\r\n\r\n", b"secret\n\nsecret\r\n\r\n"])
async def test_what_is_wrong_with_an_answer_is_logged_in_one_line_without_its_content(
    between: Between, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(between.url, retries=False) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.send(answer)
        assert (await client.read_response()).status == 502
        assert "secret" not in caplog.text
        assert "\n" not in caplog.messages[-1]


async def test_without_a_host_the_address_of_the_server_is_not_told(between: Between) -> None:
    async with serve(between.url, of_proxy={"locations": rewrite_locations()}) as front:
        client = await front.send(b"GET / HTTP/1.0\r\n\r\n")
        target = await between.upstream.accept()
        await target.read_request()
        location = f"{between.url}/login".encode()
        await target.send(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n" % location)
        assert (await client.read_response()).values("Location") == [b"/login"]


HOSTS: dict[str, tuple[bytes, int, bytes]] = {
    "a port": (b"GET / HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n", 200, b"shop.example:8080"),
    "another one than is asked for": (
        b"GET http://asked.example/ HTTP/1.1\r\nHost: told\r\n\r\n",
        200,
        b"asked.example",
    ),
    "none that can be": (b"GET / HTTP/1.1\r\nHost: a/../b@c\r\n\r\n", 400, b""),
    "none": (b"GET / HTTP/1.0\r\n\r\n", 400, b""),
}


@pytest.mark.parametrize(("raw", "status", "host"), HOSTS.values(), ids=HOSTS)
async def test_a_host_is_preserved_as_it_was_asked_for(between: Between, raw: bytes, status: int, host: bytes) -> None:
    between.upstream.answer = OK
    async with serve(between.url, of_proxy={"preserve_host": True}) as front:
        client = await front.send(raw)
        assert (await client.read_response()).status == status
        assert [request.values("Host") for request in between.upstream.requests] == ([[host]] if host else [])


# answers that are none


@pytest.mark.parametrize("line", [b"HTTP/1.1 099 X", b"HTTP/1.1 000 X", b"HTTP/2.0 200 OK", b"HTTP/0.9 200 OK"])
async def test_an_answer_of_another_kind_is_502(between: Between, line: bytes) -> None:
    async with serve(between.url, retries=False) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.send(line + b"\r\nContent-Length: 0\r\n\r\n")
        assert (await client.read_response()).status == 502


async def test_an_answer_that_is_only_announced_is_502(between: Between) -> None:
    async with serve(between.url, retries=False) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 200)
        assert (await client.read_response()).status == 502
        with pytest.raises(CutOffError):
            await target.read_exactly(10**6)
