"""The same exchanges, direct and through the proxy, are the same to the byte, but for what a proxy must change."""

from __future__ import annotations

import asyncio
import itertools
from typing import NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from .raw import Between, Message, Wire, between_raw_sockets

# what is about one connection (RFC 9110, section 7.6.1)
OF_A_CONNECTION = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade"}
# who is asked, who asks, and over which way (RFC 9110, sections 7.2 and 7.6.3)
OF_THE_WAY = {b"host", b"via", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"}
# written anew at the end of the head; compared on their own
OF_THE_FRAMING = {b"content-length", b"transfer-encoding"}
# added if it is not there (RFC 9110, section 6.6.1)
OF_THE_TIME = {b"date"}

CHANGED_IN_REQUESTS = OF_A_CONNECTION | OF_THE_WAY | OF_THE_FRAMING
CHANGED_IN_RESPONSES = OF_A_CONNECTION | OF_THE_FRAMING | OF_THE_TIME

METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"REPORT"]
STATUSES = [b"200 OK", b"404 Not Found", b"206 Partial Content", b"302 Found", b"500 Oops", b"201 ", b"422 \xff\xe9"]
FIELDS = [
    b"",
    b"Accept: */*\r\nAccept-Encoding: gzip, br\r\nUser-Agent: x\r\n",
    b"Cookie: a=1; b=2\r\nCookie: c=3\r\nAuthorization: Basic x\r\n",
    b"X-a: caf\xe9\r\nX-B: \r\nx-A: caf\xc3\xa9\r\nConnection: close, X-Gone\r\nX-Gone: 1\r\n",
]


class Exchange(NamedTuple):
    """One request, and its answer."""

    request: bytes
    answer: bytes

    @property
    def method(self) -> str:
        """Of the request."""
        return self.request.partition(b" ")[0].decode()


def frame(body: bytes | None, pieces: list[bytes] | None = None) -> bytes:
    """End a head and add a body: none, with a length, or in chunks."""
    if pieces is not None:
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
        return b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    return b"\r\n" if body is None else b"Content-Length: %d\r\n\r\n" % len(body) + body


FRAMED = [frame(None), frame(b""), frame(b"abc\r\n\r\n\x00"), frame(None, [b"ab", b"c"])]
ANSWERED = [frame(b""), frame(b"\x1f\x8b\r\n\r\n"), frame(None, [b"ab", b"c" * 300])]


def make_cases() -> list[Exchange]:
    """Each method with each framing; statuses, fields and framings of answers take turns."""
    statuses, fields, answers = map(itertools.cycle, (STATUSES, FIELDS, ANSWERED))
    cases = []
    for method, framing, _ in itertools.product(METHODS, FRAMED, range(3)):
        request = method + b" /a%2Fb//c;d?x&x=&y=%20 HTTP/1.1\r\nHost: a\r\n" + next(fields) + framing
        answer = b"HTTP/1.1 " + next(statuses) + b"\r\n" + next(fields) + next(answers)
        cases.append(
            Exchange(request, answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == b"HEAD" else answer)
        )
    return cases


CASES = make_cases()


def read(message: Message, changed: set[bytes]) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
    """What must be the same: the first line, the fields in their order, and the body."""
    named = b",".join(message.values("Connection")).lower().split(b",")
    dropped = changed | {name.strip() for name in named}
    # aiohttp's parser in C writes the names that it knows in a case of its own
    fields = [(name.lower(), value) for name, value in message.fields if name.lower() not in dropped]
    return message.line, fields, message.body


def read_framing(message: Message) -> list[bytes]:
    """How a body is framed: its length, or `chunked`; nothing without one."""
    return message.values("Content-Length") + message.values("Transfer-Encoding")


async def exchange_with_raw(between: Between, exchanges: list[Exchange]) -> list[tuple[Message, Message]]:
    """Send requests over one connection; return what has arrived on both sides."""
    answers = iter(exchanges)

    async def answer(wire: Wire, request: Message) -> None:
        await wire.send(next(answers).answer)

    between.upstream.answer = answer
    client = await between.connect()
    responses: list[Message] = []
    for one in exchanges:
        client = await between.connect() if is_ended(responses) else client
        await client.send(one.request)
        responses.append(await client.read_response(one.method))
    return list(zip(between.upstream.requests, responses, strict=True))


def is_ended(responses: list[Message]) -> bool:
    return bool(responses) and b"close" in b",".join(responses[-1].values("Connection"))


async def compare(exchanges: list[Exchange]) -> None:
    async with between_raw_sockets() as plain:
        direct = await exchange_with_raw(plain, exchanges)
    async with between_raw_sockets() as between:
        await between.serve(to={"retries": False})
        proxied = await exchange_with_raw(between, exchanges)
    for (request, response), (passed, relayed) in zip(direct, proxied, strict=True):
        assert read(passed, CHANGED_IN_REQUESTS) == read(request, CHANGED_IN_REQUESTS)
        assert read_framing(passed) == read_framing(request)
        assert read(relayed, CHANGED_IN_RESPONSES) == read(response, CHANGED_IN_RESPONSES)
        if b"HEAD" not in request.line:  # where chunks would say nothing (RFC 9112, section 6.1)
            assert read_framing(relayed) == read_framing(response)


@pytest.mark.parametrize("case", CASES, ids=[str(number) for number, _ in enumerate(CASES)])
async def test_an_exchange_with_a_raw_target_is_the_same(case: Exchange) -> None:
    await compare([without_close(case)])


async def test_all_of_them_over_one_connection_are_the_same() -> None:
    await compare([without_close(case) for case in CASES])


def without_close(case: Exchange) -> Exchange:
    """The same over a connection that stays, so that a raw target, which does not close it, is like one that would."""
    return Exchange(*(one.replace(b"Connection: close, ", b"Connection: ") for one in case))


# a real target, which tells what it has seen


async def echo(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    sent = b"\n".join(name + b": " + value for name, value in request.raw_headers if not is_changed(name, request))
    framing = f"{request.headers.get('Content-Length')} {request.headers.get('Transfer-Encoding')}"
    told = f"{request.method} {request.raw_path} {request.version} {framing}\n".encode() + sent + b"\n" + body
    status = int(request.headers.get("X-Status", "200"))
    headers = {"ETag": '"a"', "X-Sent": "1", "Location": "/next", "Set-Cookie": "a=1"}
    if "X-Stream" not in request.headers:
        return web.Response(status=status, headers=headers, body=None if status == 204 else told)
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    if status not in {204, 304} and request.method != "HEAD":  # aiohttp would send it
        await response.write(told)
    await response.write_eof()
    return response


def is_changed(name: bytes, request: web.Request) -> bool:
    return name.lower() in CHANGED_IN_REQUESTS | {b"x-gone"}


REAL = [
    case.request.replace(b"Host: a\r\n", b"Host: a\r\nX-Status: " + status + b"\r\n" + stream)
    for case, status, stream in zip(
        CASES, itertools.cycle([b"200", b"204", b"304", b"404", b"503"]), itertools.cycle([b"", b"X-Stream: 1\r\n"])
    )
]


@pytest.mark.parametrize("auto_decompress", [True, False])
async def test_exchanges_with_a_real_target_are_the_same(between: Between, auto_decompress: bool) -> None:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", echo)
    async with TestServer(app) as target:
        url = str(target.make_url(""))
        await between.serve(url=url, to={"retries": False}, server={"auto_decompress": auto_decompress})
        for raw in REAL:
            direct = await ask(between, raw, target.port)
            proxied = await ask(between, raw)
            assert read(proxied, CHANGED_IN_RESPONSES) == read(direct, CHANGED_IN_RESPONSES), raw
            if not raw.startswith(b"HEAD "):
                assert read_framing(proxied) == read_framing(direct), raw


async def ask(between: Between, raw: bytes, port: int | None = None) -> Message:
    client = await between.connect(port)
    await client.send(raw)
    response = await client.read_response(raw.partition(b" ")[0].decode())
    client.close()
    return response


# any legal exchange

NAMES = st.text("abcXYZ019!#$%&'*+.^`|~", min_size=1, max_size=12).map(lambda one: f"X-Z{one}".encode())
VALUES = st.binary(max_size=40).map(lambda one: bytes(b for b in one if (b > 0x20 and b != 0x7F) or b in b" \t"))
LINES = st.lists(st.tuples(NAMES, VALUES.map(lambda one: one.strip(b" \t"))), max_size=6)
PATHS = st.lists(st.sampled_from([*"/ab;=:@!$&'()*+,~_-", "%2F", "%20", "%c3%A9", "//", "a.b"]), max_size=20)
QUERIES = st.lists(st.sampled_from([*"ab&=?/;+%", "%2F", "&&", "a=a"]), max_size=10)
BODIES = st.one_of(
    st.just(frame(None)),
    st.binary(max_size=300).map(frame),
    st.lists(st.binary(max_size=100), max_size=4).map(lambda one: frame(None, one)),
)
REASONS = VALUES.map(lambda one: one.strip(b" \t").replace(b"\t", b" "))


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    method = draw(st.sampled_from(METHODS))
    target = "/" + "".join(draw(PATHS)) + draw(st.sampled_from(["", "?"])) + "".join(draw(QUERIES))
    path, mark, query = target.partition("?")
    lines = b"".join(b"%b: %b\r\n" % line for line in draw(LINES))
    target = path.replace("%", "%25") if path.count("%") != path.count("%2F") else path
    request = b"%b %b HTTP/1.1\r\nHost: a\r\n" % (method, f"{target}{mark}{query}".encode()) + lines + draw(BODIES)
    status = draw(
        st.sampled_from([200, 201, 203, 206, 207, 226, 299, 300, 301, 400, 404, 418, 499, 500, 511, 599, 999])
    )
    lines = b"".join(b"%b: %b\r\n" % line for line in draw(LINES))
    framed = draw(BODIES.filter(lambda one: one != frame(None)))
    head = b"HTTP/1.1 %d %b\r\n" % (status, draw(REASONS)) + lines
    return Exchange(request, head + (framed if method != b"HEAD" else framed.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"))


@settings(max_examples=40)
@given(st.lists(exchanges(), min_size=1, max_size=4))
def test_any_legal_exchanges_over_one_connection_are_the_same(several: list[Exchange]) -> None:
    asyncio.run(compare(several))
