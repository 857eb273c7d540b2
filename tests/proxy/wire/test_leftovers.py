"""What is left of an answer that nobody wants: a short rest is read to its end, a long one cut off."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware.proxy import Exchange, after
from aiohttp_route_middleware.proxy.wire import leftovers

from ..front import GET, serve, until
from ..raw import Between, Wire

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"


@after
def replace(exchange: Exchange) -> None:
    exchange.response = web.Response(text="ours")


@after
def replace_body(exchange: Exchange) -> None:
    exchange.answer.replace_body(b"ours")


def write_answer(length: int) -> bytes:
    return f"HTTP/1.1 502 Bad Gateway\r\nContent-Length: {length}\r\n\r\nhalf".encode()


@pytest.mark.parametrize("hook", [replace, replace_body])
@pytest.mark.parametrize("rest", [b"", b" of it"], ids=["all of it is here", "the rest comes later"])
async def test_the_connection_is_kept_where_little_is_left(between: Between, rest: bytes, hook: Any) -> None:
    async with serve(between.url, hooks=(hook,)) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        for _ in range(2):
            await target.read_request()
            await target.send(write_answer(4 + len(rest)))
            assert (await client.read_response()).body == b"ours"
            await target.send(rest)
            await until(lambda: front.pooled == 1)
            await client.send(GET)
        await target.read_request()
        assert len(between.upstream.wires) == 1
        await target.send(write_answer(4))


async def ask_in_vain(between: Between, raw: bytes, answer: bytes) -> Wire:
    """Have an answer replaced; return the connection of the target."""
    async with serve(between.url, hooks=(replace,)) as front:
        client = await front.send(raw)
        target = await between.upstream.accept()
        await target.read_until(b"\r\n\r\n")
        await target.send(answer)
        assert (await client.read_response()).body == b"ours"
        assert await target.read_rest() == b""
        return target


async def test_a_long_rest_is_cut_off_at_once(between: Between, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_PATIENCE", 3600.0)
    await ask_in_vain(between, GET, write_answer(2**20))


async def test_what_has_no_length_is_cut_off_at_once(between: Between, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_PATIENCE", 3600.0)
    await ask_in_vain(between, GET, b"HTTP/1.1 200 OK\r\n\r\nhalf")


async def test_a_short_rest_that_does_not_come_is_cut_off(between: Between, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_PATIENCE", 0.01)
    await ask_in_vain(between, GET, write_answer(9))


@pytest.mark.parametrize("length", [4, 9], ids=["all of it is here", "the rest comes later"])
async def test_a_connection_on_which_the_request_was_not_sent_whole_is_closed(
    between: Between, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "_PATIENCE", 3600.0)
    await ask_in_vain(between, POST, write_answer(length))
