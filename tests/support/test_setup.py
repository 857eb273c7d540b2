"""setup(): what an application needs once."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractMatchInfo, AbstractRouter
from aiohttp.web_urldispatcher import PrefixedSubAppResource
from starlette.middleware.gzip import GZipMiddleware

from aiohttp_route_middleware import (
    Handler,
    RegistrationError,
    UrlDispatcherEx,
    middleware,
    name_link,
    provides,
    requires,
)
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.rate_limit import rate_limit
from aiohttp_route_middleware.middlewares.request_id import request_id
from aiohttp_route_middleware.support.setup import setup

USER = web.RequestKey("USER", str)
TENANT = web.RequestKey("TENANT", str)


def test_its_middleware_is_named_in_listings_as_what_was_called() -> None:
    app = web.Application()
    setup(app)
    assert [name_link(link) for link in app.middlewares] == ["setup"]


def test_to_call_it_again_adds_nothing() -> None:
    app = web.Application()
    handlers = len(app.on_startup)
    for _ in range(2):
        setup(app)
    assert (len(app.middlewares), len(app.on_response_prepare), len(app.on_startup) - handlers) == (1, 1, 2)


async def _outer(request: web.Request, handler: object) -> web.StreamResponse:
    raise NotImplementedError


def test_it_comes_before_what_is_there_already() -> None:
    app = web.Application(middlewares=[web.middleware(_outer)])
    app.on_response_prepare.append(_tell)
    setup(app)
    assert app.middlewares[1] is _outer
    assert app.on_response_prepare[1] is _tell


async def _tell(request: web.Request, response: web.StreamResponse) -> None:
    raise NotImplementedError


# ---- the order of an application's middlewares


@provides(USER)
@middleware
async def set_user(request: web.Request, handler: Handler) -> web.StreamResponse:
    raise NotImplementedError


@provides(TENANT)
@requires(USER)
@middleware
async def set_tenant(request: web.Request, handler: Handler) -> web.StreamResponse:
    raise NotImplementedError


@requires(USER)
@middleware
async def need_user(request: web.Request, handler: Handler) -> web.StreamResponse:
    raise NotImplementedError


@middleware
async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    raise NotImplementedError


async def start(app: web.Application) -> None:
    runner = web.AppRunner(app)
    try:
        await runner.setup()
    finally:
        await runner.cleanup()


def make_app(*middlewares: Any) -> web.Application:
    app = web.Application(middlewares=middlewares)
    setup(app)
    return app


async def test_a_middleware_before_the_one_that_provides_what_it_requires_keeps_the_application_from_starting() -> (
    None
):
    with pytest.raises(
        RegistrationError,
        match=r"^the middlewares of the application: link 2 of 3, need_user \(.*\), requires the request key .*USER, "
        r"which nothing before it provides; move link 3, set_user \(.*\), before it$",
    ):
        await start(make_app(need_user, set_user))


@pytest.mark.parametrize(
    "middlewares",
    [
        pytest.param((set_user, set_tenant, need_user), id="the right order"),
        pytest.param((need_user,), id="what none declares may be set all the same"),
        pytest.param((any_of(set_user, let_in), need_user, set_user), id="what is set for some"),
    ],
)
async def test_other_applications_start(middlewares: Any) -> None:
    await start(make_app(*middlewares))


Mount = Callable[[web.Application, web.Application], object]


@pytest.mark.parametrize(
    ("mount", "place"),
    [
        pytest.param(lambda app, inner: app.add_subapp("/sub", inner), "/sub", id="a prefix"),
        pytest.param(lambda app, inner: app.add_domain("a.example", inner), "a.example", id="a domain"),
    ],
)
async def test_sub_applications_are_judged_with_what_those_around_them_provide(mount: Mount, place: str) -> None:
    for outer, inner in [((set_user,), (need_user, set_user)), ((), (need_user,)), ((need_user,), (set_user,))]:
        app = make_app(*outer)
        mount(app, web.Application(middlewares=inner))
        await start(app)
    app = make_app(set_user)
    app.router.add_get("/", _answer)
    mount(app, web.Application(middlewares=[requires(TENANT)(_outer_of_its_own()), set_tenant]))
    with pytest.raises(RegistrationError, match=f"^the middlewares of the sub-application {place}: link 1 of 2, "):
        await start(app)


async def _answer(request: web.Request) -> web.Response:
    raise NotImplementedError


def _outer_of_its_own() -> Any:
    @middleware
    async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise NotImplementedError

    return outer


async def test_a_sub_application_that_is_prepared_alone_is_not_judged_without_those_around_it() -> None:
    inner = make_app(need_user, set_user)
    app = web.Application(middlewares=[set_user])
    app.add_subapp("/sub", inner)
    await start(app)


async def test_an_application_in_itself_is_judged_once() -> None:
    app = make_app(set_user, need_user)
    app.router.register_resource(PrefixedSubAppResource("/sub", app))
    await start(app)


class Router(AbstractRouter):
    """A router that cannot list its resources."""

    async def resolve(self, request: web.Request) -> AbstractMatchInfo:
        raise NotImplementedError


@pytest.mark.filterwarnings("ignore:router argument is deprecated:DeprecationWarning")
async def test_an_application_with_a_router_of_others_starts() -> None:
    app = web.Application(router=Router(), middlewares=[set_user])  # type: ignore[arg-type]  # aiohttp takes any
    setup(app)
    await start(app)


@pytest.mark.parametrize("wrong", [UrlDispatcherEx(), None, web.Application], ids=["a router", "nothing", "a class"])
def test_what_is_no_application_is_refused_with_what_to_pass(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^setup\(\): app is .*; pass the web.Application itself$"):
        setup(wrong)


# ---- what is no middleware yet


async def speak_asgi(scope: Any, receive: Any, send: Any) -> None: ...


NO_MIDDLEWARES = [
    pytest.param(request_id, "is a factory that was not called; call it: request_id(...)", id="a factory"),
    pytest.param(
        functools.partial(rate_limit, "5/minute"),
        "is a factory that was not called; call it: rate_limit(...)",
        id="a partial of one",
    ),
    pytest.param(
        GZipMiddleware, "is an ASGI middleware; write from_asgi(GZipMiddleware, ...)", id="an ASGI middleware"
    ),
    pytest.param(speak_asgi, "is an ASGI application; end the chain with asgi(...)", id="an ASGI application"),
]


@pytest.mark.filterwarnings("ignore:old-style middleware:DeprecationWarning")
@pytest.mark.parametrize(("link", "problem"), NO_MIDDLEWARES)
async def test_a_middleware_that_is_none_yet_keeps_the_application_from_starting(link: Any, problem: str) -> None:
    """Without that, each request is a 500."""
    with pytest.raises(RegistrationError) as caught:
        await start(make_app(set_user, link))
    assert str(caught.value).startswith("the middlewares of the application: link 3 of 3, ")
    assert problem in str(caught.value)
    assert (caught.value.link, caught.value.position) == (link, 3)


@pytest.mark.filterwarnings("ignore:old-style middleware:DeprecationWarning")
async def test_those_of_a_sub_application_are_looked_at_as_well() -> None:
    wrong: Any = request_id
    app = make_app()
    app.add_subapp("/sub", web.Application(middlewares=[wrong]))
    with pytest.raises(RegistrationError, match=r"^the middlewares of the sub-application /sub: link 1 of 1, "):
        await start(app)
