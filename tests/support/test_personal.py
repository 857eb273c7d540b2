"""Who says that a response is for one client alone."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.csrf_token import CSRF_TOKEN, csrf_token
from aiohttp_route_middleware.middlewares.sessions import SESSION, sessions
from aiohttp_route_middleware.support.personal import Personal, is_personal

ANYTHING = web.RequestKey("ANYTHING", object)
SECRET = b"x" * 32


async def do_nothing(_: web.Request) -> None:
    return


async def put_something(request: web.Request) -> None:
    request[ANYTHING] = object()


async def put_personal(request: web.Request) -> None:
    request[ANYTHING] = Personal()


async def read_session(request: web.Request) -> None:
    request[SESSION].get("user")


async def show_token(request: web.Request) -> None:
    str(request[CSRF_TOKEN])


@pytest.mark.parametrize(
    ("uses", "told"),
    [
        pytest.param(do_nothing, "False", id="a session and a token that nobody looks at"),
        pytest.param(put_something, "False", id="a value that says nothing"),
        pytest.param(put_personal, "True", id="a value that is personal unless it says otherwise"),
        pytest.param(read_session, "True", id="a session that was read"),
        pytest.param(show_token, "True", id="a token that was shown"),
    ],
)
async def test_what_a_page_may_show_tells_whether_it_does(uses: Any, told: str, aiohttp_client: AiohttpClient) -> None:
    async def tell(request: web.Request) -> web.Response:
        await uses(request)
        return web.Response(text=str(is_personal(request)))

    app = web.Application()
    setup(app)
    around = (sessions(secret=SECRET, secure=False), csrf_token(SECRET, cookie="csrf", secure=False))
    UrlDispatcherEx.install(app, *around).add_get("/", tell)
    client = await aiohttp_client(app)
    async with client.get("/", headers={"Cookie": f"csrf={'A' * 22}"}) as response:
        assert await response.text() == told
