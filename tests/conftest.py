"""What several test files use: one route on a real server, and links that write down who ran."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from hypothesis import settings
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, links_of

settings.register_profile("steady", deadline=None)  # a busy machine is no error
settings.load_profile("steady")

Ask = Callable[..., Awaitable[ClientResponse]]


@pytest.fixture
def ask(aiohttp_client: AiohttpClient) -> Ask:
    """Serve one handler at `/`, over a real socket, and return the answer to one GET."""

    async def ask(handler: Any, path: str = "/", **options: Any) -> ClientResponse:
        app = web.Application()
        app.router.add_get("/", handler)
        client = await aiohttp_client(app)
        return await client.get(path, **options)

    return ask


Client = TestClient[web.Request, web.Application]


@pytest.fixture(params=["extended", "stock"])
def router(request: pytest.FixtureRequest) -> web.UrlDispatcher:
    """A router of either kind: what works on any router is tested on both."""
    return UrlDispatcherEx() if request.param == "extended" else web.UrlDispatcher()


def routes(router: web.UrlDispatcher) -> list[tuple[str, str, tuple[Any, ...]]]:
    """Each route of a router: its method, its path, and the links behind it."""
    return [(route.method, route.resource.canonical, links_of(route)) for route in router.routes() if route.resource]


class Diary:
    """Makes links that write down their names as they run."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def guard(self, name: str, answer: Any = None) -> Any:
        async def guard(request: web.Request) -> Any:
            self.names.append(name)
            return answer

        return guard

    def plain_guard(self, name: str, answer: Any = None) -> Any:
        def plain_guard(request: web.Request) -> Any:
            self.names.append(name)
            return answer

        return plain_guard

    def middleware(self, name: str) -> Any:
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            self.names.append(name)
            response: web.StreamResponse = await handler(request)
            self.names.append(f"/{name}")
            return response

        return middleware

    def endpoint(self, name: str = "endpoint", text: str = "done") -> Any:
        async def endpoint(request: web.Request) -> web.Response:
            self.names.append(name)
            return web.Response(text=text)

        return endpoint


@pytest.fixture
def diary() -> Diary:
    return Diary()


def pytest_configure(config: pytest.Config) -> None:
    if sys.version_info < (3, 11):  # whose asyncio does not note that a TLS transport ends when its peer ends it
        config.addinivalue_line("filterwarnings", "ignore:unclosed transport <asyncio.sslproto:ResourceWarning")
