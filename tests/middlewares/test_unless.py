"""unless(): links run in order, unless a predicate holds for the request."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain, name_link, provides, requires
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.inspection import list_routes
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.support.battery import guard_battery
from aiohttp_route_middleware.typedefs import Handler

from ..conftest import Diary
from ..scopes import make_app

USER = web.RequestKey("USER", str)
TENANT = web.RequestKey("TENANT", str)


def is_health(request: web.Request) -> bool:
    return request.path == "/health"


async def is_health_async(request: web.Request) -> bool:
    await asyncio.sleep(0)
    return request.path == "/health"


def has_path(path: str, request: web.Request) -> bool:
    return request.path == path


class IsHealth:
    def __call__(self, request: web.Request) -> bool:
        return request.path == "/health"


PREDICATES = [
    pytest.param(is_health, id="plain"),
    pytest.param(is_health_async, id="async"),
    pytest.param(functools.partial(has_path, "/health"), id="partial"),
    pytest.param(IsHealth(), id="object"),
]


@guard_battery("battery")
async def battery(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
    request.app[DIARY].names.append("battery")
    return await handler(request) if handler else None


DIARY = web.AppKey("DIARY", Diary)


@pytest.fixture
def serve(aiohttp_client: AiohttpClient, diary: Diary) -> Callable[..., Awaitable[Any]]:
    async def serve(*links: Any, scope: str = "route", endpoint: Any = None) -> Any:
        routes = {f"GET {path}": endpoint or diary.endpoint() for path in ("/health", "/posts")}
        app = make_app(scope, links, routes)
        app[DIARY] = diary
        return await aiohttp_client(app)

    return serve


@pytest.mark.parametrize("predicate", PREDICATES)
async def test_the_links_run_unless_the_predicate_holds(predicate: Any, serve: Any, diary: Diary) -> None:
    client = await serve(unless(predicate, diary.guard("guard")))
    async with client.get("/posts") as response:
        assert response.status == 200
    assert diary.names == ["guard", "endpoint"]
    diary.names.clear()
    async with client.get("/health") as response:
        assert response.status == 200
    assert diary.names == ["endpoint"]


@pytest.mark.parametrize("scope", ["application", "router", "group", "route"])
async def test_links_of_all_kinds_run_in_order_in_every_scope(scope: str, serve: Any, diary: Diary) -> None:
    async def keyword(request: web.Request, *, handler: Handler) -> web.StreamResponse:
        diary.names.append("keyword")
        return await handler(request)

    class Link:
        async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
            diary.names.append("object")
            return await handler(request)

    links = [diary.guard("guard"), (diary.plain_guard("plain"), [diary.middleware("middleware")]), keyword]
    client = await serve(unless(is_health, *links, Link(), battery), scope=scope)
    async with client.get("/posts") as response:
        assert await response.text() == "done"
    assert diary.names == [
        *("guard", "plain", "middleware", "keyword", "object", "battery", "endpoint", "/middleware"),
    ]
    diary.names.clear()
    async with client.get("/health") as response:
        assert await response.text() == "done"
    assert diary.names == ["endpoint"]


@pytest.mark.parametrize("is_raised", [True, False], ids=["raised", "returned"])
async def test_a_link_that_refuses_ends_the_chain(is_raised: bool, serve: Any, diary: Diary) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        if is_raised:
            raise web.HTTPForbidden(text="no")
        return web.Response(status=403, text="no")

    client = await serve(unless(is_health, refuse, diary.guard("behind")))
    async with client.get("/posts") as response:
        assert (response.status, await response.text()) == (403, "no")
    assert diary.names == []


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "plain"])
async def test_a_predicate_that_raises_skips_nothing_and_is_the_error_of_the_request(
    is_async: bool, serve: Any, diary: Diary, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(request: web.Request) -> bool:
        raise RuntimeError("cannot tell")

    async def fail_async(request: web.Request) -> bool:
        raise RuntimeError("cannot tell")

    client = await serve(unless(fail_async if is_async else fail, diary.guard("guard")))
    async with client.get("/health") as response:
        assert response.status == 500
    assert "cannot tell" in caplog.text
    assert diary.names == []


async def test_exceptions_of_links_and_endpoint_come_through(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        raise RuntimeError(f"broken at {request.path}")

    client = await serve(unless(is_health, fail), endpoint=fail)
    for path in ("/posts", "/health"):
        async with client.get(path) as response:
            assert response.status == 500
        assert f"broken at {path}" in caplog.text


async def test_a_cancellation_comes_through() -> None:
    entered = asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        entered.set()
        await asyncio.Event().wait()
        raise NotImplementedError

    task = asyncio.ensure_future(chain(unless(is_health, wait), wait)(make_mocked_request("GET", "/")))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_link_that_answers_with_nothing_useful_is_named(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def confuse(request: web.Request) -> Any:
        return "yes"

    async with (await serve(unless(is_health, confuse))).get("/posts") as response:
        assert response.status == 500
    assert "confuse (tests" in caplog.text
    assert "returned an object of type str instead of a response" in caplog.text


@pytest.mark.parametrize("predicate", [None, "/health", ["/health"]], ids=repr)
def test_a_predicate_that_cannot_be_called_is_refused(predicate: Any, diary: Diary) -> None:
    with pytest.raises(ConfigurationError, match=r"^unless\(\): predicate is \w+; pass a function \(request\)"):
        unless(predicate, diary.guard("guard"))


@pytest.mark.parametrize("links", [(), ([],)], ids=["none", "an empty list"])
def test_no_links_are_refused(links: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^unless\(\): there are no links; pass at least one"):
        unless(is_health, *links)


def test_what_is_no_link_is_refused_at_once(diary: Diary) -> None:
    number: Any = 7
    with pytest.raises(RegistrationError, match=r"^unless\(\): link 2 of 2, int, is not callable"):
        unless(is_health, diary.guard("guard"), number)


@provides(USER)
async def set_user(request: web.Request) -> None: ...


@requires(USER)
async def need_user(request: web.Request) -> None: ...


@pytest.mark.parametrize(
    ("links", "is_refused"),
    [
        pytest.param((unless(is_health, set_user), need_user), True, id="provided by what may be skipped"),
        pytest.param((unless(is_health, set_user, need_user),), False, id="provided within"),
        pytest.param((unless(is_health, need_user, set_user),), True, id="provided within, too late"),
        pytest.param((set_user, unless(is_health, need_user)), False, id="provided before"),
        pytest.param((unless(is_health, any_of(need_user)),), True, id="nested"),
    ],
)
def test_it_provides_nothing_and_requires_what_its_links_lack(links: Any, is_refused: bool, diary: Diary) -> None:
    if not is_refused:
        chain(*links, diary.endpoint())
        return
    with pytest.raises(RegistrationError, match="USER, which nothing before it provides"):
        chain(*links, diary.endpoint())


def test_it_is_named_with_its_predicate_and_its_links_in_listings(diary: Diary) -> None:
    link = unless(is_health, set_user, [need_user])
    assert name_link(link) == "unless(is_health: set_user, need_user)"
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", link, diary.endpoint())
    (route,) = list_routes(app)
    assert [one.name for one in route.links] == ["unless(is_health: set_user, need_user)"]


def says_so_later(request: web.Request) -> Any:
    yield True


@pytest.mark.parametrize(
    "predicate",
    [
        pytest.param(lambda request: "yes", id="a text"),
        pytest.param(lambda request: 1, id="a number"),
        pytest.param(lambda request: web.Response(status=401), id="the refusal of a guard"),
        pytest.param(says_so_later, id="a generator"),
    ],
)
async def test_what_is_not_true_itself_skips_nothing(
    predicate: Callable[[web.Request], Any], aiohttp_client: AiohttpClient
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=401)

    async def index(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", unless(predicate, refuse), index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 401
