"""Each request is logged when it is over, with what is known of it, and without secrets."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from logging.handlers import QueueHandler
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import access_log as battery_module
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.access_log import access_log
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.method_override import method_override
from aiohttp_route_middleware.middlewares.request_id import request_id
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.stores.memory import MemoryStore
from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity

from ..clock import Clock
from ..scopes import each_scope, path_in
from ..scopes import make_app as make_scoped_app

NAME = "aiohttp_route_middleware.access"
FILE = Path(__file__)
SIZE = FILE.stat().st_size


async def show(_: web.Request) -> web.Response:
    return web.Response(text="shown")


async def refuse(_: web.Request) -> web.Response:
    raise web.HTTPForbidden


async def fail(_: web.Request) -> web.Response:
    raise RuntimeError("unforeseen")


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"streamed")
    return response


async def send_file(_: web.Request) -> web.FileResponse:
    return web.FileResponse(FILE)


HANDLERS = {
    "GET /posts/{id}": show,
    "GET /refuse": refuse,
    "GET /fail": fail,
    "GET /stream": stream,
    "GET /file": send_file,
}


class Log:
    """What was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.logger = logging.getLogger(f"test.{id(self)}")
        self.records: asyncio.Queue[logging.LogRecord] = asyncio.Queue()
        handler = QueueHandler(self.records)
        self.logger.setLevel(logging.INFO)
        self.logger.propagate = False
        self.logger.addHandler(handler)

    async def read(self) -> dict[str, Any]:
        record = await asyncio.wait_for(self.records.get(), 5)
        told: dict[str, Any] = vars(record)["access"]
        return {"level": record.levelname, "text": record.getMessage(), **told}


def make_app(*links: Any) -> web.Application:
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, *links)
    for route, handler in HANDLERS.items():
        router.add_get(route.split()[1], handler)
    return app


@each_scope
async def test_a_request_is_told_with_its_route_and_how_it_ended(scope: str, aiohttp_client: AiohttpClient) -> None:
    log = Log()
    app = make_scoped_app(scope, [access_log(logger=log.logger)], HANDLERS)
    setup(app)
    client = await aiohttp_client(app)
    path = path_in(scope, "/posts/7")
    async with client.get(f"{path}?token=hunter2&page=2"):
        pass
    told = await log.read()
    assert told.pop("milliseconds") >= 0
    assert told.pop("text").startswith(f"GET {path}?token=***&page=2 200 in ")
    assert told == {
        "level": "INFO",
        "method": "GET",
        "target": f"{path}?token=***&page=2",
        "route": path_in(scope, "/posts/{id}"),
        "request_id": None,
        "subject": None,
        "status": 200,
        "bytes": 5,
        "outcome": "sent",
        "client": "127.0.0.1",
    }


@pytest.mark.parametrize(
    ("path", "status", "level", "size"),
    [
        ("/refuse", 403, "INFO", len("403: Forbidden")),
        ("/fail", 500, "ERROR", 55),
        ("/file", 200, "INFO", SIZE),
    ],
)
async def test_errors_and_files_are_told(
    path: str, status: int, level: str, size: int, aiohttp_client: AiohttpClient
) -> None:
    log = Log()
    client = await aiohttp_client(make_app(access_log(logger=log.logger)))
    async with client.get(path) as response:
        await response.read()
    told = await log.read()
    assert (told["status"], told["level"], told["bytes"]) == (status, level, size)


async def test_of_a_stream_all_that_was_written_counts_but_not_the_head(aiohttp_client: AiohttpClient) -> None:
    log = Log()
    client = await aiohttp_client(make_app(access_log(logger=log.logger)))
    async with client.get("/stream") as response:
        await response.read()
    assert (await log.read())["bytes"] == len(b"8\r\nstreamed\r\n0\r\n\r\n")


async def test_of_an_answer_to_head_no_body_counts(aiohttp_client: AiohttpClient) -> None:
    log = Log()
    client = await aiohttp_client(make_app(access_log(logger=log.logger)))
    async with client.head("/file"):
        pass
    assert (await log.read())["bytes"] == 0


async def test_an_application_tells_its_404_without_a_route(aiohttp_client: AiohttpClient) -> None:
    log = Log()
    app = make_scoped_app("application", [access_log(logger=log.logger)], HANDLERS)
    setup(app)
    client = await aiohttp_client(app)
    async with client.get("/%0Anothing"):
        pass
    told = await log.read()
    assert (told["status"], told["route"], told["target"]) == (404, None, "/%0Anothing")


async def test_what_other_links_know_is_told(aiohttp_client: AiohttpClient) -> None:
    log = Log()
    links = [
        access_log(logger=log.logger, headers=["User-Agent", "Authorization", "X-Nothing"]),
        request_id(),
        client_address(["127.0.0.1"], header="X-Forwarded-For"),
        basic_auth({"alice": "hunter2"}),
    ]
    client = await aiohttp_client(make_app(*links))
    headers = {
        "X-Request-ID": "r-1",
        "X-Forwarded-For": "2001:db8::7",
        "User-Agent": "test",
        "Authorization": "Basic YWxpY2U6aHVudGVyMg==",
    }
    async with client.get("/posts/7", headers=headers):
        pass
    told = await log.read()
    assert (told["request_id"], told["client"], told["subject"]) == ("r-1", "2001:db8::7", "alice")
    assert told["headers"] == {"User-Agent": "test", "Authorization": "Basic ***"}


async def test_the_address_may_be_left_out_and_is_none_if_nobody_knows_it(aiohttp_client: AiohttpClient) -> None:
    log = Log()
    client = await aiohttp_client(make_app(access_log(logger=log.logger, client=False)))
    async with client.get("/posts/7"):
        pass
    assert "client" not in await log.read()
    links = [access_log(logger=log.logger), client_address(["127.0.0.1"], header="X-Forwarded-For")]
    client = await aiohttp_client(make_app(*links))
    async with client.get("/posts/7", headers={"X-Forwarded-For": "unknown"}):
        pass
    assert (await log.read())["client"] is None


async def test_a_client_that_has_gone_is_told(aiohttp_client: AiohttpClient) -> None:
    begun = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        begun.set()
        await asyncio.Event().wait()
        return web.Response()

    log = Log()
    app = make_app(access_log(logger=log.logger))
    app.router.add_get("/wait", wait)
    client = await aiohttp_client(app)
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    await begun.wait()
    writer.transport.abort()
    told = await log.read()
    assert (told["status"], told["bytes"], told["outcome"]) == (None, 0, "aborted")


async def test_a_logger_that_wants_failures_alone_is_told_of_them_alone(aiohttp_client: AiohttpClient) -> None:
    log = Log()
    log.logger.setLevel(logging.ERROR)
    client = await aiohttp_client(make_app(access_log(logger=log.logger)))
    for path in ("/refuse", "/fail", "/refuse"):
        async with client.get(path):
            pass
    assert (await log.read())["status"] == 500
    assert log.records.empty()


async def test_by_default_it_logs_under_a_name_of_the_package(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, NAME)
    client = await aiohttp_client(make_app(access_log()))
    async with client.get("/refuse"):
        pass
    assert [record.name for record in caplog.records if record.name == NAME] == [NAME]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"client": "no"}, "client='no'"),
        ({"logger": "access"}, "logger is str"),
        ({"headers": "User-Agent"}, "headers="),
        ({"headers": ["User Agent"]}, "headers='User Agent'"),
        ({"secret_parameters": "token"}, "secret_parameters='token'"),
        ({"secret_headers": [""]}, "secret_headers=''"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        access_log(**options)
    assert str(refusal.value).startswith(f"access_log(): {problem}")


async def send_raw(client: Any, head: bytes) -> bytes:
    """Send bytes, and read to the end of the connection."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(head)
    received: bytes = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


async def test_an_answer_that_the_server_breaks_off_is_told_as_a_failure(aiohttp_client: AiohttpClient) -> None:
    async def begin(request: web.Request) -> web.StreamResponse:
        await stream(request)
        raise RuntimeError("cannot go on")

    log = Log()
    app = make_app(access_log(logger=log.logger))
    app.router.add_get("/begin", begin)
    client = await aiohttp_client(app)
    await send_raw(client, b"GET /begin HTTP/1.1\r\nHost: a\r\n\r\n")
    told = await log.read()
    assert (told["level"], told["status"], told["outcome"]) == ("ERROR", 200, "failed")
    assert told["bytes"] == len(b"8\r\nstreamed\r\n")
    assert log.records.empty()


async def test_a_head_and_a_websocket_that_are_broken_off_are_told_once(aiohttp_client: AiohttpClient) -> None:
    begun = asyncio.Event()

    async def open_socket(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        begun.set()
        await response.receive()
        return response

    async def wait(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "9"})
        await response.prepare(request)
        begun.set()
        await asyncio.Event().wait()
        return response

    log = Log()
    app = make_app(access_log(logger=log.logger))
    app.router.add_get("/socket", open_socket)
    app.router.add_get("/wait", wait)
    client = await aiohttp_client(app)
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    for start, rest, expected in (
        ("HEAD /wait", "", (200, 0, "aborted")),
        ("GET /socket", upgrade, (101, None, "aborted")),
    ):
        begun.clear()
        _, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(f"{start} HTTP/1.1\r\nHost: a\r\n{rest}\r\n".encode())
        await begun.wait()
        writer.transport.abort()
        told = await log.read()
        assert (told["status"], told["bytes"], told["outcome"]) == expected
    assert log.records.empty()


async def test_hundreds_of_clients_that_vanish_are_told_once_each(aiohttp_client: AiohttpClient) -> None:
    waiting = asyncio.Semaphore(0)

    async def wait(_: web.Request) -> web.Response:
        waiting.release()
        await asyncio.Event().wait()
        return web.Response()

    log = Log()
    app = make_app(access_log(logger=log.logger))
    app.router.add_get("/wait", wait)
    client = await aiohttp_client(app)
    writers = [(await asyncio.open_connection(client.host, client.port))[1] for _ in range(200)]
    for number, writer in enumerate(writers):
        writer.write(f"GET /wait?number={number} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    for _ in writers:
        await waiting.acquire()
    for writer in writers:
        writer.transport.abort()
    told = [await log.read() for _ in writers]
    assert {one["outcome"] for one in told} == {"aborted"}
    assert len({one["target"] for one in told}) == 200
    assert log.records.empty()


@web.middleware
async def know(request: web.Request, handler: Any) -> web.StreamResponse:
    request[IDENTITY] = Identity("ali\u2028ce\x1b[31m\r\n")
    response: web.StreamResponse = await handler(request)
    return response


async def test_what_links_set_behind_a_method_override_is_told(aiohttp_client: AiohttpClient) -> None:
    log = Log()
    links = [access_log(logger=log.logger), method_override(), request_id(), know]
    app = web.Application(middlewares=links)
    setup(app)
    app.router.add_post("/posts/{id}", show)
    app.router.add_put("/posts/{id}", show)
    client = await aiohttp_client(app)
    headers = {"X-HTTP-Method-Override": "PUT", "X-Request-ID": "r-1"}
    async with client.post("/posts/7", headers=headers) as response:
        assert response.status == 200
    told = await log.read()
    assert (told["method"], told["route"], told["request_id"]) == ("POST", "/posts/{id}", "r-1")
    assert told["subject"] == r"ali\u2028ce\x1b[31m\r\n"


LINES = {
    "escape": b"GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n",
    "line separators": "GET /\u2028\u2029\x85?\u202e HTTP/1.1\r\nHost: a\r\nUser-Agent: \u2028\x85\r\n\r\n".encode(),
    "no text": b"GET /\xff\xfe?\xff HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\xed\xa0\x80\r\n\r\n",
    "encoded": b"GET /%0D%0A%1B?%0A HTTP/1.1\r\nHost: a\r\nUser-Agent: a\tb\r\n\r\n",
    "id": b"GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: a\x85b\r\nUser-Agent: \xe2\x80\xa8\r\n\r\n",
    "method": b"GE~T!# / HTTP/1.1\r\nHost: a\r\n\r\n",
    "huge": b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: " + b"\xff" * 8000 + b"\r\n\r\n",
}


def leaves(told: Any) -> Iterator[str]:
    for value in told.values() if isinstance(told, dict) else [told]:
        yield from leaves(value) if isinstance(value, dict) else [str(value)]


@pytest.mark.parametrize("head", LINES.values(), ids=LINES)
async def test_nothing_that_is_sent_breaks_a_line_or_steers_a_terminal(
    head: bytes, aiohttp_client: AiohttpClient
) -> None:
    """What aiohttp refuses to parse is not told; all else is text in one line, which any stream can take."""
    log = Log()
    links = [access_log(logger=log.logger, headers=["User-Agent"]), request_id()]
    app = web.Application(middlewares=links)
    setup(app)
    client = await aiohttp_client(app)
    await send_raw(client, head.replace(b"Host: a", b"Host: a\r\nConnection: close"))
    if log.records.empty():
        assert b"\x1b" in head or b"\xff" in head or b"GE~T" in head or b"\x85" in head
        return
    for text in leaves(await log.read()):
        assert text.isprintable()
        text.encode()


async def test_a_handler_of_the_log_that_raises_harms_no_request(aiohttp_client: AiohttpClient) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("disk full")

    logger = logging.getLogger("test.broken")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(Broken())
    reported: list[str] = []
    client = await aiohttp_client(make_app(access_log(logger=logger)))
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reported.append(report["message"]))
    for _ in range(2):
        async with client.get("/posts/7") as response:
            assert await response.text() == "shown"
    assert reported == ["access_log() could not tell of a request"] * 2


@pytest.mark.parametrize("error", [RuntimeError("on purpose"), web.HTTPBadGateway()], ids=["failed", "raised"])
async def test_behind_a_cache_what_was_sent_is_told_though_it_is_an_old_response(
    error: Exception, aiohttp_client: AiohttpClient
) -> None:
    clock = Clock()
    errors: list[Exception] = []

    async def answer(_: web.Request) -> web.Response:
        if errors:
            raise errors[0]
        return web.Response(text="kept", headers={"Cache-Control": "max-age=60, stale-if-error=30"})

    log = Log()
    app = make_app(response_cache(store=MemoryStore(), clock=clock), access_log(logger=log.logger))
    app.router.add_get("/kept", answer)
    client = await aiohttp_client(app)
    for _ in range(2):
        async with client.get("/kept") as response:
            assert await response.text() == "kept"
        told = await log.read()
        assert (told["status"], told["bytes"], told["outcome"]) == (200, 4, "sent")
        clock.now += 61
        errors.append(error)


async def test_an_expectation_that_is_refused_before_any_link_is_not_told(aiohttp_client: AiohttpClient) -> None:
    log = Log()
    client = await aiohttp_client(make_app(access_log(logger=log.logger), request_id()))
    async with client.get("/refuse", headers={"Expect": "something else"}) as response:
        assert response.status == 417
        assert "X-Request-ID" not in response.headers
    assert log.records.empty()


async def test_the_formatter_of_the_page_writes_a_line_of_json_for_each_record(aiohttp_client: AiohttpClient) -> None:
    code: dict[str, Any] = {}
    snippet = (battery_module.__doc__ or "").partition("    import json\n")[2].partition("    handler = ")[0]
    exec(dedent(f"    import json\n{snippet}"), code)
    log, written = Log(), io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(code["JsonFormatter"]())
    log.logger.addHandler(handler)
    client = await aiohttp_client(make_app(access_log(logger=log.logger, headers=["User-Agent"])))
    async with client.get("/posts/7", headers={"User-Agent": "test \u2028"}):
        pass
    expected = await log.read()
    try:
        raise LookupError("unforeseen")
    except LookupError:
        log.logger.exception("%s failed", "this")
    of_request, of_others = map(json.loads, written.getvalue().splitlines())
    assert {of_request.pop(name) for name in ("level", "logger")} == {"INFO", log.logger.name}
    assert of_request.pop("time")
    assert of_request == {key: value for key, value in expected.items() if key not in ("level", "text")}
    assert of_others["level"] == "ERROR"
    assert of_others["message"].startswith("this failed\nTraceback ")


async def test_the_page_names_each_key_and_no_other(aiohttp_client: AiohttpClient) -> None:
    log = Log()
    client = await aiohttp_client(make_app(access_log(logger=log.logger, headers=["Host"])))
    async with client.get("/posts/7"):
        pass
    table = (battery_module.__doc__ or "").partition("| key | |")[2].partition("\n\n")[0]
    named = [line.split("`")[1].strip('"') for line in table.splitlines()[2:]]
    assert sorted(named) == sorted({*await log.read()} - {"level", "text"})


async def test_an_application_that_is_not_prepared_is_told_who_needs_it(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    app = web.Application()
    UrlDispatcherEx.install(app, access_log()).add_get("/", show)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 500
    assert "access_log(): the application is not prepared for batteries" in caplog.text
