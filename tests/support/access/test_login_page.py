"""The way to the login page: who opens a page is sent there, with a way back that stays on this origin."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.access.login_page import redirect_strangers

CHALLENGE = 'Bearer realm="protected"'

Ask = Callable[..., Any]


@pytest.fixture
def ask(aiohttp_client: AiohttpClient) -> Ask:
    """Send one request to an application, redirects not followed."""

    async def ask(app: web.Application, path: str = "/", method: str = "GET", **options: Any) -> Any:
        client = await aiohttp_client(app)
        return await client.request(method, path, allow_redirects=False, **options)

    return ask


def make_pages(redirect: str | None = "/login") -> web.Application:
    """Nobody is known, whatever is asked for."""
    refuse_stranger = redirect_strangers("battery()", redirect, CHALLENGE)

    async def refuse(request: web.Request) -> web.Response:
        raise refuse_stranger(request)

    app = web.Application()
    app.router.add_route("*", r"/{tail:[\s\S]*}", refuse)
    return app


def read_next(response: Any, login: str = "/login") -> str:
    """Where the login page would send back, as a browser and a server would understand it."""
    location = urlsplit(response.headers["Location"])
    assert (location.scheme, location.netloc, location.path) == ("", "", login)
    return str(parse_qs(location.query, strict_parsing=True)["next"][0])


async def test_a_stranger_who_opens_a_page_is_sent_to_the_login_page(ask: Ask) -> None:
    for method in ("GET", "HEAD"):
        response = await ask(make_pages(), "/?a=1&b=%26", method=method)
        assert response.status == 303
        assert read_next(response) == "/?a=1&b=%26"
        assert response.headers["Cache-Control"] == "no-store"
        assert "WWW-Authenticate" not in response.headers


async def test_without_a_login_page_strangers_get_a_401(ask: Ask) -> None:
    response = await ask(make_pages(None))
    assert response.status == 401
    assert response.headers.getall("WWW-Authenticate") == [CHALLENGE]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])
async def test_other_methods_get_a_401(method: str, ask: Ask) -> None:
    response = await ask(make_pages(), method=method)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="protected"'


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 303, id="not told"),
        pytest.param({"Sec-Fetch-Mode": "navigate"}, 303, id="a navigation"),
        pytest.param({"Sec-Fetch-Mode": "cors"}, 401, id="fetch()"),
        pytest.param({"Sec-Fetch-Mode": "same-origin"}, 401, id="fetch() of the same origin"),
        pytest.param({"Sec-Fetch-Mode": "no-cors"}, 401, id="an image"),
        pytest.param({"Sec-Fetch-Mode": ""}, 401, id="nothing said"),
        pytest.param({"Sec-Fetch-Mode": "websocket"}, 401, id="a WebSocket"),
        pytest.param({"Connection": "Upgrade", "Upgrade": "WebSocket"}, 401, id="a WebSocket, not told"),
        pytest.param({"Upgrade": "h2c"}, 303, id="another upgrade"),
    ],
)
async def test_only_navigations_are_redirected(headers: Any, status: int, ask: Ask) -> None:
    response = await ask(make_pages(), "/account", headers=headers)
    assert response.status == status


async def test_the_login_page_behind_itself_is_a_401_and_no_endless_redirect(ask: Ask) -> None:
    assert (await ask(make_pages(), "/login?next=%2Flogin")).status == 401


async def test_the_login_page_may_have_a_query(ask: Ask) -> None:
    response = await ask(make_pages("/login?lang=en"), "/?a=1")
    assert response.headers["Location"].startswith("/login?lang=en&next=")
    assert read_next(response) == "/?a=1"
    response = await ask(make_pages("/login?"))
    assert response.headers["Location"] == "/login?next=/"


async def test_the_path_is_that_of_the_browser_in_a_sub_application(ask: Ask) -> None:
    root = web.Application()
    root.add_subapp("/sub", make_pages())
    response = await ask(root, "/sub/account")
    assert read_next(response) == "/sub/account"


async def ask_raw(client: TestClient[Any, Any], target: bytes) -> str:
    """Send a request target as it is; return the Location of the answer."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head = (await reader.read()).partition(b"\r\n\r\n")[0].decode("latin-1")
    writer.close()
    await writer.wait_closed()
    assert head.startswith("HTTP/1.1 303 "), head
    assert head.count("\r\nLocation: ") == 1
    return str(head.partition("\r\nLocation: ")[2].partition("\r\n")[0])


@pytest.mark.parametrize(
    ("target", "following"),
    [
        pytest.param(b"/a%2Fb/%C3%A9?q=%26%3D%20+%2B", "/a%2Fb/%C3%A9?q=%26%3D%20+%2B", id="encoded bytes are kept"),
        pytest.param(b"/%7euser/100%", "/%7euser/100%", id="and so is what is encoded by halves"),
        pytest.param(b"/a?next=//evil.example", "/a?next=//evil.example", id="a next of its own"),
        pytest.param(b"http://evil.example/a?b=c", "/a?b=c", id="another origin in absolute form"),
        pytest.param(b"//evil.example/a", "/", id="a path that reads as an origin"),
        pytest.param(b"///evil.example/a", "/", id="three slashes"),
        pytest.param(b"/\\evil.example", "/", id="a backslash"),
        pytest.param(b"/%2Fevil.example", "/", id="an encoded slash"),
        pytest.param(b"/%5Cevil.example", "/", id="an encoded backslash"),
        pytest.param(b"/.//evil.example", "/", id="a dot segment"),
        pytest.param(b"/%2e%2e//evil.example", "/", id="an encoded dot segment"),
        pytest.param(b"/a%0d%0aSet-Cookie:x=y", "/", id="an encoded line break"),
        pytest.param(b"/" + b"a" * 2048, "/", id="too long"),
    ],
)
async def test_next_is_the_raw_path_of_this_origin(
    target: bytes, following: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_pages())
    location = urlsplit(await ask_raw(client, target))
    assert (location.scheme, location.netloc, location.path) == ("", "", "/login")
    assert parse_qs(location.query, strict_parsing=True) == {"next": [following]}


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30).map("/".__add__))
def test_what_was_asked_for_comes_back_from_the_query_as_it_was(target: str) -> None:
    move = web.HTTPSeeOther("/login?next=" + quote(target))
    assert parse_qs(urlsplit(move.headers["Location"]).query, strict_parsing=True) == {"next": [target]}


@pytest.mark.parametrize(
    "redirect",
    ["", "login", "https://sso.example/login", "//sso.example/login", "/\\sso.example", "/login#form", 7],
    ids=repr,
)
def test_what_is_no_path_of_this_origin_is_no_login_page(redirect: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^battery\(\): redirect=.*; write a path of this origin"):
        redirect_strangers("battery()", redirect, CHALLENGE)
