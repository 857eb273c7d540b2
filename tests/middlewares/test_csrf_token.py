"""A request that changes something is refused unless it brings the token that a page of ours has shown."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse, DummyCookieJar, FormData, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, chain, provides, requires
from aiohttp_route_middleware.errors import ConfigurationError, RegistrationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.csrf import csrf
from aiohttp_route_middleware.middlewares.csrf_token import CSRF_TOKEN, csrf_token, rotate_csrf_token
from aiohttp_route_middleware.middlewares.sessions import SESSION, sessions
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.stores import MemoryStore

from .. import scopes
from ..scopes import each_scope, path_in
from .matrix import MATRIX, Case, ask, make_app

SECRET, NEWER = "s" * 32, b"n" * 32
COOKIE = "__Host-csrf"
HEADER = "X-CSRF-Token"
SET_COOKIE = re.compile(rf"{COOKIE}=[A-Za-z0-9_-]{{22}}; Path=/; HttpOnly; Secure; SameSite=Lax")
USER = web.RequestKey("USER", str)

Client = TestClient[Any, Any]


async def show(request: web.Request) -> web.Response:
    return web.Response(text=str(request[CSRF_TOKEN]))


async def look(request: web.Request) -> web.Response:
    return web.Response(text="no token here")


async def change(request: web.Request) -> web.Response:
    if request.content_type == "multipart/form-data":
        return web.Response(text=",".join(await request.post()))
    return web.Response(text=await request.text())


async def log_in(request: web.Request) -> web.Response:
    rotate_csrf_token(request)
    return web.Response(text=str(request[CSRF_TOKEN]))


def serve(*links: Any) -> web.Application:
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, *links)
    router.add_get("/show", show)
    router.add_get("/look", look)
    router.add_route("*", "/change", change)
    router.add_post("/login", log_in)
    return app


def cookie_of(response: ClientResponse) -> str:
    """What a browser would send back."""
    (written,) = response.headers.getall("Set-Cookie")
    return written.partition(";")[0]


async def visit(client: Client, **headers: str) -> tuple[str, str]:
    """Look at a page, and return the cookie and the token in it."""
    async with client.get("/show", headers=headers) as response:
        return cookie_of(response), await response.text()


async def send(client: Client, cookie: str | None, token: str | None, /, **options: Any) -> int:
    headers = {**options.pop("headers", {}), "Cookie": cookie, HEADER: token}
    headers = {name: value for name, value in headers.items() if value is not None}
    async with client.post(options.pop("path", "/change"), headers=headers, **options) as response:
        return response.status


# ---- what passes, and what does not


async def test_the_token_of_a_page_passes_with_its_cookie_again_and_again(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client)
    assert [await send(client, cookie, token) for _ in range(2)] == [200, 200]


async def test_a_refusal_is_a_403_that_says_what_to_send(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    async with client.post("/change") as response:
        assert response.status == 403
        assert await response.text() == (
            "403: no valid CSRF token was sent with its cookie; send it as header X-CSRF-Token, "
            "or as field csrf_token of a form of at most 1048576 bytes"
        )


async def test_a_form_that_another_site_sends_does_not_replace_the_cookie(aiohttp_client: AiohttpClient) -> None:
    """Browsers keep a cookie with SameSite=Lax back, so that it looks as if there were none."""
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    async with client.post("/change", data={"csrf_token": "x" * 86}) as response:
        assert response.status == 403
        assert "Set-Cookie" not in response.headers


@each_scope
async def test_it_works_in_every_scope_and_refuses_with_403(scope: str, aiohttp_client: AiohttpClient) -> None:
    app = scopes.make_app(scope, [csrf_token(SECRET)], {"GET /show": show, "POST /change": change})
    setup(app)
    client = await aiohttp_client(app)
    async with client.get(path_in(scope, "/show")) as response:
        cookie, token = cookie_of(response), await response.text()
    path = path_in(scope, "/change")
    assert [await send(client, cookie, one, path=path) for one in (token, None, token[:-3])] == [200, 403, 403]


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 200), ("HEAD", 200), ("OPTIONS", 200)]
    + [(method, 403) for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")],
)
async def test_only_safe_methods_need_no_token(method: str, status: int, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    async with client.request(method, "/change") as response:
        assert response.status == status


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("{}A", id="longer"),
        pytest.param("{}==", id="padded"),
        pytest.param("A{}", id="shifted"),
        pytest.param("x" * 86, id="forged"),
        pytest.param("x" * 8000, id="huge"),
        pytest.param("é" * 43, id="unicode"),
        pytest.param("\udcff" * 86, id="no UTF-8"),
        pytest.param("+/" * 43, id="another alphabet"),
        pytest.param("{},{}", id="a list"),
    ],
)
async def test_garbage_is_refused(token: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, shown = await visit(client)
    forged = token.replace("{}", shown)
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    lines = f"POST /change HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: {cookie}\r\n{HEADER}: {forged}\r\n\r\n"
    writer.write(lines.encode("utf-8", "surrogateescape"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("length", [1, 43, 64, 85])
async def test_a_truncated_token_is_refused(length: int, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client)
    assert await send(client, cookie, token[:length]) == 403
    assert await send(client, cookie, None, data={"csrf_token": token[:length]}) == 403


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param(None, id="none"),
        pytest.param("{name}=", id="empty"),
        pytest.param("{name}", id="no value"),
        pytest.param("{name}={id}A", id="longer"),
        pytest.param("{name}={other}", id="another id"),
        pytest.param('{name}="{id}"', id="quoted"),
        pytest.param("{name}=" + "x" * 7000, id="huge"),
        pytest.param("other={id}", id="another cookie"),
        pytest.param("X{name}={id}", id="a longer name"),
        pytest.param("{lower}={id}", id="another case"),
        pytest.param("{name}={id}; {name}={id}", id="twice"),
        pytest.param("{name}={other}; {name}={id}", id="twice, another first"),
        pytest.param("{name}={id}; {name}={other}", id="twice, another last"),
        pytest.param("{name}={id}; {name}=", id="twice, an empty one"),
    ],
)
async def test_a_token_without_just_its_cookie_is_refused(cookie: str | None, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    ours, token = await visit(client)
    values = {"name": COOKIE, "lower": COOKIE.lower(), "id": ours.partition("=")[2], "other": "o" * 22}
    assert await send(client, cookie and cookie.format(**values), token) == 403


@pytest.mark.parametrize("value", ["", "x", "x" * 21, "x" * 23, "é" * 22, f"{'x' * 22}; {COOKIE}={'y' * 22}"])
async def test_a_cookie_that_cannot_be_ours_is_replaced_and_no_token_is_made_for_it(
    value: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client, Cookie=f"{COOKIE}={value}")
    assert [await send(client, one, token) for one in (cookie, f"{COOKIE}={value}")] == [200, 403]


async def test_cookies_in_two_fields_count_as_two(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client)
    for fields, status in (([cookie, "a=1"], 200), ([cookie, cookie], 403)):
        headers = [*(("Cookie", field) for field in fields), (HEADER, token)]
        async with client.post("/change", headers=headers) as response:
            assert response.status == status


async def test_other_cookies_do_no_harm(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client)
    assert await send(client, f'a="{COOKIE}=1"; bad cookie;;={COOKIE}; {cookie} ; b', token) == 200


async def test_a_second_header_is_refused_even_if_both_are_valid(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client)
    async with client.post("/change", headers=[("Cookie", cookie), (HEADER, token), (HEADER, token)]) as response:
        assert response.status == 403


async def test_the_header_counts_if_it_is_there(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client)
    assert [await send(client, cookie, one, data={"csrf_token": token}) for one in ("", "x", None)] == [403, 403, 200]


# ---- whom a token belongs to


def read_user(request: web.Request) -> str | None:
    return request.headers.get("X-User")


async def find_user(request: web.Request) -> str | None:
    return request.headers.get("X-User")


def read_user_in_bytes(request: web.Request) -> bytes:
    return request.headers.get("X-User", "").encode()


@provides(USER)
async def set_user(request: web.Request) -> None:
    request[USER] = request.headers.get("X-User", "")


KEYED: list[Any] = [set_user, csrf_token(SECRET, session=USER)]


@pytest.mark.parametrize(
    "links",
    [
        pytest.param([csrf_token(SECRET, session=read_user)], id="plain"),
        pytest.param([csrf_token(SECRET, session=find_user)], id="async"),
        pytest.param([csrf_token(SECRET, session=read_user_in_bytes)], id="bytes"),
        pytest.param([csrf_token(SECRET, session=lambda request: find_user(request))], id="awaitable"),
        pytest.param(KEYED, id="request key"),
    ],
)
async def test_the_token_of_another_session_is_refused_even_with_its_cookie(
    links: Any, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(serve(*links))
    cookie, token = await visit(client, **{"X-User": "mallory"})
    sent = [await send(client, cookie, token, headers=headers) for headers in USERS]
    assert sent == [200, 403, 403]


USERS: tuple[Mapping[str, str], ...] = ({"X-User": "mallory"}, {"X-User": "alice"}, {})


async def test_a_cookie_tossed_from_a_sibling_domain_does_not_help(aiohttp_client: AiohttpClient) -> None:
    """The attacker has a cookie and a token of his own, and makes the victim's browser send both."""
    client = await aiohttp_client(serve(csrf_token(SECRET, session=read_user)))
    tossed, token = await visit(client, **{"X-User": "mallory"})
    anonymous, other_token = await visit(client)
    ours, _ = await visit(client, **{"X-User": "alice"})
    for cookie in (tossed, anonymous, f"{tossed}; {ours}", f"{ours}; {tossed}", ours):
        for one in (token, other_token):
            assert await send(client, cookie, one, headers={"X-User": "alice"}) == 403


async def test_a_session_key_that_nobody_sets_is_refused_at_registration() -> None:
    with pytest.raises(RegistrationError):
        chain(csrf_token(SECRET, session=USER), look)
    chain(*KEYED, look)


async def test_who_requires_the_token_stands_behind() -> None:
    link = requires(CSRF_TOKEN)(look_again)
    with pytest.raises(RegistrationError):
        chain(link, csrf_token(SECRET), look)
    chain(csrf_token(SECRET), link, look)


async def look_again(request: web.Request) -> None:
    return None


async def test_what_is_no_session_lets_nobody_in(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    wrong: Any = lambda request: 7  # noqa: E731  # what a type checker would refuse
    client = await aiohttp_client(serve(csrf_token(SECRET, session=wrong)))
    assert await send(client, None, None) == 500
    assert "csrf_token(): the session is int; give a text or bytes that only this session has" in caplog.text


async def test_a_session_of_any_text_is_taken(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET, session=lambda request: "\udcff\0é")))
    cookie, token = await visit(client)
    assert await send(client, cookie, token) == 200


# ---- secrets


async def test_a_secret_can_be_replaced_while_pages_are_open(aiohttp_client: AiohttpClient) -> None:
    old = await aiohttp_client(serve(csrf_token(SECRET)))
    both = await aiohttp_client(serve(csrf_token([NEWER, SECRET])))
    new = await aiohttp_client(serve(csrf_token(NEWER)))
    cookie, token = await visit(old)
    assert [await send(client, cookie, token) for client in (old, both, new)] == [200, 200, 403]
    async with both.get("/show", headers={"Cookie": cookie}) as response:
        newer = await response.text()
        assert "Set-Cookie" not in response.headers
    assert [await send(client, cookie, newer) for client in (old, both, new)] == [403, 200, 200]


# ---- login


async def test_at_login_the_cookie_is_another_and_old_tokens_are_worth_nothing(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client)
    async with client.post("/login", headers={"Cookie": cookie, HEADER: token}) as response:
        rotated, shown = cookie_of(response), await response.text()
    assert rotated != cookie
    assert await send(client, rotated, token) == 403
    assert await send(client, cookie, shown) == 403
    assert await send(client, rotated, shown) == 200


async def test_after_login_even_the_old_cookie_does_not_revive_an_old_token(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET, session=read_user)))
    cookie, token = await visit(client)
    assert await send(client, cookie, token) == 200
    assert await send(client, cookie, token, headers={"X-User": "alice"}) == 403


async def test_the_response_to_a_login_can_show_a_token_of_the_session_that_begins(
    aiohttp_client: AiohttpClient,
) -> None:
    async def begin(request: web.Request) -> web.Response:
        rotate_csrf_token(request, session="alice")
        return await show(request)

    app = serve(csrf_token(SECRET, session=read_user))
    app.router.add_get("/begin", begin)
    client = await aiohttp_client(app)
    async with client.get("/begin") as response:
        cookie, token = cookie_of(response), await response.text()
    assert [await send(client, cookie, token, headers=headers) for headers in ({"X-User": "alice"}, {})] == [200, 403]


async def rotate_without(request: web.Request) -> web.Response:
    rotate_csrf_token(request)
    return web.Response()


async def rotate_too_late(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    with pytest.raises(ConfigurationError) as caught:
        rotate_csrf_token(request)
    await response.write(str(caught.value).encode())
    return response


async def test_to_rotate_what_is_not_there_is_an_error_that_says_so(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", rotate_without)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 500
    assert "rotate_csrf_token(): this request has no token; put csrf_token() before the handler" in caplog.text


async def test_to_rotate_when_the_headers_are_sent_is_an_error_that_says_so(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", csrf_token(SECRET), rotate_too_late)
    async with (await aiohttp_client(app)).get("/") as response:
        assert await response.text() == (
            "rotate_csrf_token(): the headers are sent already; call it before the response is prepared"
        )


# ---- the page


async def test_a_page_never_shows_the_same_token_twice_and_all_are_valid(aiohttp_client: AiohttpClient) -> None:
    async def show_many(request: web.Request) -> web.Response:
        return web.Response(text=" ".join(f"{request[CSRF_TOKEN]}" for _ in range(5)))

    app = serve(csrf_token(SECRET))
    app.router.add_get("/many", show_many)
    client = await aiohttp_client(app)
    async with client.get("/many") as response:
        cookie, tokens = cookie_of(response), (await response.text()).split()
    async with client.get("/many", headers={"Cookie": cookie}) as response:
        tokens += (await response.text()).split()
    assert len(set(tokens)) == 10
    assert not any(cookie.partition("=")[2] in token for token in tokens)
    assert {await send(client, cookie, token) for token in tokens} == {200}


async def test_a_page_with_a_token_or_a_cookie_is_not_for_shared_caches(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, _ = await visit(client)
    for path, sent, private in (
        ("/show", None, True),
        ("/show", cookie, True),
        ("/look", None, True),
        ("/look", cookie, False),
    ):
        async with client.get(path, headers={"Cookie": sent} if sent else {}) as response:
            assert (response.headers.get("Vary") == "Cookie") is private
            assert (response.headers.get("Cache-Control") == "private") is private
            assert ("Set-Cookie" in response.headers) is (sent is None)


# ---- Set-Cookie


def safely(case: Case) -> Case:
    """The case with a method that needs no token; what no route answers is 405 for OPTIONS, too."""
    return replace(case, method="OPTIONS") if case.name == "405" else case


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_sets_the_cookie_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, csrf_token(SECRET)))
    async with ask(client, scope, safely(case)) as response:
        assert response.status == case.status
        (written,) = response.headers.getall("Set-Cookie")
        assert SET_COOKIE.fullmatch(written)
        assert response.headers.getall("Vary") == ["Cookie"]


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_no_response_sets_a_cookie_that_is_there(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, csrf_token(SECRET)))
    headers = {**case.headers, "Cookie": f"{COOKIE}={'x' * 22}"}
    async with ask(client, scope, replace(safely(case), headers=headers)) as response:
        assert response.status == case.status
        assert "Set-Cookie" not in response.headers
        assert "Vary" not in response.headers


async def set_by_method(request: web.Request) -> web.Response:
    response = web.Response()
    response.set_cookie("a", "1")
    return response


async def set_by_header(request: web.Request) -> web.Response:
    raise web.HTTPConflict(headers={"Set-Cookie": "a=1"})


@pytest.mark.parametrize("handler", [set_by_method, set_by_header])
async def test_the_cookie_is_set_beside_those_of_the_handler(handler: Any, aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", csrf_token(SECRET), handler)
    async with (await aiohttp_client(app)).get("/") as response:
        others, ours = response.headers.getall("Set-Cookie")
        assert others.startswith("a=1")
        assert SET_COOKIE.fullmatch(ours)


async def test_the_same_battery_around_itself_sets_one_cookie_and_takes_one_token(
    aiohttp_client: AiohttpClient,
) -> None:
    link = csrf_token(SECRET)
    app = web.Application(middlewares=[link])
    setup(app)
    router = UrlDispatcherEx.install(app, link)
    router.add_get("/show", link, show)
    router.add_post("/change", link, change)
    client = await aiohttp_client(app)
    cookie, token = await visit(client)
    assert await send(client, cookie, token) == 200
    assert await send(client, cookie, None, data={"csrf_token": token}) == 200


async def test_an_application_that_is_not_prepared_is_told_of_the_cure(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", csrf_token(SECRET), show)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 500
    assert "csrf_token(): the application is not prepared for batteries that set headers; call setup" in caplog.text


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({"cookie": "csrf", "secure": False}, "csrf={}; Path=/; HttpOnly; SameSite=Lax"),
        ({"cookie": "__Secure-a", "same_site": "Strict"}, "__Secure-a={}; Path=/; HttpOnly; Secure; SameSite=Strict"),
        ({"same_site": "None"}, "__Host-csrf={}; Path=/; HttpOnly; Secure; SameSite=None"),
    ],
)
async def test_the_cookie_is_as_the_options_say(
    options: dict[str, Any], written: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET, **options)))
    async with client.get("/show") as response:
        pattern = re.escape(written).replace(r"\{\}", "[A-Za-z0-9_-]{22}")
        assert re.fullmatch(pattern, response.headers["Set-Cookie"])
        cookie, token = cookie_of(response), await response.text()
    assert await send(client, cookie, token) == 200


# ---- from forms


def multipart(token: str, boundary: str) -> bytes:
    written = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("title", "a"), ("csrf_token", token), ('file"; filename="f', "\0\r\n--"))
    ]
    return f"{''.join(written)}--{boundary}--\r\n".encode()


@pytest.mark.parametrize("boundary", ["lower", "UPPER", "MiXeD", "----WebKitFormBoundaryAbCdEf", "'()+_,-./:=?"])
async def test_a_field_of_a_multipart_form_passes_with_a_boundary_in_any_case(
    boundary: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client)
    headers = {"Content-Type": f'multipart/form-data; boundary="{boundary}"', "Cookie": cookie}
    async with client.post("/change", data=multipart(token, boundary), headers=headers) as response:
        assert response.status == 200
        assert await response.text() == "title,csrf_token,file"


async def test_a_field_of_a_form_passes_and_the_body_is_there_for_the_handler(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client)
    async with client.post("/change", data={"csrf_token": token, "a": "1"}, headers={"Cookie": cookie}) as response:
        assert (response.status, await response.text()) == (200, f"csrf_token={token}&a=1")
    data = FormData({"csrf_token": token})
    data.add_field("upload", b"\xff" * 200_000, filename="f")
    async with client.post("/change", data=data, headers={"Cookie": cookie}) as response:
        assert (response.status, await response.text()) == (200, "csrf_token,upload")


async def test_a_field_of_another_name_and_another_header_are_options(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET, header="X-Mine", field="mine")))
    cookie, token = await visit(client)
    assert await send(client, cookie, None, headers={"x-mine": token}) == 200
    assert await send(client, cookie, None, data={"mine": token}) == 200
    assert await send(client, cookie, token, data={"csrf_token": token}) == 403


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"json": {"csrf_token": "{}"}}, id="JSON"),
        pytest.param({"data": "csrf_token={}", "headers": {"Content-Type": "text/plain"}}, id="text"),
        pytest.param({"params": {"csrf_token": "{}"}}, id="query"),
        pytest.param({"data": [("csrf_token", "{}"), ("csrf_token", "{}")]}, id="twice"),
    ],
)
async def test_a_token_elsewhere_or_twice_is_refused(options: dict[str, Any], aiohttp_client: AiohttpClient) -> None:
    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(one) for key, one in value.items()}
        if isinstance(value, list):
            return [(key, fill(one)) for key, one in value]
        return value.replace("{}", token)

    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, token = await visit(client)
    assert await send(client, cookie, None, **fill(options)) == 403


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("multipart/form-data", b"--B\r\n", id="no boundary"),
        pytest.param("multipart/form-data; boundary=B", b"", id="empty"),
        pytest.param("multipart/form-data; boundary=B", b"\xff\0garbage", id="garbage"),
        pytest.param("multipart/form-data; boundary=B", b"--B\r\nContent-Disposition: \xff", id="cut off"),
        pytest.param("multipart/form-data; boundary=" + "B" * 5000, b"--B", id="huge boundary"),
        pytest.param("multipart/form-data; boundary=\xff", b"--\xff\r\n", id="boundary not in ASCII"),
        pytest.param("application/x-www-form-urlencoded; charset=nonsense", b"csrf_token=%ff\xff", id="charset"),
        pytest.param("application/x-www-form-urlencoded", b"&" * 100_000, id="many fields"),
        pytest.param("application/x-www-form-urlencoded", b"csrf_token=" + b"%41" * 100_000, id="huge field"),
    ],
)
async def test_a_malformed_body_is_refused_with_403(
    content_type: str, body: bytes, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET)))
    cookie, _ = await visit(client)
    assert await send(client, cookie, None, data=body, headers={"Content-Type": content_type}) == 403


async def test_a_body_over_the_limit_is_refused_without_reading_on(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET, max_body=1000)))
    cookie, token = await visit(client)
    content_type = "Content-Type: application/x-www-form-urlencoded"
    for length, body in (
        ("Content-Length: 100000000000", b"csrf_token="),
        ("Transfer-Encoding: chunked", b"400\r\n" + f"csrf_token={token}&".encode().ljust(0x400, b"a") + b"\r\n"),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        head = f"POST /change HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n{content_type}\r\n{length}\r\n\r\n"
        writer.write(head.encode() + body)  # and no more: who waits for the rest waits for ever
        assert (await reader.readline()).startswith(b"HTTP/1.1 403 ")
        writer.close()
        await writer.wait_closed()


async def test_with_a_header_a_body_over_the_limit_passes_unread(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf_token(SECRET, max_body=10)))
    cookie, token = await visit(client)
    assert await send(client, cookie, None, data={"csrf_token": token}) == 403
    assert await send(client, cookie, token, data={"csrf_token": token}) == 200


async def test_behind_the_check_of_origins_both_must_pass(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(serve(csrf(), csrf_token(SECRET)))
    cookie, token = await visit(client)
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert await send(client, cookie, token) == 200
    assert await send(client, cookie, token, headers=cross) == 403
    assert await send(client, cookie, None) == 403


# ---- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"secret": "hunter2"}, "a secret has 7 bytes, not 32; make one"),
        ({"secret": ["s" * 32, "hunter2"]}, "a secret has 7 bytes, not 32; make one"),
        ({"secret": []}, "there is no secret; make one"),
        ({"cookie": ""}, "cookie=''; write a name"),
        ({"cookie": "a b"}, "cookie='a b'; write a name"),
        ({"cookie": None}, "cookie=None; write a name"),
        ({"same_site": "lax"}, "same_site='lax'; write 'Lax'"),
        ({"secure": False}, "cookie='__Host-csrf'; add secure=True"),
        ({"secure": False, "cookie": "__SECURE-a"}, "cookie='__SECURE-a'; add secure=True"),
        ({"secure": False, "cookie": "a", "same_site": "None"}, "same_site='None'; add secure=True"),
        ({"secure": "no"}, "secure='no'; write True or False"),
        ({"header": "X-Ü"}, "header='X-Ü'; write a name"),
        ({"header": 7}, "header=7; write a name"),
        ({"field": "a=b"}, "field='a=b' is no name of a field; write"),
        ({"field": None}, "field=None is no name of a field; write"),
        ({"max_body": 0}, "max_body=0; pass a number of bytes"),
        ({"max_body": True}, "max_body=True; pass a number of bytes"),
        ({"max_body": "1M"}, "max_body='1M'; pass a number of bytes"),
        ({"session": 7}, "session is int; pass a function of the request, or a request key"),
    ],
)
def test_bad_options_are_refused_with_the_cure(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        csrf_token(**{"secret": SECRET, **options})
    assert str(caught.value).startswith(f"csrf_token(): {message}")
    assert "hunter2" not in str(caught.value)


def test_neither_its_name_nor_its_token_shows_a_secret() -> None:
    assert name_link(csrf_token(SECRET)) == "csrf_token"


async def test_bound_to_a_session_a_token_is_worth_nothing_in_another(aiohttp_client: AiohttpClient) -> None:
    async def log_in(request: web.Request) -> web.Response:
        request[SESSION]["user"] = request.query["user"]
        request[SESSION].rotate()
        return web.Response()

    async def show(request: web.Request) -> web.Response:
        return web.Response(text=str(request[CSRF_TOKEN]))

    app = web.Application()
    setup(app)
    protect = csrf_token("s" * 32, session=SESSION, cookie="csrf", secure=False)
    router = UrlDispatcherEx.install(app, sessions(store=MemoryStore(), secure=False), protect)
    router.add_get("/log-in", log_in)
    router.add_get("/", show)
    router.add_post("/", show)
    client = await aiohttp_client(app, cookie_jar=DummyCookieJar())
    cookies: dict[str, dict[str, str]] = {}
    tokens: dict[str, str] = {}
    for user in ("ada", "eve"):
        async with client.get("/", params={"user": user}) as response:
            strange = {name: morsel.value for name, morsel in response.cookies.items()}, await response.text()
        async with client.post("/", cookies=strange[0], headers={"X-CSRF-Token": strange[1]}) as response:
            assert response.status == 200  # nobody is logged in yet, and the token holds all the same
        async with client.get("/log-in", params={"user": user}) as response:
            cookies[user] = {name: morsel.value for name, morsel in response.cookies.items()}
        async with client.get("/", cookies=cookies[user]) as response:
            tokens[user] = await response.text()
            cookies[user] |= {name: morsel.value for name, morsel in response.cookies.items()}
    for user, status in (("ada", 200), ("eve", 403)):
        sent = {"session": cookies["ada"]["session"], "csrf": cookies[user]["csrf"]}
        async with client.post("/", cookies=sent, headers={"X-CSRF-Token": tokens[user]}) as response:
            assert response.status == status


def test_a_token_that_is_bound_to_a_session_stands_behind_it() -> None:
    protect = csrf_token("s" * 32, session=SESSION)
    with pytest.raises(RegistrationError, match=r"requires the request key .*SESSION"):
        chain(protect, endpoint)


async def endpoint(request: web.Request) -> web.Response:
    return web.Response()


async def test_no_other_blank_than_space_and_tab_may_stand_before_the_name_of_the_cookie(
    aiohttp_client: AiohttpClient,
) -> None:
    async def show(request: web.Request) -> web.Response:
        return web.Response(text=str(request[CSRF_TOKEN]))

    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, csrf_token(SECRET))
    router.add_get("/", show)
    router.add_post("/", show)
    client = await aiohttp_client(app, cookie_jar=DummyCookieJar())
    async with client.get("/") as response:
        token, cookie = await response.text(), response.cookies[COOKIE].value
    for blank, status in (("", 200), (" ", 200), ("\u2000", 403), ("\u00a0", 403)):
        headers = {"Cookie": f"{blank}{COOKIE}={cookie}", "X-CSRF-Token": token}
        async with client.post("/", headers=headers) as response:
            assert response.status == status
