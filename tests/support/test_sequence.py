"""Links that a battery runs in its own place: read once, run in order before any handler."""

import functools
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware import AnswerError, RegistrationError, guard, middleware, provides, requires
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.battery import guard_battery, middleware_battery
from aiohttp_route_middleware.support.sequence import bind, required_outside
from aiohttp_route_middleware.typedefs import Handler

from ..conftest import Diary

A, B = web.RequestKey("A", str), web.RequestKey("B", str)


async def run(diary: Diary, *links: Any) -> web.StreamResponse:
    return await bind("battery()", links).run(make_mocked_request("GET", "/"), diary.endpoint())


def link_of(kind: str, diary: Diary) -> Any:
    """A link that writes down its kind and passes on."""

    async def keyword(request: web.Request, *, handler: Handler) -> web.StreamResponse:
        diary.names.append(kind)
        return await handler(request)

    async def with_name(request: web.Request, *, following: Handler) -> web.StreamResponse:
        diary.names.append(kind)
        return await following(request)

    class Link:
        async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
            diary.names.append(kind)
            return await handler(request)

        async def method(self, request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self(request, handler)

    async def with_option(option: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        diary.names.append(option)
        return await handler(request)

    @middleware
    async def marked(*arguments: Any) -> Any:
        diary.names.append(kind)
        return await arguments[1](arguments[0])

    @guard
    async def marked_guard(*arguments: Any) -> None:
        diary.names.append(kind)

    @guard_battery()
    async def guarding(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        diary.names.append(kind if handler is None else "called with a handler")
        return await handler(request) if handler else None

    @middleware_battery()
    async def wrapping(request: web.Request, handler: Handler) -> web.StreamResponse:
        diary.names.append(kind)
        return await handler(request)

    return {
        "guard": diary.guard("guard"),
        "plain guard": diary.plain_guard("plain guard"),
        "marked guard": marked_guard,
        "guard battery": guarding,
        "middleware battery": wrapping,
        "marked middleware": marked,
        "keyword-only": keyword,
        "keyword-only by another name": with_name,
        "object": Link(),
        "method": Link().method,
        "partial": functools.partial(with_option, "partial"),
    }[kind]


KINDS = [
    *("guard", "plain guard", "marked guard", "guard battery", "middleware battery", "marked middleware"),
    *("keyword-only", "keyword-only by another name", "object", "method", "partial"),
]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_link_passes_on(kind: str, diary: Diary) -> None:
    response = await run(diary, link_of(kind, diary))
    assert response.status == 200
    assert diary.names == [kind, "endpoint"]


async def test_links_run_in_order_around_the_handler_lists_flattened(diary: Diary) -> None:
    await run(diary, diary.middleware("a"), [diary.guard("b"), (diary.middleware("c"), [])], diary.plain_guard("d"))
    assert diary.names == ["a", "b", "c", "d", "endpoint", "/c", "/a"]


async def test_links_bound_once_run_before_any_handler(diary: Diary) -> None:
    bound = bind("battery()", [diary.middleware("a")])
    for name in ("one", "two"):
        await bound.run(make_mocked_request("GET", "/"), diary.endpoint(name))
    assert diary.names == ["a", "one", "/a", "a", "two", "/a"]


@pytest.mark.parametrize("kind", ["guard", "plain_guard"])
async def test_a_guard_that_answers_ends_it(kind: str, diary: Diary) -> None:
    answer = web.Response(status=418)
    assert await run(diary, getattr(diary, kind)("a", answer), diary.guard("b")) is answer
    assert diary.names == ["a"]


@pytest.mark.parametrize("kind", ["guard", "plain_guard"])
async def test_a_returned_exception_of_http_is_raised(kind: str, diary: Diary) -> None:
    with pytest.raises(web.HTTPConflict):
        await run(diary, getattr(diary, kind)("a", web.HTTPConflict()))


async def test_a_middleware_may_answer_or_change_the_answer(diary: Diary) -> None:
    answer = web.Response(status=418)

    async def change(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        return answer

    async def stop(request: web.Request, handler: Handler) -> web.StreamResponse:
        return answer

    assert await run(diary, change) is answer
    assert diary.names == ["endpoint"]
    assert await run(diary, stop, diary.guard("behind")) is answer
    assert diary.names == ["endpoint"]


async def test_a_middleware_may_pass_on_another_request(diary: Diary) -> None:
    async def clone(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(method="PUT"))

    async def look(request: web.Request) -> None:
        diary.names.append(request.method)

    await run(diary, clone, look)
    assert diary.names == ["PUT", "endpoint"]


async def test_a_link_that_answers_with_nothing_useful_is_named(diary: Diary) -> None:
    async def forget(request: web.Request, handler: Handler) -> Any:
        await handler(request)

    with pytest.raises(AnswerError, match=r"guard \(.*returned an object of type int instead of a response"):
        await run(diary, diary.guard("a", 7))
    with pytest.raises(AnswerError, match=r"forget \(.*returned None instead of a response"):
        await run(diary, forget)


@pytest.mark.parametrize("kind", KINDS)
async def test_guards_alone_are_asked_without_a_handler(kind: str, diary: Diary) -> None:
    ask = bind("battery()", [diary.guard("a"), link_of(kind, diary)]).ask
    assert (ask is not None) is ("guard" in kind)
    if ask is not None:
        assert await ask(make_mocked_request("GET", "/")) is None
        assert diary.names == ["a", kind]


async def test_the_first_guard_that_answers_is_the_answer(diary: Diary) -> None:
    answer, request = web.Response(status=418), make_mocked_request("GET", "/")
    ask = bind("battery()", [diary.guard("a"), diary.plain_guard("b", answer), diary.guard("c")]).ask
    assert ask is not None
    assert await ask(request) is answer
    assert diary.names == ["a", "b"]
    wrong = bind("battery()", [diary.guard("a", 7)]).ask
    assert wrong is not None
    with pytest.raises(AnswerError, match=r"guard \(.*returned an object of type int instead of a response"):
        await wrong(request)


@pytest.mark.parametrize("links", [[], [[]], [[], ((),)]], ids=["none", "an empty list", "empty lists"])
def test_no_links_are_refused(links: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^battery\(\): there are no links; pass at least one$"):
        bind("battery()", links)


def test_what_is_no_link_is_refused_with_its_place(diary: Diary) -> None:
    with pytest.raises(RegistrationError, match=r"^battery\(\): link 2 of 2, str, is not callable"):
        bind("battery()", [diary.guard("a"), ["text"]])


def link(*, provided: tuple[Any, ...] = (), required: tuple[Any, ...] = ()) -> Any:
    @provides(*provided)
    @requires(*required)
    async def link(request: web.Request) -> None: ...

    return link


@pytest.mark.parametrize(
    ("links", "keys"),
    [
        pytest.param([], (), id="no links"),
        pytest.param([link(required=(A, "b"))], (A, "b"), id="required"),
        pytest.param([link(provided=(A,)), link(required=(A, B))], (B,), id="one provided before"),
        pytest.param([link(required=(A,)), link(provided=(A,))], (A,), id="provided too late"),
        pytest.param([link(required=(A,), provided=(A,))], (A,), id="by the same link"),
        pytest.param([link(required=(B, A)), link(required=(A,))], (B, A), id="once each"),
    ],
)
def test_what_links_require_and_do_not_provide_one_another(links: Any, keys: Any) -> None:
    assert required_outside(links) == keys
