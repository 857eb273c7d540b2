"""Messages of WebSockets, shown to functions on their way: with raw sockets, and between real ends of aiohttp."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy import Exchange, ExchangeRecord, Upstream, after, proxy
from aiohttp_route_middleware.proxy.websockets.messages import relay_messages

from ..raw import OK, Between, Wire, bounded
from .test_tunnel import (
    AGREED,
    HANDSHAKE,
    MUCH,
    comes_true,
    ends,
    flood,
    make_echo,
    open_tunnel,
    read_on,
    stop_reading,
)

GOING_AWAY, PROTOCOL, UTF8, LARGE, INTERNAL = 1001, 1002, 1007, 1009, 1011


def frame(kind: int, payload: bytes = b"", *, mask: bool = False) -> bytes:
    """Write a frame; its mask changes nothing."""
    size, bit = len(payload), 0x80 if mask else 0
    if size < 126:
        head = bytes((kind, bit | size))
    elif size < 65536:
        head = bytes((kind, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((kind, bit | 127)) + size.to_bytes(8, "big")
    return head + (b"\0\0\0\0" if mask else b"") + payload


def close(code: int, reason: bytes = b"", *, mask: bool = False) -> bytes:
    return frame(0x88, code.to_bytes(2, "big") + reason, mask=mask)


async def read_frame(wire: Wire) -> tuple[int, bytes]:
    """Read one frame, and undo its mask."""
    kind, size = await wire.read_exactly(2)
    mask = size & 0x80
    size &= 0x7F
    if size >= 126:
        size = int.from_bytes(await wire.read_exactly(2 if size == 126 else 8), "big")
    key = await wire.read_exactly(4) if mask else b"\0\0\0\0"
    payload = await wire.read_exactly(size)
    return kind, bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def keep(exchange: Exchange, message: str | bytes) -> str | bytes:
    return message


async def shout(exchange: Exchange, message: str | bytes) -> str | bytes | None:
    return None if message == "drop" else message.upper()


KEEP = relay_messages(from_client=keep, from_target=keep)


# what goes through


async def test_messages_are_shown_with_their_exchange_and_may_be_changed_or_dropped(between: Between) -> None:
    seen: list[tuple[str, str | bytes]] = []

    def note(exchange: Exchange, message: str | bytes) -> str | bytes:
        seen.append((exchange.incoming.path, message))
        return message

    await between.serve(messages=relay_messages(from_client=shout, from_target=note))
    client, target = await open_tunnel(between)
    for text in (b"drop", b"hello"):
        await client.send(frame(0x81, text, mask=True))
    assert await read_frame(target) == (0x81, b"HELLO")
    await client.send(frame(0x82, b"ab", mask=True))
    assert await read_frame(target) == (0x82, b"AB")
    await target.send(frame(0x81, "grüße".encode()), frame(0x82, b"\xff"))
    assert [await read_frame(client), await read_frame(client)] == [(0x81, "grüße".encode()), (0x82, b"\xff")]
    assert seen == [("/chat", "grüße"), ("/chat", b"\xff")]


async def test_a_function_may_answer_text_with_bytes_and_bytes_with_text(between: Between) -> None:
    def swap(exchange: Exchange, message: str | bytes) -> str | bytes:
        return message.encode() if isinstance(message, str) else message.decode()

    await between.serve(messages=relay_messages(from_target=swap))
    client, target = await open_tunnel(between)
    await target.send(frame(0x81, b"a"), frame(0x82, b"b"))
    assert [await read_frame(client), await read_frame(client)] == [(0x82, b"a"), (0x81, b"b")]


async def test_what_no_function_wants_to_see_passes_as_it_is(between: Between) -> None:
    await between.serve(messages=relay_messages(from_client=shout))
    client, target = await open_tunnel(between)
    await target.send(frame(0x81, b"drop"), frame(0x82, b"\0"))
    assert [await read_frame(client), await read_frame(client)] == [(0x81, b"drop"), (0x82, b"\0")]


async def test_pings_and_pongs_go_to_the_other_side_and_are_not_shown(between: Between) -> None:
    await between.serve(messages=relay_messages(from_client=shout, from_target=shout))
    client, target = await open_tunnel(between)
    await client.send(frame(0x89, b"ping", mask=True), frame(0x8A, mask=True))
    assert [await read_frame(target), await read_frame(target)] == [(0x89, b"ping"), (0x8A, b"")]
    await target.send(frame(0x8A, b"ping"))
    assert await read_frame(client) == (0x8A, b"ping")


async def test_fragments_are_joined_and_what_goes_to_the_target_is_masked_anew(between: Between) -> None:
    await between.serve(messages=KEEP)
    client, target = await open_tunnel(between)
    masked = b"\x01\x83\x01\x02\x03\x04" + bytes((ord("H") ^ 1, ord("e") ^ 2, ord("l") ^ 3))
    await client.send(masked + frame(0x89, mask=True) + frame(0x80, b"lo", mask=True))
    assert await read_frame(target) == (0x89, b"")
    assert await read_frame(target) == (0x81, b"Hello")
    assert target.received[-11:-9] == b"\x81\x85"  # its length with the bit that says so, a mask, five letters


async def test_no_extension_is_agreed_on(between: Between) -> None:
    await between.serve(messages=KEEP)
    client = await between.send(HANDSHAKE[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    target = await between.upstream.accept()
    assert (await target.read_request()).values("Sec-WebSocket-Extensions") == []
    await target.send(AGREED)
    assert (await client.read_head()).values("Sec-WebSocket-Extensions") == []
    await client.send(b"\xc1\x80\0\0\0\0")  # compressed all the same
    assert await read_frame(client) == (0x88, PROTOCOL.to_bytes(2, "big"))


async def test_other_requests_keep_the_field_that_names_extensions(between: Between) -> None:
    await between.serve(messages=KEEP)
    request, answer = await between.ask(b"GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: x\r\n\r\n", OK)
    assert (request.values("Sec-WebSocket-Extensions"), answer.body) == ([b"x"], b"ok")


async def test_nothing_is_lost_that_comes_together_with_a_handshake(between: Between) -> None:
    await between.serve(messages=KEEP)
    client = await between.send(HANDSHAKE + frame(0x81, b"early", mask=True))
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(AGREED + frame(0x81, b"too"))
    await client.read_head()
    assert (await read_frame(client), await read_frame(target)) == ((0x81, b"too"), (0x81, b"early"))


async def test_a_record_tells_how_many_bytes_of_messages_have_gone_either_way(between: Between) -> None:
    records: list[ExchangeRecord] = []
    await between.serve(messages=KEEP, to={"on_exchange": records.append})
    client, target = await open_tunnel(between)
    await client.send(frame(0x81, b"12345", mask=True), frame(0x89, b"ping", mask=True), close(1000, mask=True))
    for _ in range(3):
        await read_frame(target)
    await target.send(frame(0x82, b"123"), close(1000))
    target.close()
    await ends(client)
    client.close()
    await comes_true(lambda: records)
    assert [(one.status, one.outcome, one.bytes_up, one.bytes_down) for one in records] == [(101, "answered", 5, 3)]


# how it ends


@pytest.mark.parametrize("who", ["client", "target"])
@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ((0x88, (4000).to_bytes(2, "big") + b"bye"), (0x88, (4000).to_bytes(2, "big") + b"bye")),
        ((0x88, b""), (0x88, b"")),
    ],
    ids=["with a code and a reason", "without a code"],
)
async def test_a_close_is_passed_on_and_answered_by_the_other_side(
    between: Between, who: str, said: tuple[int, bytes], heard: tuple[int, bytes]
) -> None:
    await between.serve(messages=KEEP)
    client, target = await open_tunnel(between)
    one, other = (client, target) if who == "client" else (target, client)
    await one.send(frame(*said, mask=one is client))
    assert await read_frame(other) == heard
    await other.send(frame(0x81, b"one more", mask=other is client), close(4001, b"you too", mask=other is client))
    assert await read_frame(one) == (0x81, b"one more")
    assert await read_frame(one) == (0x88, (4001).to_bytes(2, "big") + b"you too")
    assert (await ends(one), await ends(other)) == (b"", b"")


async def test_who_does_not_answer_a_close_is_ended_after_a_while(
    between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiohttp_route_middleware.proxy.websockets.messages._ANSWER_TIME", 0.01)
    await between.serve(messages=KEEP)
    client, target = await open_tunnel(between)
    await client.send(close(4000, mask=True))
    assert await read_frame(target) == (0x88, (4000).to_bytes(2, "big"))
    assert (await ends(target), await ends(client)) == (b"", b"")


@pytest.mark.parametrize("how", ["close", "abort"])
@pytest.mark.parametrize("who", ["client", "target"])
async def test_who_goes_without_a_close_gives_the_other_none(between: Between, who: str, how: str) -> None:
    await between.serve(messages=KEEP)
    client, target = await open_tunnel(between)
    gone, left = (client, target) if who == "client" else (target, client)
    await gone.send(frame(0x81, b"last", mask=gone is client))
    assert await read_frame(left) == (0x81, b"last")
    getattr(gone, how)()
    assert await ends(left) == b""


async def test_what_a_target_says_and_ends_at_once_is_not_lost(between: Between) -> None:
    ready = asyncio.Event()

    @after
    async def hesitate(exchange: Exchange) -> None:
        await ready.wait()

    await between.serve(hesitate, messages=KEEP)
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(AGREED + frame(0x81, b"last") + close(1001))
    target.close()
    await ends(target)
    await client.send(frame(0x81, b"for nobody", mask=True))
    ready.set()
    await client.read_head()
    assert await read_frame(client) == (0x81, b"last")
    assert await read_frame(client) == (0x88, (1001).to_bytes(2, "big"))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x83\x80\0\0\0\0", PROTOCOL),
        (close(1006, mask=True), PROTOCOL),
        (close(1005, mask=True), PROTOCOL),
        (frame(0x88, b"\x03", mask=True), PROTOCOL),
        (frame(0x81, b"\xff", mask=True), UTF8),
        (frame(0x81, b"12345678901", mask=True), LARGE),
        (frame(0x01, b"123456", mask=True) + frame(0x80, b"78901", mask=True), LARGE),
    ],
    ids=["unknown kind", "1006", "1005", "half a code", "no text", "large", "large in fragments"],
)
async def test_of_what_is_no_message_both_are_told_why(between: Between, sent: bytes, code: int) -> None:
    await between.serve(messages=relay_messages(from_client=keep, max_message=10))
    client, target = await open_tunnel(between)
    await client.send(frame(0x81, b"1234567890", mask=True) + sent + b"what follows is read by nobody" * MUCH)
    assert await read_frame(target) == (0x81, b"1234567890")
    for side in (target, client):
        assert await read_frame(side) == (0x88, code.to_bytes(2, "big"))
        assert await ends(side) == b""
    assert not client.is_reset


def fail(exchange: Exchange, message: str | bytes) -> str:
    raise LookupError("a bug")


async def fail_late(exchange: Exchange, message: str | bytes) -> str:
    raise ConnectionError("a database is gone")


def give_number(exchange: Exchange, message: str | bytes) -> Any:
    return 5


def give_half_a_letter(exchange: Exchange, message: str | bytes) -> str:
    return "\ud800"


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        (fail, "LookupError: a bug"),
        (fail_late, "a database is gone"),
        (give_number, "relay_messages(): from_client() returned 5"),
        (give_half_a_letter, "UnicodeEncodeError"),
    ],
)
async def test_a_function_that_fails_closes_both_sides_and_is_logged(
    between: Between, caplog: pytest.LogCaptureFixture, hook: Any, told: str
) -> None:
    await between.serve(messages=relay_messages(from_client=hook))
    client, target = await open_tunnel(between)
    with caplog.at_level(logging.ERROR):
        await client.send(frame(0x81, b"x", mask=True))
        assert [await read_frame(client), await read_frame(target)] == [(0x88, INTERNAL.to_bytes(2, "big"))] * 2
    assert told in caplog.text
    assert (await ends(client), await ends(target)) == (b"", b"")


async def test_a_function_that_is_at_work_is_cancelled_when_the_other_side_goes(between: Between) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(exchange: Exchange, message: str | bytes) -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    await between.serve(messages=relay_messages(from_client=wait))
    client, target = await open_tunnel(between)
    await client.send(frame(0x81, b"x", mask=True))
    await bounded(begun.wait())
    target.close()
    await bounded(cancelled.wait())
    assert await ends(client) == b""


async def test_the_end_of_the_server_tells_both_sides(between: Between) -> None:
    await between.serve(messages=KEEP)
    assert between.server is not None
    client, target = await open_tunnel(between)
    await bounded(between.server.close())
    assert [await read_frame(client), await read_frame(target)] == [(0x88, GOING_AWAY.to_bytes(2, "big"))] * 2


async def test_the_end_of_the_server_comes_before_the_answer_to_a_close(between: Between) -> None:
    await between.serve(messages=KEEP)
    assert between.server is not None
    client, target = await open_tunnel(between)
    await client.send(close(4000, mask=True))
    assert await read_frame(target) == (0x88, (4000).to_bytes(2, "big"))
    await bounded(between.server.close())
    assert await read_frame(client) == (0x88, GOING_AWAY.to_bytes(2, "big"))
    assert (await ends(client), await ends(target)) == (b"", b"")  # one Close for each


# who does not read


@pytest.mark.parametrize("reader", ["client", "target"])
async def test_who_does_not_read_stops_the_other_and_loses_nothing(between: Between, reader: str) -> None:
    await between.serve(messages=KEEP)
    client, target = await open_tunnel(between)
    reads, sends = (client, target) if reader == "client" else (target, client)
    stop_reading(reads)
    piece = frame(0x82, b"\0" * 1000, mask=sends is client)
    held = await flood(sends, piece * 65)
    assert held < 32 * 2**20  # buffers of the kernel, most of all
    read_on(reads)
    size = 1008 if reads is target else 1004
    assert len(await reads.read_exactly(held // len(piece) * size)) == held // len(piece) * size


@pytest.mark.parametrize("reader", ["client", "target"])
async def test_who_takes_nothing_for_long_is_cut_off(between: Between, reader: str) -> None:
    records: list[ExchangeRecord] = []
    await between.serve(messages=KEEP, to={"on_exchange": records.append, "idle_timeout": 0.5})
    client, target = await open_tunnel(between)
    sends = target if reader == "client" else client
    await flood(sends, frame(0x82, bytes(MUCH), mask=sends is client))
    sends.abort()
    await comes_true(lambda: records)


# real ends


async def test_an_aiohttp_client_talks_to_an_aiohttp_server(aiohttp_client: AiohttpClient) -> None:
    echoing = make_echo()
    async with TestServer(echoing) as target:
        upstream = Upstream(str(target.make_url("/")))
        app = web.Application()
        upstream.run_with(app)
        app.router.add_get("/{tail:.*}", proxy(upstream, messages=relay_messages(from_client=shout)))
        client = await aiohttp_client(app)
        async with client.ws_connect("/", protocols=["chat"], compress=15) as socket:
            assert (socket.protocol, socket.compress) == ("chat", 0)
            for text in ("", "hello", "long" * 100_000):
                await socket.send_str(text)
                assert await socket.receive_str() == text.upper()
            await socket.send_bytes(b"ab")
            assert await socket.receive_bytes() == b"AB"
            await socket.close(code=4002)
        async with client.ws_connect("/") as socket:
            await socket.send_str("drop")
            await socket.send_str("x")
            assert (await socket.receive()).type is WSMsgType.TEXT


# options


async def yield_message(exchange: Exchange, message: object) -> Any:
    yield message


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "relay_messages(): there is no function to show messages to"),
        ({"from_client": "x"}, "relay_messages(): from_client is str"),
        ({"from_target": 5}, "relay_messages(): from_target is int"),
        (
            {"from_client": lambda message: message},
            "with 1 required parameter (message); let it take (exchange, message)",
        ),
        ({"from_target": yield_message}, "which yields; let it return"),
        ({"from_client": keep, "max_message": 0}, "relay_messages(): max_message=0"),
        ({"from_client": keep, "max_message": 2**63 - 1}, "relay_messages(): max_message="),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value) or "none",
)
def test_a_wrong_option_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as found:
        relay_messages(**options)
    assert told in str(found.value)


def test_messages_are_what_relay_messages_has_made() -> None:
    wrong: Any = keep
    with pytest.raises(ConfigurationError, match="write messages=relay_messages"):
        proxy(Upstream("http://localhost"), messages=wrong)
