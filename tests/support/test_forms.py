"""One field of a form is found in whatever a client sends, or is not there; nothing fails."""

import asyncio
import gzip
from typing import Any

import pytest
from aiohttp import FormData, web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.support.forms import (
    find_in_form,
    find_in_multipart,
    find_parameter,
    read_field,
)

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"


def part(value: str = "abc", head: str = 'Content-Disposition: form-data; name="t"') -> str:
    return f"--B\r\n{head}\r\n\r\n{value}\r\n"


@pytest.mark.parametrize(
    ("body", "values"),
    [
        (b"t=abc", ["abc"]),
        (b"a=1&t=abc&b=2", ["abc"]),
        (b"t=abc&t=def", ["abc", "def"]),
        (b"t=a%2Db", ["a-b"]),
        (b"t=", [""]),
        (b"t", [""]),
        (b"t=%FF", ["\ufffd"]),
        (b"t=%zz", ["%zz"]),
        (b"tt=abc&T=abc&=t&at=1", []),
        (b"", []),
        (b"t=" + b"x" * 1000, ["x" * 300]),
        (b"&" * 999 + b"t=abc", ["abc"]),
        (b"&" * 1000 + b"t=abc", []),
    ],
)
def test_a_field_of_a_form(body: bytes, values: list[str]) -> None:
    assert find_in_form(body, b"t") == values


@pytest.mark.parametrize(
    ("body", "values"),
    [
        pytest.param(part() + "--B--\r\n", ["abc"], id="one"),
        pytest.param(part() + "--B--", ["abc"], id="without the last line break"),
        pytest.param("preamble\r\n" + part() + "--B--\r\nepilogue\r\n" + part("no"), ["abc"], id="around"),
        pytest.param(part() + part("def") + "--B--", ["abc", "def"], id="twice"),
        pytest.param(part("a\r\nb\r\n\r\nc") + "--B--", ["a\r\nb\r\n\r\nc"], id="line breaks"),
        pytest.param(part("--B") + "--B--", [""], id="a delimiter as a value"),
        pytest.param(part().replace("--B\r\n", "--B \t\r\n") + "--B \r\n--B--", ["abc"], id="padding"),
        pytest.param(part(head="content-disposition:form-data;NAME=t") + "--B--", ["abc"], id="case, unquoted"),
        pytest.param(
            part(head='Content-Type: text/plain\r\nContent-Disposition: form-data; name="t"') + "--B--",
            ["abc"],
            id="another header before",
        ),
        pytest.param(part(head='Content-Disposition: form-data; filename="f"; name="t"') + "--B--", [], id="a file"),
        pytest.param(
            part(head='Content-Disposition: form-data; name="u"; filename="; name=t"') + part() + "--B--",
            ["abc"],
            id="a file that is called so",
        ),
        pytest.param(part(head='Content-Disposition: form-data; name="\\t"') + "--B--", ["abc"], id="escaped"),
        pytest.param(part(head='Content-Disposition: form-data; name="t') + "--B--", [], id="quote left open"),
        pytest.param(part(head="Content-Disposition: form-data") + "--B--", [], id="no name"),
        pytest.param(part(head="X-Other: 1") + "--B--", [], id="no disposition"),
        pytest.param("--B\r\n\r\nabc\r\n--B--", [], id="no head"),
        pytest.param("--B\r\nContent-Disposition: form-data; name=t\r\n--B--", [""], id="no content"),
        pytest.param(part(head='Content-Disposition: form-data; name="t"' + " " * 9000) + "--B--", [], id="long head"),
        pytest.param(part("x" * 1000) + "--B--", ["x" * 300], id="long"),
        pytest.param(part("é") + "--B--", ["\ufffd\ufffd"], id="not ASCII"),
        pytest.param(part(), [], id="no end"),
        pytest.param("--Bx\r\n" + part() + "--B--", [], id="a longer delimiter"),
        pytest.param(part().replace("\r\n", "\n") + "--B--\n", [], id="line breaks of Unix"),
        pytest.param(part("1", "X: 1") * 999 + part() + "--B--", ["abc"], id="1000 fields"),
        pytest.param(part("1", "X: 1") * 1002 + part() + "--B--", [], id="too many fields"),
        pytest.param("", [], id="empty"),
    ],
)
def test_a_field_of_a_multipart_body(body: str, values: list[str]) -> None:
    assert find_in_multipart(body.encode(), MULTIPART, "t") == values


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        pytest.param("multipart/form-data; boundary=MiXeD", "MiXeD", id="mixed case"),
        pytest.param('multipart/form-data; boundary="a b;c"', "a b;c", id="quoted"),
        pytest.param('multipart/form-data; boundary="a\\"b"', 'a"b', id="escaped"),
        pytest.param("Multipart/Form-Data;charset=utf-8;BOUNDARY=x;", "x", id="other parameters"),
        pytest.param("multipart/form-data ; ; boundary=x", "x", id="empty parameter"),
        pytest.param("multipart/form-data", None, id="none"),
        pytest.param("multipart/form-data; boundary=", None, id="empty"),
        pytest.param('multipart/form-data; boundary="', None, id="quote left open"),
        pytest.param('multipart/form-data; a="; boundary=x', None, id="another quote left open"),
        pytest.param('multipart/form-data; a="; boundary=x"; boundary=y', "y", id="in another value"),
    ],
)
def test_a_boundary_is_read_as_it_is_written(content_type: str, boundary: str | None) -> None:
    assert find_parameter(content_type, "boundary") == boundary


@pytest.mark.parametrize("boundary", ["", '""', "x" * 71, "\udcff"])
def test_a_boundary_that_cannot_be_is_no_error(boundary: str) -> None:
    body = f"--{boundary}\r\n".encode("utf-8", "replace") + part().encode()
    assert find_in_multipart(body, f"multipart/form-data; boundary={boundary}", "t") == []


@given(st.binary() | st.lists(st.sampled_from([b"--B", b"\r\n", b"--", b'"', b";", b"name=t", b"\\"])).map(b"".join))
def test_no_body_makes_it_fail(body: bytes) -> None:
    find_in_form(body, b"t")
    find_in_multipart(body, MULTIPART, "t")
    find_in_multipart(part().encode() + body, MULTIPART, "t")


@given(st.text())
def test_no_header_makes_it_fail(header: str) -> None:
    for one in (header, f";{header}", f';a="{header}', f"; boundary={header}"):
        find_parameter(one, "boundary")
        find_in_multipart(part().encode(), one, "t")


# ---- on a server

FILE = bytes(range(256)) * 40


def form() -> FormData:
    data = FormData({"t": "abc"})
    data.add_field("file", FILE, filename="f.bin")
    return data


async def read_all(request: web.Request) -> Any:
    return len(await request.read())


async def post(request: web.Request) -> Any:
    posted = await request.post()
    return {
        key: value.file.read().hex() if isinstance(value, web.FileField) else value for key, value in posted.items()
    }


async def multipart(request: web.Request) -> Any:
    parts: Any = await request.multipart()
    return [[part.name, (await part.read()).hex()] async for part in parts]


async def content(request: web.Request) -> Any:
    return len(b"".join([chunk async for chunk in request.content.iter_any()]))


async def clone(request: web.Request) -> Any:
    return await read_all(request.clone(method="PUT"))


def serve(*readers: Any, limit: int = 1024**2) -> web.Application:
    """An application that answers what it has found in the field, before or after others have read the body."""

    async def handler(request: web.Request) -> web.Response:
        answers: list[Any] = []
        for reader in readers:
            answers.append(await (reader(request) if reader else read_field(request, "t", limit)))
        return web.json_response(answers)

    app = web.Application()
    app.router.add_post("/", handler)
    return app


@pytest.mark.parametrize("reader", [read_all, post, multipart, content, clone])
async def test_the_body_is_there_for_who_reads_it_next(reader: Any, aiohttp_client: AiohttpClient) -> None:
    with_it = await aiohttp_client(serve(None, reader))
    without = await aiohttp_client(serve(reader))
    body = b"".join([b"--B\r\n" + head + b"\r\n\r\n" + value + b"\r\n" for head, value in PARTS]) + b"--B--\r\n"
    for _ in range(2):  # the connection lives on
        async with with_it.post("/", data=body, headers={"Content-Type": MULTIPART}) as response:
            found, read = await response.json()
        async with without.post("/", data=body, headers={"Content-Type": MULTIPART}) as response:
            assert (found, [read]) == ("abc", await response.json())


PARTS = (
    (b'Content-Disposition: form-data; name="file"; filename="f"', FILE),
    (b'Content-Disposition: form-data; name="t"', b"abc"),
)


@pytest.mark.parametrize("reader", [None, read_all, post])
@pytest.mark.parametrize("data", [{"t": "abc"}, form], ids=["urlencoded", "multipart"])
async def test_a_body_that_was_read_before_is_looked_through(
    data: Any, reader: Any, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(serve(reader, None))
    async with client.post("/", data=data() if callable(data) else data) as response:
        assert (await response.json())[1] == "abc"


async def test_a_body_that_was_streamed_away_is_no_error(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(multipart, None))
    async with client.post("/", data=form()) as response:
        assert (await response.json())[1] is None


@pytest.mark.parametrize("reader", [read_all, None])
async def test_a_body_over_the_limit_holds_no_field(reader: Any, aiohttp_client: AiohttpClient) -> None:
    for limit, found in ((5, "abc"), (4, None)):
        client = await aiohttp_client(serve(reader, None, limit=limit))
        async with client.post("/", data={"t": "abc"}) as response:
            assert (await response.json())[1] == found


async def test_of_a_chunked_body_no_more_than_the_limit_is_read_and_all_of_it_is_left(
    aiohttp_client: AiohttpClient,
) -> None:
    async def chunks() -> Any:
        for _ in range(10):
            yield b"--B\r\n" * 10

    client = await aiohttp_client(serve(None, content, limit=60))
    async with client.post("/", data=chunks(), headers={"Content-Type": MULTIPART}) as response:
        assert await response.json() == [None, 500]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "garbage", "multipart/mixed; boundary=B"])
async def test_a_body_that_is_no_form_is_not_read(content_type: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(None, read_all))
    async with client.post("/", data=b"t=abc", headers={"Content-Type": content_type}) as response:
        assert await response.json() == [None, 5]


async def test_a_compressed_body_counts_as_it_is_unpacked(aiohttp_client: AiohttpClient) -> None:
    headers = {"Content-Type": URLENCODED, "Content-Encoding": "gzip"}
    for size, found in ((10, "abc"), (100_000, None)):
        client = await aiohttp_client(serve(None, limit=1000))
        packed = gzip.compress(b"a" * size + b"&t=abc")
        async with client.post("/", data=packed, headers=headers) as response:
            assert len(packed) < 1000
            assert await response.json() == [found]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param("Content-Encoding: gzip\r\nContent-Length: 7", b"garbage", id="not compressed"),
        pytest.param("Transfer-Encoding: chunked", b"5\r\nt=abc\r\nzz\r\n", id="broken chunks"),
        pytest.param("Content-Length: 100", b"t=abc", id="too short"),
    ],
)
async def test_a_body_that_breaks_off_holds_no_field(headers: str, body: bytes) -> None:
    has_begun = asyncio.Event()
    found: asyncio.Queue[str | None] = asyncio.Queue()

    async def handler(request: web.Request) -> web.Response:
        has_begun.set()
        found.put_nowait(await read_field(request, "t", 1000))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", handler)
    runner = web.AppRunner(app)  # the server of the tests would cancel the handler when the client is gone
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, writer = await asyncio.open_connection(*runner.addresses[0])
    writer.write(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {URLENCODED}\r\n{headers}\r\n\r\n".encode())
    await has_begun.wait()
    writer.write(body)
    writer.close()
    await writer.wait_closed()
    assert await found.get() is None
    await runner.cleanup()
