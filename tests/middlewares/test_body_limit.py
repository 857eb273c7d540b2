"""body_limit(): how large the body of a request may be."""

import asyncio
import gzip
import io
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import FormData, web
from aiohttp.abc import AbstractMatchInfo, AbstractRouter
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from aiohttp_route_middleware import UrlDispatcherEx, chain
from aiohttp_route_middleware.definitions import define
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.body_limit import body_limit
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.support.traffic import limited_body
from aiohttp_route_middleware.typedefs import Handler

from .. import scopes
from ..patient_server import serve_patiently
from ..scopes import each_scope, path_in

LIMIT = 1000
MIB = 2**20


async def by_read(request: web.Request) -> int:
    return len(await request.read())


async def by_chunks(request: web.Request) -> int:
    return sum([len(chunk) async for chunk in request.content.iter_chunked(64)])


async def by_http_chunks(request: web.Request) -> int:
    return sum([len(chunk) async for chunk, _ in request.content.iter_chunks()])


async def by_content(request: web.Request) -> int:
    return len(await request.content.read())


async def by_lines(request: web.Request) -> int:
    return sum([len(line) async for line in request.content])


async def by_nothing(request: web.Request) -> int:
    return -1


WAYS = [by_read, by_chunks, by_http_chunks, by_content, by_lines, by_nothing]
each_way = pytest.mark.parametrize("way", WAYS)


def answer(way: Any) -> Any:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=str(await way(request)))

    return handler


def make_app(way: Any, *links: Any, **options: Any) -> web.Application:
    app = web.Application(**options)
    app.router.add_post("/", chain(*links, answer(way)))
    return app


async def pieces(size: int, piece: int = 100) -> AsyncIterator[bytes]:
    for _ in range(size // piece):
        yield b"x" * piece
        await asyncio.sleep(0)
    if size % piece:
        yield b"x" * (size % piece)


def known(size: int) -> io.BytesIO:
    return io.BytesIO(bytes(size))


async def post(client: TestClient[Any, Any], path: str = "/", **options: Any) -> tuple[int, str]:
    async with client.post(path, **options) as response:
        return response.status, await response.text()


async def send_raw(client: TestClient[Any, Any], *parts: bytes) -> bytes:
    """Send bytes over a socket of its own, and return the first line and the fields of the answer."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.transport.abort()


def head(*fields: str, path: str = "/") -> bytes:
    return "\r\n".join((f"POST {path} HTTP/1.1", "Host: a", *fields, "", "")).encode()


# ---- lengths that are told


@each_scope
async def test_a_length_over_the_limit_is_refused_in_every_scope(scope: str, aiohttp_client: AiohttpClient) -> None:
    app = scopes.make_app(scope, [body_limit(LIMIT)], {"POST /": answer(by_read)})
    client = await aiohttp_client(app)
    path = path_in(scope, "/")
    assert await post(client, path, data=bytes(LIMIT)) == (200, str(LIMIT))
    assert (await post(client, path, data=bytes(LIMIT + 1)))[0] == 413
    assert await post(client, path) == (200, "0")


async def test_a_length_over_the_limit_is_refused_before_a_byte_is_there(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(by_read, body_limit(LIMIT)))
    answered = await send_raw(client, head("Content-Length: 1001"))
    assert answered.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answered


async def test_a_handler_is_not_run_for_a_length_over_the_limit(aiohttp_client: AiohttpClient) -> None:
    async def fail(request: web.Request) -> int:
        raise RuntimeError("it was run")

    client = await aiohttp_client(make_app(fail, body_limit(LIMIT)))
    status, text = await post(client, data=bytes(LIMIT + 1))
    assert (status, text) == (413, "The body of this request is larger than 1000 bytes.")


async def test_a_client_that_goes_on_sending_can_read_the_refusal(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(by_read, body_limit(LIMIT)))
    size = 8 * MIB
    answered = await send_raw(client, head(f"Content-Length: {size}"), *[bytes(MIB)] * 8)
    assert answered.startswith(b"HTTP/1.1 413 ")


async def test_no_bodies_at_all(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(by_read, body_limit(0)))
    assert (await post(client, data=b"x"))[0] == 413
    assert (await post(client, data=pieces(1)))[0] == 413
    assert await post(client, data=b"") == (200, "0")
    assert await post(client, data=pieces(0)) == (200, "0")


# ---- lengths that are not told


@each_way
@pytest.mark.parametrize(("size", "status"), [(LIMIT, 200), (LIMIT + 1, 413), (MIB, 413)])
async def test_a_body_in_chunks_is_counted_however_it_is_read(
    way: Any, size: int, status: int, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = await aiohttp_client(make_app(way, body_limit(LIMIT)))
    answered, text = await post(client, data=pieces(size, 10_000))
    assert answered == status
    if status == 200:
        assert text in (str(size), "-1")
    assert "Error" not in caplog.text
    assert "exception" not in caplog.text


@each_way
async def test_a_body_that_is_over_the_limit_is_refused_before_it_has_ended(
    way: Any, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(way, body_limit(LIMIT)))
    chunk = b"3e8\r\n" + bytes(1000) + b"\r\n"
    answered = await send_raw(client, head("Transfer-Encoding: chunked"), chunk, b"1\r\nx\r\n")
    assert answered.startswith(b"HTTP/1.1 413 ")


async def test_what_is_over_the_limit_is_kept_by_nobody(aiohttp_client: AiohttpClient) -> None:
    kept: list[int] = []

    async def read(request: web.Request) -> int:
        body = b""
        try:
            while piece := await request.content.readany():
                body += piece
        finally:
            kept.append(len(body))
        return len(body)

    client = await aiohttp_client(make_app(read, body_limit(LIMIT)))
    assert (await post(client, data=pieces(100 * LIMIT)))[0] == 413
    assert kept[0] <= LIMIT


async def test_what_a_handler_makes_of_the_refusal_does_not_count(aiohttp_client: AiohttpClient) -> None:
    async def swallow(request: web.Request) -> int:
        try:
            return await by_read(request)
        except web.HTTPException:
            return 0

    async def disguise(request: web.Request) -> int:
        try:
            return await by_read(request)
        except web.HTTPException as error:
            raise ValueError("it is no JSON") from error

    for way in (swallow, disguise):
        client = await aiohttp_client(make_app(way, body_limit(LIMIT)))
        assert (await post(client, data=pieces(MIB)))[0] == 413


@pytest.mark.parametrize("error", [web.HTTPUnauthorized, ValueError])
async def test_an_error_of_the_handler_stays_its_own(error: Any, aiohttp_client: AiohttpClient) -> None:
    async def fail(request: web.Request) -> int:
        raise error

    client = await aiohttp_client(make_app(fail, body_limit(LIMIT)))
    answered = await send_raw(client, head("Transfer-Encoding: chunked"))
    assert answered.split()[1] == (b"500" if error is ValueError else b"401")


async def test_what_is_over_the_limit_after_the_answer_is_thrown_away(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(request: web.Request) -> int:
        raise web.HTTPUnauthorized

    client = await aiohttp_client(make_app(refuse, body_limit(LIMIT)))
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(head("Transfer-Encoding: chunked"))
    assert b" 401 " in await reader.readuntil(b"\r\n")
    writer.write(b"".join([b"3e8\r\n" + bytes(1000) + b"\r\n"] * 5) + b"0\r\n\r\n" + head("Content-Length: 2") + b"ok")
    await reader.readuntil(b"401: Unauthorized")
    assert b" 401 " in await reader.readuntil(b"\r\n")  # the next request is read where it begins
    writer.transport.abort()
    assert "exception" not in caplog.text


async def test_a_client_that_goes_before_a_body_is_there_that_nobody_reads_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        finally:
            ended.set()

    async def start(request: web.Request) -> int:
        started.set()
        return -1

    async with serve_patiently(make_app(start, watch, body_limit(LIMIT))) as server:
        _, writer = await server.connect("POST / HTTP/1.1", "Transfer-Encoding: chunked")
        await started.wait()
        await server.lose(writer)
        await ended.wait()
    assert "Error" not in caplog.text


async def test_a_body_that_does_not_end_delays_an_answer_for_a_while_only(
    aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiohttp_route_middleware.support.traffic.limited_body._LONGEST_WAIT", 0.01)
    client = await aiohttp_client(make_app(by_nothing, body_limit(LIMIT)))
    assert b" 200 " in await send_raw(client, head("Transfer-Encoding: chunked"), b"1\r\nx\r\n")


async def test_a_response_that_has_begun_is_cut_off(aiohttp_client: AiohttpClient) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for piece in request.content.iter_any():
            await response.write(piece)
        return response

    app = web.Application()
    app.router.add_post("/", chain(body_limit(LIMIT), echo))
    client = await aiohttp_client(app)
    assert await post(client, data=pieces(LIMIT)) == (200, "x" * LIMIT)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(head("Transfer-Encoding: chunked"))
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"3e9\r\n" + bytes(1001) + b"\r\n")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await reader.readuntil(b"0\r\n\r\n")
    writer.transport.abort()


async def test_what_is_unpacked_counts(aiohttp_client: AiohttpClient) -> None:
    packed = {"Content-Encoding": "gzip"}
    for way in WAYS:
        client = await aiohttp_client(make_app(way, body_limit(LIMIT)))
        status, text = await post(client, data=gzip.compress(bytes(LIMIT)), headers=packed)
        assert (status, text) in [(200, str(LIMIT)), (200, "-1")]
        assert (await post(client, data=gzip.compress(bytes(LIMIT + 1)), headers=packed))[0] == 413


@each_way
@pytest.mark.parametrize("limit", [LIMIT, MIB], ids=["refused by its length", "refused as it is unpacked"])
async def test_a_bomb_is_not_unpacked(
    way: Any, limit: int, aiohttp_client: AiohttpClient, aiohttp_server: AiohttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = 0

    def count_in(reader: type[aiohttp.StreamReader]) -> None:
        feed_data = reader.feed_data

        def count(self: aiohttp.StreamReader, data: bytes, size: int = 0) -> bool:
            nonlocal unpacked
            unpacked += len(data)
            return feed_data(self, data, size)

        monkeypatch.setattr(reader, "feed_data", count)

    count_in(aiohttp.StreamReader)
    count_in(limited_body._LimitedReader)
    client: Any = await aiohttp_client(await aiohttp_server(make_app(way, body_limit(limit)), lingering_time=0.05))
    bomb = gzip.compress(bytes(64 * MIB), 1)
    fields = head("Content-Encoding: gzip", f"Content-Length: {len(bomb)}")
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(fields + bomb)
    assert b" 413 " in await reader.readuntil(b"\r\n")
    with suppress(ConnectionError):
        await reader.read()  # until the server has closed the connection
    writer.transport.abort()
    assert 0 < unpacked < 8 * MIB


async def test_what_has_arrived_before_the_link_ran_counts(aiohttp_client: AiohttpClient) -> None:
    async def read_before(request: web.Request) -> None:
        await request.read()

    for size, status in ((LIMIT, 200), (LIMIT + 1, 413)):
        client = await aiohttp_client(make_app(by_read, read_before, body_limit(LIMIT)))
        assert (await post(client, data=pieces(size)))[0] == status


# ---- several limits


@each_scope
@pytest.mark.parametrize(("around", "own"), [(10, LIMIT), (100 * LIMIT, LIMIT)], ids=["raised", "lowered"])
async def test_a_route_may_raise_or_lower_the_limit_around_it(
    scope: str, around: int, own: int, aiohttp_client: AiohttpClient
) -> None:
    routes = {"POST /": chain(body_limit(own), answer(by_read)), "POST /plain": answer(by_read)}
    client = await aiohttp_client(scopes.make_app(scope, [body_limit(around)], routes))
    for body in (bytes, pieces):
        assert await post(client, path_in(scope, "/"), data=body(own)) == (200, str(own))
        assert (await post(client, path_in(scope, "/"), data=body(own + 1)))[0] == 413
        assert await post(client, path_in(scope, "/plain"), data=body(around)) == (200, str(around))
        assert (await post(client, path_in(scope, "/plain"), data=body(around + 1)))[0] == 413


async def test_a_limit_that_was_left_out_does_not_count(aiohttp_client: AiohttpClient) -> None:
    small = body_limit(10)
    router = UrlDispatcherEx.install(app := web.Application(), small)
    router.add_post("/", answer(by_read), without=small)
    assert (await post(await aiohttp_client(app), data=bytes(LIMIT)))[0] == 200


@pytest.mark.parametrize("form", ["define", "decorator"])
async def test_a_limit_is_found_in_what_stands_for_it(form: str, aiohttp_client: AiohttpClient) -> None:
    handler = chain(define("body_limit", size=LIMIT), answer(by_read))
    if form == "decorator":
        inner = handler

        async def decorated(request: web.Request) -> web.StreamResponse:
            response: web.StreamResponse = await inner(request)
            return response

        handler = decorated
        vars(handler)["__wrapped__"] = inner
    app = web.Application(middlewares=[body_limit(10)])
    app.router.add_post("/", handler)
    assert (await post(await aiohttp_client(app), data=bytes(LIMIT)))[0] == 200


@pytest.mark.parametrize(("around", "inside", "limit"), [(10, LIMIT, 10), (LIMIT, 10, 10)], ids=["higher", "lower"])
async def test_a_limit_inside_another_link_only_lowers(
    around: int, inside: int, limit: int, aiohttp_client: AiohttpClient
) -> None:
    hidden = unless(lambda request: False, body_limit(inside))
    client = await aiohttp_client(make_app(by_read, body_limit(around), hidden))
    for body in (bytes, pieces):
        assert (await post(client, data=body(limit)))[0] == 200
        assert (await post(client, data=body(limit + 1)))[0] == 413


async def test_a_route_of_two_applications_has_the_limits_of_each(aiohttp_client: AiohttpClient) -> None:
    outer = web.Application()
    for prefix, limit in (("/small", 10), ("/large", LIMIT)):
        sub = web.Application(middlewares=[body_limit(limit)])
        sub.router.add_post("/", answer(by_read))
        outer.add_subapp(prefix, sub)
    client = await aiohttp_client(outer)
    for _ in range(2):
        assert (await post(client, "/small/", data=bytes(11)))[0] == 413
        assert (await post(client, "/large/", data=bytes(11)))[0] == 200


async def test_a_path_without_a_route_has_the_limit_of_the_application(aiohttp_client: AiohttpClient) -> None:
    app = web.Application(middlewares=[body_limit(LIMIT)])
    client = await aiohttp_client(app)
    assert (await post(client, "/nowhere", data=bytes(LIMIT)))[0] == 404
    assert (await post(client, "/nowhere", data=bytes(LIMIT + 1)))[0] == 413


# ---- the limit of aiohttp


@pytest.mark.parametrize("size", [100, 2 * MIB])
@pytest.mark.parametrize("body", [known, lambda size: pieces(size, MIB // 8)], ids=["of a known length", "in chunks"])
async def test_a_limit_above_that_of_the_application_lets_more_through(
    size: int, body: Any, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(by_read, body_limit(2 * MIB), client_max_size=MIB))
    assert await post(client, data=body(size)) == (200, str(size))
    assert (await post(client, data=body(2 * MIB + 1)))[0] == 413


async def test_without_a_limit_of_the_application_this_one_counts(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(by_read, body_limit(2 * MIB), client_max_size=0))
    assert (await post(client, data=known(2 * MIB)))[0] == 200
    assert (await post(client, data=known(2 * MIB + 1)))[0] == 413


async def test_what_links_set_on_the_clone_is_set_on_the_request(aiohttp_client: AiohttpClient) -> None:
    key, taken = web.RequestKey("key", str), web.RequestKey("taken", str)
    seen: list[Any] = []

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[taken] = "away"
        response = await handler(request)
        seen.append((request.get(key), taken in request))
        return response

    async def change(request: web.Request) -> None:
        request[key] = "set"
        del request[taken]

    client = await aiohttp_client(make_app(by_read, look, body_limit(2 * MIB), change))
    assert (await post(client, data=known(2 * MIB)))[0] == 200
    assert seen == [("set", False)]


async def test_the_files_of_a_large_form_are_closed(aiohttp_client: AiohttpClient) -> None:
    files: list[Any] = []

    async def read_form(request: web.Request) -> int:
        field = (await request.post())["file"]
        assert isinstance(field, web.FileField)
        files.append(field.file)
        return len(field.file.read())

    client = await aiohttp_client(make_app(read_form, body_limit(4 * MIB)))
    form = FormData()
    form.add_field("file", known(3 * MIB), filename="a")
    assert await post(client, data=form) == (200, str(3 * MIB))
    assert [file.closed for file in files] == [True]


async def test_a_body_that_a_link_before_has_read_is_passed_on(aiohttp_client: AiohttpClient) -> None:
    async def read_before(request: web.Request) -> None:
        await request.read()

    client = await aiohttp_client(make_app(by_read, read_before, body_limit(2 * MIB)))
    assert await post(client, data=pieces(MIB)) == (200, str(MIB))


async def test_a_form_that_a_link_before_has_taken_is_passed_on(aiohttp_client: AiohttpClient) -> None:
    async def post_before(request: web.Request) -> None:
        await request.post()

    async def read_form(request: web.Request) -> int:
        return len(str((await request.post())["field"]))

    client = await aiohttp_client(make_app(read_form, post_before, body_limit(4 * MIB), client_max_size=2 * MIB))
    form = FormData({"field": "x" * MIB}, default_to_multipart=True)
    assert await post(client, data=form()) == (200, str(MIB))


# ---- Expect: 100-continue


def expect(length: str) -> bytes:
    return head("Expect: 100-continue", length)


@each_scope
@pytest.mark.parametrize("stock", [False, True], ids=["extended router", "router of aiohttp"])
async def test_a_body_that_is_too_large_is_not_invited(scope: str, stock: bool, aiohttp_client: AiohttpClient) -> None:
    app = scopes.make_app(scope, [body_limit(LIMIT)], {"POST /": answer(by_read)})
    if stock:
        app = web.Application(middlewares=[] if scope == "route" else [body_limit(LIMIT)])
        links = [body_limit(LIMIT)] if scope == "route" else []
        app.router.add_post(path_in(scope, "/"), chain(*links, answer(by_read)))
    setup(app)
    setup(app)
    client = await aiohttp_client(app)
    path = path_in(scope, "/")
    for field, status in (("Content-Length: 1001", b"413"), ("Content-Length: 1000", b"100")):
        answered = await send_raw(client, head("Expect: 100-continue", field, path=path))
        assert answered.split()[1] == status
    answered = await send_raw(client, head("Expect: 100-continue", "Transfer-Encoding: chunked", path=path))
    assert answered.split()[1] == b"100"
    assert await post(client, path, data=bytes(LIMIT), expect100=True) == (200, str(LIMIT))


async def test_the_innermost_limit_decides_who_is_invited(aiohttp_client: AiohttpClient) -> None:
    app = make_app(by_read, body_limit(10), body_limit(LIMIT))
    setup(app)
    answered = await send_raw(await aiohttp_client(app), expect("Content-Length: 1000"))
    assert answered.split()[1] == b"100"


async def test_an_expectation_that_nobody_knows_and_an_own_handler_stay_what_they_are(
    aiohttp_client: AiohttpClient,
) -> None:
    async def refuse(request: web.Request) -> None:
        raise web.HTTPConflict

    app = make_app(by_read)
    app.router.add_post("/own", chain(body_limit(LIMIT), answer(by_read)), expect_handler=refuse)
    setup(app)
    client = await aiohttp_client(app)
    assert (await post(client, headers={"Expect": "a miracle"}, data=b"x"))[0] == 417
    answered = await send_raw(client, head("Expect: 100-continue", "Content-Length: 1", path="/own"))
    assert answered.split()[1] == b"409"
    answered = await send_raw(client, head("Expect: 100-continue", "Content-Length: 1001", path="/own"))
    assert answered.split()[1] == b"413"


async def test_an_application_that_is_in_several_and_was_prepared_by_itself_is_prepared_once(
    aiohttp_client: AiohttpClient,
) -> None:
    sub = make_app(by_read, body_limit(LIMIT))
    setup(sub)
    app = web.Application()
    for host in "ab":
        app.add_domain(host, sub)
    setup(app)
    client = await aiohttp_client(app)
    for name in (b"a", b"b"):
        answered = await send_raw(client, expect("Content-Length: 1001").replace(b"Host: a", b"Host: " + name))
        assert answered.split()[1] == b"413"


async def test_a_router_that_cannot_be_listed_is_left_alone(aiohttp_client: AiohttpClient) -> None:
    class Router(web.UrlDispatcher):
        pass

    class Strange(AbstractRouter):
        def __init__(self) -> None:
            super().__init__()
            self._router = Router()
            self._router.add_post("/", answer(by_read))

        async def resolve(self, request: web.Request) -> AbstractMatchInfo:
            return await self._router.resolve(request)

    with pytest.warns(DeprecationWarning, match="router"):
        app = web.Application(router=cast(Any, Strange()))
    setup(app)
    assert (await post(await aiohttp_client(app), data=b"x"))[0] == 200


# ---- options


@pytest.mark.parametrize("size", [-1, 1.5, "1MB", None, True], ids=repr)
def test_a_wrong_size_is_refused_at_once(size: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"body_limit\(\): size=.*; pass a number of bytes, 0 or more"):
        body_limit(size)


def test_its_name_tells_the_size() -> None:
    assert name_link(body_limit(LIMIT)) == "body_limit(1000)"
