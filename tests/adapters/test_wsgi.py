"""WSGI applications behind links, each request in a thread, of which none is held for nobody."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

import pytest
from aiohttp import ClientPayloadError, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain, name_link
from aiohttp_route_middleware.adapters.wsgi import wsgi
from aiohttp_route_middleware.errors import ConfigurationError, MissingDependencyError
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.client_address import client_address

from ..support.asgi.worlds import PatientServer, show_scope

OK = ("200 OK", [("Content-Type", "text/plain")])
PATIENCE = 10  # seconds, after which a thread would be held for ever


def make_app(application: Any, *links: Any, path: str = "/{tail:.*}", **options: Any) -> web.Application:
    app = web.Application()
    UrlDispatcherEx.install(app).add_route("*", path, *links, wsgi(application, **options))
    return app


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Any:
    async def serve(application: Any, *links: Any, **options: Any) -> Any:
        return await aiohttp_client(PatientServer(make_app(application, *links, **options)))

    return serve


def show(*names: str) -> Any:
    """An application that answers with entries of its environment."""

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(*OK)
        return ["|".join(repr(environ.get(name)) for name in names).encode()]

    return application


async def test_an_application_keeps_to_wsgi(serve: Any) -> None:
    """As the standard library checks it: environment, order of calls, types."""

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(5)
        start_response(*OK)
        return [body]

    response = await (await serve(validator(application))).post("/", data=b"hello")
    assert await response.text() == "hello"


async def test_the_mount_is_its_script_name(serve: Any) -> None:
    client = await serve(show("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"), path="/old/{tail:.*}")
    response = await client.get("/old/a%20b/é?q=%C3%A9")
    assert await response.text() == "'/old'|'/a b/Ã©'|'q=%C3%A9'"


async def test_who_asks_is_what_client_address_has_found(serve: Any) -> None:
    believe = client_address(["127.0.0.1"], header="Forwarded")
    client = await serve(show("REMOTE_ADDR", "wsgi.url_scheme"), believe)
    response = await client.get("/", headers={"Forwarded": "for=203.0.113.9;proto=https"})
    assert await response.text() == "'203.0.113.9'|'https'"


async def test_a_header_with_an_underscore_does_not_pass_for_one_with_a_hyphen(serve: Any) -> None:
    client = await serve(show("HTTP_X_USER"))
    response = await client.get("/", headers={"X-User": "ada", "X_User": "admin"})
    assert await response.text() == "'ada'"
    assert await (await client.get("/", headers={"X_User": "admin"})).text() == "None"


async def test_errors_go_to_the_standard_error(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        environ["wsgi.errors"].write("oh no")
        start_response(*OK)
        return []

    assert (await (await serve(application)).get("/")).status == 200
    assert written.getvalue() == "oh no"


async def test_a_body_in_chunks_comes_whole(serve: Any) -> None:
    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        assert environ["wsgi.input_terminated"]
        start_response(*OK)
        return [str(len(environ["wsgi.input"].read())).encode()]

    async def pieces() -> Any:
        for _ in range(50):
            yield b"x" * 10_000

    assert await (await (await serve(application)).post("/", data=pieces())).text() == "500000"


async def test_the_first_piece_is_there_before_the_second_is_made(serve: Any) -> None:
    go_on = threading.Event()

    def application(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response(*OK)
        yield b"first"
        go_on.wait(PATIENCE)
        yield b"second"

    response = await (await serve(application)).get("/")
    assert await response.content.readexactly(5) == b"first"
    go_on.set()
    assert await response.read() == b"second"


async def test_head_has_no_body(serve: Any) -> None:
    response = await (await serve(show("PATH_INFO"))).head("/")
    assert (response.status, await response.read()) == (200, b"")


async def test_links_before_it_refuse(serve: Any) -> None:
    client = await serve(show("PATH_INFO"), basic_auth({"a": "b"}))
    assert (await client.get("/")).status == 401


async def test_a_websocket_is_refused(serve: Any) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await (await serve(show())).ws_connect("/")
    assert caught.value.status == 403


async def test_threads_are_as_many_as_was_said(serve: Any) -> None:
    both = threading.Barrier(2)

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        both.wait(PATIENCE)
        start_response(*OK)
        return [b"together"]

    client = await serve(application, threads=2)
    answers = await asyncio.gather(*(client.get("/") for _ in range(2)))
    assert [answer.status for answer in answers] == [200, 200]


# ---- what goes wrong


def boom(environ: Any, start_response: Any) -> Iterable[bytes]:
    raise KeyError("boom")


def half(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response(*OK)
    yield b"half"
    raise KeyError("boom")


def split(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("X", "a\r\nb: c")])
    for _ in range(100):
        yield b"x"


@pytest.mark.parametrize("application", [boom, split])
async def test_what_cannot_be_answered_is_a_500(application: Any, serve: Any) -> None:
    client = await serve(application, threads=1)
    for _ in range(3):
        response = await client.get("/")
        assert (response.status, "b" in response.headers) == (500, False)


async def test_half_a_response_is_cut_off(serve: Any) -> None:
    response = await (await serve(half)).get("/")
    with pytest.raises(ClientPayloadError):
        await response.read()


def start_twice(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response(*OK)
    start_response(*OK)
    return [b"x"]


def fail_after_an_empty_piece(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response(*OK)
    yield b""
    raise KeyError("boom")


def leave(environ: Any, start_response: Any) -> Iterable[bytes]:
    sys.exit("bye")


def leave_later(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response(*OK)
    yield b""
    sys.exit("bye")


@pytest.mark.parametrize(
    "application",
    [
        pytest.param(lambda environ, start_response: [], id="no start"),
        pytest.param(lambda environ, start_response: [b"x"], id="a body without a start"),
        pytest.param(lambda environ, start_response: start_response(*OK) and None, id="no body"),
        pytest.param(lambda environ, start_response: start_response(*OK) and ["text"], id="text"),
        pytest.param(lambda environ, start_response: start_response("OK", []) and [b"x"], id="no status"),
        pytest.param(start_twice, id="two starts"),
        pytest.param(fail_after_an_empty_piece, id="fails after an empty piece"),
        pytest.param(leave, id="leaves"),
        pytest.param(leave_later, id="leaves after an empty piece"),
    ],
)
async def test_what_is_no_response_is_a_500_and_the_server_goes_on(application: Any, serve: Any) -> None:
    client = await serve(application, threads=1)
    for _ in range(2):
        assert (await client.get("/")).status == 500


def give_up(start_response: Any) -> None:
    try:
        raise KeyError("boom")
    except KeyError:
        start_response("503 Later", [("X-Error", "1")], sys.exc_info())


async def test_an_error_page_replaces_what_was_not_sent(serve: Any) -> None:
    def application(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response(*OK)
        yield b""
        give_up(start_response)
        yield b"an error"

    response = await (await serve(application)).get("/")
    assert (response.status, await response.text()) == (503, "an error")
    assert (response.headers["X-Error"], "text/plain" in str(response.headers)) == ("1", False)


async def test_an_error_page_in_the_middle_of_a_response_cuts_it_off(serve: Any) -> None:
    def application(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response(*OK)
        yield b"half"
        give_up(start_response)
        yield b"an error"

    response = await (await serve(application)).get("/")
    with pytest.raises(ClientPayloadError):
        await response.read()


async def test_old_applications_write_and_empty_ones_say_so(serve: Any) -> None:
    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        write = start_response(*OK)
        for piece in (b"", b"old ", b"and "):
            write(piece)
        return [b"", b"new"]

    def empty(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(*OK)
        return [b"", b""]

    assert await (await (await serve(application)).get("/")).text() == "old and new"
    response = await (await serve(empty)).get("/")
    assert (response.status, response.headers["Content-Length"]) == (200, "0")


class Forever:
    """Yields until nobody takes it any more, and tells when it is closed."""

    def __init__(self) -> None:
        self.is_closed = threading.Event()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        start_response(*OK)
        return self

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"x" * 100_000

    def close(self) -> None:
        self.is_closed.set()


async def is_set(event: threading.Event) -> bool:
    return await asyncio.get_running_loop().run_in_executor(None, event.wait, PATIENCE)


@pytest.mark.parametrize("server", [PatientServer, TestServer], ids=["patient", "cancelling"])
async def test_a_client_that_leaves_sets_its_thread_free(server: Callable[..., Any]) -> None:
    forever = Forever()
    async with TestClient(server(make_app(forever, threads=1))) as client:
        for _ in range(2):
            response = await client.get("/")
            await response.content.readexactly(1)
            response.close()
            assert await is_set(forever.is_closed)
            forever.is_closed.clear()


async def test_half_a_body_does_not_look_whole(serve: Any) -> None:
    ended, read = threading.Event(), []

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        try:
            read.append(environ["wsgi.input"].read())
        except OSError as error:
            read.append(error)
        ended.set()
        start_response(*OK)
        return []

    client = await serve(application)
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()
    assert await is_set(ended)
    (error,) = read
    assert isinstance(error, ConnectionResetError)


# ---- options


def test_it_stands_nowhere_but_at_the_end() -> None:
    endpoint: Any = wsgi(boom)
    with pytest.raises(RegistrationError, match=r"link 1 of 2, wsgi\(boom\) .* always answers; put it last"):
        chain(endpoint, endpoint)


def test_an_application_may_be_named() -> None:
    assert name_link(wsgi("tests.adapters.test_wsgi:boom")) == "wsgi(tests.adapters.test_wsgi:boom)"
    assert name_link(wsgi(boom)) == "wsgi(boom)"
    assert name_link(wsgi(validator(boom))) == "wsgi(validator.lint_app)"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"app": "nowhere:app"}, "importing nowhere failed", id="no module"),
        pytest.param({"app": 5}, "app is", id="no application"),
        pytest.param({"app": show_scope}, "app is an ASGI application; end the chain with asgi(...)", id="ASGI"),
        pytest.param({"root_path": "old"}, "root_path='old'", id="root_path"),
        pytest.param({"threads": 0}, "threads=0", id="threads"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        wsgi(**{"app": boom, **options})
    assert str(caught.value).startswith("wsgi(): ")
    assert problem in str(caught.value)


def test_without_a2wsgi_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "aiohttp_route_middleware.adapters.wsgi")
    monkeypatch.setitem(sys.modules, "a2wsgi", None)
    with pytest.raises(MissingDependencyError, match=r"aiohttp-route-middleware\[wsgi\]"):
        __import__("aiohttp_route_middleware.adapters.wsgi")
