"""Compression: who gets what, what is left alone, and what the headers say of it; all of it read byte by byte."""

import asyncio
import gzip
import hashlib
import threading
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import brotli  # type: ignore[import-untyped]  # it has no types
import pytest
import zstandard
from aiohttp import hdrs, web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, name_link
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.support.body_filters import add_filter
from aiohttp_route_middleware.support.content.compressors import read_codings
from aiohttp_route_middleware.support.responses import on_response

from ..scopes import each_scope, path_in
from .matrix import MATRIX, Case, ask, make_app
from .wire import send

TEXT = "the quick brown fox jumps over the lazy dog; " * 100
BODY = TEXT.encode()
NOISE = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(40_000))  # 1.2 MB that hardly shrink

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}
each_coding = pytest.mark.parametrize("coding", DECODERS)

Serve = Callable[..., Awaitable[Any]]


class Seen(NamedTuple):
    """A response as it came over the wire."""

    status: int
    headers: Any
    raw: bytes

    @property
    def coding(self) -> str | None:
        found: str | None = self.headers.get("Content-Encoding")
        return found

    @property
    def body(self) -> bytes:
        return DECODERS[self.coding](self.raw) if self.coding else self.raw


async def get(
    client: Any, accept: str | None = "gzip", *, method: str = "GET", path: str = "/", **headers: str
) -> Seen:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if accept is not None:
        sent["Accept-Encoding"] = accept
    skip = ["Accept-Encoding"]  # of the client itself
    async with client.request(method, path, headers=sent, skip_auto_headers=skip, allow_redirects=False) as response:
        return Seen(response.status, response.headers, await response.read())


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Serve:
    """Serve a handler behind links, by default `compress()`; responses stay as they came."""

    async def serve(handler: Any, *links: Any) -> Any:
        app = web.Application()
        setup(app)
        UrlDispatcherEx.install(app).add_route("*", "/", *(links or (compress(),)), handler)
        return await aiohttp_client(app, auto_decompress=False)

    return serve


def answer(**options: Any) -> Any:
    """A handler that answers with these options of `web.Response`, by default a text."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(**{"text": TEXT, **options})

    return handler


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    for start in range(0, len(BODY), 1000):
        await response.write(BODY[start : start + 1000])
    return response


# ---- who gets what


@each_scope
async def test_a_text_is_compressed_in_each_scope(scope: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, compress(minimum_size=0)), auto_decompress=False)
    seen = await get(client, path=path_in(scope, "/plain"))
    assert (seen.coding, seen.body) == ("gzip", b"plain")


@each_coding
async def test_a_body_is_compressed_whole_and_keeps_a_length(coding: str, serve: Serve) -> None:
    seen = await get(await serve(answer()), coding)
    assert (seen.coding, seen.body) == (coding, BODY)
    assert int(seen.headers["Content-Length"]) == len(seen.raw) < len(BODY) / 10
    assert "Transfer-Encoding" not in seen.headers
    assert seen.headers["Vary"] == "Accept-Encoding"
    assert seen.headers["Content-Type"] == "text/plain; charset=utf-8"


@each_coding
@pytest.mark.parametrize("size", [0, 5, 2_000, 400_000])
async def test_a_stream_is_compressed(size: int, coding: str, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        for _ in range(3):
            await response.write(NOISE[:size])
        await response.write_eof(b"end")
        return response

    client = await serve(handler)
    for _ in range(2):  # on the same connection
        seen = await get(client, coding)
        assert (seen.coding, seen.body) == (coding, NOISE[:size] * 3 + b"end")
        assert "Content-Length" not in seen.headers
        assert seen.headers["Transfer-Encoding"] == "chunked"


@each_coding
@pytest.mark.parametrize("size", [5_000, 1_200_000])
async def test_a_file_is_compressed(size: int, coding: str, serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(NOISE[:size])

    async def handler(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    seen = await get(await serve(handler), coding)
    assert (seen.coding, seen.body) == (coding, NOISE[:size])
    assert "Content-Length" not in seen.headers
    assert "Accept-Ranges" not in seen.headers


async def test_a_payload_is_compressed(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        async def pieces() -> Any:
            for start in range(0, len(BODY), 1000):
                yield BODY[start : start + 1000]

        return web.Response(body=pieces(), content_type="text/plain")

    seen = await get(await serve(handler))
    assert (seen.coding, seen.body) == ("gzip", BODY)


async def test_a_body_that_is_to_go_in_chunks_is_compressed_whole(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        response = web.Response(text=TEXT)
        response.enable_chunked_encoding()
        return response

    seen = await get(await serve(handler))
    assert (seen.coding, seen.body) == ("gzip", BODY)
    assert "Content-Length" not in seen.headers


async def test_a_stream_of_known_length_loses_it(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain", "Content-Length": str(len(NOISE))})
        await response.prepare(request)
        await response.write(NOISE)
        return response

    seen = await get(await serve(handler))
    assert (seen.coding, seen.body, "Content-Length" in seen.headers) == ("gzip", NOISE, False)


async def test_a_bytearray_is_compressed(serve: Serve) -> None:
    seen = await get(await serve(answer(text=None, body=bytearray(BODY), content_type="text/plain")))
    assert (seen.coding, seen.body) == ("gzip", BODY)


async def test_a_refusal_is_compressed(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        raise web.HTTPForbidden(text=TEXT)

    seen = await get(await serve(handler), "br")
    assert (seen.status, seen.coding, seen.body) == (403, "br", BODY)


async def test_to_http_1_0_a_stream_ends_with_the_connection(serve: Serve) -> None:
    client = await serve(stream)
    seen = await send(client, "GET / HTTP/1.0", "Accept-Encoding: gzip")
    assert "Transfer-Encoding" not in seen.headers
    assert gzip.decompress(seen.body) == BODY


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("*", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip;q=0", None),
        ("br;q=0, gzip;q=0.2", "gzip"),
        ("gzip;q=0.5, br;q=0.9", "br"),
        ("lzma", None),
    ],
)
async def test_a_client_gets_what_it_likes_and_caches_are_told_in_each_case(
    accept: str | None, coding: str | None, serve: Serve
) -> None:
    seen = await get(await serve(answer()), accept)
    assert (seen.coding, seen.body) == (coding, BODY)
    assert seen.headers.getall("Vary") == ["Accept-Encoding"]


async def test_the_first_of_those_that_were_asked_for_is_taken(serve: Serve) -> None:
    seen = await get(await serve(answer(), compress(encodings=["gzip", "br"])), "zstd, br, gzip")
    assert seen.coding == "gzip"


async def test_levels_are_used(serve: Serve) -> None:
    sizes = []
    for level in (1, 9):
        client = await serve(answer(text=NOISE.hex()[:60_000]), compress(levels={"gzip": level}))
        sizes.append(len((await get(client)).raw))
    assert sizes[1] < sizes[0]


async def test_a_vary_of_the_handler_is_kept(serve: Serve) -> None:
    seen = await get(await serve(answer(headers={"Vary": "Cookie, accept-encoding"})))
    assert seen.headers.getall("Vary") == ["Cookie, accept-encoding"]


# ---- what is left alone


@pytest.mark.parametrize(
    ("options", "vary"),
    [
        pytest.param({"text": "x" * 1023}, None, id="what is too small"),
        pytest.param({"text": ""}, None, id="nothing"),
        pytest.param({"text": None, "status": 204}, None, id="204"),
        pytest.param({"text": None, "status": 205}, None, id="205"),
        pytest.param({"content_type": "image/png"}, None, id="an image"),
        pytest.param({"content_type": "application/zip"}, None, id="an archive"),
        pytest.param({"content_type": "font/woff2"}, None, id="a font"),
        pytest.param({"content_type": "text/event-stream"}, None, id="an event stream"),
        pytest.param({"text": None, "body": BODY}, None, id="what has no type"),
        pytest.param({"text": None, "body": BODY, "headers": {"Content-Type": "html"}}, None, id="a wrong type"),
        pytest.param({"headers": {"Content-Encoding": "x-own"}}, None, id="what is encoded already"),
        pytest.param({"headers": {"Cache-Control": "no-transform"}}, None, id="no-transform"),
        pytest.param({"headers": {"Cache-Control": "max-age=5 , No-Transform"}}, None, id="no-transform among others"),
        pytest.param(
            {"status": 206, "headers": {"Content-Range": "bytes 0-4499/9000"}}, "Accept-Encoding", id="a range"
        ),
        pytest.param({"headers": {"Content-Range": "bytes 0-4499/9000"}}, "Accept-Encoding", id="a range with 200"),
        pytest.param({"headers": {"Content-Digest": "sha-256=:AA==:"}}, "Accept-Encoding", id="a digest"),
        pytest.param({"headers": {"Repr-Digest": "sha-256=:AA==:"}}, "Accept-Encoding", id="another digest"),
    ],
)
async def test_it_is_sent_as_it_is(options: dict[str, Any], vary: str | None, serve: Serve) -> None:
    client = await serve(answer(**options))
    plain, seen = await get(client, None), await get(client)
    assert seen.raw == plain.raw
    assert seen.headers.get("Content-Encoding") == options.get("headers", {}).get("Content-Encoding")
    assert seen.headers.get("Content-Length") == plain.headers.get("Content-Length")
    assert seen.headers.get("Vary") == plain.headers.get("Vary") == vary


@pytest.mark.parametrize("headers", [{"Range": "bytes=0-9"}, {"Cache_Control": "no-transform"}], ids=str)
async def test_it_is_sent_as_it_is_to_who_asks_for_that(headers: dict[str, str], serve: Serve) -> None:
    seen = await get(await serve(answer()), **headers)
    assert (seen.coding, seen.raw) == (None, BODY)
    assert seen.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("cache_control", ["max-age=60", 'private="no-transform"'])
async def test_other_directives_forbid_nothing(cache_control: str, serve: Serve) -> None:
    seen = await get(await serve(answer(headers={"Cache-Control": cache_control})), Cache_Control="no-cache")
    assert seen.coding == "gzip"


@pytest.mark.parametrize("size", [1024, 1025])
async def test_what_is_large_enough_is_compressed(size: int, serve: Serve) -> None:
    assert (await get(await serve(answer(text="x" * size)))).coding == "gzip"


@pytest.mark.parametrize(("accept", "coding"), [("gzip, identity;q=0", "gzip"), ("*;q=0", None), ("gzip", None)])
async def test_what_is_small_is_compressed_for_who_takes_nothing_else(
    accept: str, coding: str | None, serve: Serve
) -> None:
    seen = await get(await serve(answer(text="small")), accept)
    assert (seen.coding, seen.body) == (coding, b"small")
    assert ("Vary" in seen.headers) is (coding is not None or accept == "*;q=0")


async def test_what_aiohttp_compresses_is_left_alone_and_caches_are_told(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        response = web.Response(text=TEXT)
        response.enable_compression()
        return response

    seen = await get(await serve(handler), "gzip")
    assert (seen.coding, seen.body) == ("gzip", BODY)
    assert seen.headers["Vary"] == "Accept-Encoding"
    assert (await get(await serve(handler), "br")).body == BODY  # which aiohttp does not have


async def test_a_stream_that_aiohttp_compresses_is_left_alone(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_compression(web.ContentCoding.deflate)
        await response.prepare(request)
        await response.write(BODY)
        return response

    seen = await get(await serve(handler), "gzip, deflate")
    assert (seen.coding, seen.body) == ("deflate", BODY)


@pytest.mark.parametrize(("suffix", "coding"), [(".br", "br"), (".gz", "gzip")])
async def test_a_compressed_file_beside_a_file_is_sent_as_aiohttp_does(
    suffix: str, coding: str, serve: Serve, tmp_path: Path
) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(BODY)
    beside = {"br": brotli.compress, "gzip": gzip.compress}[coding](b"beside")
    (tmp_path / f"file.txt{suffix}").write_bytes(beside)

    async def handler(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    client = await serve(handler)
    seen = await get(client, coding)
    assert (seen.coding, seen.raw) == (coding, beside)
    assert int(seen.headers["Content-Length"]) == len(beside)
    assert seen.headers["Accept-Ranges"] == "bytes"
    plain = await get(client, None)
    assert (plain.raw, plain.headers["Vary"]) == (BODY, "Accept-Encoding")  # which aiohttp forgets


async def test_ranges_of_a_file_are_ranges_of_the_file(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(BODY)

    async def handler(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    client = await serve(handler)
    seen = await get(client, Range="bytes=4-8")
    assert (seen.status, seen.raw, seen.coding) == (206, BODY[4:9], None)
    assert seen.headers["Vary"] == "Accept-Encoding"
    seen = await get(client, Range="bytes=99999-")
    assert (seen.status, seen.coding) == (416, None)


async def test_the_innermost_decides_and_none_sends_everything_as_it_is(serve: Serve) -> None:
    seen = await get(await serve(answer(), compress(), compress(encodings=[])))
    assert (seen.coding, seen.raw, "Vary" in seen.headers) == (None, BODY, False)
    assert (await get(await serve(answer(), compress(), compress(encodings=["br"])), "gzip, br")).coding == "br"


# ---- HEAD


@pytest.mark.parametrize("kind", ["body", "stream", "file"])
async def test_head_has_the_headers_of_get_without_a_length_that_nobody_knows(
    kind: str, serve: Serve, tmp_path: Path
) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(BODY)

    async def send_stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        if request.method != "HEAD":
            await response.write(BODY)
        return response

    async def send_file(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    handlers = {"body": answer(headers={"ETag": '"a"'}), "stream": send_stream, "file": send_file}
    client = await serve(handlers[kind])
    asked = [await get(client, method=method) for method in ("GET", "HEAD")]
    told = [
        {
            name: value
            for name, value in seen.headers.items()
            if name not in ("Content-Length", "Transfer-Encoding", "Date")
        }
        for seen in asked
    ]
    assert told[0] == told[1]
    assert told[1]["Content-Encoding"] == "gzip"
    assert "Content-Length" not in asked[1].headers
    assert asked[1].raw == b""


@pytest.mark.parametrize("accept", [None, "identity"])
async def test_head_tells_the_length_of_what_is_sent_as_it_is(accept: str | None, serve: Serve) -> None:
    seen = await get(await serve(answer()), accept, method="HEAD")
    assert seen.headers["Content-Length"] == str(len(BODY))
    assert seen.headers["Vary"] == "Accept-Encoding"
    assert seen.coding is None


@pytest.mark.parametrize("status", [204, 205])
async def test_head_of_what_has_no_body_says_nothing(status: int, serve: Serve) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.StreamResponse(status=status, headers={"Content-Type": "text/plain"})

    seen = await get(await serve(handler), method="HEAD")
    assert (seen.coding, "Vary" in seen.headers) == (None, False)


# ---- entity tags


@pytest.mark.parametrize(
    ("tag", "sent"), [('"a"', 'W/"a"'), ('W/"a"', 'W/"a"'), ("a", "a")], ids=["strong", "weak", "malformed"]
)
async def test_a_strong_tag_becomes_weak_when_the_bytes_are_others(tag: str, sent: str, serve: Serve) -> None:
    client = await serve(answer(headers={"ETag": tag}))
    assert (await get(client)).headers["ETag"] == sent
    assert (await get(client, None)).headers["ETag"] == tag


async def test_the_weak_tag_of_a_handler_still_gives_304(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        tags = request.if_none_match or ()
        if any(tag.value == "a" for tag in tags):
            return web.Response(status=304, headers={"ETag": '"a"'})
        return web.Response(text=TEXT, headers={"ETag": '"a"'})

    client = await serve(handler)
    for accept, tag in (("gzip", 'W/"a"'), (None, '"a"')):
        first = await get(client, accept)
        second = await get(client, accept, If_None_Match=first.headers["ETag"])
        assert (second.status, second.raw, second.coding) == (304, b"", None)
        assert first.headers["ETag"] == second.headers["ETag"] == tag  # by which a cache finds what it has
        assert second.headers["Vary"] == "Accept-Encoding"


async def test_the_weak_tag_of_a_file_still_gives_304(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(BODY)

    async def handler(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    client = await serve(handler)
    first = await get(client)
    second = await get(client, If_None_Match=first.headers["ETag"])
    assert (second.status, second.headers["ETag"]) == (304, first.headers["ETag"])
    assert first.headers["ETag"].startswith('W/"')


@pytest.mark.parametrize(
    ("has", "options", "tag", "vary"),
    [
        pytest.param("*", {}, '"a"', "Accept-Encoding", id="any tag"),
        pytest.param('"a"', {}, '"a"', "Accept-Encoding", id="the strong tag"),
        pytest.param('W/"b", W/"a"', {}, 'W/"a"', "Accept-Encoding", id="the weak tag among others"),
        pytest.param('W/"a"', {"content_type": "image/png"}, '"a"', None, id="of an image"),
    ],
)
async def test_a_304_says_what_the_200_has_said(
    has: str, options: dict[str, Any], tag: str, vary: str | None, serve: Serve
) -> None:
    handler = answer(text=None, status=304, headers={"ETag": '"a"'}, **options)
    seen = await get(await serve(handler), If_None_Match=has)
    assert (seen.headers["ETag"], seen.headers.get("Vary")) == (tag, vary)


async def test_a_304_without_a_tag_gets_none(serve: Serve) -> None:
    seen = await get(await serve(answer(text=None, status=304)), If_None_Match='W/""')
    assert "ETag" not in seen.headers


# ---- streams, and who waits for whom


@each_coding
async def test_the_first_piece_of_a_stream_is_not_delayed(coding: str, serve: Serve) -> None:
    was_read = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(b"first")
        await was_read.wait()
        await response.write(b" last")
        return response

    readers: dict[str, Any] = {
        "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress,
        "br": lambda: brotli.Decompressor().process,
        "gzip": lambda: zlib.decompressobj(31).decompress,
        "deflate": lambda: zlib.decompressobj().decompress,
    }
    read, came = readers[coding](), b""
    client = await serve(handler)
    async with client.get("/", headers={"Accept-Encoding": coding}) as response:
        while came != b"first":
            came += read(await response.content.readany())
        was_read.set()
        assert read(await response.content.read()) == b" last"


async def test_a_large_body_is_compressed_in_a_thread_while_others_are_answered(
    aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is a thread that is held; the loop must go on."""
    coding = read_codings("test", ["gzip"], None)["gzip"]
    was_entered, may_go_on, threads = threading.Event(), threading.Event(), set()
    end = type(coding.make()).end

    def held(self: Any, piece: bytes) -> bytes:
        threads.add(threading.current_thread())
        was_entered.set()
        may_go_on.wait(30)
        return end(self, piece)

    monkeypatch.setattr(type(coding.make()), "end", held)
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app)
    router.add_get("/large", compress(), answer(text=None, body=NOISE, content_type="text/plain"))
    router.add_get("/small", answer())
    client = await aiohttp_client(app, auto_decompress=False)
    large = asyncio.create_task(get(client, path="/large"))
    await asyncio.to_thread(was_entered.wait, 30)
    assert (await get(client, path="/small")).status == 200
    may_go_on.set()
    assert (await large).body == NOISE
    assert threading.main_thread() not in threads


async def test_pieces_that_several_tasks_write_do_not_overtake_each_other(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await asyncio.gather(*(response.write(NOISE[:size]) for size in (600_000, 5, 300_000, 7)))
        return response

    for coding in DECODERS:
        seen = await get(await serve(handler), coding)
        assert seen.body == NOISE[:600_000] + NOISE[:5] + NOISE[:300_000] + NOISE[:7]


async def test_a_client_that_goes_away_breaks_nothing(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        while True:
            await response.write(NOISE)

    client = await serve(handler)
    for _ in range(3):
        async with client.get("/", headers={"Accept-Encoding": "gzip"}) as response:
            await response.content.readany()
            response.close()
    assert (await get(await serve(answer()))).coding == "gzip"


class Diary:
    """Remembers what came by."""

    def __init__(self) -> None:
        self.seen = b""

    async def write(self, piece: bytes) -> bytes:
        self.seen += piece
        return piece

    async def end(self) -> bytes:
        return b""


@pytest.mark.parametrize("handler", [answer(), stream], ids=["a body", "a stream"])
@pytest.mark.parametrize("is_inside", [True, False], ids=["inside", "outside"])
async def test_who_looks_at_the_body_inside_of_it_sees_the_body_and_outside_what_is_sent(
    is_inside: bool, handler: Any, serve: Serve
) -> None:
    diary = Diary()

    async def watch(request: web.Request) -> None:
        on_response(request, "watch", lambda request, response: add_filter(request, response, diary))

    links: list[Any] = [compress(), watch] if is_inside else [watch, compress()]
    seen = await get(await serve(handler, *links))
    assert (seen.coding, seen.body) == ("gzip", BODY)
    assert diary.seen == (BODY if is_inside else seen.raw)


async def test_what_the_type_is_worth_is_asked_of_a_function(serve: Serve) -> None:
    client = await serve(answer(content_type="image/png"), compress(types=lambda kind: kind == "image/png"))
    assert (await get(client)).coding == "gzip"


# ---- the matrix


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_stays_what_it_was(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    """Compressed where there is something to compress, and then the same as without."""
    plain = await aiohttp_client(make_app("nowhere", compress()))
    client = await aiohttp_client(make_app(scope, compress(minimum_size=1)))
    case = Case(case.name, case.path, case.status, case.method, {**case.headers, "Accept-Encoding": "gzip"})
    async with ask(client, scope, case) as response, ask(plain, "nowhere", case) as expected:
        assert response.status == expected.status == case.status
        assert await response.read() == await expected.read()
        compressed = case.name in ("200", "HEAD", "404", "405", "raised", "500", "file")
        if case.name == "file":  # a Python file, of a type that is not known everywhere
            compressed = response.headers[hdrs.CONTENT_TYPE].startswith("text/")
        assert response.headers.getall("Content-Encoding", []) == ["gzip"] * compressed
        assert response.headers.getall("Vary", []) in ([], ["Accept-Encoding"])
        assert not compressed or "Vary" in response.headers


# ---- options


def test_it_is_named_with_its_encodings() -> None:
    assert name_link(compress()) == "compress(zstd, br, gzip, deflate)"
    assert name_link(compress(encodings=[])) == "compress()"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"encodings": "gzip"}, "encodings='gzip'; pass a list"),
        ({"encodings": ["lzma"]}, "encodings='lzma'; write"),
        ({"minimum_size": -1}, "minimum_size=-1; pass a number of bytes, 0 or more"),
        ({"minimum_size": 1.5}, "minimum_size=1.5"),
        ({"levels": {"gzip": 11}}, r"levels\['gzip'\]=11"),
        ({"types": "text/html"}, "types='text/html'; pass a list"),
        ({"types": ["html"]}, "types='html'; write"),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_at_once(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^compress\(\): {told}"):
        compress(**options)
