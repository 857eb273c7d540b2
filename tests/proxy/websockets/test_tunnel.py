"""WebSockets through the proxy, duties 20 and 21: to the byte with raw sockets, and between real ends of aiohttp."""

from __future__ import annotations

import asyncio
import gc
import ssl
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trustme
from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.request_id import request_id
from aiohttp_route_middleware.middlewares.secure_headers import secure_headers
from aiohttp_route_middleware.proxy import Exchange, ExchangeRecord, Upstream, after, proxy, set_header
from aiohttp_route_middleware.proxy.websockets.tunnel import TunnelResponse

from ..raw import OK, Between, Message, Server, Wire, bounded

ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
FIELDS = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
HANDSHAKE = b"GET /chat?room=a%2Fb&x HTTP/1.1\r\nHost: shop.example\r\n" + UPGRADE + FIELDS + b"\r\n"
AGREED = b"HTTP/1.1 101 Switching Protocols\r\n" + UPGRADE + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n"
CLOSE = b"\x88\x05\x0f\xa0bye"  # 4000
MASKED_CLOSE = b"\x88\x85\x01\x02\x03\x04\x0e\xa2azd"
MUCH = 2**16
LONG = 30.0  # seconds, after which a test has failed that would wait for ever


async def open_tunnel(between: Between) -> tuple[Wire, Wire]:
    """Return both ends of a tunnel: of the client, and of the target."""
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(AGREED)
    assert (await client.read_head()).status == 101
    return client, target


async def ends(wire: Wire) -> bytes:
    """Read to the end of a connection."""
    return await bounded(wire.read_rest())


async def comes_true(condition: Callable[[], object]) -> None:
    """Let others run until something is so."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + LONG
    while not condition():
        assert loop.time() < latest
        await asyncio.sleep(0)


def stop_reading(wire: Wire) -> None:
    transport: Any = wire._writer.transport
    transport.pause_reading()


def read_on(wire: Wire) -> None:
    transport: Any = wire._writer.transport
    transport.resume_reading()


async def flood(wire: Wire, piece: bytes = bytes(MUCH)) -> int:
    """Send until nothing is taken any more; return how much was sent."""
    count, writer = 0, wire._writer
    still = 0
    while still < 1000:
        before = writer.transport.get_write_buffer_size()
        if before < MUCH:
            writer.write(piece)
            count += len(piece)
            still = 0
        await asyncio.sleep(0)
        still = still + 1 if writer.transport.get_write_buffer_size() == before else 0
    return count


# the handshake


async def test_the_client_is_told_nothing_before_the_target_has_agreed(between: Between) -> None:
    await between.serve()
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    assert client.received == b""
    await target.send(AGREED)
    answer = await client.read_head()
    assert (answer.line, client.received) == (b"HTTP/1.1 101 Switching Protocols", answer.head)


async def test_the_handshake_reaches_the_target_with_all_that_the_client_has_said(between: Between) -> None:
    await between.serve(forwarding=None, preserve_host=True)
    said = (
        b"Cookie: session=1\r\nOrigin: https://shop.example\r\n"
        b"Sec-WebSocket-Protocol: chat.v2, chat.v1\r\n"
        b'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-a;b="c"\r\n'
    )
    await between.send(HANDSHAKE[:-2] + said + b"\r\n")
    request = await (await between.upstream.accept()).read_request()
    assert request.line == b"GET /chat?room=a%2Fb&x HTTP/1.1"
    for field in (FIELDS + said).strip().split(b"\r\n"):
        assert field in request.head.split(b"\r\n")
    assert (request.values("Connection"), request.values("Upgrade")) == ([b"Upgrade"], [b"websocket"])


async def test_the_agreement_reaches_the_client_with_all_that_the_target_has_said(between: Between) -> None:
    await between.serve()
    said = b"Sec-WebSocket-Protocol: chat.v1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nServer: s\r\nDate: now\r\n"
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(AGREED[:-2] + said + b"Keep-Alive: 5\r\n\r\n")
    answer = await client.read_head()
    expected = [b"Sec-WebSocket-Accept: " + ACCEPT, *said.strip().split(b"\r\n"), *UPGRADE.strip().split(b"\r\n")]
    assert sorted(answer.head.strip().split(b"\r\n")[1:]) == sorted(expected)


@pytest.mark.parametrize(
    "refusal",
    [
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nwho?",
        b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\n13",
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 5\r\n\r\nlogin",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!",
    ],
    ids=lambda raw: raw[9:12].decode(),
)
async def test_a_refusal_is_passed_on_and_the_connection_stays_good(between: Between, refusal: bytes) -> None:
    await between.serve()
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(refusal)
    answer = await client.read_response()
    status, _, fields = refusal.partition(b"\r\n\r\n")[0].partition(b"\r\n")
    assert answer.line == status
    for field in fields.split(b"\r\n"):
        assert field in answer.head.split(b"\r\n")
    assert answer.framed == refusal.partition(b"\r\n\r\n")[2]
    await client.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await target.read_request()).line == b"GET /next HTTP/1.1"
    await target.send(OK)
    assert (await client.read_response()).body == b"ok"


@pytest.mark.parametrize(
    "answer",
    [
        AGREED.replace(b"Upgrade: websocket\r\n", b""),
        AGREED.replace(b"websocket", b"h2c"),
        AGREED.replace(b"websocket", b"websocket, h2c"),
        AGREED.replace(b"websocket", "websoc\u212aet".encode()),
        AGREED.replace(b"Connection: Upgrade\r\n", b""),
        AGREED.replace(b"Sec-WebSocket-Accept", b"X-Accept"),
        AGREED.replace(ACCEPT, b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        AGREED.replace(ACCEPT, ACCEPT.lower()),
        AGREED[:-2] + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n",
        AGREED[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    ],
    ids=[
        "no upgrade",
        "another",
        "a list",
        "another letter",
        "no connection",
        "no accept",
        "another key",
        "in lower case",
        "twice",
        "an extension",
    ],
)
async def test_a_101_that_is_no_agreement_is_a_bad_gateway(between: Between, answer: bytes) -> None:
    await between.serve(to={"retries": False})
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(answer)
    assert (await client.read_response()).status == 502
    await ends(target)


async def test_a_101_that_nobody_has_asked_for_is_a_bad_gateway(between: Between) -> None:
    await between.serve(to={"retries": False})
    _, answer = await between.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", AGREED)
    assert answer.status == 502


@pytest.mark.parametrize(
    "head",
    [
        HANDSHAKE.replace(b"websocket", b"h2c").replace(b"Upgrade\r", b"Upgrade, HTTP2-Settings\r", 1),
        HANDSHAKE.replace(b"websocket", b"TLS/1.0"),
        HANDSHAKE.replace(b"websocket", b"tcp"),
        HANDSHAKE.replace(b"websocket", b"h2c, websocket"),
        HANDSHAKE.replace(b"websocket", b"websocket\r\nUpgrade: h2c"),
        HANDSHAKE.replace(b"websocket", "websoc\u212aet".encode()),
        HANDSHAKE.replace(b"Connection: Upgrade", b"Connection: keep-alive"),
        HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        HANDSHAKE.replace(b"GET", b"POST"),
        HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X-Key"),
        HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZSBub25j"),
        HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBsZSBub25j!!=="),
        HANDSHAKE[:-2] + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        HANDSHAKE.replace(b"Connection: Upgrade", b"Connection: Upgrade, Sec-WebSocket-Key"),
        HANDSHAKE.replace(b"Sec-WebSocket-Version", b"X-Version"),
        HANDSHAKE.replace(b"Version: 13", b"Version: 8"),
        HANDSHAKE.replace(b"Version: 13", b"Version: 13, 8"),
    ],
    ids=[
        *("h2c", "tls", "tcp", "a list", "two", "another letter", "not of the connection", "HTTP/1.0", "POST"),
        *(
            "no key",
            "a short key",
            "no base64",
            "two keys",
            "the key dropped",
            "no version",
            "version 8",
            "two versions",
        ),
    ],
)
async def test_no_other_upgrade_is_passed_on(between: Between, head: bytes) -> None:
    await between.serve(to={"retries": False})
    request, answer = await between.ask(head, AGREED)
    assert (request.values("Connection"), request.values("Upgrade"), request.values("HTTP2-Settings")) == ([], [], [])
    assert answer.status == 502


@pytest.mark.parametrize("body", [b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
async def test_a_handshake_with_a_body_is_refused(between: Between, body: bytes) -> None:
    await between.serve()
    client = await between.send(HANDSHAKE[:-2] + body + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.read_response()).status == 400
    assert (await ends(client), between.upstream.wires) == (b"", [])


async def test_a_handshake_may_say_that_it_has_no_body(between: Between) -> None:
    await between.serve()
    client = await between.send(HANDSHAKE[:-2] + b"Content-Length: 0\r\n\r\n")
    target = await between.upstream.accept()
    assert (await target.read_request()).values("Content-Length") == []
    await target.send(AGREED)
    assert (await client.read_head()).status == 101


def give_body(exchange: Exchange) -> None:
    exchange.request.body = b"abc"


def send_post(exchange: Exchange) -> None:
    exchange.request.method = "POST"


@pytest.mark.parametrize("hook", [give_body, send_post])
async def test_what_a_hook_has_made_another_request_is_no_handshake(between: Between, hook: Any) -> None:
    await between.serve(hook)
    request, _ = await between.ask(HANDSHAKE)
    assert request.values("Upgrade") == []


async def test_hooks_see_both_handshakes(between: Between) -> None:
    @after
    def sign(exchange: Exchange) -> None:
        assert isinstance(exchange.response, TunnelResponse)
        exchange.response.headers["X-After"] = "2"

    await between.serve(set_header("X-Before", "1"), sign)
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    assert (await target.read_request()).values("X-Before") == [b"1"]
    await target.send(AGREED)
    assert (await client.read_head()).values("X-After") == [b"2"]


async def test_a_hook_may_refuse_what_the_target_has_agreed_to(between: Between) -> None:
    records: list[ExchangeRecord] = []

    @after
    def refuse(exchange: Exchange) -> None:
        exchange.response = web.Response(status=403)

    await between.serve(refuse, to={"on_exchange": records.append})
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(AGREED)
    assert (await client.read_response()).status == 403
    assert await ends(target) == b""
    assert [record.outcome for record in records] == ["replaced"]


async def test_a_hook_that_fails_leaves_no_connection_behind(between: Between) -> None:
    @after
    def fail(exchange: Exchange) -> None:
        raise LookupError

    await between.serve(fail)
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(AGREED)
    assert (await client.read_response()).status == 500
    gc.collect()
    assert await ends(target) == b""


async def test_links_before_may_refuse(between: Between) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=401)

    await between.serve(links=lambda endpoint: chain(refuse, endpoint))
    client = await between.send(HANDSHAKE)
    assert ((await client.read_response()).status, between.upstream.wires) == (401, [])


async def test_batteries_reach_the_101(between: Between) -> None:
    await between.serve(links=lambda endpoint: chain(secure_headers(), request_id(), endpoint), prepare=setup)
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(AGREED)
    answer = await client.read_head()
    assert (answer.values("X-Content-Type-Options"), len(answer.values("X-Request-ID"))) == ([b"nosniff"], 1)


async def test_a_handshake_is_sent_again_when_the_first_target_refuses_the_connection(between: Between) -> None:
    records: list[ExchangeRecord] = []
    closed = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = closed.sockets[0].getsockname()[1]
    closed.close()
    upstream = Upstream(f"http://127.0.0.1:{port}", between.url, on_exchange=records.append)
    app = web.Application()
    upstream.run_with(app)
    app.router.add_get("/chat", proxy(upstream))
    between.server = Server(app)
    await between.server.start_server()
    client, target = await open_tunnel(between)
    client.close()
    target.close()
    await comes_true(lambda: records)
    assert [(record.status, record.attempts) for record in records] == [(101, 2)]


# what goes through


@pytest.mark.parametrize(
    "frames",
    [
        b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",  # masked
        b"\x01\x03Hel\x80\x02lo",  # in fragments
        b"\x89\x05Hello\x8a\x00",  # ping, pong
        b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00",  # compressed
        CLOSE,
        b"\xff\xff\xff",  # no WebSocket at all
        bytes(range(256)) * 1024,
    ],
    ids=["masked", "fragments", "ping and pong", "compressed", "close", "nothing", "much"],
)
async def test_bytes_go_through_as_they_are(between: Between, frames: bytes) -> None:
    await between.serve()
    client, target = await open_tunnel(between)
    await client.send(frames)
    assert await target.read_exactly(len(frames)) == frames
    await target.send(frames)
    assert await client.read_exactly(len(frames)) == frames


async def test_nothing_is_lost_that_comes_together_with_a_handshake(between: Between) -> None:
    await between.serve()
    client = await between.send(HANDSHAKE + b"early bird")
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(AGREED + b"early too")
    await client.read_head()
    assert (await client.read_exactly(9), await target.read_exactly(10)) == (b"early too", b"early bird")


async def test_more_than_aiohttp_keeps_before_the_tunnel_is_there_is_not_lost(between: Between) -> None:
    ready = asyncio.Event()

    @after
    async def hesitate(exchange: Exchange) -> None:
        await ready.wait()

    await between.serve(hesitate)
    much = bytes(range(256)) * 16384  # 4 MiB
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    sending = [asyncio.ensure_future(target.send(AGREED + much)), asyncio.ensure_future(client.send(much))]
    for _ in range(100):
        await asyncio.sleep(0)
    ready.set()
    await client.read_head()
    # the target reads nothing until the client has all
    assert await client.read_exactly(len(much)) == much
    assert await target.read_exactly(len(much)) == much
    await asyncio.gather(*sending)


async def test_what_a_target_says_and_ends_at_once_is_not_lost(between: Between) -> None:
    ready = asyncio.Event()

    @after
    async def hesitate(exchange: Exchange) -> None:
        await ready.wait()

    await between.serve(hesitate)
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    said = bytes(MUCH * 3) + CLOSE
    await target.send(AGREED + said)
    target.close()
    assert await ends(target) == b""
    ready.set()
    await client.read_head()
    assert await ends(client) == said


# how it ends


@pytest.mark.parametrize("handler_cancellation", [False, True])
async def test_what_a_client_sends_before_it_ends_still_arrives(between: Between, handler_cancellation: bool) -> None:
    await between.serve(server={"handler_cancellation": handler_cancellation})
    client, target = await open_tunnel(between)
    await client.send(bytes(MUCH * 8) + MASKED_CLOSE)
    client.close()
    assert await ends(target) == bytes(MUCH * 8) + MASKED_CLOSE


async def test_what_a_target_sends_before_it_ends_still_arrives(between: Between) -> None:
    await between.serve()
    client, target = await open_tunnel(between)
    await target.send(bytes(MUCH * 8) + CLOSE)
    target.close()
    assert await ends(client) == bytes(MUCH * 8) + CLOSE
    assert not client.is_reset


async def test_a_client_that_is_still_sending_gets_what_the_target_has_said_last(between: Between) -> None:
    await between.serve()
    client, target = await open_tunnel(between)
    sending = asyncio.ensure_future(client.send(*[bytes(MUCH)] * 64))
    await target.read_exactly(MUCH)
    await target.send(CLOSE)
    target.end()  # to close with something unread would reset the connection, and lose what was said
    assert await ends(client) == CLOSE
    assert not client.is_reset
    await sending


@pytest.mark.parametrize("how", ["close", "abort"])
@pytest.mark.parametrize("who", ["client", "target"])
async def test_when_one_side_goes_the_other_is_ended(between: Between, who: str, how: str) -> None:
    await between.serve()
    client, target = await open_tunnel(between)
    gone, left = (client, target) if who == "client" else (target, client)
    await gone.send(b"last words")
    assert await left.read_exactly(10) == b"last words"
    getattr(gone, how)()
    assert await ends(left) == b""


async def test_who_does_not_end_is_closed_after_a_while(between: Between, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiohttp_route_middleware.proxy.websockets.tunnel._LINGER", 0.01)
    records: list[ExchangeRecord] = []
    await between.serve(to={"on_exchange": records.append})
    client, target = await open_tunnel(between)
    client.close()
    assert await ends(target) == b""
    await comes_true(lambda: records)  # though the target still holds its end


@pytest.mark.parametrize("left", ["client", "target"])
async def test_who_takes_nothing_for_long_is_cut_off(between: Between, left: str) -> None:
    records: list[ExchangeRecord] = []
    await between.serve(to={"on_exchange": records.append, "idle_timeout": 0.5})
    client, target = await open_tunnel(between)
    gone = client if left == "target" else target
    await flood(gone)
    gone.abort()
    await comes_true(lambda: records)


async def test_a_client_that_goes_before_it_is_told_leaves_nothing(between: Between) -> None:
    records: list[ExchangeRecord] = []
    ready = asyncio.Event()

    @after
    async def hesitate(exchange: Exchange) -> None:
        await ready.wait()

    await between.serve(hesitate, to={"on_exchange": records.append})
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(AGREED)
    client.abort()
    for _ in range(10):
        await asyncio.sleep(0)
    ready.set()
    assert await ends(target) == b""
    await comes_true(lambda: records)
    assert records[0].outcome == "client_gone"


async def test_a_tunnel_that_is_stopped_before_it_begins_ends_at_once(between: Between) -> None:
    @after
    def stop(exchange: Exchange) -> None:
        assert isinstance(exchange.response, TunnelResponse)
        exchange.response.stop()
        exchange.response.stop()

    await between.serve(stop)
    client, target = await open_tunnel(between)
    assert (await ends(client), await ends(target)) == (b"", b"")


async def test_a_tunnel_is_used_once(between: Between) -> None:
    used: list[Any] = []

    @after
    def keep(exchange: Exchange) -> None:
        used.append(exchange)

    await between.serve(keep)
    await open_tunnel(between)
    with pytest.raises(RuntimeError, match="a tunnel is used once"):
        await used[0].response.run(used[0].incoming)
    used.clear()


async def test_a_record_tells_how_much_has_gone_either_way(between: Between) -> None:
    records: list[ExchangeRecord] = []
    await between.serve(to={"on_exchange": records.append})
    client, target = await open_tunnel(between)
    await client.send(b"12345")
    await target.read_exactly(5)
    await target.send(b"123")
    target.close()
    await ends(client)
    client.close()
    await comes_true(lambda: records)
    record = records[0]
    assert (record.status, record.outcome, record.bytes_up, record.bytes_down) == (101, "answered", 5, 3)
    assert record.seconds is not None
    assert record.seconds >= (record.first_byte_seconds or 0) > 0


# many, and the end of the server


async def test_a_thousand_tunnels_leave_nothing_behind(between: Between) -> None:
    opened: weakref.WeakSet[Any] = weakref.WeakSet()
    records: list[ExchangeRecord] = []

    @after
    def note(exchange: Exchange) -> None:
        opened.add(exchange.response)

    async def agree(wire: Wire, request: Message) -> None:
        await wire.send(AGREED)
        await wire.read_rest()

    await between.serve(note, to={"on_exchange": records.append})
    between.upstream.answer = agree
    tasks = len(asyncio.all_tasks())
    for _ in range(20):
        clients = [await between.send(HANDSHAKE) for _ in range(50)]
        for client in clients:
            await client.read_head()
            await client.send(b"x")
        for number, client in enumerate(clients):
            client.abort() if number % 2 else client.close()
    await comes_true(lambda: len(records) == 1000)
    await comes_true(lambda: len(asyncio.all_tasks()) <= tasks)
    gc.collect()
    assert (len(opened), {record.outcome for record in records}) == (0, {"answered"})
    assert between.server is not None
    assert between.server.runner is not None
    server: Any = between.server.runner.server
    await comes_true(lambda: not server.connections)


async def test_the_end_of_the_server_ends_tunnels_at_once(between: Between) -> None:
    records: list[ExchangeRecord] = []
    await between.serve(to={"on_exchange": records.append})
    assert between.server is not None
    tasks = asyncio.all_tasks()
    client, target = await open_tunnel(between)
    held, _ = await open_tunnel(between)
    await flood(between.upstream.wires[1])  # to a client that reads nothing
    await client.send(b"last")
    await target.read_exactly(4)
    await bounded(between.server.close())
    assert (await ends(client), await ends(target)) == (b"", b"")
    assert [record.outcome for record in records] == ["answered", "answered"]
    held.abort()
    await comes_true(lambda: asyncio.all_tasks() - tasks <= set())


async def test_a_handshake_that_is_agreed_on_while_the_server_ends_is_ended_as_well(between: Between) -> None:
    ready, waiting = asyncio.Event(), asyncio.Event()

    @after
    async def hesitate(exchange: Exchange) -> None:
        waiting.set()
        await ready.wait()

    await between.serve(hesitate)
    assert between.server is not None
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(AGREED)
    await bounded(waiting.wait())
    closing = asyncio.ensure_future(between.server.close())
    for _ in range(100):
        await asyncio.sleep(0)
    ready.set()
    await bounded(closing)
    assert await ends(target) == b""
    assert (await ends(client)).startswith(b"HTTP/1.1 101 ")


# real ends

Make = Callable[..., Awaitable[TestClient[web.Request, web.Application]]]


@pytest.fixture
def make_proxied(aiohttp_client: AiohttpClient) -> Make:
    async def make(url: str, **options: Any) -> Any:
        upstream = Upstream(url, **options)
        app = web.Application()
        upstream.run_with(app)
        app.router.add_route("*", "/{tail:.*}", proxy(upstream))
        return await aiohttp_client(app)

    return make


CODES = web.AppKey("CODES", list)


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=["chat"])
    await socket.prepare(request)
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data == "close":
                await socket.close(code=4001, message=b"as you wish")
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            else:
                await socket.send_bytes(message.data)
    finally:  # a server for tests cancels who has lost its client
        request.app[CODES].append(socket.close_code)
    return socket


def make_echo() -> web.Application:
    app = web.Application()
    app[CODES] = []
    app.router.add_get("/", echo)
    return app


@pytest.mark.parametrize("compress", [0, 15])
async def test_an_aiohttp_client_talks_to_an_aiohttp_server(make_proxied: Make, compress: int) -> None:
    app = make_echo()
    async with TestServer(app) as target:
        client = await make_proxied(str(target.make_url("/")))
        async with client.ws_connect("/", protocols=["chat"], compress=compress) as socket:
            assert (socket.protocol, socket.compress) == ("chat", compress)
            for text in ("", "hello", "long" * 100_000):
                await socket.send_str(text)
                assert await socket.receive_str() == text
            await socket.send_bytes(b"\x00\xff")
            assert await socket.receive_bytes() == b"\x00\xff"
            await socket.ping()
            await socket.send_str("close")
            end = await socket.receive()
            assert (end.type, end.data, end.extra) == (WSMsgType.CLOSE, 4001, "as you wish")
        async with client.ws_connect("/") as socket:
            await socket.close(code=4002)
        await comes_true(lambda: len(app[CODES]) == 2)
        assert app[CODES] == [1000, 4002]  # 1000 is what the client of aiohttp answers


async def serve_tls() -> tuple[TestServer, ssl.SSLContext]:
    """Return a server, and the context of who trusts it."""
    authority = trustme.CA()
    there, here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(there)
    authority.configure_trust(here)
    target = TestServer(make_echo(), scheme="https")
    await target.start_server(ssl=there)
    return target, here


async def test_a_target_may_speak_tls(make_proxied: Make) -> None:
    target, here = await serve_tls()
    client = await make_proxied(f"https://127.0.0.1:{target.port}", tls=here)
    async with client.ws_connect("/") as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"
        await socket.close(code=WSCloseCode.GOING_AWAY)
    await comes_true(lambda: target.app[CODES])
    assert target.app[CODES] == [1001]
    async with client.ws_connect("/") as socket:
        await socket.send_str("close")
        assert (await socket.receive()).data == 4001
    await target.close()


async def test_a_target_that_speaks_tls_is_told_when_the_client_goes(between: Between) -> None:
    target, here = await serve_tls()
    await between.serve(to={"tls": here}, url=f"https://127.0.0.1:{target.port}")
    client = await between.send(HANDSHAKE.replace(b"/chat?room=a%2Fb&x", b"/"))
    assert (await client.read_head()).status == 101
    client.close()
    await comes_true(lambda: target.app[CODES])
    await target.close()
