"""The order check: who requires a request key stands behind one that provides it, wherever a chain is registered."""

import functools
import gc
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import (
    Handler,
    RegistrationError,
    RouteGroup,
    RouteTableDef,
    UrlDispatcherEx,
    chain,
    get,
    links_of,
    named,
    provides,
    requires,
    static,
)
from aiohttp_route_middleware.middlewares.any_of import any_of

USER = web.RequestKey("USER", str)
FILE = Path(__file__).relative_to(Path.cwd())
TENANT = web.RequestKey("TENANT", str)


@provides(USER)
async def authenticate(request: web.Request) -> None:
    request[USER] = "ada"


@provides(TENANT)
@requires(USER)
async def find_tenant(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[TENANT] = f"tenant of {request[USER]}"
    return await handler(request)


@requires(USER)
def authorise(request: web.Request) -> None:
    request[USER]


async def pass_on(request: web.Request) -> None:
    return None


def let_in(request: web.Request) -> None:
    raise NotImplementedError


async def endpoint(request: web.Request) -> web.Response:
    return web.Response(text=request.get(USER, "nobody"))


@requires(TENANT)
async def get_tenant(request: web.Request) -> web.Response:
    return web.Response(text=request[TENANT])


@requires(USER)
class Profile(web.View):
    async def get(self) -> web.Response:
        return web.Response(text=self.request[USER])


class Authorise:
    @requires(USER)
    async def __call__(self, request: web.Request) -> None:
        return None

    @requires(USER)
    async def method(self, request: web.Request) -> None:
        return None


@requires(USER)
async def authorise_scopes(scopes: list[str], request: web.Request) -> None:
    return None


Register = Callable[..., Any]


def on_router(*links: Any, **options: Any) -> Any:
    return UrlDispatcherEx().add_get("/", *links, **options)


def on_group(*links: Any, **options: Any) -> Any:
    return UrlDispatcherEx().group("/group").add_post("/", *links, **options)


def on_stock_group(*links: Any, **options: Any) -> Any:
    return RouteGroup(web.UrlDispatcher()).add_get("/", *links, **options)


def by_definition(*links: Any, **options: Any) -> Any:
    return UrlDispatcherEx().add_routes([get("/", *links, **options)])


def by_definition_on_stock(*links: Any, **options: Any) -> Any:
    return web.UrlDispatcher().add_routes([get("/", *links, **options)])


def by_table(*links: Any, **options: Any) -> Any:
    table = RouteTableDef()
    table.get("/", *links[:-1], **options)(links[-1])
    return web.UrlDispatcher().add_routes(table)


def as_chain(*links: Any, **options: Any) -> Any:
    return chain(*links, **options)


DOORS = pytest.mark.parametrize(
    "register", [on_router, on_group, on_stock_group, by_definition, by_definition_on_stock, by_table, as_chain]
)


@DOORS
@pytest.mark.parametrize(
    "links",
    [
        pytest.param((authenticate, authorise, endpoint), id="guards"),
        pytest.param((authenticate, pass_on, [authorise], endpoint), id="in a list, not next to it"),
        pytest.param((authenticate, find_tenant, get_tenant), id="a middleware that requires and provides"),
        pytest.param((authenticate, Profile), id="a view"),
        pytest.param((authenticate, Authorise(), Authorise().method, endpoint), id="objects and methods"),
        pytest.param((authenticate, functools.partial(authorise_scopes, []), endpoint), id="a partial"),
        pytest.param((authenticate, authenticate, endpoint), id="provided twice"),
        pytest.param((endpoint,), id="nothing declared"),
    ],
)
def test_a_chain_in_the_right_order_is_registered(register: Register, links: tuple[Any, ...]) -> None:
    register(*links)


@DOORS
@pytest.mark.parametrize(
    ("links", "culprit"),
    [
        pytest.param((authorise, authenticate, endpoint), "link 1 of 3, authorise", id="swapped"),
        pytest.param((authorise, endpoint), "link 1 of 2, authorise", id="missing"),
        pytest.param((pass_on, Profile), "link 2 of 2, Profile", id="for a view"),
        pytest.param((Profile,), "link 1 of 1, Profile", id="for a view alone"),
        pytest.param((get_tenant,), "link 1 of 1, get_tenant", id="for an endpoint alone"),
        pytest.param((find_tenant, get_tenant), "link 1 of 2, find_tenant", id="what provides requires itself"),
        pytest.param((authenticate, get_tenant), "link 2 of 2, get_tenant", id="another key"),
        pytest.param((Authorise(), endpoint), "link 1 of 2, Authorise", id="an object"),
        pytest.param((Authorise().method, endpoint), "link 1 of 2, Authorise.method", id="a method"),
        pytest.param((functools.partial(authorise_scopes, []), endpoint), "authorise_scopes", id="a partial"),
    ],
)
def test_a_link_that_requires_what_nothing_before_it_provides_is_refused(
    register: Register, links: tuple[Any, ...], culprit: str
) -> None:
    with pytest.raises(
        RegistrationError, match=rf"{culprit} .*requires the request key {__name__}\.\w+, which nothing"
    ):
        register(*links)


@DOORS
@pytest.mark.parametrize("given", [USER, [USER], (TENANT, USER)], ids=["one key", "a list", "a tuple"])
@pytest.mark.parametrize("last", [endpoint, Profile], ids=["function", "view"])
def test_what_an_application_middleware_provides_is_given(register: Register, given: Any, last: Any) -> None:
    register(authorise, last, given=given)
    register(last, given=given)


def test_the_error_names_the_link_in_the_chain_that_must_move() -> None:
    with pytest.raises(RegistrationError) as caught:
        UrlDispatcherEx().add_get("/posts", pass_on, authorise, authenticate, endpoint)
    line = authenticate.__code__.co_firstlineno
    assert str(caught.value).startswith("GET /posts: link 2 of 4, authorise (")
    assert f"move link 3, authenticate ({FILE}:{line}), before it" in str(caught.value)
    assert str(caught.value).endswith(f"if a middleware of the application provides it, say given=[{__name__}.USER]")
    assert (caught.value.link, caught.value.position, caught.value.route) == (authorise, 2, "GET /posts")


def test_the_error_names_the_known_links_that_would_provide_the_key() -> None:
    with pytest.raises(RegistrationError, match=rf"put authenticate \({FILE}:\d+\) before it"):
        chain(authorise, endpoint)


def test_the_error_names_the_alternatives_that_do_not_provide_the_key() -> None:
    with pytest.raises(RegistrationError) as caught:
        chain(any_of([pass_on, authenticate], [pass_on, let_in], pass_on), authorise, endpoint)
    assert re.search(
        r"; link 1, any_of\(.*\) \(.*any_of\.py:\d+\), does so by some of its alternatives only: mark what sets it in "
        r"pass_on \+ let_in and in pass_on by @provides, if strangers are refused there; if a middleware",
        str(caught.value),
    )
    with pytest.raises(RegistrationError, match=r"put authenticate \(.*\) before it"):  # neither of them does
        chain(any_of(let_in, pass_on), authorise, endpoint)


def test_the_error_says_what_to_write_if_no_link_is_known_to_provide_the_key() -> None:
    @requires("session")
    async def read_session(request: web.Request) -> None:
        return None

    with pytest.raises(RegistrationError, match=r"'session', which .* put a link before it that is declared to set"):
        chain(read_session, endpoint)


def test_links_that_are_gone_are_not_advised() -> None:
    key = web.RequestKey("key", str)

    def make() -> Any:
        @provides(key)
        async def forgotten(request: web.Request) -> None:
            return None

        return forgotten

    make()
    gc.collect()
    with pytest.raises(RegistrationError) as caught:
        chain(requires(key)(lambda request: None), endpoint)
    assert "forgotten" not in str(caught.value)


class Bare:
    """An object that can be marked but not referred to weakly."""

    __slots__ = ("__dict__",)

    async def __call__(self, request: web.Request) -> None:
        return None


def test_an_object_that_cannot_be_referred_to_weakly_provides_all_the_same() -> None:
    chain(provides(USER)(Bare()), authorise, endpoint)


# ---- inherited links


def test_links_of_the_router_provide_for_its_routes_groups_and_definitions() -> None:
    router = UrlDispatcherEx(authenticate)
    router.add_get("/", authorise, endpoint)
    router.group("/a").group("/b", authorise).add_get("/", endpoint)
    router.add_routes([get("/definition", authorise, endpoint)])
    table = RouteTableDef(authorise)
    table.get("/table")(endpoint)
    router.add_routes(table)
    assert len(router.routes()) == 8


def test_links_of_a_table_and_of_a_group_provide_for_their_routes() -> None:
    table = RouteTableDef(authenticate)
    table.get("/", authorise)(endpoint)
    web.UrlDispatcher().add_routes(table)
    RouteGroup(web.UrlDispatcher(), "", authenticate).group("/inner").add_get("/", authorise, endpoint)


def test_leaving_out_what_provides_is_refused(tmp_path: Any) -> None:
    router = UrlDispatcherEx(authenticate)
    for register in (router.add_get, router.add_view):
        with pytest.raises(RegistrationError, match=r"authorise .*requires"):
            register("/", authorise, Profile, without=authenticate)
    with pytest.raises(RegistrationError, match=r"static /files: link 1 of 2, authorise .*requires"):
        router.add_static("/files", tmp_path, authorise, without=authenticate)
    with pytest.raises(RegistrationError, match=r"authorise .*requires"):
        router.group("/g", authorise, without=authenticate).add_get("/", endpoint)
    with pytest.raises(RegistrationError, match=r"authorise .*requires"):
        router.add_routes([get("/d", authorise, endpoint, without=authenticate)])
    assert len(router.routes()) == 0


def test_a_finished_chain_keeps_what_it_was_given_where_it_is_joined() -> None:
    finished = chain(authorise, endpoint, given=USER)
    assert links_of(UrlDispatcherEx(pass_on).add_get("/", finished)) == (pass_on, authorise, endpoint)
    assert links_of(web.UrlDispatcher().add_routes([get("/", find_tenant, finished)])[0])[0] is find_tenant


def test_a_finished_chain_is_judged_again_with_what_comes_before_it() -> None:
    with pytest.raises(RegistrationError, match=r"link 1 of 3, find_tenant .*requires"):
        chain(find_tenant, chain(authenticate, endpoint))


def test_keys_are_given_once_for_a_router_a_group_a_table_and_its_files(tmp_path: Any) -> None:
    UrlDispatcherEx(given=[USER]).add_get("/", authorise, endpoint)
    UrlDispatcherEx.install(web.Application(), given=[USER]).group("/g").add_get("/", authorise, endpoint)
    group = UrlDispatcherEx(given=[USER]).group("/g", given=TENANT)
    group.group("/h").add_get("/", authorise, get_tenant)
    RouteGroup(web.UrlDispatcher(), given=[USER]).add_static("/files", tmp_path, authorise)
    table = RouteTableDef(given=[USER])
    table.get("/")(Profile)
    table.static("/files", tmp_path, authorise)
    for router in (web.UrlDispatcher(), UrlDispatcherEx()):
        router.add_routes(table)


def test_files_are_judged_by_any_router(tmp_path: Any, router: web.UrlDispatcher) -> None:
    with pytest.raises(RegistrationError, match=r"static /files: link 1 of 2, authorise .*requires"):
        router.add_routes([static("/files", tmp_path, authorise)])
    router.add_routes(
        [static("/files", tmp_path, authenticate, authorise), static("/more", tmp_path, authorise, given=USER)]
    )


async def test_declared_links_run_like_any_others(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    RouteGroup(app.router, "", authenticate).add_get("/tenant", find_tenant, get_tenant)
    client = await aiohttp_client(app)
    assert await (await client.get("/tenant")).text() == "tenant of ada"


# ---- declarations


def test_declarations_add_up() -> None:
    @provides(USER)
    @provides(TENANT, "trace")
    @requires("request_id")
    @requires("client")
    async def link(request: web.Request) -> None:
        return None

    with pytest.raises(RegistrationError, match=r"'request_id'|'client'"):
        chain(link, endpoint, given="client")
    chain(link, authorise, get_tenant, given=["client", "request_id"])


def test_a_wrapper_keeps_what_the_wrapped_link_declares() -> None:
    @functools.wraps(authenticate)
    async def wrapper(request: web.Request) -> Any:
        return await authenticate(request)

    chain(wrapper, authorise, endpoint)


@pytest.mark.parametrize(
    "declare",
    [
        lambda: provides(7),  # type: ignore[arg-type]  # the mistake itself
        lambda: requires(web.AppKey("app", str)),  # type: ignore[arg-type]  # the mistake itself
        lambda: UrlDispatcherEx(given=7),  # type: ignore[arg-type]  # the mistake itself
        lambda: get("/", endpoint, given=[7]),
        lambda: chain(endpoint, given=endpoint),  # type: ignore[call-overload]  # the mistake itself
    ],
    ids=["provides", "requires", "router", "definition", "chain"],
)
def test_what_is_no_request_key_is_refused(declare: Callable[[], Any]) -> None:
    with pytest.raises(RegistrationError, match=r"got \w+.*; pass request keys: web.RequestKey\(...\), or texts"):
        declare()


@pytest.mark.parametrize("declare", [provides(USER), requires(USER), named("name")])
def test_what_takes_no_attributes_cannot_declare_anything(declare: Any) -> None:
    with pytest.raises(RegistrationError, match=r"Authorise.method .* cannot be marked; mark the function itself"):
        declare(Authorise().method)


def test_a_named_link_is_called_so_in_errors() -> None:
    link = named("authorise(post:read)")(requires(USER)(lambda request: None))
    with pytest.raises(RegistrationError, match=r"link 1 of 2, authorise\(post:read\) \("):
        chain(link, endpoint)


@pytest.mark.parametrize("name", ["", "two\nlines", "\x1b[31m", 7])
def test_a_name_is_a_text_on_one_line(name: Any) -> None:
    with pytest.raises(RegistrationError, match=r"named\(\) got .*; pass a text on one line"):
        named(name)


@requires("A")
class Base:
    """Requires a key as a class."""


class Both(Base):
    """Requires another by its call."""

    @requires("B")
    async def __call__(self, request: web.Request, extra: int = 1) -> None: ...


@requires("A")
class Required(web.View):
    """Requires one key as a class, another in a method."""

    @requires("B")
    async def get(self) -> web.Response:
        return web.Response()


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(Both(), id="an object"),
        pytest.param(functools.partial(Both(), extra=2), id="a partial of an object"),
        pytest.param(functools.partial(functools.partial(Both()), extra=2), id="a partial of a partial"),
    ],
)
def test_marks_of_a_class_and_of_its_call_add_up(link: Any) -> None:
    for given in (["A"], ["B"], []):
        with pytest.raises(RegistrationError, match="requires the request key"):
            chain(link, endpoint, given=given)
    chain(link, endpoint, given=["A", "B"])


def test_marks_on_the_methods_of_a_view_count_as_well() -> None:
    for given in (["A"], ["B"]):
        with pytest.raises(RegistrationError, match="requires the request key"):
            chain(Required, given=given)
    chain(Required, given=["A", "B"])


def test_what_a_router_gives_is_not_given_on_another() -> None:
    @requires("B")
    async def needs(request: web.Request) -> None: ...

    composed = UrlDispatcherEx(given="B").add_get("/", needs, endpoint).handler
    with pytest.raises(RegistrationError, match="requires the request key"):
        UrlDispatcherEx().add_get("/", composed)
    kept = chain(needs, endpoint, given="B")
    UrlDispatcherEx().add_get("/", kept)
    UrlDispatcherEx().add_get("/", needs, kept, given="B")
