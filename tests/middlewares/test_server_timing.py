"""The parts of an answer are shown where that is wanted, and told where it is not."""

import re
import subprocess
import sys
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.server_timing import TIMINGS, server_timing, trace_timings
from aiohttp_route_middleware.typedefs import Handler

from .matrix import MATRIX, Case, ask
from .matrix import make_app as make_matrix_app


async def list_posts(request: web.Request) -> web.Response:
    with request[TIMINGS].measure("db", "all posts"):
        pass
    return web.Response()


async def refuse(_: web.Request) -> web.Response:
    raise web.HTTPForbidden


async def log_in(_: web.Request) -> None:
    return None


@web.middleware
async def wrap(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


def make_app(*links: Any, **options: Any) -> web.Application:
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, *links, **options)
    router.add_get("/", list_posts)
    router.add_get("/refuse", refuse)
    return app


def read_names(response: Any) -> list[str]:
    (value,) = response.headers.getall("Server-Timing")
    return [re.fullmatch(r"([\w-]+);dur=\d+\.\d{3}.*", member)[1] for member in value.split(", ")]  # type: ignore[index]  # it matches, or the test fails


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_shows_its_total_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_matrix_app(scope, server_timing(enabled=True)))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        assert read_names(response) == ["total"]


async def test_what_a_handler_has_measured_is_shown(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(server_timing(enabled=True, total="all")))
    async with client.get("/") as response:
        assert read_names(response) == ["db", "all"]
        assert ';desc="all posts"' in response.headers["Server-Timing"]


async def test_each_link_is_shown_if_the_chain_is_traced(aiohttp_client: AiohttpClient) -> None:
    links = [log_in, server_timing(enabled=True), wrap, log_in]
    client = await aiohttp_client(make_app(*links, trace=trace_timings))
    async with client.get("/") as response:
        assert read_names(response) == ["server_timing", "log_in", "db", "list_posts", "wrap", "total"]
    async with client.get("/refuse") as response:  # what has raised is not shown
        assert read_names(response) == ["server_timing", "log_in", "total"]


async def test_it_is_off_by_default_and_tells_all_the_same(aiohttp_client: AiohttpClient) -> None:
    told: list[tuple[str, float]] = []
    client = await aiohttp_client(make_app(server_timing(tell=lambda *part: told.append(part), enabled=False)))
    async with client.get("/") as response:
        assert "Server-Timing" not in response.headers
    assert [name for name, _ in told] == ["db", "total"]
    assert all(milliseconds >= 0 for _, milliseconds in told)


@pytest.mark.parametrize(("options", "shown"), [([], "False"), (["-X", "dev"], "True")], ids=["usual", "development"])
def test_by_default_it_is_shown_in_development_mode_alone(options: list[str], shown: str) -> None:
    script = """
import asyncio
from aiohttp import web
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.server_timing import server_timing
from aiohttp_route_middleware import chain

async def index(request):
    return web.Response()

async def main():
    app = web.Application()
    setup(app)
    app.router.add_get("/", chain(server_timing(), index))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(b"GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n")
    print(b"Server-Timing" in await reader.read())
    writer.close()
    await runner.cleanup()

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, *options, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == shown


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"enabled": "yes"}, "enabled='yes'"), ({"tell": 1}, "tell is int"), ({"total": "a b"}, "total='a b'")],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        server_timing(**options)
    assert str(refusal.value).startswith(f"server_timing(): {problem}")
