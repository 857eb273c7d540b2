"""The duties of a proxy towards the target, 1 to 11, to the byte: what a raw client sends, and what arrives."""

from __future__ import annotations

import asyncio
import re

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.proxy import Exchange, Forwarding, rewrite_path, set_header, strip_prefix

from .raw import OK, Between, CutOffError, Message, Wire, bounded

HEAD = b"GET / HTTP/1.1\r\nHost: shop.example\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECTING = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
SOON = {"expect_timeout": 0.01}
NEVER = {"expect_timeout": 60.0}


async def pass_on(between: Between, raw: bytes) -> Message:
    request, response = await between.ask(raw)
    assert response.status == 200
    return request


def get(lines: bytes = b"", target: bytes = b"/") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\nHost: shop.example\r\n" + lines + b"\r\n"


# 1: the fields of a connection


@pytest.mark.parametrize(
    "line",
    [
        b"Connection: close",
        b"Connection: keep-alive",
        b"Proxy-Connection: keep-alive",
        b"Keep-Alive: timeout=5",
        b"TE: trailers",
        b"Trailer: X-Sum",
        b"Upgrade: h2c",
        b"Proxy-Authorization: Basic secret",
        b"connection: X-Mine\r\nX-Mine: 1",
        b"Connection: a, x-mine ,b\r\nX-Mine: 1\r\nX-MINE: 2",
        b"Connection: close\r\nConnection: X-Mine\r\nX-Mine: 1",
    ],
)
async def test_1_the_fields_of_a_connection_and_what_it_names_are_dropped(between: Between, line: bytes) -> None:
    await between.serve()
    plain = await pass_on(between, get())
    between.upstream.wires[0].close()
    request = await pass_on(between, get(line + b"\r\n"))
    assert names_of(request) == names_of(plain)


def names_of(message: Message) -> list[bytes]:
    return [name for name, _ in message.fields]


@pytest.mark.parametrize("name", [b"x-forwarded-for", b"via", b"host", b"x-api-key"])
async def test_1_no_connection_field_removes_what_we_add(between: Between, name: bytes) -> None:
    await between.serve(set_header("X-API-Key", "key"))
    request = await pass_on(between, get(b"Connection: " + name + b"\r\n"))
    assert len(request.values(name.decode())) == 1


async def test_1_what_remains_keeps_its_order_its_duplicates_and_its_case(between: Between) -> None:
    await between.serve()
    lines = b"X-b: 1\r\nAccept: text/html\r\nx-A: 2\r\nX-b: 3\r\nCookie: a=1\r\nCookie: b=2\r\n"
    request = await pass_on(between, get(lines + b"Connection: close\r\n"))
    assert lines in request.head


# 2: path and query

TARGETS = [
    b"/a%2Fb",
    b"/a%2fb",
    b"//a//b/",
    b"/a;b=1;c",
    b"/a?",
    b"/?e",
    b"/?e=",
    b"/?a&a",
    b"/?a=1&b=2&a=3",
    b"/a%20b?c%20d+e",
    b"/%7Euser/~user",
    b"/a:b@c!$&'()*+,=",
    b"/?q=a?b/c[]{}|^`\\",
    b"/%C3%A9?%E9",
    b'/a"<>^`{|}',
    b"/%25%32%66",
    b"/?%",
    b"/...",
    b"/a.b/.c",
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda one: one.decode())
async def test_2_path_and_query_arrive_unchanged(between: Between, target: bytes) -> None:
    await between.serve()
    request = await pass_on(between, get(target=target))
    assert request.line == b"GET " + target + b" HTTP/1.1"


@pytest.mark.parametrize("target", TARGETS, ids=lambda one: one.decode())
async def test_2_a_rewritten_path_keeps_the_rest_unchanged(between: Between, target: bytes) -> None:
    await between.serve(rewrite_path(strip_prefix("/api")))
    request = await pass_on(between, get(target=b"/api" + target))
    assert request.line == b"GET " + target + b" HTTP/1.1"


# 3: dot segments


@pytest.mark.parametrize(
    "target",
    [b"/public/../admin", b"/public/%2e%2E/admin", b"/./a", b"/a/..", b"/a/.%2e/b", b"/a/..%2fb", b"/a/..;/b"],
)
async def test_3_dot_segments_are_400(between: Between, target: bytes) -> None:
    await between.serve()
    client = await between.send(get(target=target))
    assert (await client.read_response()).status == 400
    assert between.upstream.wires == []


async def test_3_dot_segments_arrive_unchanged_by_option(between: Between) -> None:
    await between.serve(allow_dot_segments=True)
    request = await pass_on(between, get(target=b"/public/%2e%2E/../admin"))
    assert request.line == b"GET /public/%2e%2E/../admin HTTP/1.1"


# 4: absolute-form


@pytest.mark.parametrize("host", [b"evil.example", b"evil.example:99", b"user@evil.example"])
async def test_4_absolute_form_never_chooses_the_target(between: Between, host: bytes) -> None:
    await between.serve()
    request = await pass_on(between, get(target=b"http://" + host + b"/a%2Fb?c"))
    assert request.line == b"GET /a%2Fb?c HTTP/1.1"
    assert request.values("Host") == [between.url.partition("//")[2].encode()]


# 5: Host


async def test_5_host_is_that_of_the_target_with_its_port(between: Between) -> None:
    await between.serve()
    request = await pass_on(between, get())
    assert request.values("Host") == [b"127.0.0.1:%d" % between.upstream.port]


async def test_5_host_of_the_client_is_kept_with_its_port_by_option(between: Between) -> None:
    await between.serve(preserve_host=True)
    request = await pass_on(between, b"GET / HTTP/1.1\r\nHost: shop.example:8443\r\n\r\n")
    assert request.values("Host") == [b"shop.example:8443"]


# 6: who has sent it

TOLD = (
    b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2, 192.0.2.3\r\nX-Forwarded-Proto: https\r\n"
    b"X-Forwarded-Host: public.example\r\nForwarded: for=192.0.2.1\r\nForwarded: for=192.0.2.2\r\n"
    b"X-Real-IP: 192.0.2.9\r\n"
)
ALL = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"]


async def test_6_what_a_client_says_of_itself_is_replaced(between: Between) -> None:
    await between.serve(forwarding=Forwarding(headers=ALL))
    request = await pass_on(between, get(TOLD))
    assert [request.values(name) for name in (*ALL, "X-Real-IP")] == [
        [b"127.0.0.1"],
        [b"http"],
        [b"shop.example"],
        [b"for=127.0.0.1;host=shop.example;proto=http"],
        [],
    ]


async def test_6_all_lines_of_a_trusted_peer_are_kept_and_it_is_added(between: Between) -> None:
    await between.serve(forwarding=Forwarding(headers=ALL, trusted_proxies=["127.0.0.0/8"]))
    request = await pass_on(between, get(TOLD))
    assert [request.values(name) for name in ALL] == [
        [b"192.0.2.1, 192.0.2.2, 192.0.2.3, 127.0.0.1"],
        [b"https"],
        [b"public.example"],
        [b"for=192.0.2.1, for=192.0.2.2, for=127.0.0.1;host=public.example;proto=https"],
    ]


async def test_6_via_is_added_to_what_was_received(between: Between) -> None:
    await between.serve(forwarding=Forwarding(via="shop"))
    request = await pass_on(between, get(b"Via: 1.0 first\r\nVia: 2 second\r\n"))
    assert request.values("Via") == [b"1.0 first, 2 second, 1.1 shop"]


@pytest.mark.parametrize("hiding", [b"", b"Connection: via\r\n"])
async def test_6_our_own_via_seen_again_is_508(between: Between, hiding: bytes) -> None:
    await between.serve()
    ours = (await pass_on(between, get())).values("Via")[0]
    client = await between.send(get(b"Via: 1.1 other, " + ours + b"\r\n" + hiding))
    assert (await client.read_response()).status == 508


# 7: Max-Forwards


async def test_7_max_forwards_counts_down(between: Between) -> None:
    await between.serve()
    request = await pass_on(between, b"OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n")
    assert request.values("Max-Forwards") == [b"2"]


@pytest.mark.parametrize(("method", "status"), [(b"OPTIONS", 200), (b"TRACE", 501)])
async def test_7_at_0_the_request_goes_no_further(between: Between, method: bytes, status: int) -> None:
    await between.serve()
    client = await between.send(method + b" /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n")
    assert (await client.read_response()).status == status
    assert between.upstream.wires == []


async def test_7_of_other_methods_max_forwards_means_nothing(between: Between) -> None:
    await between.serve()
    assert (await pass_on(between, get(b"Max-Forwards: 0\r\n"))).values("Max-Forwards") == [b"0"]


# 8: Transfer-Encoding


@pytest.mark.parametrize(
    ("version", "coding", "status"),
    [(b"1.1", b"gzip, chunked", 501), (b"1.1", b",chunked", 501), (b"1.0", b"chunked", 400)],
)
async def test_8_a_transfer_encoding_other_than_chunked_is_501_and_one_in_http_1_0_is_400(
    between: Between, version: bytes, coding: bytes, status: int
) -> None:
    await between.serve()
    head = b"POST / HTTP/" + version + b"\r\nHost: a\r\nTransfer-Encoding: " + coding + b"\r\n\r\n"
    client = await between.send(head + b"0\r\n\r\n")
    assert (await client.read_response()).status == status
    assert await client.read_rest() == b""
    assert between.upstream.wires == []


# 9: bodies

METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"PROPFIND", b"MKCALENDAR"]


@pytest.mark.parametrize("method", METHODS)
async def test_9_a_body_with_a_length_is_passed_on_with_its_length(between: Between, method: bytes) -> None:
    await between.serve()
    request = await pass_on(between, method + b" / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
    assert (request.framed, request.values("Content-Length")) == (b"abc", [b"3"])
    assert request.values("Transfer-Encoding") == []


@pytest.mark.parametrize("method", METHODS)
async def test_9_a_body_in_chunks_is_passed_on_in_chunks(between: Between, method: bytes) -> None:
    await between.serve()
    chunks = b"1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n"
    request = await pass_on(between, method + b" / HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n" + chunks)
    assert (request.body, request.values("Transfer-Encoding")) == (b"abc", [b"chunked"])
    assert request.values("Content-Length") == []


@pytest.mark.parametrize("method", METHODS)
async def test_9_without_a_body_there_is_nothing_that_frames_one(between: Between, method: bytes) -> None:
    await between.serve()
    request = await pass_on(between, method + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert request.values("Content-Length") + request.values("Transfer-Encoding") == []
    assert between.upstream.received == request.head


@pytest.mark.parametrize("method", METHODS)
async def test_9_a_length_of_0_is_passed_on_as_such(between: Between, method: bytes) -> None:
    await between.serve()
    request = await pass_on(between, method + b" / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    assert request.values("Content-Length") == [b"0"]


async def test_9_a_body_that_comes_piece_by_piece_goes_piece_by_piece(between: Between) -> None:
    await between.serve()
    client = await between.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n")
    target = await between.upstream.accept()
    head = await target.read_head()
    for piece in (b"ab", b"cd", b"ef"):
        await client.send(piece)
        assert await target.read_exactly(2) == piece
    await target.send(OK)
    assert (await client.read_response()).status == 200
    assert head.values("Content-Length") == [b"6"]


async def test_9_a_gzip_body_arrives_as_it_was_sent_if_the_server_does_not_undo_it(between: Between) -> None:
    await between.serve(server={"auto_decompress": False})
    raw = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x00\x01"
    request = await pass_on(between, raw)
    assert (request.body, request.values("Content-Encoding")) == (b"\x1f\x8b\x00\x01", [b"gzip"])


# 10: Expect


def refuse(handler: Handler) -> Handler:
    async def guard(request: web.Request) -> None:
        raise web.HTTPUnauthorized

    return chain(guard, handler)


async def test_10_a_401_comes_before_any_body(between: Between) -> None:
    await between.serve(links=refuse, to=NEVER)
    client = await between.send(EXPECTING)
    assert (await client.read_response()).status == 401
    assert between.upstream.wires == []


async def test_10_the_target_invites_the_body(between: Between) -> None:
    await between.serve(to=NEVER)
    client = await between.send(EXPECTING)
    target = await between.upstream.accept()
    head = await target.read_head()
    assert head.values("Expect") == [b"100-continue"]
    await target.send(CONTINUE)
    assert (await client.read_head()).raw == CONTINUE
    await client.send(b"abc")
    assert await target.read_exactly(3) == b"abc"
    await target.send(OK)
    assert (await client.read_response()).body == b"ok"


@pytest.mark.parametrize("status", [b"417 Expectation Failed", b"401 Unauthorized", b"200 OK"])
async def test_10_the_final_answer_of_the_target_comes_in_place_of_the_invitation(
    between: Between, status: bytes
) -> None:
    await between.serve(to=NEVER)
    client = await between.send(EXPECTING)
    target = await between.upstream.accept()
    await target.read_head()
    await target.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nno")
    response = await client.read_response()
    assert response.line == b"HTTP/1.1 " + status
    assert await target.read_rest() == b""  # it is not used again: its target may wait for the body still


async def test_10_a_silent_target_is_not_waited_for(between: Between) -> None:
    await between.serve(to=SOON)
    client = await between.send(EXPECTING)
    target = await between.upstream.accept()
    await target.read_head()
    assert (await client.read_head()).raw == CONTINUE
    await client.send(b"abc")
    assert await target.read_exactly(3) == b"abc"
    await target.send(OK)
    assert (await client.read_response()).body == b"ok"


async def test_10_a_late_invitation_is_not_passed_on_again(between: Between) -> None:
    await between.serve(to=SOON)
    client = await between.send(EXPECTING)
    target = await between.upstream.accept()
    await target.read_head()
    assert (await client.read_head()).raw == CONTINUE
    await target.send(CONTINUE)
    await client.send(b"abc")
    await target.read_exactly(3)
    await target.send(OK)
    assert (await client.read_response()).body == b"ok"


async def test_10_a_client_of_http_1_0_is_not_invited(between: Between) -> None:
    await between.serve(to=NEVER)
    client = await between.send(EXPECTING.replace(b"HTTP/1.1", b"HTTP/1.0"), b"abc")
    target = await between.upstream.accept()
    request = await target.read_request()
    assert (request.values("Expect"), request.body) == ([], b"abc")
    await target.send(OK)
    assert (await client.read_response()).line == b"HTTP/1.0 200 OK"


# 11: truncated uploads


async def truncate(between: Between, head: bytes, part: bytes, reset: bool) -> Wire:
    client = await between.send(b"PUT / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n")
    target = await between.upstream.accept()
    await target.read_head()
    await client.send(part)
    await target.read_exactly(len(part))
    if reset:
        client.abort()
    else:
        client.close()
    return target


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(
    ("head", "part"),
    [(b"Content-Length: 9\r\n", b"abc"), (CHUNKED, b"3\r\nabc\r\n")],
    ids=["a length", "chunks"],
)
async def test_11_a_truncated_upload_never_arrives_as_complete(
    between: Between, head: bytes, part: bytes, reset: bool
) -> None:
    await between.serve()
    target = await truncate(between, head, part, reset)
    assert await target.read_rest() == b""
    with pytest.raises(CutOffError):
        await target.read_exactly(1)


@pytest.mark.parametrize("chunks", [b"zz\r\nabc\r\n", b"3\r\nabcX\r\n"], ids=["no size", "too long"])
async def test_11_malformed_chunks_never_arrive_as_complete(between: Between, chunks: bytes) -> None:
    await between.serve(to={"idle_timeout": 0.05}, server={"lingering_time": 0})  # aiohttp does not tell
    client = await between.send(b"PUT / HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n")
    target = await between.upstream.accept()
    await target.read_head()
    await client.send(b"1\r\na\r\n")
    await target.read_until(b"a\r\n")
    await client.send(chunks)
    assert b"0\r\n\r\n" not in await target.read_rest()
    assert re.match(rb"HTTP/1.1 40[08] |\Z", await client.read_rest())


# what else must reach the target


@pytest.mark.parametrize("value", [b"caf\xe9", b"caf\xc3\xa9", b"\xff\xfe", b"a\tb", b'"quoted\\""', b""])
async def test_values_that_are_no_utf_8_are_kept(between: Between, value: bytes) -> None:
    await between.serve()
    assert (await pass_on(between, get(b"X-Name: " + value + b"\r\n"))).values("X-Name") == [value]


async def test_nothing_is_sent_that_the_client_has_not_said(between: Between) -> None:
    await between.serve(forwarding=Forwarding(headers=[], via=None))
    request = await pass_on(between, get())
    assert request.raw == b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % between.upstream.port


async def test_a_lost_client_ends_the_request_to_the_target(between: Between) -> None:
    await between.serve()
    client = await between.send(get())
    target = await between.upstream.accept()
    await target.read_request()
    client.close()
    assert await target.read_rest() == b""


async def test_requests_in_a_row_are_answered_in_order(between: Between) -> None:
    async def answer(wire: Wire, request: Message) -> None:
        path = request.line.split(b" ")[1]
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(path) + path)

    between.upstream.answer = answer
    await between.serve()
    client = await between.send(b"".join(get(target=b"/%d" % number) for number in range(20)))
    assert [(await client.read_response()).body for _ in range(20)] == [b"/%d" % number for number in range(20)]
    assert len(between.upstream.wires) == 1


async def test_a_hook_cannot_split_the_request(between: Between) -> None:
    def inject(exchange: Exchange) -> None:
        exchange.request.headers["X-Name"] = "a\r\n\r\nGET /smuggled HTTP/1.1\r\n"

    await between.serve(inject)
    client = await between.send(get())
    assert (await client.read_response()).status == 500
    assert between.upstream.received == b""


async def test_two_clients_at_once_have_two_connections(between: Between) -> None:
    await between.serve()
    first, second = await between.send(get(target=b"/1")), await between.send(get(target=b"/2"))
    targets = [await between.upstream.accept(), await between.upstream.accept()]
    requests = await asyncio.gather(*[bounded(target.read_request()) for target in targets])
    for target, request in zip(targets, requests, strict=True):
        path = request.line.split(b" ")[1]
        await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + path)
    assert [(await one.read_response()).body for one in (first, second)] == [b"/1", b"/2"]
