"""The duties of a proxy towards the client, 12 to 19, to the byte: what a raw target answers, and what arrives."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.proxy import Exchange, after, rewrite_cookies, rewrite_locations

from .raw import OK, Between, Message, Wire, bounded

GET = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ONCE: dict[str, Any] = {"retries": False}


async def begin(between: Between, raw: bytes = GET) -> tuple[Wire, Wire]:
    """Send a request, and return both ends when it has arrived."""
    client = await between.send(raw)
    target = await between.upstream.accept()
    await target.read_request()
    return client, target


def of_the_target(response: Message) -> list[tuple[bytes, bytes]]:
    """The fields of a response, without the one that is ours to add (RFC 9110, section 6.6.1)."""
    return [(name, value) for name, value in response.fields if name != b"Date"]


# 12: the fields of a connection


@pytest.mark.parametrize(
    "line",
    [
        b"Connection: keep-alive",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: close",
        b"Proxy-Authenticate: Basic",
        b"TE: trailers",
        b"Trailer: X-Sum",
        b"Upgrade: h2c",
        b"Connection: X-Mine\r\nX-Mine: 1",
        b"connection: a , x-mine\r\nX-Mine: 1\r\nX-MINE: 2",
    ],
)
async def test_12_the_fields_of_a_connection_and_what_it_names_are_dropped(between: Between, line: bytes) -> None:
    await between.serve()
    _, response = await between.ask(GET, b"HTTP/1.1 200 OK\r\nX-A: 1\r\n" + line + b"\r\nContent-Length: 2\r\n\r\nok")
    assert of_the_target(response) == [(b"X-A", b"1"), (b"Content-Length", b"2")]


async def test_12_duplicates_order_and_case_are_kept(between: Between) -> None:
    await between.serve()
    lines = (
        b"Set-Cookie: a=1; Path=/\r\nx-B: 1\r\nSet-Cookie: b=2\r\nX-b: 2\r\nSet-Cookie: a=3\r\nContent-Length: 2\r\n"
    )
    _, response = await between.ask(GET, b"HTTP/1.1 200 OK\r\n" + lines + b"\r\nok")
    assert lines in response.head


async def test_12_nothing_is_added_but_date(between: Between) -> None:
    await between.serve()
    _, response = await between.ask(GET)
    assert [name for name, _ in response.fields] == [b"Content-Length", b"Date"]


async def test_12_the_date_of_the_target_is_kept(between: Between) -> None:
    await between.serve()
    date = b"Sun, 06 Nov 1994 08:49:37 GMT"
    _, response = await between.ask(GET, b"HTTP/1.1 200 OK\r\nDate: " + date + b"\r\nContent-Length: 0\r\n\r\n")
    assert response.values("Date") == [date]


# 13: lengths without bodies


async def test_13_the_answer_to_head_keeps_its_length(between: Between) -> None:
    await between.serve()
    _, response = await between.ask(GET.replace(b"GET", b"HEAD"), b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
    assert of_the_target(response) == [(b"Content-Length", b"1234")]


async def test_13_a_304_keeps_its_length(between: Between) -> None:
    await between.serve()
    answer = b'HTTP/1.1 304 Not Modified\r\nEtag: "a"\r\nContent-Length: 1234\r\n\r\n'
    client, target = await begin(between)
    await target.send(answer)
    response = await client.read_head()
    assert of_the_target(response) == [(b"Etag", b'"a"'), (b"Content-Length", b"1234")]
    await client.send(GET)  # nothing is between this response and the next one
    await target.read_request()
    await target.send(OK)
    assert (await client.read_response()).line == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("head", [b"HTTP/1.1 204 No Content", b"HTTP/1.1 204 No Content\r\nContent-Length: 0"])
async def test_13_a_204_has_no_length(between: Between, head: bytes) -> None:
    await between.serve()
    _, response = await between.ask(GET, head + b"\r\n\r\n")
    assert (response.status, of_the_target(response)) == (204, [])


@pytest.mark.parametrize("interim", [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 102 Wait\r\n\r\n"])
async def test_13_an_interim_answer_is_not_the_answer(between: Between, interim: bytes) -> None:
    await between.serve()
    _, response = await between.ask(GET, interim + interim + OK)
    assert (response.line, response.body) == (b"HTTP/1.1 200 OK", b"ok")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_13_a_body_that_must_not_be_reaches_nobody(between: Between, status: bytes) -> None:
    await between.serve(to=ONCE)
    client, target = await begin(between)
    await target.send(b"HTTP/1.1 " + status + b"\r\n\r\n")
    assert (await client.read_head()).line == b"HTTP/1.1 " + status
    await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    assert await target.read_rest() == b""
    await client.send(GET)
    other = await between.upstream.accept()
    await other.read_request()
    await other.send(OK)
    assert (await client.read_response()).body == b"ok"


# 14: cut off

CUT_OFF = {
    "a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"abc"),
    "chunks": (CHUNKED, b"3\r\nabc\r\n"),
    "a chunk": (CHUNKED, b"9\r\nabc"),
}


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(("head", "part"), CUT_OFF.values(), ids=CUT_OFF)
async def test_14_a_target_that_breaks_off_has_the_client_cut_off(
    between: Between, head: bytes, part: bytes, reset: bool, version: bytes
) -> None:
    await between.serve()
    client, target = await begin(between, GET.replace(b"1.1", version))
    await target.send(head, part)
    await client.read_until(b"abc")
    if reset:
        target.abort()
    else:
        target.close()
    rest = await client.read_rest()
    assert b"0\r\n" not in rest
    assert client.is_reset or version == b"1.1" or b"Content-Length: 9" in client.received


@pytest.mark.parametrize("rest", [b"zz\r\n", b"-1\r\nx\r\n", b"3 3\r\nabc\r\n"])
async def test_14_malformed_chunks_cut_the_client_off(between: Between, rest: bytes) -> None:
    await between.serve()
    client, target = await begin(between)
    await target.send(CHUNKED, b"3\r\nabc\r\n")
    await client.read_until(b"abc\r\n")
    await target.send(rest)
    assert await client.read_rest() == b""


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_14_a_body_to_the_end_of_the_connection_is_whole(between: Between, version: bytes) -> None:
    await between.serve()
    client, target = await begin(between)
    await target.send(b"HTTP/" + version + b" 200 OK\r\n\r\n", b"abc")
    target.close()
    assert (await client.read_response()).body == b"abc"


async def test_14_a_body_to_the_end_of_a_reset_connection_is_not_whole(between: Between) -> None:
    await between.serve()
    client, target = await begin(between)
    await target.send(b"HTTP/1.0 200 OK\r\n\r\n", b"abc")
    await client.read_until(b"abc")
    target.abort()
    assert b"0\r\n\r\n" not in await client.read_rest()


async def test_14_a_client_of_http_1_0_gets_no_chunks(between: Between) -> None:
    await between.serve()
    client, target = await begin(between, GET.replace(b"1.1", b"1.0"))
    await target.send(CHUNKED, b"3\r\nabc\r\n0\r\n\r\n")
    response = await client.read_response()
    assert (response.framed, response.values("Transfer-Encoding")) == (b"abc", [])


# 15: content as it is


@pytest.mark.parametrize(
    "head",
    [
        b'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-2/9\r\nAccept-Ranges: bytes\r\nEtag: "a"',
        b'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\nEtag: W/"b"',
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br, gzip\r\nContent-Type: text/html",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: unknown",
        b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */9",
        b"HTTP/1.1 299 Strange",
        b"HTTP/1.1 599 Strange\r\nContent-Type: application/problem+json",
        b"HTTP/1.1 999 Strange",
        b"HTTP/1.1 404 Not Found\r\nX-A: 1",
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5",
        b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/next",
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic",
    ],
)
async def test_15_statuses_ranges_tags_and_codings_are_untouched(between: Between, head: bytes) -> None:
    await between.serve(to=ONCE)
    _, response = await between.ask(GET, head + b"\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x00")
    assert response.body == b"\x1f\x8b\x00"
    assert response.head.startswith(head + b"\r\nContent-Length: 3\r\n")


@pytest.mark.parametrize(
    ("control", "is_packed"), [(b"public", True), (b"no-transform", False)], ids=["may be", "must not be"]
)
async def test_15_a_transformed_body_weakens_its_tag_and_no_transform_is_obeyed(
    between: Between, control: bytes, is_packed: bool
) -> None:
    await between.serve(links=lambda endpoint: chain(compress(), endpoint), prepare=setup)
    text = b"word " * 1000
    head = b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: "a"\r\nCache-Control: ' + control
    raw = GET[:-2] + b"Accept-Encoding: gzip\r\n\r\n"
    _, response = await between.ask(raw, head + b"\r\nContent-Length: 5000\r\n\r\n" + text)
    assert response.values("ETag") == [b'W/"a"' if is_packed else b'"a"']
    assert (response.values("Content-Encoding") == [b"gzip"], response.body != text) == (is_packed, is_packed)


# 16: failures


async def test_16_a_refused_connection_is_502_and_tells_nothing(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    await between.serve()
    await between.upstream.close()
    client = await between.send(GET)
    response = await client.read_response()
    assert (response.status, response.body) == (502, b"502: Bad Gateway")
    assert str(between.upstream.port).encode() not in response.raw
    assert "could not be reached" in caplog.text


async def test_16_a_silent_target_is_504(between: Between) -> None:
    await between.serve(to={"response_timeout": 0.01, "retries": False})
    client, _ = await begin(between)
    assert (await client.read_response()).status == 504


async def test_16_a_target_that_closes_before_its_answer_is_502(between: Between) -> None:
    await between.serve(to=ONCE)
    client, target = await begin(between)
    target.close()
    assert (await client.read_response()).status == 502


async def test_16_the_reason_is_told_by_option_in_proxy_status(between: Between) -> None:
    await between.serve(to=ONCE, proxy_status="shop")
    client, target = await begin(between)
    target.close()
    assert (await client.read_response()).values("Proxy-Status") == [b"shop; error=connection_terminated"]


async def test_16_a_client_that_has_gone_is_logged_as_499(between: Between, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "aiohttp.access")
    records: asyncio.Queue[Any] = asyncio.Queue()
    await between.serve(to={"on_exchange": records.put_nowait})
    client, target = await begin(between)
    client.close()
    assert (await bounded(records.get())).outcome == "client_gone"
    assert await target.read_rest() == b""
    await asyncio.sleep(0)
    assert '" 499 ' in caplog.text


@pytest.mark.parametrize("cancels", [False, True])
async def test_16_a_client_that_has_gone_is_told_as_such_if_its_handler_is_cancelled_or_not(
    between: Between, cancels: bool
) -> None:
    records: asyncio.Queue[Any] = asyncio.Queue()
    await between.serve(to={"on_exchange": records.put_nowait}, server={"handler_cancellation": cancels})
    client, target = await begin(between)
    client.close()
    assert (await bounded(records.get())).outcome == "client_gone"
    assert await target.read_rest() == b""


# 17: events


async def test_17_events_arrive_as_they_are_sent(between: Between) -> None:
    await between.serve()
    client, target = await begin(between)
    await target.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await client.read_head()).values("Content-Type") == [b"text/event-stream"]
    for number in range(5):
        event = b"data: %d\n\n" % number
        await target.send(b"%x\r\n%b\r\n" % (len(event), event))
        await client.read_until(event + b"\r\n")
    await target.send(b"0\r\n\r\n")
    assert await client.read_until(b"0\r\n\r\n") == b"0\r\n\r\n"


async def test_17_a_client_that_leaves_a_stream_ends_it(between: Between) -> None:
    await between.serve()
    client, target = await begin(between)
    await target.send(CHUNKED, b"3\r\nabc\r\n")
    await client.read_until(b"abc\r\n")
    client.close()
    assert await target.read_rest() == b""


# 18: both directions at the same time

UPLOAD = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"


async def test_18_an_early_413_during_an_upload_is_relayed_at_once(between: Between) -> None:
    await between.serve()
    client = await between.send(UPLOAD, b"abc")
    target = await between.upstream.accept()
    await target.read_head()
    await target.read_exactly(3)
    await target.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
    assert (await client.read_response()).status == 413


async def test_18_both_directions_stream_at_the_same_time(between: Between) -> None:
    await between.serve()
    client = await between.send(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    target = await between.upstream.accept()
    await target.read_head()
    await target.send(CHUNKED)
    await client.read_head()
    for number in range(5):
        piece = b"1\r\n%d\r\n" % number
        await client.send(piece)
        assert await target.read_exactly(6) == piece
        await target.send(piece)
        assert await client.read_exactly(6) == piece
    await client.send(b"0\r\n\r\n")
    assert await target.read_exactly(5) == b"0\r\n\r\n"
    await target.send(b"0\r\n\r\n")
    assert await client.read_exactly(5) == b"0\r\n\r\n"


async def test_18_a_connection_whose_upload_was_not_sent_to_its_end_is_not_used_again(between: Between) -> None:
    await between.serve(server={"lingering_time": 0})
    client = await between.send(UPLOAD, b"abc")
    target = await between.upstream.accept()
    await target.read_head()
    await target.read_exactly(3)
    await target.send(OK)
    assert (await client.read_response()).body == b"ok"
    assert await target.read_rest() == b""


# 19: what leads back


async def test_19_locations_and_cookies_are_as_they_were_by_default(between: Between) -> None:
    await between.serve()
    lines = (
        b"Location: http://10.0.0.1/a\r\nContent-Location: /b\r\nSet-Cookie: a=1; Domain=internal.example; Path=/x\r\n"
    )
    _, response = await between.ask(GET, b"HTTP/1.1 201 Created\r\n" + lines + b"Content-Length: 0\r\n\r\n")
    assert lines in response.head


async def test_19_locations_and_cookies_are_rewritten_by_option(between: Between) -> None:
    await between.serve(
        locations=rewrite_locations(public="https://shop.example"),
        cookies=rewrite_cookies(domains={"internal.example": "shop.example"}, paths={"/": "/api"}),
    )
    origin = between.url.encode()
    lines = b"Location: " + origin + b"/a?b\r\nContent-Location: " + origin + b"/c\r\n"
    cookie = b"Set-Cookie: a=1; Domain=internal.example; Path=/x\r\n"
    _, response = await between.ask(GET, b"HTTP/1.1 201 Created\r\n" + lines + cookie + b"Content-Length: 0\r\n\r\n")
    names = ("Location", "Content-Location", "Set-Cookie")
    assert [response.values(name) for name in names] == [
        [b"https://shop.example/a?b"],
        [b"https://shop.example/c"],
        [b"a=1; Domain=shop.example; Path=/api/x"],
    ]


# answers that could be read in two ways, or in none

BAD = {
    "several lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
    "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nokk",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
    "gzip, chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "identity": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
    "two codings": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "101 that nobody has asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "HTTP/0.9": b"<html>ok</html>",
    "no version": b"200 OK\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.0\r\n",
    "a field without colon": b"HTTP/1.1 200 OK\r\nX-A 1\r\nContent-Length: 2\r\n\r\nok",
    "a field without name": b"HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 2\r\n\r\nok",
    "a space before a colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "a space before the colon of chunks": CHUNKED.replace(b":", b" :") + b"2\r\nok\r\n0\r\n\r\n",
    "a tab before a colon": b"HTTP/1.1 200 OK\r\nX-A\t: 2\r\nContent-Length: 2\r\n\r\nok",
    "a CR in a value": b"HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok",
    "a control character in a value": b"HTTP/1.1 200 OK\r\nX-A: \x01\r\nContent-Length: 2\r\n\r\nok",
    "a control character in the reason": b"HTTP/1.1 200 \x7f\r\nContent-Length: 2\r\n\r\nok",
    "a NUL in a value": b"HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 2\r\n\r\nok",
    "a huge field": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 100_000 + b"\r\nContent-Length: 2\r\n\r\nok",
    "ten thousand fields": b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 10_000 + b"Content-Length: 2\r\n\r\nok",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    "malformed chunks": CHUNKED + b"zz\r\nok\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
async def test_an_answer_that_could_be_read_in_two_ways_is_502(between: Between, answer: bytes) -> None:
    await between.serve(to=ONCE)
    client, target = await begin(between)
    await target.send(answer)
    response = await client.read_response()
    assert (response.status, response.body) == (502, b"502: Bad Gateway")
    assert await target.read_rest() == b""


async def test_of_chunks_and_a_length_the_chunks_count_and_the_length_is_dropped(between: Between) -> None:
    await between.serve(to=ONCE)
    client, target = await begin(between)
    await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" + CHUNKED[17:] + b"2\r\nok\r\n0\r\n\r\n")
    response = await client.read_response()
    is_refused = response.status == 502
    assert is_refused or (response.body, response.values("Content-Length")) == (b"ok", [])


@pytest.mark.parametrize("value", [b"caf\xe9", b"caf\xc3\xa9", b"\xff\xfe", b"a\tb"])
async def test_values_and_reasons_that_are_no_utf_8_are_kept(between: Between, value: bytes) -> None:
    await between.serve()
    _, response = await between.ask(
        GET, b"HTTP/1.1 200 " + value + b"\r\nX-A: " + value + b"\r\nContent-Length: 0\r\n\r\n"
    )
    assert (response.line, response.values("X-A")) == (b"HTTP/1.1 200 " + value, [value])


async def test_a_field_as_large_as_aiohttp_reads_passes(between: Between) -> None:
    await between.serve()
    answer = b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 8000 + b"\r\nContent-Length: 0\r\n\r\n"
    _, response = await between.ask(GET, answer)
    assert response.values("X-A") == [b"a" * 8000]


# what nobody has asked for never reaches another client

POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
EXTRA = {
    "a second answer": POISON,
    "the beginning of one": POISON[:20],
    "a line": b"\r\n",
    "a byte": b"x",
    "an interim one": b"HTTP/1.1 103 Early Hints\r\n\r\n",
}


@pytest.mark.parametrize("extra", EXTRA.values(), ids=EXTRA)
async def test_what_comes_behind_an_answer_never_reaches_another_client(between: Between, extra: bytes) -> None:
    await between.serve()
    client, target = await begin(between)
    await target.send(OK)
    assert (await client.read_response()).body == b"ok"
    await target.send(extra)
    assert await target.read_rest() == b""  # the proxy has closed it
    _, response = await between.ask(GET, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
    assert response.body == b"other"


@pytest.mark.parametrize("extra", EXTRA.values(), ids=EXTRA)
async def test_what_comes_together_with_an_answer_never_reaches_another_client(between: Between, extra: bytes) -> None:
    await between.serve(to=ONCE)
    client, target = await begin(between)
    await target.send(OK + extra)
    response = await client.read_response()
    assert (response.status, response.body) in {(200, b"ok"), (502, b"502: Bad Gateway")}
    await client.send(GET)
    if target is not (wire := await next_wire(between, target)):
        await wire.read_request()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
    assert (await client.read_response()).body == b"other"


async def next_wire(between: Between, before: Wire) -> Wire:
    """Where the next request arrives: on a new connection, or on the one before."""
    opened = asyncio.ensure_future(between.upstream.accept())
    again = asyncio.ensure_future(before.read_request())
    await asyncio.wait((opened, again), return_when=asyncio.FIRST_COMPLETED)
    if not again.done() or again.exception() is not None:
        again.cancel()
        return await opened
    opened.cancel()
    return before


async def test_an_answer_before_the_request_reaches_who_has_connected_and_nobody_else(between: Between) -> None:
    await between.serve(to=ONCE)
    between.upstream.greeting = POISON
    client, target = await begin(between)
    assert (await client.read_response()).body == b"poison"
    other = await between.send(GET)
    await target.read_request()
    await target.send(OK)
    assert (await other.read_response()).body == b"ok"


# none of the defects of AIORP that no duty names


async def test_answers_in_chunks_have_no_length(between: Between) -> None:
    await between.serve()
    client, target = await begin(between)
    await target.send(CHUNKED, b"2\r\nok\r\n0\r\n\r\n")
    response = await client.read_response()
    assert (response.body, response.values("Content-Length")) == (b"ok", [])
    assert response.values("Transfer-Encoding") == [b"chunked"]


async def test_the_cookies_of_one_client_are_not_sent_for_another(between: Between) -> None:
    await between.serve()
    await between.ask(GET, b"HTTP/1.1 200 OK\r\nSet-Cookie: session=secret; Path=/\r\nContent-Length: 0\r\n\r\n")
    between.upstream.wires[0].close()
    request, _ = await between.ask(GET)
    assert request.values("Cookie") == []


@pytest.mark.parametrize("status", [b"301", b"302", b"303", b"307", b"308"])
async def test_redirects_are_passed_on_and_not_followed(between: Between, status: bytes) -> None:
    await between.serve()
    location = between.url.encode() + b"/next"
    answer = b"HTTP/1.1 " + status + b" Moved\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
    request, response = await between.ask(GET, answer)
    assert (response.status, response.values("Location")) == (int(status), [location])
    assert between.upstream.received == request.raw


async def test_proxies_of_the_environment_are_not_used(between: Between, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    await between.serve()
    _, response = await between.ask(GET)
    assert response.body == b"ok"


async def test_a_body_is_passed_on_while_it_comes_and_not_buffered(between: Between) -> None:
    await between.serve()
    client, target = await begin(between)
    size = 2**25
    await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    await client.read_head()
    sending = asyncio.ensure_future(target.send(bytes(size)))
    await asyncio.wait({sending}, timeout=0.2)
    assert not sending.done()  # the client does not read, so the target is not read either
    await client.read_exactly(size)
    await sending


async def test_a_hook_may_replace_the_response_and_the_answer_is_let_go(between: Between) -> None:
    @after
    def shorten(exchange: Exchange) -> None:
        exchange.answer.replace_body(b"short")

    await between.serve(shorten)
    client, target = await begin(between)
    await target.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
    assert (await client.read_response()).body == b"short"
    assert await target.read_rest() == b""


async def test_a_target_that_answers_with_an_end_and_no_more_is_asked_over_a_new_connection(between: Between) -> None:
    await between.serve()
    _, response = await between.ask(GET, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    assert response.body == b"ok"
    assert await between.upstream.wires[0].read_rest() == b""
    assert (await between.ask(GET))[1].body == b"ok"
