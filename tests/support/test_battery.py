"""One shape for all batteries: the same object on a route, a group, a router, and an application."""

from collections.abc import Awaitable, Generator
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, chain, name_link, requires
from aiohttp_route_middleware.declarations import provided_by, required_by
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.link import GuardSpec, MiddlewareSpec, read_link
from aiohttp_route_middleware.support.battery import call, guard_battery, middleware_battery, read_function
from aiohttp_route_middleware.typedefs import Handler

from ..conftest import Diary
from ..scopes import each_scope, make_app, path_in

USER = web.RequestKey("USER", str)
TENANT = web.RequestKey("TENANT", str)


def guarding(diary: Diary, *, refuses: bool = False) -> Any:
    @guard_battery()
    async def guarding(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        diary.names.append("with handler" if handler else "alone")
        if refuses:
            raise web.HTTPForbidden
        return await handler(request) if handler else None

    return guarding


def wrapping(diary: Diary) -> Any:
    @middleware_battery()
    async def wrapping(request: web.Request, handler: Handler) -> web.StreamResponse:
        diary.names.append("before")
        response = await handler(request)
        diary.names.append("behind")
        return response

    return wrapping


@each_scope
async def test_a_guard_battery_works_in_every_scope_and_only_an_application_gives_it_a_handler(
    scope: str, diary: Diary, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(scope, [guarding(diary)], {"GET /": diary.endpoint()}))
    async with client.get(path_in(scope, "/")) as response:
        assert await response.text() == "done"
    assert diary.names == ["with handler" if "application" in scope else "alone", "endpoint"]


@each_scope
async def test_a_guard_battery_refuses_in_every_scope(scope: str, diary: Diary, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, [guarding(diary, refuses=True)], {"GET /": diary.endpoint()}))
    async with client.get(path_in(scope, "/")) as response:
        assert response.status == 403
    assert "endpoint" not in diary.names


@each_scope
async def test_a_middleware_battery_works_in_every_scope(
    scope: str, diary: Diary, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(scope, [wrapping(diary)], {"GET /": diary.endpoint()}))
    async with client.get(path_in(scope, "/")) as response:
        assert await response.text() == "done"
    assert diary.names == ["before", "endpoint", "behind"]


async def test_around_an_application_it_sees_404_and_405_as_well(diary: Diary, aiohttp_client: AiohttpClient) -> None:
    app = web.Application(middlewares=[guarding(diary), wrapping(diary)])
    app.router.add_get("/", diary.endpoint())
    client = await aiohttp_client(app)
    for method, path, status in (("GET", "/nowhere", 404), ("POST", "/", 405)):
        async with client.request(method, path) as response:
            assert response.status == status
    assert diary.names == ["with handler", "before", "with handler", "before"]


def test_a_chain_reads_them_as_a_guard_and_a_middleware(diary: Diary) -> None:
    assert read_link(guarding(diary)) == GuardSpec(is_async=True)
    assert read_link(wrapping(diary)) == MiddlewareSpec(keyword=None)


@pytest.mark.parametrize("battery", [guard_battery, middleware_battery], ids=["guard", "middleware"])
def test_it_bears_the_name_of_the_function_or_the_one_it_is_given(battery: Any) -> None:
    async def limit(request: web.Request, handler: Any = None) -> Any: ...

    assert name_link(battery()(limit)) == "limit"
    assert name_link(battery("limit(10/minute)")(limit)) == "limit(10/minute)"


@pytest.mark.parametrize("battery", [guard_battery, middleware_battery], ids=["guard", "middleware"])
def test_a_name_on_several_lines_is_refused(battery: Any) -> None:
    async def limit(request: web.Request, handler: Any = None) -> Any: ...

    with pytest.raises(RegistrationError, match="pass a text on one line"):
        battery("limit\n")(limit)


@pytest.mark.parametrize("battery", [guard_battery, middleware_battery], ids=["guard", "middleware"])
def test_it_declares_what_it_provides_and_requires(battery: Any, diary: Diary) -> None:
    def make(**keys: Any) -> Any:
        async def link(request: web.Request, handler: Any = None) -> Any: ...

        return battery(**keys)(link)

    @requires(USER)
    async def page(request: web.Request) -> web.Response:
        raise NotImplementedError

    assert (provided_by(make()), required_by(make())) == ((), ())
    link = make(provided=(USER,), required=(TENANT, "text"))
    assert (provided_by(link), required_by(link)) == ((USER,), (TENANT, "text"))
    chain(make(provided=(USER,)), page)
    with pytest.raises(RegistrationError, match=r"requires the request key .*TENANT"):
        chain(make(required=(TENANT,)), diary.endpoint())


class Waiting:
    def __await__(self) -> Generator[Any, Any, str]:
        yield from ()
        return "awaited"


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        pytest.param(lambda a, b: a + b, "ab", id="plain"),
        pytest.param(lambda a, b: None, None, id="nothing"),
        pytest.param(lambda a, b: Waiting(), "awaited", id="awaitable"),
    ],
)
async def test_what_a_user_has_passed_is_called_and_awaited_if_it_must_be(function: Any, answer: Any) -> None:
    async def function_async(a: str, b: str) -> Any:
        made = function(a, b)
        return await made if isinstance(made, Awaitable) else made

    assert await call(function, "a", "b") == answer
    assert await call(function_async, "a", "b") == answer


async def test_what_it_raises_comes_through() -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await call(fail)


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
async def test_a_function_of_the_application_is_read_as_what_can_be_awaited(is_async: bool) -> None:
    async def double(number: int) -> int:
        return 2 * number

    read = read_function("name()", "key", double if is_async else lambda number: 2 * number)
    assert read is not None
    assert await read(2) == 4


def test_no_function_is_none_and_what_is_no_function_is_refused() -> None:
    assert read_function("name()", "key", None) is None
    with pytest.raises(ConfigurationError, match=r"^name\(\): key is str; pass a function \(number\)$"):
        read_function("name()", "key", "text", takes="number")
