"""Sessions, in a signed cookie, in memory and in a real Redis: each test runs on all where it can."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import ClientError, web
from itsdangerous import Signer, URLSafeTimedSerializer
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, requires
from aiohttp_route_middleware.definitions import define
from aiohttp_route_middleware.errors import ConfigurationError, MissingDependencyError, StoreError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.sessions import SESSION, Session, session_key, sessions
from aiohttp_route_middleware.stores import MemoryStore, Store
from aiohttp_route_middleware.stores.redis import RedisStore
from aiohttp_route_middleware.support.responses import on_response
from aiohttp_route_middleware.typedefs import Handler

from ..browser import Browser, Open, opener
from ..clock import Clock
from ..redis_server import RedisServer, redis_process, redis_server
from ..session_handlers import append, clear, data, log_in, log_out, put, read, serve, show
from .matrix import MATRIX, Case, ask, make_app

__all__ = ("redis_process", "redis_server")  # fixtures

SECRET = "a secret that is long enough for it"
OTHER = "another one that is long enough, too"
DAY = 24 * 3600


class Kept(MemoryStore):
    """A store that shows what it keeps."""

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        self.shown = {**getattr(self, "shown", {}), key: value}
        self.ttl = ttl
        await super().set(key, value, ttl=ttl)


class Unfinished:
    """A store that lacks something."""

    get = set = add = delete = MemoryStore.get
    close = None


class Failing(MemoryStore):
    """A store that cannot be reached while it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False

    async def get(self, key: str) -> bytes | None:
        self._fail()
        return await super().get(key)

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        self._fail()
        await super().set(key, value, ttl=ttl)

    async def delete(self, key: str) -> bool:
        self._fail()
        return await super().delete(key)

    def _fail(self) -> None:
        if self.is_down:
            raise StoreError("down")


@pytest.fixture
def open_browser(aiohttp_client: AiohttpClient) -> Open:
    return opener(aiohttp_client)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_700_000_000.0)


@pytest.fixture
async def redis_store(request: pytest.FixtureRequest) -> AsyncIterator[RedisStore]:
    server: RedisServer = request.getfixturevalue("redis_server")
    store = RedisStore.from_url(server.url, timeout=10)
    yield store
    await store.close()


def choose(request: pytest.FixtureRequest, clock: Clock) -> dict[str, Any]:
    if request.param == "cookie":
        return {"secret": SECRET, "clock": clock}
    if request.param == "memory":
        return {"store": MemoryStore(clock=clock), "clock": clock}
    return {"store": request.getfixturevalue("redis_store"), "clock": clock}


@pytest.fixture(params=["cookie", "memory", "redis"])
def kept(request: pytest.FixtureRequest, clock: Clock) -> dict[str, Any]:
    """How sessions are kept: options of `sessions()`."""
    return choose(request, clock)


@pytest.fixture(params=["memory", "redis"])
def stored(request: pytest.FixtureRequest, clock: Clock) -> dict[str, Any]:
    """The same, with a store."""
    return choose(request, clock)


# Keeping


async def test_what_is_set_is_there_at_the_next_request(open_browser: Open, kept: dict[str, Any]) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    values = {"text": "ä\r\n;", "number": 1.5, "nothing": None, "nested": {"list": [1, True]}}
    await browser.json(data(**values))
    assert await browser.json("/read") == values
    assert (await browser.json("/look"))["new"] is False
    assert await Browser(browser.client).json("/read") == {}


async def test_a_cookie_is_set_only_when_the_session_has_changed(open_browser: Open, kept: dict[str, Any]) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    for path in ("/ignore", "/read", "/look", "/clear", "/put?data={}"):
        await browser.get(path)
        assert browser.lines == [], path
    await browser.get(data(a=1))
    assert len(browser.lines) == 1
    for path in ("/ignore", "/read", "/look", data(a=1)):
        await browser.get(path)
        assert browser.lines == [], path
    await browser.get(data(a=2))
    assert len(browser.lines) == 1


@pytest.mark.parametrize(
    ("path", "vary"),
    [("/ignore", None), ("/read", "Cookie"), (data(a=1), "Cookie"), ("/log_out", "Cookie"), ("/rotate", "Cookie")],
    ids=["not read", "read", "changed", "deleted", "rotated"],
)
async def test_vary_names_the_cookie_when_the_session_was_read(
    open_browser: Open, kept: dict[str, Any], path: str, vary: str | None
) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    await browser.get(data(b=1))
    response = await browser.get(path)
    assert response.headers.get("Vary") == vary


async def test_a_change_inside_a_nested_value_is_saved(open_browser: Open, kept: dict[str, Any]) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    await browser.get(data(cart=[]))
    await browser.get("/append")
    assert len(browser.lines) == 1
    assert await browser.json("/read") == {"cart": ["more"]}


async def test_the_cookie_is_hidden_from_scripts_and_other_sites_and_http(open_browser: Open) -> None:
    browser = await open_browser(serve(sessions(secret=SECRET)))
    await browser.get(data(a=1))
    assert browser.line.partition("; ")[2] == "Path=/; HttpOnly; Secure; SameSite=Lax"
    assert browser.line.startswith("__Host-session=")


async def test_a_response_that_sets_a_cookie_is_kept_from_shared_caches(open_browser: Open) -> None:
    async def public(request: web.Request) -> web.Response:
        request[SESSION]["a"] = 1
        return web.Response(headers={"Cache-Control": "public, max-age=60"})

    browser = await open_browser(serve(sessions(secret=SECRET), public=public))
    assert (await browser.get(data(a=2))).headers["Cache-Control"] == "private"
    assert "Cache-Control" not in (await browser.get("/read")).headers
    assert (await browser.get("/public")).headers["Cache-Control"] == "private, max-age=60"  # whatever it has said


@pytest.mark.parametrize("path", ["/clear", "/log_out"])
async def test_a_session_that_is_emptied_expires_the_cookie(
    open_browser: Open, kept: dict[str, Any], path: str
) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    await browser.get(data(a=1))
    await browser.get(path)
    assert browser.line.startswith("__Host-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/;")
    assert browser.line.endswith("; HttpOnly; Secure; SameSite=Lax")
    assert browser.cookies == {}


async def test_invalidating_a_session_that_nobody_knows_expires_the_cookie_as_well(
    open_browser: Open, kept: dict[str, Any]
) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    await browser.get("/log_out", cookie="__Host-session=stale")
    assert "Max-Age=0" in browser.line


# Every response, in every scope


@pytest.mark.parametrize("kept", ["cookie", "redis"], indirect=True)
@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_sets_the_cookie_once(
    scope: str, case: Case, kept: dict[str, Any], aiohttp_client: AiohttpClient
) -> None:
    async def touch(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[SESSION]["touched"] = True
        return await handler(request)

    client = await aiohttp_client(make_app(scope, sessions(**kept), web.middleware(touch)))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        (line,) = response.headers.getall("Set-Cookie")
        assert line.startswith("__Host-session=")
        assert response.headers.getall("Vary") == ["Cookie"]
        assert response.headers.getall("Cache-Control") == ["private"]


async def test_a_redirect_that_is_raised_and_an_error_keep_the_session(
    open_browser: Open, kept: dict[str, Any]
) -> None:
    async def redirect(request: web.Request) -> web.Response:
        request[SESSION]["seen"] = "redirect"
        raise web.HTTPSeeOther("/read")

    async def broken(request: web.Request) -> web.Response:
        request[SESSION]["seen"] = "error"
        raise RuntimeError("broken on purpose")

    browser = await open_browser(serve(sessions(**kept), redirect=redirect, broken=broken))
    for path, status, seen in (("/redirect", 303, "redirect"), ("/broken", 500, "error")):
        assert (await browser.get(path)).status == status
        assert await browser.json("/read") == {"seen": seen}


async def test_the_same_link_in_two_scopes_is_one_session(open_browser: Open, kept: dict[str, Any]) -> None:
    async def outside(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[SESSION]["outside"] = True
        return await handler(request)

    battery = sessions(**kept)
    app = web.Application(middlewares=[battery, web.middleware(outside)])
    setup(app)
    UrlDispatcherEx.install(app, battery).add_get("/put", battery, put)
    browser = await open_browser(app)
    assert await browser.json(data(inside=1)) == {"outside": True, "inside": 1}
    assert len(browser.lines) == 1


@pytest.mark.parametrize("change", ["invalidate", "rotate"])
@pytest.mark.parametrize("is_defined", [False, True], ids=["made twice", "defined twice"])
async def test_what_was_ended_or_rotated_outside_stays_so_inside(
    open_browser: Open, kept: dict[str, Any], change: str, is_defined: bool
) -> None:
    def make() -> Any:
        return define("sessions", **kept) if is_defined else sessions(**kept)

    async def outside(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "change" in request.query:
            getattr(request[SESSION], change)()
        return await handler(request)

    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, make(), outside)
    router.group("", make()).add_get("/read", make(), read)
    router.add_get("/put", put)
    browser = await open_browser(app)
    await browser.get(data(a=1))
    old = browser.again()
    assert await browser.json("/read?change") == ({} if change == "invalidate" else {"a": 1})
    assert len(browser.lines) == 1
    assert ("Max-Age=0" in browser.line) is (change == "invalidate")
    if "store" in kept:
        assert await old.json("/read") == {}
    assert await browser.json("/read") == ({} if change == "invalidate" else {"a": 1})


@pytest.mark.parametrize(
    "other",
    [
        {"same_site": "Strict"},
        {"idle": 60},
        {"cookie": "another"},
        {"secret": "another secret that is long enough"},
        {"secret": None, "store": MemoryStore()},
    ],
    ids=["same_site", "idle", "cookie", "secret", "store"],
)
async def test_two_of_one_name_that_differ_are_refused_and_what_was_ended_outside_stays_so(
    open_browser: Open, other: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def end(request: web.Request) -> None:
        request[SESSION].invalidate()

    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, sessions(secret=SECRET))
    router.add_get("/put", put)
    router.add_get("/read", end, sessions(**{"secret": SECRET, **other}), read)
    browser = await open_browser(app)
    await browser.get(data(a=1))
    assert (await browser.get("/read")).status == 500
    assert browser.cookies == {}
    told = "sessions: sessions around it keeps sessions of the same name in another way; leave this one out, as "
    assert told in caplog.text


async def test_somebody_elses_session_around_it_is_none(open_browser: Open) -> None:
    async def stand_in(request: web.Request) -> None:
        request[SESSION] = Session()

    browser = await open_browser(serve(stand_in, sessions(secret=SECRET)))
    await browser.get(data(a=1))
    assert await browser.json("/read") == {"a": 1}


@pytest.mark.parametrize("name", ["is_new", "created", "id"])
async def test_a_response_that_depends_on_what_is_known_of_the_session_depends_on_the_cookie(
    open_browser: Open, kept: dict[str, Any], name: str
) -> None:
    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=str(getattr(request[SESSION], name)))

    browser = await open_browser(serve(sessions(**kept), tell=tell))
    assert (await browser.get("/tell")).headers["Vary"] == "Cookie"
    await browser.get(data(a=1))
    assert (await browser.get("/tell")).headers["Vary"] == "Cookie"
    assert "Vary" not in (await browser.get("/ignore")).headers


async def test_what_a_link_outside_changes_after_the_chain_is_saved(open_browser: Open, kept: dict[str, Any]) -> None:
    async def flash(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        request[SESSION]["late"] = request[SESSION].get("late", 0) + 1
        return response

    app = web.Application(middlewares=[web.middleware(flash)])
    setup(app)
    router = UrlDispatcherEx.install(app, sessions(**kept))
    router.add_get("/put", put)
    router.add_get("/read", read)
    router.add_get("/log_in", log_in)
    browser = await open_browser(app)
    await browser.get(data(early=True))
    assert len(browser.lines) == 1
    assert await browser.json("/read") == {"early": True, "late": 1}
    await browser.get("/log_in")
    assert await browser.json("/read") == {"early": True, "late": 3, "user": "alice"}


async def test_the_cookie_is_sent_with_the_error_that_another_battery_causes_after_it_was_saved(
    open_browser: Open, stored: dict[str, Any]
) -> None:
    def fail(request: web.Request, response: web.StreamResponse) -> None:
        raise RuntimeError("cannot be applied")

    async def prepare(request: web.Request) -> web.StreamResponse:
        on_response(request, "fail", fail)
        request[SESSION]["a"] = 1
        response = web.Response()
        await response.prepare(request)
        return response

    browser = await open_browser(serve(sessions(**stored), prepare=prepare))
    assert (await browser.get("/prepare")).status == 500
    assert len(browser.lines) == 1
    assert await browser.json("/read") == {"a": 1}


# Streams


async def test_a_change_before_a_response_is_prepared_is_saved_and_one_after_is_an_error_in_the_log(
    open_browser: Open, kept: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def send(request: web.Request) -> web.StreamResponse:
        request[SESSION]["list"] = ["before"]
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"[]")
        if "late" in request.query:
            request[SESSION]["list"].append("after")
        return response

    browser = await open_browser(serve(sessions(**kept), send=send))
    await browser.get("/send")
    assert await browser.json("/read") == {"list": ["before"]}
    assert caplog.text == ""
    await browser.get("/send?late")
    assert await browser.json("/read") == {"list": ["before"]}
    assert "sessions: the session was changed after the response had been sent, and that is lost; " in caplog.text
    assert "change it before the response is prepared" in caplog.text


@pytest.mark.parametrize("late", [log_in, log_out], ids=["rotated", "invalidated"])
async def test_what_a_socket_renews_is_lost_and_logged(
    open_browser: Open, stored: dict[str, Any], late: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    async def socket(request: web.Request) -> web.StreamResponse:
        request[SESSION]["before"] = True
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await late(request)
        await socket.close()
        return socket

    browser = await open_browser(serve(sessions(**stored), socket=socket))
    async with browser.client.ws_connect("/socket") as connected:
        cookie = connected._response.headers["Set-Cookie"].partition(";")[0]
        await connected.receive()
    assert await browser.json("/read", cookie=cookie) == {"before": True}
    assert "changed after the response had been sent" in caplog.text


async def test_what_is_not_json_and_came_late_is_logged_as_well(
    open_browser: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def send(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        request[SESSION]["a"] = object()
        raise ConnectionResetError

    browser = await open_browser(serve(sessions(secret=SECRET), send=send))
    with pytest.raises(ClientError):
        await browser.get("/send")
    assert "changed after the response had been sent" in caplog.text


# Ids


async def test_a_login_gives_a_new_id_and_the_old_one_is_worth_nothing(
    open_browser: Open, stored: dict[str, Any]
) -> None:
    browser = await open_browser(serve(sessions(**stored)))
    await browser.get(data(cart=["book"]))
    planted, before = browser.again(), await browser.json("/look")
    await browser.get("/log_in")
    assert browser.cookies != planted.cookies
    assert (await browser.json("/look"))["id"] != before["id"]
    assert await browser.json("/read") == {"cart": ["book"], "user": "alice"}
    assert await planted.json("/read") == {}


async def test_a_login_in_a_signed_cookie_gives_a_new_id(open_browser: Open) -> None:
    browser = await open_browser(serve(sessions(secret=SECRET)))
    await browser.get(data(cart=["book"]))
    before = await browser.json("/look")
    assert await browser.json("/look") == before
    await browser.get("/rotate")
    assert len(browser.lines) == 1
    assert (await browser.json("/look"))["id"] != before["id"]
    assert await browser.json("/read") == {"cart": ["book"]}


async def test_the_old_entry_is_deleted_at_login_and_at_logout(open_browser: Open) -> None:
    store = MemoryStore()
    browser = await open_browser(serve(sessions(store=store)))
    await browser.get(data(a=1))
    assert len(store) == 1
    await browser.get("/log_in")
    assert len(store) == 1
    thief = browser.again()
    await browser.get("/log_out")
    assert len(store) == 0
    assert await thief.json("/read") == {}


async def test_rotating_an_empty_session_makes_none(open_browser: Open, kept: dict[str, Any]) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    await browser.get("/rotate")
    assert browser.cookies == {}
    assert await browser.json("/read") == {}


async def test_what_is_set_after_invalidating_begins_anew(
    open_browser: Open, kept: dict[str, Any], clock: Clock
) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    await browser.get(data(a=1))
    before = await browser.json("/look")
    clock.now += 100
    assert await browser.json("/begin_anew") == {"new": True}
    after = await browser.json("/look")
    assert await browser.json("/read") == {"fresh": True}
    assert after["id"] != before["id"]
    assert after["created"] == before["created"] + 100


@pytest.mark.parametrize("value", ["A" * 43, "short", "../../etc", "A" * 5000])
async def test_an_id_that_the_store_does_not_know_is_never_adopted(
    open_browser: Open, stored: dict[str, Any], value: str
) -> None:
    browser = await open_browser(serve(sessions(**stored)))
    await browser.get(data(a=1), cookie=f"__Host-session={value}")
    assert value not in browser.line
    assert await browser.json("/read", cookie=f"__Host-session={value}") == {}
    assert await browser.json("/read") == {"a": 1}


async def test_a_store_is_not_asked_for_what_can_be_no_id(open_browser: Open) -> None:
    store = Failing()
    store.is_down = True
    browser = await open_browser(serve(sessions(store=store)))
    for value in ("short", "A" * 44, "A" * 42 + "*", "A" * 5000):
        assert await browser.json("/read", cookie=f"__Host-session={value}") == {}
    assert (await browser.get("/read", cookie=f"__Host-session={'A' * 43}")).status == 503


async def test_ids_have_256_bits_and_the_store_knows_only_their_hashes(open_browser: Open) -> None:
    store = Kept()
    browser = await open_browser(serve(sessions(store=store)))
    await browser.get(data(a=1))
    token = browser.cookies["__Host-session"]
    assert len(token) == 43
    ((key, value),) = store.shown.items()
    assert key == f"session:session:__Host-session:{hashlib.sha256(token.encode()).hexdigest()}"
    assert token.encode() not in value
    assert (await browser.json("/look"))["id"] == hashlib.sha256(token.encode()).hexdigest()


async def test_ids_differ(open_browser: Open, kept: dict[str, Any]) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    cookies = set()
    for _ in range(20):
        other = Browser(browser.client)
        await other.get(data(a=1))
        cookies.add(other.cookie)
    assert len(cookies) == 20


# Secrets


async def test_a_new_secret_signs_and_the_old_one_is_still_accepted(open_browser: Open) -> None:
    old = await open_browser(serve(sessions(secret=OTHER)))
    await old.get(data(a=1))
    both = await open_browser(serve(sessions(secret=[SECRET, OTHER.encode()])))
    both.cookies = old.cookies
    assert await both.json("/read") == {"a": 1}
    await both.get(data(a=2))
    new = await open_browser(serve(sessions(secret=(SECRET,))))
    assert await new.json("/read", cookie=both.cookie) == {"a": 2}
    assert await old.json("/read", cookie=both.cookie) == {}


def break_signature(value: str) -> str:
    return value[:-2] + ("AA" if value[-2:] != "AA" else "BB")


def break_data(value: str) -> str:
    token, text, signature = value.split(".")
    return ".".join((token, text[::-1], signature))


def sign_elsewhere(value: str) -> str:
    return (
        Signer(SECRET, salt="elsewhere", key_derivation="hmac", digest_method=hashlib.sha256)
        .sign(value.rpartition(".")[0])
        .decode()
    )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(break_signature, id="signature"),
        pytest.param(break_data, id="data"),
        pytest.param(lambda value: value.rpartition(".")[0], id="without a signature"),
        pytest.param(sign_elsewhere, id="foreign salt"),
        pytest.param(lambda _: URLSafeTimedSerializer(SECRET).dumps({"user": "admin"}), id="of another library"),
        pytest.param(lambda _: "null", id="none at all"),
        pytest.param(lambda value: value[: len(value) // 2], id="half"),
        pytest.param(lambda value: "\xff" + value, id="not ASCII"),
    ],
)
async def test_a_cookie_that_was_tampered_with_is_a_new_and_empty_session(
    open_browser: Open, change: Callable[[str], str]
) -> None:
    browser = await open_browser(serve(sessions(secret=SECRET)))
    await browser.get(data(user="alice"))
    value = browser.cookies["__Host-session"]
    assert await browser.json("/read", cookie=f"__Host-session={change(value)}") == {}
    assert await browser.json("/read", cookie=f"__Host-session={value}") == {"user": "alice"}


async def test_what_another_has_written_under_the_same_key_is_no_session(open_browser: Open) -> None:
    store = MemoryStore()
    browser = await open_browser(serve(sessions(store=store)))
    token = "A" * 43
    for value in (b"", b"\xff", b"1.2", b"a.b.{}", b"{}"):
        await store.set(f"session:session:__Host-session:{hashlib.sha256(token.encode()).hexdigest()}", value, ttl=100)
        assert await browser.json("/read", cookie=f"__Host-session={token}") == {}


async def test_4093_bytes_are_the_most_and_more_is_an_error_that_names_the_cure(
    open_browser: Open, caplog: pytest.LogCaptureFixture
) -> None:
    browser = await open_browser(serve(sessions(secret=SECRET)))
    await browser.get(data(a="x" * 2000))
    assert len(browser.lines) == 1
    before = browser.again()
    assert (await browser.get(data(a="x" * 3000))).status == 500
    assert browser.lines == []
    assert "browsers keep 4093; keep less in the session, or keep it in a store" in caplog.text
    assert await before.json("/read") == {"a": "x" * 2000}


async def test_a_store_takes_more_than_a_cookie(open_browser: Open, stored: dict[str, Any]) -> None:
    browser = await open_browser(serve(sessions(**stored)))
    await browser.get(data(a="x" * 5000))
    assert await browser.json("/read") == {"a": "x" * 5000}


async def test_what_is_not_json_is_an_error_that_names_its_key(
    open_browser: Open, kept: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def bad(request: web.Request) -> web.Response:
        request[SESSION]["when"] = {"hidden"}
        return web.Response()

    async def raising(request: web.Request) -> web.Response:
        request[SESSION]["when"] = {"hidden"}
        raise web.HTTPFound("/")

    browser = await open_browser(serve(sessions(**kept), bad=bad, raising=raising))
    await browser.get(data(a=1))
    for path in ("/bad", "/raising"):
        caplog.clear()
        assert (await browser.get(path)).status == 500
        assert browser.lines == []
        assert "session['when'] is not JSON: it holds set" in caplog.text
    assert await browser.json("/read") == {"a": 1}


# Time


async def test_a_session_ends_after_its_absolute_lifetime_however_it_is_used(
    open_browser: Open, kept: dict[str, Any], clock: Clock
) -> None:
    browser = await open_browser(serve(sessions(**kept, absolute=100)))
    await browser.get(data(a=1))
    for number in range(9):
        clock.now += 11
        await browser.get("/log_in" if number % 2 else data(a=number))
    assert "user" in await browser.json("/read")
    clock.now += 1
    assert await browser.json("/read") == {}


async def test_fourteen_days_are_the_default(open_browser: Open, kept: dict[str, Any], clock: Clock) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    await browser.get(data(a=1))
    clock.now += 14 * DAY - 1
    assert await browser.json("/read") == {"a": 1}
    clock.now += 1
    assert await browser.json("/read") == {}


async def test_a_session_ends_when_it_was_not_used_for_its_idle_time(
    open_browser: Open, kept: dict[str, Any], clock: Clock
) -> None:
    browser = await open_browser(serve(sessions(**kept, idle=100)))
    await browser.get(data(a=1))
    for _ in range(5):
        clock.now += 99
        assert await browser.json("/read") == {"a": 1}
        assert len(browser.lines) == 1  # the time goes on
    clock.now += 100
    assert await browser.json("/read") == {}
    assert browser.lines == []


async def test_the_idle_time_is_written_at_most_once_in_a_tenth_of_it(
    open_browser: Open, kept: dict[str, Any], clock: Clock
) -> None:
    browser = await open_browser(serve(sessions(**kept, idle=100)))
    await browser.get(data(a=1))
    clock.now += 9
    await browser.get("/ignore")
    assert browser.lines == []
    clock.now += 1
    response = await browser.get("/ignore")
    assert len(browser.lines) == 1
    assert response.headers["Vary"] == "Cookie"
    await browser.get("/ignore")
    assert browser.lines == []


async def test_max_age_is_kept_by_the_browser_and_by_the_server(
    open_browser: Open, kept: dict[str, Any], clock: Clock
) -> None:
    browser = await open_browser(serve(sessions(**kept, max_age=60, absolute=100)))
    await browser.get(data(a=1))
    assert "; Max-Age=60;" in browser.line
    clock.now += 59
    await browser.get(data(a=2))
    assert "; Max-Age=41;" in browser.line  # what is left of the absolute lifetime
    clock.now += 40
    assert await browser.json("/read") == {"a": 2}
    stale = browser.again()
    clock.now += 1
    assert await stale.json("/read") == {}
    await browser.get(data(a=1))
    clock.now += 60
    assert await browser.json("/read") == {}


@pytest.mark.parametrize(
    ("options", "ttl"), [({}, 14 * DAY), ({"idle": 100}, 100), ({"max_age": 50, "absolute": 80}, 50)]
)
async def test_the_store_forgets_a_session_when_it_is_over(
    open_browser: Open, options: dict[str, Any], ttl: float
) -> None:
    store = Kept()
    browser = await open_browser(serve(sessions(store=store, **options)))
    await browser.get(data(a=1))
    assert store.ttl == ttl


# Several requests, several cookies, several sessions


class Gate:
    """A handler that waits in the middle until it is let go on."""

    def __init__(self, then: Handler) -> None:
        self.then = then
        self.is_in = asyncio.Event()
        self.may_go = asyncio.Event()

    @property
    def handler(self) -> Handler:
        async def slow(request: web.Request) -> web.StreamResponse:
            self.is_in.set()
            await self.may_go.wait()
            return await self.then(request)

        return slow


@pytest.mark.parametrize(
    ("slow", "quick", "left"),
    [
        pytest.param(read, data(a=2), {"a": 2}, id="reading undoes no change"),
        pytest.param(clear, data(a=2), {}, id="the later one wins"),
        pytest.param(append, "/log_out", {}, id="a change does not undo a logout"),
        pytest.param(append, "/log_in", {"a": 1, "cart": [], "user": "alice"}, id="nor a login"),
    ],
)
async def test_requests_at_the_same_time(
    open_browser: Open, stored: dict[str, Any], slow: Handler, quick: str, left: dict[str, Any]
) -> None:
    gate = Gate(slow)
    browser = await open_browser(serve(sessions(**stored), slow=gate.handler))
    await browser.get(data(a=1, cart=[]))
    if quick.startswith("/put"):
        left = {**left, "cart": []} if left else left
    other = browser.again()
    waiting = asyncio.ensure_future(other.get("/slow"))
    await gate.is_in.wait()
    await browser.get(quick)
    old = browser.again()
    gate.may_go.set()
    assert (await waiting).status == 200
    assert await old.json("/read") == left
    if quick.startswith("/log"):
        assert other.lines == []
        assert await other.json("/read") == {}


async def test_many_requests_at_once_have_each_their_own(open_browser: Open, kept: dict[str, Any]) -> None:
    first = await open_browser(serve(sessions(**kept)))
    browsers = [Browser(first.client) for _ in range(10)]
    await asyncio.gather(*(browser.get(data(number=number)) for number, browser in enumerate(browsers)))
    found = await asyncio.gather(*(browser.json("/read") for browser in browsers))
    assert found == [{"number": number} for number in range(10)]


async def test_of_two_cookies_of_one_name_the_valid_one_is_taken(open_browser: Open, kept: dict[str, Any]) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    await browser.get(data(a=1))
    for other in ("__Host-session=garbage", "__Host-session=" + "A" * 43, browser.cookie):
        for pair in ((other, browser.cookie), (browser.cookie, other)):
            assert await browser.json("/read", cookie="; ".join(pair)) == {"a": 1}


async def test_of_two_valid_cookies_of_one_name_none_is_taken(
    open_browser: Open, kept: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    browser = await open_browser(serve(sessions(**kept)))
    planted = Browser(browser.client)
    await browser.get(data(user="alice"))
    await planted.get(data(user="mallory"))
    for pair in ((planted.cookie, browser.cookie), (browser.cookie, planted.cookie)):
        assert await browser.json("/read", cookie="; ".join(pair)) == {}
    assert "several sessions in cookies of one name; none was used" in caplog.text
    assert browser.cookies["__Host-session"] not in caplog.text


async def test_sessions_by_path_have_each_a_key_and_a_cookie_of_their_own(
    open_browser: Open, kept: dict[str, Any]
) -> None:
    async def put_admin(request: web.Request) -> web.Response:
        request[session_key("admin")]["admin"] = True
        return show(request[SESSION])

    async def read_admin(request: web.Request) -> web.Response:
        return show(request[session_key("admin")])

    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, sessions(**kept))
    router.add_get("/put", put)
    admin = router.group("/admin", sessions(**kept, name="admin", path="/admin"))
    admin.add_get("/put", put_admin)
    admin.add_get("/read", read_admin)
    browser = await open_browser(app)
    await browser.get(data(user="alice"))
    assert await browser.json("/admin/put") == {"user": "alice"}
    assert browser.line.startswith("__Secure-admin=")
    assert "; Path=/admin;" in browser.line
    assert await browser.json("/admin/read") == {"admin": True}
    swapped = f"__Secure-admin={browser.cookies['__Host-session']}"
    assert await browser.json("/admin/read", cookie=swapped) == {}


async def test_two_sessions_that_change_at_once_set_two_cookies(open_browser: Open, kept: dict[str, Any]) -> None:
    async def both(request: web.Request) -> web.Response:
        request[SESSION]["a"] = request[session_key("admin")]["b"] = 1
        return web.json_response({})

    links = [sessions(**kept), sessions(**kept, name="admin", secure=False)]
    browser = await open_browser(serve(*links, both=both))
    await browser.get("/both")
    assert sorted(browser.cookies) == ["__Host-session", "admin"]


# A store that is down


async def test_redis_killed_and_brought_back_fails_closed(
    open_browser: Open, redis_store: RedisStore, request: pytest.FixtureRequest
) -> None:
    server: RedisServer = request.getfixturevalue("redis_server")
    browser = await open_browser(serve(sessions(store=redis_store)))
    await browser.get(data(a=1))
    server.kill()
    for path in ("/read", "/ignore", data(a=2), "/log_in", "/log_out"):
        assert (await browser.get(path)).status == 503, path
        assert browser.lines == []
    stranger = Browser(browser.client)
    assert (await stranger.get("/read")).status == 200  # there is nothing to ask the store for
    assert (await stranger.get(data(a=1))).status == 503
    server.start()
    assert await browser.json("/read") == {}  # this server has lost it, and the id is not adopted
    await browser.get(data(a=3))
    assert await browser.json("/read") == {"a": 3}


async def test_redis_killed_and_brought_back_fails_open_if_told_so(
    open_browser: Open, redis_store: RedisStore, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    server: RedisServer = request.getfixturevalue("redis_server")
    browser = await open_browser(serve(sessions(store=redis_store, fail_open=True)))
    await browser.get(data(a=1))
    token = browser.cookies["__Host-session"]
    server.kill()
    assert await browser.json("/read") == {}
    assert "a session was not loaded: Redis: " in caplog.text
    assert await browser.json(data(a=2)) == {"a": 2}
    assert browser.lines == []
    assert "a session was not saved, for it could not be loaded" in caplog.text
    stranger = Browser(browser.client)
    assert await stranger.json(data(a=2)) == {"a": 2}
    assert stranger.lines == []
    assert "a session was not saved: Redis: " in caplog.text
    for path in ("/log_in", "/log_out"):  # nobody may believe to have logged out who has not
        assert (await browser.get(path)).status == 503
        assert (await stranger.get(path)).status == (503 if path == "/log_in" else 200)
    server.start()
    assert await stranger.json(data(a=3)) == {"a": 3}
    assert await stranger.json("/read") == {"a": 3}
    assert token not in caplog.text


async def test_a_store_that_comes_back_still_has_what_it_had(open_browser: Open) -> None:
    store = Failing()
    browser = await open_browser(serve(sessions(store=store, fail_open=True)))
    await browser.get(data(a=1))
    store.is_down = True
    assert await browser.json(data(a=2)) == {"a": 2}
    store.is_down = False
    assert await browser.json("/read") == {"a": 1}


async def test_a_stream_is_refused_if_its_session_cannot_be_saved(
    open_browser: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        request[SESSION]["a"] = 1
        store.is_down = True
        response = web.StreamResponse()
        await response.prepare(request)
        raise AssertionError("unreachable")

    store = Failing()
    browser = await open_browser(serve(sessions(store=store), stream=stream))
    response = await browser.get("/stream")
    assert (response.status, await response.text()) == (503, "503: Service Unavailable")
    assert browser.lines == []
    assert "changed after the response had been sent" not in caplog.text


# Wiring


def test_what_requires_a_session_stands_behind_it() -> None:
    @requires(SESSION)
    async def needy(request: web.Request) -> web.Response:
        return web.Response()

    router = UrlDispatcherEx()
    with pytest.raises(RegistrationError, match="SESSION"):
        router.add_get("/", needy)
    router.add_get("/", sessions(secret=SECRET), needy)


async def test_an_application_that_is_not_prepared_is_told_of_the_cure(
    open_browser: Open, caplog: pytest.LogCaptureFixture
) -> None:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/read", sessions(secret=SECRET), read)
    assert (await (await open_browser(app)).get("/read")).status == 500
    assert "sessions(): the application is not prepared" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({}, "a secret and a store, or neither", id="neither"),
        pytest.param({"secret": SECRET, "store": MemoryStore()}, "one of them", id="both"),
        pytest.param({"secret": ""}, "a secret has 0 bytes, not 32", id="empty secret"),
        pytest.param({"secret": "hidden" * 5}, "a secret has 30 bytes, not 32", id="short secret"),
        pytest.param({"secret": [SECRET, "hidden"]}, "a secret has 6 bytes, not 32", id="one short secret"),
        pytest.param({"secret": []}, "there is no secret", id="no secret"),
        pytest.param({"secret": 123456}, "secrets.token_urlsafe", id="no text"),
        pytest.param({"store": "redis://hidden"}, r"store is str, without get, set, add, .*; pass Memory", id="a url"),
        pytest.param(
            {"store": Unfinished()}, "store is Unfinished, without replace, close; pass .* all methods of", id="a part"
        ),
        pytest.param({"store": MemoryStore}, r"store is the class MemoryStore; make a store: MemoryS", id="a class"),
        pytest.param({"secret": SECRET, "fail_open": True}, "fail_open without a store", id="fail_open"),
        pytest.param({"secret": SECRET, "name": "a b"}, "name='a b'; use letters", id="name"),
        pytest.param({"secret": SECRET, "path": "x"}, "begin it with a slash", id="path"),
        pytest.param({"secret": SECRET, "idle": 0}, "idle=0; pass a number of seconds", id="idle"),
        pytest.param({"secret": SECRET, "absolute": None}, "absolute=None; pass a number of seconds", id="absolute"),
        pytest.param({"secret": SECRET, "max_age": "1"}, "max_age='1'; pass a number of seconds", id="max_age"),
        pytest.param({"secret": SECRET, "max_age": 60.0}, "max_age=60.0; pass a number of seconds", id="60.0"),
        pytest.param({"secret": SECRET, "clock": 1}, "clock is int; pass a function", id="clock"),
        pytest.param({"secret": SECRET, "idle": 11, "absolute": 10}, "longer than absolute", id="long idle"),
        pytest.param({"secret": SECRET, "max_age": 15 * DAY}, "raise absolute", id="long max_age"),
        pytest.param({"secret": SECRET, "same_site": "None", "secure": False}, "add secure=True", id="same_site"),
        pytest.param({"secret": SECRET, "cookie": "__Host-a", "path": "/a"}, "__Secure-a", id="prefix"),
    ],
)
def test_a_wrong_option_is_refused_at_once_without_showing_a_secret(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        sessions(**options)
    assert str(raised.value).startswith("sessions(): ")
    assert "hidden" not in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "__Host-session"),
        ({"name": "admin"}, "__Host-admin"),
        ({"path": "/admin"}, "__Secure-session"),
        ({"domain": "example.com"}, "__Secure-session"),
        ({"secure": False}, "session"),
        ({"cookie": "sid"}, "sid"),
    ],
)
async def test_the_cookie_is_named_as_browsers_demand(open_browser: Open, options: dict[str, Any], name: str) -> None:
    async def touch(request: web.Request) -> web.Response:
        request[session_key(options.get("name", "session"))]["a"] = 1
        return web.Response()

    browser = await open_browser(serve(sessions(secret=SECRET, **options), touch=touch))
    await browser.get("/touch")
    assert list(browser.cookies) == [name]


@pytest.mark.parametrize(("name", "label"), [("session", "sessions"), ("admin", "sessions(admin)")])
def test_the_link_is_named_by_its_sessions(name: str, label: str) -> None:
    assert getattr(sessions(secret=SECRET, name=name), "__link_name__", "") == label


def test_stores_are_what_the_protocol_says() -> None:
    assert isinstance(Failing(), Store)


def test_only_a_signed_cookie_needs_itsdangerous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "itsdangerous", None)
    monkeypatch.delitem(sys.modules, "aiohttp_route_middleware.support.sessions.signed_records")
    sessions(store=MemoryStore())
    with pytest.raises(MissingDependencyError, match="itsdangerous is not installed"):
        sessions(secret=SECRET)


@pytest.mark.parametrize("blank", ["\u2000", "\u00a0", "\u3000", "\u2028", "\u0085"], ids=ascii)
async def test_no_other_blank_than_space_and_tab_may_stand_around_the_name_of_the_cookie(
    blank: str, open_browser: Open
) -> None:
    browser = await open_browser(serve(sessions(store=MemoryStore())))
    await browser.get(data(user="mallory"))
    tossed = f"{blank}__Host-session={browser.cookies['__Host-session']}"
    assert await browser.json("/read", cookie=tossed) == {}
    assert await browser.json("/read", cookie=tossed.removeprefix(blank)) == {"user": "mallory"}


async def test_a_session_that_was_deleted_meanwhile_does_not_rise_again_by_rotate(open_browser: Open) -> None:
    reached, goes_on = asyncio.Event(), asyncio.Event()

    async def rotate_late(request: web.Request) -> web.Response:
        assert request[SESSION]["user"] == "alice"
        reached.set()
        await goes_on.wait()
        request[SESSION].rotate()
        return web.Response()

    browser = await open_browser(serve(sessions(store=MemoryStore()), rotate_late=rotate_late))
    await browser.get("/log_in")
    thief = browser.again()
    stealing = asyncio.create_task(thief.get("/rotate_late"))
    await reached.wait()
    await browser.get("/log_out")
    goes_on.set()
    await stealing
    assert thief.lines == []
    assert await thief.json("/read") == {}


async def test_an_id_of_one_cookie_is_none_of_another(open_browser: Open) -> None:
    store = MemoryStore()
    browser = await open_browser(serve(sessions(store=store)))
    await browser.get("/log_in")
    admin = await open_browser(serve(sessions(store=store, cookie="__Host-admin")))
    stolen = f"__Host-admin={browser.cookies['__Host-session']}"
    assert await admin.json("/read", cookie=stolen) == {}


async def test_with_fail_open_a_logout_that_cannot_be_kept_is_not_answered_as_done(open_browser: Open) -> None:
    class Down(MemoryStore):
        is_down = False

        async def delete(self, key: str) -> bool:
            if self.is_down:
                raise StoreError("down")
            return await super().delete(key)

    store = Down()
    browser = await open_browser(serve(sessions(store=store, fail_open=True)))
    await browser.get("/log_in")
    store.is_down = True
    assert (await browser.get("/clear")).status == 503
    assert await browser.json("/read") == {"user": "alice"}


@pytest.mark.parametrize("option", ["secure", "http_only", "fail_open"])
def test_a_text_from_a_file_is_no_flag(option: str) -> None:
    options: dict[str, Any] = {option: "no"}  # as load_links() would
    with pytest.raises(ConfigurationError, match=f"{option}='no'; write True or False"):
        sessions(store=MemoryStore(), **options)
