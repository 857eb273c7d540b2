"""The storages of aiohttp-session as a link, without what their own middleware gets wrong."""

import json
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, cast

import aiohttp_session
import pytest
from aiohttp import web
from aiohttp_session import AbstractStorage, SimpleCookieStorage
from aiohttp_session.cookie_storage import EncryptedCookieStorage
from aiohttp_session.redis_storage import RedisStorage
from cryptography.fernet import Fernet
from pytest_aiohttp.plugin import AiohttpClient
from redis.asyncio import Redis

from aiohttp_route_middleware import UrlDispatcherEx, chain
from aiohttp_route_middleware.adapters.session_storages import SESSION, session_key, session_storages
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.session_fixing import session_fixing
from aiohttp_route_middleware.middlewares.sessions import sessions
from aiohttp_route_middleware.typedefs import Handler

from ..browser import Browser, Open, opener
from ..middlewares.matrix import MATRIX, Case, ask, make_app
from ..redis_server import RedisServer, redis_process, redis_server
from ..session_handlers import append, data, put, read, serve

__all__ = ("redis_process", "redis_server")  # fixtures

# aiohttp-session itself, which some tests run, has texts for keys
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")

KEY = Fernet.generate_key()
NAME = "AIOHTTP_SESSION"


@pytest.fixture
def open_browser(aiohttp_client: AiohttpClient) -> Open:
    return opener(aiohttp_client)


@pytest.fixture
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    server: RedisServer = request.getfixturevalue("redis_server")
    client = Redis.from_url(server.url)
    yield client
    await client.aclose()


def make_encrypted(**options: Any) -> EncryptedCookieStorage:
    return EncryptedCookieStorage(Fernet(KEY), **options)


@pytest.fixture(params=["plain cookie", "encrypted cookie", "redis"])
def storage(request: pytest.FixtureRequest) -> AbstractStorage:
    if request.param == "plain cookie":
        return SimpleCookieStorage()
    if request.param == "encrypted cookie":
        return make_encrypted()
    return RedisStorage(request.getfixturevalue("redis"), max_age=1000)


@pytest.fixture
def in_redis(redis: Redis) -> RedisStorage:
    return RedisStorage(redis, max_age=1000)


async def keys(redis: Redis) -> list[str]:
    found = cast(list[bytes], await redis.keys("*"))
    return sorted(key.decode().removeprefix(f"{NAME}_") for key in found)


class InMemory(AbstractStorage):
    """A storage that somebody else has written."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Any] = {}

    async def load_session(self, request: web.Request) -> aiohttp_session.Session:
        identity = self.load_cookie(request)
        if identity not in self.kept:
            return await self.new_session()
        return aiohttp_session.Session(identity, data=self.kept[identity], new=False)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: aiohttp_session.Session
    ) -> None:
        self.kept[session.identity or ""] = json.loads(json.dumps(self._get_session_data(session)))
        self.save_cookie(response, session.identity or "")


async def test_what_is_set_is_there_at_the_next_request(open_browser: Open, storage: AbstractStorage) -> None:
    browser = await open_browser(serve(session_storages(storage)))
    await browser.get(data(a=1, nested={"list": [1, None]}))
    assert await browser.json("/read") == {"a": 1, "nested": {"list": [1, None]}}
    assert (await browser.json("/look"))["new"] is False
    assert await Browser(browser.client).json("/read") == {}


async def test_a_cookie_is_set_only_when_the_session_has_changed(open_browser: Open, storage: AbstractStorage) -> None:
    browser = await open_browser(serve(session_storages(storage)))
    for path, number in (("/read", 0), (data(a=1, cart=[]), 1), ("/read", 0), (data(a=1), 0), ("/append", 1)):
        response = await browser.get(path)
        assert len(browser.lines) == number, path
        assert response.headers["Vary"] == "Cookie"
    assert "Vary" not in (await browser.get("/ignore")).headers
    assert await browser.json("/read") == {"a": 1, "cart": ["more"]}


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_sets_the_cookie_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    async def touch(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[SESSION]["touched"] = True
        return await handler(request)

    client = await aiohttp_client(make_app(scope, session_storages(make_encrypted()), web.middleware(touch)))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        (line,) = response.headers.getall("Set-Cookie")
        assert line.startswith(f"{NAME}=")
        assert response.headers.getall("Vary") == ["Cookie"]


async def test_what_aiohttp_session_has_stored_is_read_and_the_other_way_round(
    open_browser: Open, storage: AbstractStorage
) -> None:
    async def theirs(request: web.Request) -> web.Response:
        session = await aiohttp_session.get_session(request)
        session["theirs"] = True
        return web.json_response(dict(session))

    app = serve(session_storages(storage))
    app.router.add_get("/theirs", chain(aiohttp_session.session_middleware(storage), theirs))
    browser = await open_browser(app)
    await browser.get("/theirs")
    assert await browser.json("/read") == {"theirs": True}
    await browser.get(data(ours=True))
    assert await browser.json("/theirs") == {"theirs": True, "ours": True}


async def test_a_login_and_a_logout_delete_the_key_in_redis(
    open_browser: Open, redis: Redis, in_redis: RedisStorage
) -> None:
    browser = await open_browser(serve(session_storages(in_redis)))
    await browser.get(data(cart=[]))
    planted, (before,) = browser.again(), await keys(redis)
    assert browser.cookie == f"{NAME}={before}"
    await browser.get("/log_in")
    (after,) = await keys(redis)
    assert browser.cookie == f"{NAME}={after}"
    assert after != before
    assert await browser.json("/read") == {"cart": [], "user": "alice"}
    assert await planted.json("/read") == {}
    thief = browser.again()
    await browser.get("/log_out")
    assert browser.line.startswith(f'{NAME}="";') or browser.line.startswith(f"{NAME}=;")
    assert "Max-Age=0" in browser.line
    assert await keys(redis) == []
    assert await thief.json("/read") == {}


async def test_aiohttp_session_itself_keeps_the_id_through_login_and_logout(
    open_browser: Open, redis: Redis, in_redis: RedisStorage
) -> None:
    """What the adapter is there for; should this fail one day, they have mended it."""

    async def log_in(request: web.Request) -> web.Response:
        session = await aiohttp_session.get_session(request)
        session["user"] = "alice"
        return web.Response()

    async def log_out(request: web.Request) -> web.Response:
        (await aiohttp_session.get_session(request)).invalidate()
        return web.Response()

    app = web.Application()
    aiohttp_session.setup(app, in_redis)
    app.router.add_get("/log_in", log_in)
    app.router.add_get("/log_out", log_out)
    browser = await open_browser(app)
    await browser.get("/log_in")
    before = await keys(redis)
    await browser.get("/log_in")
    assert await keys(redis) == before
    await browser.get("/log_out")
    assert await keys(redis) == before


async def test_a_rotated_session_can_be_changed_again_before_the_response_is_sent(
    open_browser: Open, redis: Redis, in_redis: RedisStorage
) -> None:
    async def flash(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        request[SESSION]["late"] = request[SESSION].get("late", 0) + 1
        return response

    app = serve(session_storages(in_redis))
    app.middlewares.append(web.middleware(flash))
    browser = await open_browser(app)
    await browser.get(data(a=1))
    await browser.get("/log_in")
    assert await browser.json("/read") == {"a": 1, "late": 2, "user": "alice"}
    assert len(await keys(redis)) == 1


async def test_ids_have_256_bits_and_unknown_ones_are_not_adopted(
    open_browser: Open, redis: Redis, in_redis: RedisStorage
) -> None:
    browser = await open_browser(serve(session_storages(in_redis)))
    await browser.get(data(a=1), cookie=f"{NAME}=planted")
    (key,) = await keys(redis)
    assert len(key) == 43
    assert await browser.json("/read") == {"a": 1}


async def test_a_logout_is_not_undone_by_a_request_that_began_before(
    open_browser: Open, redis: Redis, in_redis: RedisStorage
) -> None:
    async def interrupted(request: web.Request) -> web.Response:
        await other.get("/log_out")
        return await append(request)

    browser = await open_browser(serve(session_storages(in_redis), interrupted=interrupted))
    await browser.get(data(cart=[]))
    other = browser.again()
    await browser.get("/interrupted")
    assert browser.lines == []
    assert await keys(redis) == []


@pytest.mark.parametrize("path", ["/clear", "/log_out"])
async def test_a_session_that_is_emptied_expires_the_cookie(
    open_browser: Open, storage: AbstractStorage, path: str
) -> None:
    browser = await open_browser(serve(session_storages(storage)))
    await browser.get(data(a=1))
    await browser.get(path)
    assert "Max-Age=0" in browser.line
    assert "HttpOnly" in browser.line
    await browser.get("/rotate")
    assert await browser.json("/read", cookie="") == {}


async def test_deleting_bears_what_the_storage_was_told(open_browser: Open) -> None:
    storage = make_encrypted(cookie_name="__Secure-s", secure=True, path="/app", samesite="Strict", max_age=60)
    browser = await open_browser(serve(session_storages(storage)))
    await browser.get(data(a=1))
    assert "Max-Age=60" in browser.line
    await browser.get("/log_out")
    for attribute in ("Max-Age=0", "Secure", "Path=/app", "SameSite=Strict", "HttpOnly"):
        assert attribute in browser.line.split("; ")


GARBLED = ["garbage", "[1]", "[" * 3000, '{"session":[1]}', '{"created":"x","session":{}}', '{"session":1}', "null"]


@pytest.mark.parametrize("value", GARBLED)
async def test_what_a_client_has_garbled_is_a_new_and_empty_session(
    open_browser: Open, storage: AbstractStorage, value: str
) -> None:
    browser = await open_browser(serve(session_storages(storage)))
    assert await browser.json("/read", cookie=f"{NAME}={value}") == {}


async def test_a_foreign_or_expired_cookie_is_a_new_and_empty_session(open_browser: Open) -> None:
    foreign = await open_browser(serve(session_storages(EncryptedCookieStorage(Fernet(Fernet.generate_key())))))
    await foreign.get(data(a=1))
    browser = await open_browser(serve(session_storages(make_encrypted(max_age=60))))
    assert await browser.json("/read", cookie=foreign.cookie) == {}
    old = Fernet(KEY).encrypt_at_time(json.dumps({"created": 1, "session": {"a": 1}}).encode(), 1).decode()
    assert await browser.json("/read", cookie=f"{NAME}={old}") == {}


async def test_a_change_before_a_stream_is_prepared_is_saved_and_one_after_is_logged(
    open_browser: Open, storage: AbstractStorage, caplog: pytest.LogCaptureFixture
) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        request[SESSION]["list"] = ["before"]
        response = web.StreamResponse()
        await response.prepare(request)
        request[SESSION]["list"].append("after")
        return response

    browser = await open_browser(serve(session_storages(storage), stream=stream))
    await browser.get("/stream")
    assert await browser.json("/read") == {"list": ["before"]}
    assert "changed after the response had been sent" in caplog.text


async def test_more_than_a_cookie_holds_is_an_error_and_what_is_not_json_as_well(
    open_browser: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def date(request: web.Request) -> web.Response:
        request[SESSION]["when"] = datetime(2025, 1, 1)
        return web.Response()

    browser = await open_browser(serve(session_storages(make_encrypted()), date=date))
    assert (await browser.get(data(a="x" * 4000))).status == 500
    assert "SessionError: session_storages: the cookie of the session would take " in caplog.text
    assert (await browser.get("/date")).status == 500
    assert "session['when'] is not JSON: it holds datetime" in caplog.text
    assert browser.cookies == {}


async def test_redis_killed_and_brought_back_fails_closed(
    open_browser: Open, in_redis: RedisStorage, request: pytest.FixtureRequest
) -> None:
    server: RedisServer = request.getfixturevalue("redis_server")
    browser = await open_browser(serve(session_storages(in_redis)))
    await browser.get(data(a=1))
    server.kill()
    for path in ("/read", "/log_out"):
        assert (await browser.get(path)).status == 500
    server.start()
    assert await browser.json("/read") == {}
    await browser.get(data(a=2))
    assert await browser.json("/read") == {"a": 2}


async def test_a_storage_of_somebody_else_is_told_how_to_delete(open_browser: Open) -> None:
    storage = InMemory()

    async def delete(identity: str) -> None:
        del storage.kept[identity]

    browser = await open_browser(serve(session_storages(storage, delete=delete)))
    await browser.get(data(a=1))
    (before,) = storage.kept
    await browser.get("/log_in")
    (after,) = storage.kept
    assert before != after
    await browser.get("/log_out")
    assert storage.kept == {}


async def test_a_session_that_is_invalidated_begins_now(open_browser: Open) -> None:
    async def begin_anew(request: web.Request) -> web.Response:
        session = request[SESSION]
        before = session.created
        session.invalidate()
        return web.json_response([before, session.created])

    storage = InMemory()
    storage.kept["old"] = {"created": 1_000, "session": {"a": 1}}
    app = web.Application()
    setup(app)
    link = session_storages(storage, delete=storage.kept.pop)
    UrlDispatcherEx.install(app, link).add_get("/", begin_anew)
    earliest = int(time.time())
    before, after = await (await open_browser(app)).json("/", cookie=f"{NAME}=old")
    assert before == 1_000
    assert earliest <= after <= time.time()


async def test_two_sessions_have_two_names(open_browser: Open) -> None:
    async def put_admin(request: web.Request) -> web.Response:
        request[session_key("admin")]["a"] = 1
        return web.json_response({})

    app = web.Application()
    setup(app)
    admin = session_storages(make_encrypted(cookie_name="admin", path="/admin"), name="admin")
    router = UrlDispatcherEx.install(app, session_storages(make_encrypted()), admin)
    router.add_get("/admin", put_admin)
    router.add_get("/put", put)
    router.add_get("/read", read)
    browser = await open_browser(app)
    await browser.get("/admin")
    await browser.get(data(b=1))
    assert sorted(browser.cookies) == [NAME, "admin"]
    assert await browser.json("/read") == {"b": 1}


async def test_it_can_be_pinned_to_the_address(open_browser: Open, redis: Redis, in_redis: RedisStorage) -> None:
    proxy = client_address(["127.0.0.1"], header="X-Real-IP", scheme_header=None)
    browser = await open_browser(serve(proxy, session_storages(in_redis), session_fixing()))
    await browser.get(data(a=1), headers={"X-Real-IP": "192.0.2.1"})
    assert await browser.json("/read", headers={"X-Real-IP": "192.0.2.2"}) == {}
    assert await keys(redis) == []


@pytest.mark.parametrize(
    ("options", "label"),
    [
        ({}, "session_storages(EncryptedCookieStorage)"),
        ({"name": "admin"}, "session_storages(EncryptedCookieStorage, admin)"),
    ],
    ids=["default", "another name"],
)
def test_the_link_is_named_by_its_storage(options: dict[str, Any], label: str) -> None:
    assert getattr(session_storages(make_encrypted(), **options), "__link_name__", "") == label


async def test_an_application_that_is_not_prepared_is_told_of_the_cure_by_this_name(
    open_browser: Open, caplog: pytest.LogCaptureFixture
) -> None:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/read", session_storages(make_encrypted()), read)
    assert (await (await open_browser(app)).get("/read")).status == 500
    assert "session_storages(): the application is not prepared" in caplog.text


@pytest.mark.parametrize(
    ("storage", "options", "message"),
    [
        pytest.param("redis://hidden", {}, "the storage is .*; pass one of aiohttp-session", id="no storage"),
        pytest.param(InMemory(), {}, ".* how InMemory forgets an id, .*; pass delete=", id="unknown"),
        pytest.param(InMemory(), {"delete": 1}, r"delete is .*; pass a function \(id\)", id="delete"),
        pytest.param(SimpleCookieStorage(), {"name": "a b"}, "name='a b'", id="name"),
    ],
)
def test_a_wrong_option_is_refused_at_once(storage: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^session_storages\(\): {message}") as raised:
        session_storages(storage, **options)
    assert "hidden" not in str(raised.value)


def test_a_subclass_may_keep_things_elsewhere_and_must_say_how_they_are_deleted() -> None:
    class Elsewhere(SimpleCookieStorage):
        """Keeps what it likes where it likes."""

    with pytest.raises(ConfigurationError, match=r"it is not known how .*Elsewhere forgets an id"):
        session_storages(Elsewhere())


async def test_the_same_storage_in_two_links_is_one_session_and_another_is_refused(
    open_browser: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def end(request: web.Request) -> None:
        request[SESSION].invalidate()

    storage, app = make_encrypted(), web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, session_storages(storage))
    router.add_get("/put", put)
    router.add_get("/same", end, session_storages(storage), read)
    router.add_get("/other", session_storages(make_encrypted()), read)
    router.add_get("/ours", sessions(secret="a secret that is long enough for it"), read)
    browser = await open_browser(app)
    await browser.get(data(a=1))
    assert await browser.again().json("/same") == {}
    for path, label in (("/other", "session_storages"), ("/ours", "sessions")):
        assert (await browser.get(path)).status == 500
        assert f"{label}: session_storages around it keeps sessions of the same name in another way" in caplog.text


def test_it_cannot_stand_where_its_cookie_would_be_lost() -> None:
    with pytest.raises(ConfigurationError, match=r"any_of\(\): there is a session in it"):
        any_of(session_storages(make_encrypted()))
