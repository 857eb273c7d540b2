"""The way to the login page: who opens a page is sent there, with a way back that stays on this origin."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import assume, given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.access.login_page import redirect_strangers
from aiohttp_route_middleware.support.network.local_paths import safe_next

from ...middlewares.wire import send
from ...strangers import AskOnce, ask_once, read_next

__all__ = ("ask_once",)

CHALLENGE = 'Bearer realm="protected"'


def make_pages(redirect: str | None = "/login") -> web.Application:
    """Nobody is known, whatever is asked for."""
    refuse_stranger = redirect_strangers("battery()", redirect, CHALLENGE)

    async def refuse(request: web.Request) -> web.Response:
        raise refuse_stranger(request)

    app = web.Application()
    app.router.add_route("*", r"/{tail:[\s\S]*}", refuse)
    return app


async def test_a_stranger_who_opens_a_page_is_sent_to_the_login_page(ask_once: AskOnce) -> None:
    for method in ("GET", "HEAD"):
        response = await ask_once(make_pages(), "/?a=1&b=%26", method=method)
        assert response.status == 303
        assert read_next(response.headers["Location"]) == "/?a=1&b=%26"
        assert response.headers["Cache-Control"] == "no-store"
        assert "WWW-Authenticate" not in response.headers


async def test_without_a_login_page_strangers_get_a_401(ask_once: AskOnce) -> None:
    response = await ask_once(make_pages(None))
    assert response.status == 401
    assert response.headers.getall("WWW-Authenticate") == [CHALLENGE]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])
async def test_other_methods_get_a_401(method: str, ask_once: AskOnce) -> None:
    response = await ask_once(make_pages(), method=method)
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
async def test_only_navigations_are_redirected(headers: Any, status: int, ask_once: AskOnce) -> None:
    response = await ask_once(make_pages(), "/account", headers=headers)
    assert response.status == status


async def test_the_login_page_behind_itself_is_a_401_and_no_endless_redirect(ask_once: AskOnce) -> None:
    assert (await ask_once(make_pages(), "/login?next=%2Flogin")).status == 401


async def test_the_login_page_may_have_a_query(ask_once: AskOnce) -> None:
    response = await ask_once(make_pages("/login?lang=en"), "/?a=1")
    assert response.headers["Location"].startswith("/login?lang=en&next=")
    assert read_next(response.headers["Location"]) == "/?a=1"
    response = await ask_once(make_pages("/login?"))
    assert response.headers["Location"] == "/login?next=/"


async def test_the_path_is_that_of_the_browser_in_a_sub_application(ask_once: AskOnce) -> None:
    root = web.Application()
    root.add_subapp("/sub", make_pages())
    response = await ask_once(root, "/sub/account")
    assert read_next(response.headers["Location"]) == "/sub/account"


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
    answer = await send(client, b"GET " + target + b" HTTP/1.1", "Host: localhost")
    assert answer.status == 303
    [location] = answer.headers.get_all("Location")
    assert read_next(location) == following


LETTERS = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#?")


@given(st.text(LETTERS, max_size=30).map("/".__add__), st.text(LETTERS | st.just("?"), max_size=30))
def test_what_was_asked_for_comes_back_from_the_query_as_it_was(path: str, query: str) -> None:
    assume(path != "/login")
    url = URL.build(path=path, query_string=query, encoded=True)  # as aiohttp reads it from a request line
    refuse_stranger = redirect_strangers("battery()", "/login", CHALLENGE)
    answer = refuse_stranger(make_mocked_request("GET", "/").clone(rel_url=url))
    assert read_next(answer.headers["Location"]) == safe_next(f"{path}?{query}" if query else path)


@pytest.mark.parametrize(
    "redirect",
    ["", "login", "https://sso.example/login", "//sso.example/login", "/\\sso.example", "/login#form", 7],
    ids=repr,
)
def test_what_is_no_path_of_this_origin_is_no_login_page(redirect: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^battery\(\): redirect=.*; write a path of this origin"):
        redirect_strangers("battery()", redirect, CHALLENGE)
