"""No request is read out of another on its way through the whole proxy: at most one arrives, and it is right."""

from __future__ import annotations

import asyncio
import re

import pytest
from aiohttp import http_parser, web_protocol

from .raw import Between, Message, Wire
from .smuggling import HELD, NEXT, PASSED, PAYLOADS, REFUSALS, REFUSED, Payload

STATUS = re.compile(rb"HTTP/1\.[01] (\d\d\d) ")
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
RIGHT = [one for one in PAYLOADS if one.outcomes == (PASSED,)]


@pytest.fixture(params=["C", "Python"])
async def proxied(request: pytest.FixtureRequest, between: Between, monkeypatch: pytest.MonkeyPatch) -> Between:
    """A proxy on either parser of aiohttp; the raw upstream says what it sees by its own, strict reading."""
    if request.param == "Python":
        monkeypatch.setattr(web_protocol, "HttpRequestParser", http_parser.HttpRequestParserPy)
    between.upstream.answer = CLOSING
    await between.serve(server={"lingering_time": 0}, to={"retries": False})
    return between


def judge(between: Between, answered: bytes, payload: Payload) -> str:
    arrived = [(request.line.split(b" ")[1], request.body) for request in between.upstream.requests]
    statuses = [int(one) for one in STATUS.findall(answered)]
    if not statuses and not arrived:
        return HELD
    if arrived == [(b"/", payload.body), (b"/next", b"")] and statuses == [200, 200]:
        return PASSED
    is_refused = not arrived and len(statuses) == 1 and statuses[0] in REFUSALS
    return REFUSED if is_refused else f"{statuses} for {arrived}"


def check_what_arrived(between: Between) -> None:
    """Each connection has carried whole requests and nothing else, each framed once."""
    for request in between.upstream.requests:
        assert len(request.values("Content-Length") + request.values("Transfer-Encoding")) < 2
        assert request.values("Transfer-Encoding") in ([], [b"chunked"])
    whole = b"".join(request.raw for request in between.upstream.requests)
    assert between.upstream.received.startswith(whole)
    assert b" HTTP/1." not in between.upstream.received[len(whole) :].partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("payload", [one for one in PAYLOADS if HELD not in one.outcomes], ids=lambda one: one.name)
async def test_a_request_arrives_as_exactly_one_or_not_at_all(proxied: Between, payload: Payload) -> None:
    client = await proxied.send(payload.raw + NEXT)
    answered = await client.read_rest()
    assert judge(proxied, answered, payload) in payload.outcomes
    check_what_arrived(proxied)


@pytest.mark.parametrize("payload", [one for one in PAYLOADS if HELD in one.outcomes], ids=lambda one: one.name)
async def test_a_request_without_end_does_not_arrive_as_whole(proxied: Between, payload: Payload) -> None:
    client = await proxied.send(payload.raw + NEXT)
    client.end()
    await client.read_rest()
    assert proxied.upstream.requests == []


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda one: one.name)
async def test_byte_by_byte_no_request_is_read_out_of_another(between: Between, payload: Payload) -> None:
    between.upstream.answer = CLOSING
    await between.serve(server={"lingering_time": 0}, to={"retries": False, "idle_timeout": 0.2})
    client = await between.connect()
    try:
        for at in range(len(payload.raw)) if len(payload.raw) < 1000 else ():
            await client.send(payload.raw[at : at + 1])
            await asyncio.sleep(0)
        await client.send(payload.raw if len(payload.raw) >= 1000 else b"", NEXT)
        client.end()
    except ConnectionError:
        pass  # it was refused before all was sent
    await client.read_rest()
    arrived = [request.line for request in between.upstream.requests]
    assert not [line for line in arrived if b"/smuggled" in line]
    assert len(arrived) <= 2
    check_what_arrived(between)


@pytest.mark.parametrize("payload", RIGHT, ids=lambda one: one.name)
async def test_what_was_refused_does_not_reach_the_request_of_another_client(
    between: Between, payload: Payload
) -> None:
    await between.serve(server={"lingering_time": 0})
    victim = await between.send(payload.raw)
    target = await between.upstream.accept()
    request = await target.read_request()
    await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nvictim")
    assert (await victim.read_response()).body == b"victim"
    for one in PAYLOADS:
        if one.outcomes == (REFUSED,):
            await refused(between, one)
    await victim.send(NEXT)
    assert (await target.read_request()).line == b"GET /next HTTP/1.1"
    assert request.body == payload.body


async def refused(between: Between, payload: Payload) -> None:
    client = await between.send(payload.raw + NEXT)
    client.end()
    assert int(STATUS.findall(await client.read_rest())[0]) in REFUSALS


async def test_a_target_that_takes_a_body_for_a_request_answers_nobody_else(between: Between) -> None:
    """What it says to the request that it believes to have seen, the next client must not get."""
    seen: list[bytes] = []

    async def misread(wire: Wire, request: Message) -> None:
        seen.append(request.line)
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
        if request.body:
            answer += b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
        await wire.send(answer)

    between.upstream.answer = misread
    await between.serve()
    attacker = await between.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
    assert (await attacker.read_response()).body == b"one"
    victim = await between.send(NEXT)
    assert (await victim.read_response()).body == b"one"
    assert len(between.upstream.wires) == 2
