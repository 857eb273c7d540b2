"""exit_stack(): what a request has opened is closed when it is done."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from aiohttp import ClientError, web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, chain, requires
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.exit_stack import EXIT_STACK, exit_stack
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.typedefs import Handler

from .. import scopes
from ..patient_server import serve_patiently
from ..scopes import each_scope, path_in

each_end = pytest.mark.parametrize("until", ["returned", "sent"])


class Resources:
    """Resources that write down what happens to them."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.closed = asyncio.Event()

    @asynccontextmanager
    async def open(self, name: str = "it", swallows: bool = False) -> AsyncIterator[str]:
        self.diary.append(f"open {name}")
        try:
            yield name
        except BaseException as error:
            self.diary.append(f"{type(error).__name__} in {name}")
            if not swallows:
                raise
        finally:
            await asyncio.sleep(0)
            self.diary.append(f"close {name}")
            self.closed.set()


@contextmanager
def failing() -> Iterator[None]:
    yield
    raise LookupError("cannot close")


@pytest.fixture
def resources() -> Resources:
    return Resources()


def make_app(handler: Any, *links: Any, until: Any = "returned") -> web.Application:
    return scopes.make_app("route", [exit_stack(until=until), *links], {"GET /": handler})


@each_scope
@each_end
async def test_what_was_opened_is_closed_in_every_scope(
    scope: str, until: Any, aiohttp_client: AiohttpClient, resources: Resources
) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request[EXIT_STACK].enter_async_context(resources.open("a"))
        await request[EXIT_STACK].enter_async_context(resources.open("b"))
        return web.Response(text="done")

    app = scopes.make_app(scope, [exit_stack(until=until)], {"GET /": handler})
    async with (await aiohttp_client(app)).get(path_in(scope, "/")) as response:
        assert await response.text() == "done"
    await resources.closed.wait()
    assert resources.diary == ["open a", "open b", "close b", "close a"]


@pytest.mark.parametrize(("until", "is_closed"), [("returned", True), ("sent", False)])
async def test_a_body_from_a_generator_has_its_resources_only_until_sent(
    until: Any, is_closed: bool, aiohttp_client: AiohttpClient, resources: Resources
) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request[EXIT_STACK].enter_async_context(resources.open())

        async def pieces() -> AsyncIterator[bytes]:
            yield str("close it" in resources.diary).encode()

        return web.Response(body=pieces())

    async with (await aiohttp_client(make_app(handler, until=until))).get("/") as response:
        assert await response.text() == str(is_closed)
    await resources.closed.wait()


@each_end
async def test_a_stream_that_the_handler_writes_has_its_resources_to_the_end(
    until: Any, aiohttp_client: AiohttpClient, resources: Resources
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await request[EXIT_STACK].enter_async_context(resources.open())
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(repr(resources.diary).encode())
        return response

    async with (await aiohttp_client(make_app(handler, until=until))).get("/") as response:
        assert await response.text() == "['open it']"
    await resources.closed.wait()


@each_end
@pytest.mark.parametrize(
    ("error", "status", "written"),
    [
        pytest.param(lambda: ValueError("wrong"), 500, ["open it", "ValueError in it", "close it"], id="an error"),
        pytest.param(lambda: web.HTTPConflict(), 409, ["open it", "HTTPConflict in it", "close it"], id="a refusal"),
        pytest.param(lambda: web.HTTPFound("/login"), 302, ["open it", "close it"], id="a redirect"),
        pytest.param(lambda: web.HTTPCreated(), 201, ["open it", "close it"], id="a success"),
    ],
)
async def test_what_the_handler_raises_reaches_the_context_managers_unless_it_is_an_answer(
    until: Any, error: Any, status: int, written: list[str], aiohttp_client: AiohttpClient, resources: Resources
) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request[EXIT_STACK].enter_async_context(resources.open())
        raise error()

    client = await aiohttp_client(make_app(handler, until=until))
    async with client.get("/", allow_redirects=False) as response:
        assert response.status == status
    assert resources.diary == written


async def test_a_context_manager_cannot_swallow_what_the_handler_raised(
    aiohttp_client: AiohttpClient, resources: Resources
) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request[EXIT_STACK].enter_async_context(resources.open(swallows=True))
        raise web.HTTPConflict

    async with (await aiohttp_client(make_app(handler))).get("/") as response:
        assert response.status == 409


@pytest.mark.parametrize("raised", [None, ValueError("wrong")], ids=repr)
async def test_an_error_in_closing_is_answered_with_500_before_the_response_is_sent(
    raised: Exception | None, aiohttp_client: AiohttpClient, resources: Resources
) -> None:
    seen: list[Exception] = []

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as error:
            seen.append(error)
            raise

    async def handler(request: web.Request) -> web.Response:
        await request[EXIT_STACK].enter_async_context(resources.open())
        request[EXIT_STACK].enter_context(failing())
        if raised:
            raise raised
        return web.Response()

    app = make_app(handler)
    app.middlewares.append(watch)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 500
    assert resources.diary[-1] == "close it"
    assert [type(error) for error in seen] == [LookupError if raised is None else ValueError]


@pytest.mark.parametrize("streams", [True, False])
async def test_an_error_in_closing_that_comes_too_late_is_logged(
    streams: bool, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        request[EXIT_STACK].enter_context(failing())
        if not streams:
            return web.Response(text="whole")
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"whole")
        return response

    client = await aiohttp_client(make_app(handler, until="returned" if streams else "sent"))
    async with client.get("/?%0A=secret") as response:
        assert await response.text() == "whole"
    (record,) = [one for one in caplog.records if one.name.endswith("exit_stack")]
    assert record.getMessage() == "closing failed, too late to answer GET /"
    assert record.levelno == logging.ERROR


async def test_links_open_what_the_handler_uses_and_the_innermost_stack_closes_first(
    aiohttp_client: AiohttpClient, resources: Resources
) -> None:
    def opens(name: str) -> Any:
        async def opens(request: web.Request) -> None:
            await request[EXIT_STACK].enter_async_context(resources.open(name))

        return opens

    @web.middleware
    async def after(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        await request[EXIT_STACK].enter_async_context(resources.open("late"))
        return response

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=repr(resources.diary))

    app = web.Application(middlewares=[exit_stack()])
    app.router.add_get("/", chain(opens("outer"), after, exit_stack(), opens("inner"), handler))
    async with (await aiohttp_client(app)).get("/") as response:
        assert await response.text() == "['open outer', 'open inner']"
    assert resources.diary[2:] == ["close inner", "open late", "close late", "close outer"]


async def test_a_stack_that_is_closed_is_gone(aiohttp_client: AiohttpClient) -> None:
    left: list[bool] = []

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        left.append(EXIT_STACK in request)
        return response

    async def handler(request: web.Request) -> web.Response:
        left.append(EXIT_STACK in request)
        return web.Response()

    app = make_app(handler)
    app.middlewares.append(look)
    async with (await aiohttp_client(app)).get("/"):
        assert left == [True, False]


@pytest.mark.parametrize("closes", [True, False], ids=["closing works", "closing fails"])
async def test_a_cancelled_request_is_closed_and_stays_cancelled(
    closes: bool,
    aiohttp_client: AiohttpClient,
    resources: Resources,
    caplog: pytest.LogCaptureFixture,
) -> None:
    started, ended = asyncio.Event(), asyncio.Event()
    seen: list[type[BaseException]] = []

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except BaseException as error:
            seen.append(type(error))
            raise
        finally:
            ended.set()

    async def handler(request: web.Request) -> web.Response:
        if not closes:
            request[EXIT_STACK].push_async_callback(fail)
        await request[EXIT_STACK].enter_async_context(resources.open())
        started.set()
        await asyncio.Event().wait()
        return web.Response()

    async def fail() -> None:
        raise LookupError("cannot close")

    app = make_app(handler)
    app.middlewares.append(watch)
    client = await aiohttp_client(app)  # which runs it with handler_cancellation
    asking = asyncio.create_task(client.get("/"))
    await started.wait()
    asking.cancel()
    await ended.wait()
    assert resources.diary == ["open it", "CancelledError in it", "close it"]
    assert seen == [asyncio.CancelledError]
    assert ("cannot close" in caplog.text) is not closes


async def test_a_client_that_has_gone_while_the_response_is_sent_is_no_error(
    resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    started, gone = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        await request[EXIT_STACK].enter_async_context(resources.open())

        async def pieces() -> AsyncIterator[bytes]:
            started.set()
            await gone.wait()
            yield b"to nobody"

        return web.Response(body=pieces())

    async with serve_patiently(make_app(handler, until="sent")) as server:
        _, writer = await server.connect("GET / HTTP/1.1")
        await started.wait()
        await server.lose(writer)
        gone.set()
        await resources.closed.wait()
    assert resources.diary == ["open it", "close it"]
    assert "Error" not in caplog.text


@pytest.mark.parametrize("first", [b"", b"begun"], ids=["before the first byte", "after it"])
async def test_a_body_that_breaks_off_reaches_the_context_managers_and_cuts_the_connection(
    first: bytes, aiohttp_client: AiohttpClient, resources: Resources
) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request[EXIT_STACK].enter_async_context(resources.open())

        async def pieces() -> AsyncIterator[bytes]:
            if first:
                yield first
            raise ConnectionRefusedError("the database is down")

        return web.Response(body=pieces())

    client = await aiohttp_client(make_app(handler, until="sent"))
    with pytest.raises(ClientError):
        async with client.get("/") as response:
            await response.read()
    await resources.closed.wait()
    assert resources.diary == ["open it", "ConnectionRefusedError in it", "close it"]


async def test_what_is_no_response_is_answered_with_500(aiohttp_client: AiohttpClient, resources: Resources) -> None:
    async def handler(request: web.Request) -> Any:
        await request[EXIT_STACK].enter_async_context(resources.open())

    app = web.Application(middlewares=[exit_stack(until="sent")])
    app.router.add_get("/", handler)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 500
    assert resources.diary == ["open it", "AttributeError in it", "close it"]


async def test_a_chain_in_which_nothing_makes_a_stack_is_refused() -> None:
    @requires(EXIT_STACK)
    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    async def nothing(request: web.Request) -> None: ...

    with pytest.raises(RegistrationError, match="exit_stack"):
        chain(nothing, handler)
    chain(exit_stack(), handler)


def test_its_name_and_its_option() -> None:
    assert name_link(exit_stack()) == "exit_stack"
    assert name_link(exit_stack(until="sent")) == "exit_stack(sent)"
    with pytest.raises(ConfigurationError, match=r"exit_stack\(\): until='send'; write 'sent'"):
        exit_stack(until="send")  # type: ignore[arg-type]  # wrong on purpose
