"""UrlDispatcherEx: every call that aiohttp's router takes, and links before the endpoint."""

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, RouteGroup, UrlDispatcherEx, chain, links_of
from aiohttp_route_middleware.record import read_record

from .conftest import Diary

AIOHTTP_4 = not aiohttp.__version__.startswith("3.")
VERBS = ["head", "options", "post", "put", "patch", "delete"]


async def endpoint(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.method} {request.match_info.get('id')}")


async def pass_on(request: web.Request) -> None:
    return None


async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


class Post(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="view")


@pytest.fixture
def app() -> web.Application:
    return web.Application()


@pytest.fixture
def router(app: web.Application) -> UrlDispatcherEx:
    return UrlDispatcherEx.install(app)


def methods(router: web.UrlDispatcher) -> list[str]:
    return [route.method for route in router.routes()]


# ---- the methods


async def test_each_verb_registers_a_chain(
    app: web.Application, router: UrlDispatcherEx, diary: Diary, aiohttp_client: AiohttpClient
) -> None:
    router.add_get("/{id}", diary.guard("get"), around, endpoint, allow_head=False)
    for verb in VERBS:
        getattr(router, f"add_{verb}")("/{id}", diary.guard(verb), around, endpoint)
    client = await aiohttp_client(app)
    for verb in ["get", *VERBS]:
        response = await client.request(verb, "/7")
        assert await response.text() == ("" if verb == "head" else f"{verb.upper()} 7")
    assert diary.names == ["get", *VERBS]


async def test_any_method_goes_through_add_route(
    app: web.Application, router: UrlDispatcherEx, aiohttp_client: AiohttpClient
) -> None:
    router.add_route("REPORT", "/{id}", pass_on, endpoint)
    router.add_route("*", "/any/{id}", pass_on, endpoint)
    client = await aiohttp_client(app)
    assert await (await client.request("REPORT", "/7")).text() == "REPORT 7"
    assert await (await client.request("LOCK", "/any/7")).text() == "LOCK 7"


def test_get_adds_head_unless_told_otherwise(router: UrlDispatcherEx) -> None:
    router.add_get("/a", pass_on, endpoint)
    router.add_get("/b", pass_on, endpoint, allow_head=False)
    assert methods(router) == ["HEAD", "GET", "GET"]


async def test_a_view_stands_behind_links(
    app: web.Application, router: UrlDispatcherEx, aiohttp_client: AiohttpClient
) -> None:
    router.add_view("/", pass_on, around, Post)
    client = await aiohttp_client(app)
    assert await (await client.get("/")).text() == "view"


def test_a_bare_handler_is_registered_as_it_is(router: UrlDispatcherEx) -> None:
    assert router.add_get("/", endpoint).handler is endpoint


@pytest.mark.skipif(AIOHTTP_4, reason="aiohttp 4 refuses plain handlers")
def test_a_bare_plain_handler_stays_what_the_router_makes_of_it(router: UrlDispatcherEx) -> None:
    def plain(request: web.Request) -> web.Response:
        return web.Response()

    with pytest.warns(DeprecationWarning, match="Bare functions are deprecated"):
        router.add_get("/", plain, allow_head=False)  # type: ignore[arg-type]  # what old applications do


def test_every_keyword_of_aiohttp_is_accepted(router: UrlDispatcherEx) -> None:
    async def expect(request: web.Request) -> None: ...

    any_router: Any = router
    route = any_router.add_get(path="/a", handler=endpoint, name="a", allow_head=False, expect_handler=expect)
    assert route.handler is endpoint
    assert router["a"].canonical == "/a"
    any_router.add_route(method="GET", path="/b", handler=endpoint)
    for verb in VERBS:
        getattr(router, f"add_{verb}")("/c", handler=endpoint, name="c")
    any_router.add_view("/d", handler=Post)
    any_router.add_static(prefix="/e", path=Path(__file__).parent, name="e", show_index=True)
    assert links_of(any_router.add_get("/f", pass_on, handler=endpoint)) == (pass_on, endpoint)


def test_an_unknown_keyword_is_aiohttps_to_refuse(router: UrlDispatcherEx) -> None:
    with pytest.raises(TypeError, match="colour"):
        router.add_get("/", pass_on, endpoint, colour="red")


def test_names_and_url_for_are_aiohttps(router: UrlDispatcherEx) -> None:
    route = router.add_get("/posts/{id}", pass_on, endpoint, name="post")
    assert router["post"].url_for(id="7").path == "/posts/7"
    assert route.name == "post"
    assert route.url_for(id="7").path == "/posts/7"


# ---- leading links


async def test_leading_links_stand_before_every_route_of_the_router(
    app: web.Application, diary: Diary, aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a file")
    router = UrlDispatcherEx.install(app, diary.guard("first"), [diary.middleware("second")])
    router.add_get("/bare", endpoint)
    router.add_get("/links", diary.guard("third"), endpoint)
    router.add_view("/view", Post)
    router.add_static("/files", tmp_path)
    router.add_routes([web.get("/definition", endpoint), web.static("/more", tmp_path), web.view("/v", Post)])
    client = await aiohttp_client(app)
    for path in ("/bare", "/view", "/files/a.txt", "/definition", "/more/a.txt", "/v"):
        diary.names.clear()
        assert (await client.get(path)).status == 200
        assert diary.names == ["first", "second", "/second"], path
    diary.names.clear()
    await client.get("/links")
    assert diary.names == ["first", "second", "third", "/second"]
    assert len(router.links) == 2


def test_a_route_may_leave_out_a_leading_link(app: web.Application) -> None:
    router = UrlDispatcherEx.install(app, pass_on, around)
    assert links_of(router.add_get("/a", endpoint, without=[pass_on])) == (around, endpoint)
    assert links_of(router.add_get("/b", endpoint, without=pass_on)) == (around, endpoint)
    assert router.add_get("/c", endpoint, without=[[around], pass_on]).handler is endpoint
    assert links_of(router.add_get("/d", pass_on, endpoint, without=[pass_on])) == (around, pass_on, endpoint)
    static = router.add_static("/e", Path(__file__).parent, without=[pass_on, around])
    assert type(static) is web.StaticResource


def test_links_are_left_out_by_identity_and_only_inherited_ones(app: web.Application) -> None:
    class Object:
        async def check(self, request: web.Request) -> None: ...

    owner = Object()
    router = UrlDispatcherEx.install(app, owner.check)
    assert links_of(router.add_get("/free", endpoint, without=[owner.check])) == (endpoint,)
    message = (
        r"GET /: without= names .*Object.check \(.*\), which is none of the links inherited here: .*Object.check;"
    )
    with pytest.raises(RegistrationError, match=message):
        router.add_get("/", endpoint, without=[Object().check])
    with pytest.raises(RegistrationError, match="inherited here: no links at all"):
        UrlDispatcherEx().add_get("/", around, endpoint, without=[around])
    assert len(router.routes()) == 2


def test_a_route_added_through_its_resource_is_aiohttps_own(app: web.Application) -> None:
    router = UrlDispatcherEx.install(app, pass_on)
    assert router.add_resource("/").add_route("OPTIONS", endpoint).handler is endpoint


def test_a_wrong_leading_link_is_refused_at_once() -> None:
    with pytest.raises(RegistrationError, match=r"^UrlDispatcherEx: link 2 of 2, int, is not callable"):
        UrlDispatcherEx(pass_on, 7)  # type: ignore[arg-type]  # the mistake itself


def test_checked_is_handed_on_to_every_chain() -> None:
    router = UrlDispatcherEx(around, checked=True)
    group = router.group("/group")
    for registrar in (router, group):
        handler = registrar.add_get("/", endpoint, allow_head=False).handler
        record = read_record(handler)
        assert record is not None
        assert record.settings.is_checked


# ---- refusals


@pytest.mark.parametrize("verb", ["get", *VERBS, "view"])
def test_a_refused_chain_names_the_route_and_leaves_nothing_behind(router: UrlDispatcherEx, verb: str) -> None:
    method = "*" if verb == "view" else verb.upper()
    message = rf"^{re.escape(method)} /posts: link 2 of 3, .*, is a View, which can only end a chain"
    with pytest.raises(RegistrationError, match=message) as caught:
        getattr(router, f"add_{verb}")("/posts", pass_on, Post, endpoint, name="posts")
    assert (caught.value.position, caught.value.link, caught.value.route) == (2, Post, f"{method} /posts")
    assert list(router.resources()) == []
    assert dict(router.named_resources()) == {}


def test_refused_static_links_leave_nothing_behind(router: UrlDispatcherEx) -> None:
    with pytest.raises(RegistrationError, match=r"^static /files: link 1 of 2, NoneType, is not callable"):
        router.add_static("/files", Path(__file__).parent, None)  # type: ignore[arg-type]  # the mistake itself
    assert list(router.resources()) == []


@pytest.mark.parametrize("links", [[], [[], ()]], ids=["nothing", "empty lists"])
def test_a_leading_link_is_not_taken_for_a_forgotten_endpoint(app: web.Application, links: list[Any]) -> None:
    router = UrlDispatcherEx.install(app, pass_on)
    for registrar in (router, router.group("/group", around), RouteGroup(web.UrlDispatcher(), "/stock", pass_on)):
        with pytest.raises(RegistrationError, match=r"the chain is empty; pass an endpoint"):
            registrar.add_post("/", *links)
    assert list(router.resources()) == []


def test_an_empty_chain_is_refused(router: UrlDispatcherEx) -> None:
    with pytest.raises(RegistrationError, match=r"^GET /: the chain is empty; pass an endpoint"):
        router.add_get("/")  # type: ignore[call-arg]  # the mistake itself
    assert list(router.resources()) == []


# ---- install()


def test_install_replaces_the_router_of_a_fresh_application(app: web.Application) -> None:
    router = UrlDispatcherEx.install(app)
    assert app.router is router
    assert type(router) is UrlDispatcherEx


def test_install_refuses_an_application_with_routes_or_one_that_has_started(app: web.Application) -> None:
    app.router.add_get("/", endpoint)
    with pytest.raises(RegistrationError, match=r"install\(\) came too late.*call it right after web.Application\(\)"):
        UrlDispatcherEx.install(app)
    started = web.Application()
    started.freeze()
    with pytest.raises(RegistrationError, match="came too late"):
        UrlDispatcherEx.install(started)


def test_install_refuses_an_application_with_a_domain() -> None:
    app = web.Application()
    app.add_domain("example.com", web.Application())
    with pytest.raises(RegistrationError, match="came too late"):
        UrlDispatcherEx.install(app)


def test_install_refuses_to_replace_an_extended_router(app: web.Application) -> None:
    router = UrlDispatcherEx.install(app, pass_on)
    with pytest.raises(RegistrationError, match=r"called twice.*; use app.router, or what the first call returned"):
        UrlDispatcherEx.install(app)
    assert app.router is router


def test_install_is_not_for_instances_whose_links_would_be_lost(app: web.Application) -> None:
    with pytest.raises(RegistrationError, match=r"call it on the class: UrlDispatcherEx.install\(app, \*links\)"):
        UrlDispatcherEx(pass_on).install(app)
    assert type(app.router) is web.UrlDispatcher


def test_install_does_not_drop_a_router_of_the_applications_own() -> None:
    class Own(web.UrlDispatcher):
        pass

    app = web.Application()
    app._router = Own()
    with pytest.raises(RegistrationError, match=r"the application's own router, .*\.Own; let that router derive"):
        UrlDispatcherEx.install(app)


def test_install_takes_the_application(app: web.Application) -> None:
    with pytest.raises(RegistrationError, match=r"install\(\) got UrlDispatcher; pass the web.Application itself"):
        UrlDispatcherEx.install(app.router)  # type: ignore[arg-type]  # the mistake itself


def test_a_link_in_the_place_of_the_path_is_refused(router: UrlDispatcherEx) -> None:
    with pytest.raises(RegistrationError, match=r"the path is pass_on \(.*\); the path comes first, as text"):
        router.add_get(pass_on, endpoint)  # type: ignore[arg-type]  # the mistake itself


@pytest.mark.skipif(AIOHTTP_4, reason="aiohttp 4 has no such argument")
def test_the_routers_argument_of_aiohttp_3_works() -> None:
    with pytest.warns(DeprecationWarning, match="router argument is deprecated"):
        app = web.Application(router=UrlDispatcherEx(pass_on))
    assert isinstance(app.router, UrlDispatcherEx)


# ---- static files


async def test_links_guard_files_in_every_form(
    app: web.Application, router: UrlDispatcherEx, aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a file")

    async def authenticate(request: web.Request) -> web.Response | None:
        return None if request.query.get("key") == "open" else web.Response(status=401)

    resource = router.add_static("/files/", tmp_path, authenticate, name="files", show_index=True)
    assert isinstance(resource, web.StaticResource)
    client = await aiohttp_client(app)
    for path in ("/files/a.txt", "/files/", "/files", "/files/none", "/files/b%2f..%2fa.txt"):
        assert (await client.get(path)).status == 401
        assert (await client.head(path)).status == 401
    assert await (await client.get("/files/a.txt?key=open")).text() == "a file"
    assert "a.txt" in await (await client.get("/files?key=open")).text()
    partial = await client.get("/files/a.txt?key=open", headers={"Range": "bytes=0-0"})
    assert (partial.status, await partial.text()) == (206, "a")
    assert router["files"].url_for(filename="a.txt").path == "/files/a.txt"
    assert (await client.post("/files/a.txt?key=open")).status == 405


# ---- sub-applications


@pytest.mark.parametrize("outer_extended", [True, False], ids=["extended outside", "stock outside"])
@pytest.mark.parametrize("inner_extended", [True, False], ids=["extended inside", "stock inside"])
async def test_route_links_run_inside_the_middlewares_of_every_application(
    diary: Diary, aiohttp_client: AiohttpClient, outer_extended: bool, inner_extended: bool
) -> None:
    def application(name: str, extended: bool) -> web.Application:
        app = web.Application(middlewares=[web.middleware(diary.middleware(name))])
        if extended:
            UrlDispatcherEx.install(app)
        return app

    async def answer(request: web.Request) -> web.Response:
        url = request.app.router["post"].url_for(id="8")
        return web.Response(text=f"{request.match_info['id']} {url} {request.app is innermost}")

    outer, middle = application("outer", outer_extended), application("middle", inner_extended)
    innermost = application("inner", inner_extended)
    if inner_extended:
        RouteGroup(innermost.router).add_get("/{id}", diary.guard("route"), answer, name="post")
    else:
        innermost.router.add_get("/{id}", chain(diary.guard("route"), answer), name="post")
    middle.add_subapp("/inner", innermost)
    outer.add_subapp("/middle", middle)
    client = await aiohttp_client(outer)
    response = await client.get("/middle/inner/7")
    assert await response.text() == "7 /middle/inner/8 True"
    assert diary.names == ["outer", "middle", "inner", "route", "/inner", "/middle", "/outer"]


async def test_a_sub_application_by_domain_has_chains(
    diary: Diary, aiohttp_client: AiohttpClient, app: web.Application
) -> None:
    tenant = web.Application(middlewares=[web.middleware(diary.middleware("app"))])
    UrlDispatcherEx.install(tenant, diary.guard("tenant")).add_get("/", endpoint)
    UrlDispatcherEx.install(app, diary.guard("outer")).add_get("/", endpoint)
    app.add_domain("*.example.com", tenant)
    client = await aiohttp_client(app)
    await client.get("/", headers={"Host": "a.example.com"})
    await client.get("/", headers={"Host": "example.org"})
    assert diary.names == ["app", "tenant", "/app", "outer"]
