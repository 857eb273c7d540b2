"""A session stays with the address of the client, and is ended elsewhere."""

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.session_fixing import session_fixing
from aiohttp_route_middleware.middlewares.sessions import SESSION, session_key, sessions
from aiohttp_route_middleware.stores import MemoryStore

from .. import scopes
from ..browser import Open, opener
from ..scopes import each_scope, path_in
from ..session_handlers import data, read, serve

SECRET = "a secret that is long enough for it"
HERE = {"X-Real-IP": "192.0.2.1"}
THERE = {"X-Real-IP": "198.51.100.7"}


def behind_proxy() -> Any:
    return client_address(["127.0.0.1"], header="X-Real-IP", scheme_header=None)


@pytest.fixture
def open_browser(aiohttp_client: AiohttpClient) -> Open:
    return opener(aiohttp_client)


@pytest.fixture(params=["cookie", "store"])
def kept(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"secret": SECRET} if request.param == "cookie" else {"store": MemoryStore()}


async def test_a_session_is_used_where_it_began_and_ended_elsewhere(open_browser: Open, kept: dict[str, Any]) -> None:
    browser = await open_browser(serve(behind_proxy(), sessions(**kept), session_fixing()))
    await browser.get(data(user="alice"), headers=HERE)
    assert await browser.json("/read", headers=HERE) == {"user": "alice", "_network": "192.0.2.1/32"}
    thief = browser.again()
    assert await thief.json("/read", headers=THERE) == {}
    assert "Max-Age=0" in thief.line
    if "store" in kept:  # it is gone for everybody; a signed cookie cannot be taken back
        assert await browser.json("/read", headers=HERE) == {}


async def test_a_link_in_front_of_no_handler_lets_pass(open_browser: Open) -> None:
    app = web.Application(middlewares=[behind_proxy(), sessions(secret=SECRET), session_fixing()])
    setup(app)
    app.router.add_get("/read", read)
    browser = await open_browser(app)
    assert await browser.json("/read", headers=HERE) == {}


@each_scope
async def test_it_works_in_every_scope(open_browser: Open, scope: str) -> None:
    async def put(request: web.Request) -> web.Response:
        request[SESSION]["a"] = 1
        return web.json_response({})

    links = [behind_proxy(), sessions(secret=SECRET), session_fixing()]
    app = scopes.make_app(scope, links, {"GET /put": put, "GET /read": read}, given=[SESSION])
    setup(app)
    browser = await open_browser(app)
    await browser.get(path_in(scope, "/put"), headers=HERE)
    assert (await browser.json(path_in(scope, "/read"), headers=HERE))["a"] == 1
    assert await browser.json(path_in(scope, "/read"), headers=THERE) == {}


async def test_the_address_of_the_peer_is_the_default(open_browser: Open) -> None:
    browser = await open_browser(serve(sessions(secret=SECRET), session_fixing()))
    await browser.get(data(a=1), headers=THERE)  # nobody trusts that
    assert await browser.json("/read") == {"a": 1, "_network": "127.0.0.1/32"}


async def test_a_visitor_without_a_session_gets_none(open_browser: Open, kept: dict[str, Any]) -> None:
    browser = await open_browser(serve(behind_proxy(), sessions(**kept), session_fixing()))
    response = await browser.get("/ignore", headers=HERE)
    assert browser.lines == []
    assert "Vary" not in response.headers


async def test_a_session_from_before_is_pinned_when_it_is_used(open_browser: Open, kept: dict[str, Any]) -> None:
    before = await open_browser(serve(sessions(**kept)))
    await before.get(data(a=1))
    browser = await open_browser(serve(behind_proxy(), sessions(**kept), session_fixing()))
    browser.cookies = before.cookies
    assert await browser.json("/read", headers=HERE) == {"a": 1}
    assert await browser.json("/read", headers=THERE) == {}


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
async def test_the_callback_is_told_what_was_lost_and_may_copy_what_is_harmless(
    open_browser: Open, kept: dict[str, Any], is_async: bool
) -> None:
    told: list[Any] = []

    def tell(request: web.Request, lost: Mapping[str, Any], old: str, new: str) -> None:
        told.append((dict(lost), old, new))
        request[SESSION]["theme"] = lost["theme"]

    async def tell_later(request: web.Request, lost: Mapping[str, Any], old: str, new: str) -> None:
        tell(request, lost, old, new)

    link = session_fixing(on_change=tell_later if is_async else tell)
    browser = await open_browser(serve(behind_proxy(), sessions(**kept), link))
    await browser.get(data(user="alice", theme="dark"), headers=HERE)
    before = await browser.json("/look", headers=HERE)
    assert told == []
    assert (await browser.json("/read", headers=THERE)) == {"theme": "dark"}
    lost = {"user": "alice", "theme": "dark", "_network": "192.0.2.1/32"}
    assert told == [(lost, "192.0.2.1/32", "198.51.100.7/32")]
    assert (await browser.json("/look", headers=THERE))["id"] != before["id"]
    assert await browser.json("/read", headers=THERE) == {"theme": "dark", "_network": "198.51.100.7/32"}


async def test_the_callback_may_refuse_and_the_session_is_ended_all_the_same(open_browser: Open) -> None:
    def refuse(*_: Any) -> None:
        raise web.HTTPForbidden

    store = MemoryStore()
    browser = await open_browser(serve(behind_proxy(), sessions(store=store), session_fixing(on_change=refuse)))
    await browser.get(data(a=1), headers=HERE)
    assert (await browser.get("/read", headers=THERE)).status == 403
    assert "Max-Age=0" in browser.line
    assert len(store) == 0


async def test_an_address_that_is_not_known_lets_nobody_pass(open_browser: Open, kept: dict[str, Any]) -> None:
    browser = await open_browser(serve(behind_proxy(), sessions(**kept), session_fixing()))
    await browser.get(data(a=1), headers=HERE)
    assert (await browser.get("/read", headers={"X-Real-IP": "unknown"})).status == 403
    assert (await browser.json("/read", headers=HERE))["a"] == 1


async def test_a_session_of_another_name_is_pinned_by_that_name(open_browser: Open) -> None:
    async def put_admin(request: web.Request) -> web.Response:
        request[session_key("admin")]["a"] = 1
        return web.json_response({})

    links = [sessions(secret=SECRET), sessions(secret=SECRET, name="admin"), session_fixing(name="admin")]
    browser = await open_browser(serve(*links, put_admin=put_admin))
    await browser.get("/put_admin")
    await browser.get(data(b=1))
    assert await browser.json("/read") == {"b": 1}
    assert sorted(browser.cookies) == ["__Host-admin", "__Host-session"]


def test_it_must_stand_behind_the_session() -> None:
    router = UrlDispatcherEx()
    with pytest.raises(RegistrationError, match="SESSION"):
        router.add_get("/", session_fixing(), sessions(secret=SECRET), read)
    with pytest.raises(RegistrationError, match=r'sessions\.session_key\("admin"\)'):
        router.add_get("/", sessions(secret=SECRET), session_fixing(name="admin"), read)
    router.add_get("/", sessions(secret=SECRET), session_fixing(), read)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            {"on_change": 1}, r"on_change is .*; pass a function \(request, lost, old, new\)", id="on_change"
        ),
        pytest.param({"ipv4_prefix": 0}, "ipv4_prefix=0; pass a number of bits, 1 to 32", id="no bit"),
        pytest.param({"ipv4_prefix": 33}, "ipv4_prefix=33; pass a number of bits, 1 to 32", id="too many bits"),
        pytest.param(
            {"ipv6_prefix": 129}, "ipv6_prefix=129; pass a number of bits, 1 to 128", id="too many bits of IPv6"
        ),
        pytest.param({"ipv6_prefix": True}, "ipv6_prefix=True; pass a number of bits, 1 to 128", id="truth"),
        pytest.param({"ipv6_prefix": "64"}, "ipv6_prefix='64'; pass a number of bits, 1 to 128", id="text"),
        pytest.param({"name": "a b"}, "name='a b'; use letters", id="name"),
    ],
)
def test_a_wrong_option_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^session_fixing\(\): {message}"):
        session_fixing(**options)


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        pytest.param({}, "put sessions(name='session') before it", id="default"),
        pytest.param({"name": "admin"}, "put sessions(name='admin') before it", id="another name"),
    ],
)
async def test_where_no_session_is_before_it_the_error_tells_the_cure(
    open_browser: Open, caplog: pytest.LogCaptureFixture, options: dict[str, Any], cure: str
) -> None:
    app = web.Application(middlewares=[session_fixing(**options)])  # whose order nobody checks
    app.router.add_get("/", read)
    assert (await (await open_browser(app)).get("/")).status == 500
    assert f"ConfigurationError: session_fixing(): the request has no session of this name; {cure}" in caplog.text


@pytest.mark.parametrize(("name", "label"), [("session", "session_fixing"), ("admin", "session_fixing(admin)")])
def test_the_link_is_named_by_its_sessions(name: str, label: str) -> None:
    assert getattr(session_fixing(name=name), "__link_name__", "") == label
