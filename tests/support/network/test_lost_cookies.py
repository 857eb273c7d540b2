"""A Secure cookie that browsers drop is told in the log, once for each battery."""

import logging
from typing import Any

import pytest
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import make_mocked_request
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.csrf_token import csrf_token
from aiohttp_route_middleware.middlewares.sessions import SESSION, sessions
from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.support.network import lost_cookies
from aiohttp_route_middleware.support.network.forwarded import FORWARDED_SCHEME
from aiohttp_route_middleware.support.network.lost_cookies import warn_of_lost_cookie

LOGGER = lost_cookies.__name__


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_cookies, "_told", set())


def ask(host: str, scheme: str | None = None) -> web.Request:
    request = make_mocked_request("GET", "/", headers={"Host": host})
    if scheme:
        request[FORWARDED_SCHEME] = scheme
    return request


@pytest.mark.parametrize(
    ("host", "scheme", "is_told"),
    [
        pytest.param("shop.example", None, True, id="by http"),
        pytest.param("192.168.0.7:8080", None, True, id="by http, to an address"),
        pytest.param("[2001:db8::1]", None, True, id="by http, to an IPv6 address"),
        pytest.param("not a host", None, True, id="by http, to nowhere"),
        pytest.param("shop.example", "http", True, id="by http, as a proxy says"),
        pytest.param("shop.example", "https", False, id="by https, as a proxy says"),
        pytest.param("localhost:8080", None, False, id="localhost"),
        pytest.param("shop.localhost", None, False, id="below localhost"),
        pytest.param("127.0.0.1:8080", None, False, id="loopback"),
        pytest.param("[::1]:8080", None, False, id="loopback of IPv6"),
    ],
)
def test_it_is_told_where_browsers_drop_the_cookie(
    host: str, scheme: str | None, is_told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_lost_cookie(ask(host, scheme), "sessions")
    assert ("sessions: a Secure cookie was set by plain http" in caplog.text) is is_told


def test_it_is_told_once_for_each_battery(caplog: pytest.LogCaptureFixture) -> None:
    for battery in ("sessions", "csrf_token", "sessions"):
        warn_of_lost_cookie(ask("shop.example"), battery)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["sessions", "csrf_token"]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


@pytest.mark.parametrize("secure", [True, False])
async def test_batteries_that_set_such_cookies_tell_it(
    secure: bool, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def write(request: web.Request) -> web.Response:
        request[SESSION]["user"] = "ada"
        return web.Response()

    app = web.Application()
    setup(app)
    options: dict[str, Any] = {"secure": secure}
    forms = csrf_token("s" * 32, cookie="csrf", **options)
    UrlDispatcherEx.install(app, sessions(store=MemoryStore(), **options), forms).add_get("/", write)
    client = await aiohttp_client(app, cookie_jar=DummyCookieJar())
    for _ in range(2):
        async with client.get("/", headers={"Host": "shop.example"}) as response:
            assert len(response.headers.getall("Set-Cookie")) == 2
    told = sorted(record.getMessage().partition(":")[0] for record in caplog.records if record.name == LOGGER)
    assert told == (["csrf_token", "sessions"] if secure else [])
