"""require_links(): an application with a route that lacks the links which it must have does not start."""

import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractMatchInfo, AbstractRouter
from aiohttp.test_utils import TestServer
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RouteGroup, RouteTableDef, UrlDispatcherEx, chain, get, provides
from aiohttp_route_middleware.errors import InspectionError, PolicyError, RouteMiddlewareError
from aiohttp_route_middleware.inspection.listing import list_routes
from aiohttp_route_middleware.inspection.policy import check_links, require_links

from .conftest import (
    USER,
    PostView,
    audit,
    authenticate,
    authorise,
    get_post,
    index,
    inner,
    log_time,
    new_app,
    outer,
    read_marks,
)

LINES = read_marks(__file__)
USER_NAME = str(USER).removeprefix("<RequestKey(").partition(",")[0]


async def start(app: web.Application) -> list[str]:
    """Start a real server; return what its refusal lists, nothing if it starts."""
    server = TestServer(app)
    try:
        await server.start_server()
    except PolicyError as error:
        head, *problems = str(error).splitlines()
        assert head == "the application does not start:"
        return [problem.removeprefix("- ") for problem in problems if problem.startswith("- ")]  # without the cure
    finally:
        await server.close()
    return []


async def refused(app: web.Application) -> list[str]:
    """Start a real server; return the routes that it names."""
    return [line.partition(" -> ")[0] for line in await start(app)]


async def test_an_application_whose_routes_have_the_link_starts_and_serves(aiohttp_client: AiohttpClient) -> None:
    app, router = new_app(authenticate)
    router.add_get("/", index)
    require_links(app, authenticate)
    client = await aiohttp_client(app)
    assert await (await client.get("/")).text() == "index"


async def test_an_application_without_routes_starts() -> None:
    app = web.Application()
    require_links(app, authenticate)
    assert await start(app) == []


async def test_a_route_without_the_link_is_named_with_its_endpoint_and_both_places() -> None:
    app, router = new_app()
    router.add_get("/posts/{id}", audit, get_post)  # line: unprotected
    require_links(app, authenticate)
    written = f"{get_post.__code__.co_filename}:{get_post.__code__.co_firstlineno}"
    file = get_post.__code__.co_filename
    assert str(Path.cwd()) in file
    written = written.removeprefix(f"{Path.cwd()}/")
    defined = f"{__file__.removeprefix(f'{Path.cwd()}/')}:{LINES['unprotected']}"
    assert await start(app) == [
        f"GET HEAD /posts/{{id}} -> get_post ({written}), defined at {defined}, has no authenticate"
    ]


async def test_a_plain_route_is_named_without_where_it_is_defined() -> None:
    app = web.Application()
    app.router.add_post("/", index)
    require_links(app, authenticate)
    (line,) = await start(app)
    assert line.startswith("POST / -> index (")
    assert "defined at" not in line


async def test_all_unprotected_routes_of_all_applications_are_named_at_once(tmp_path: Path) -> None:
    app, router = new_app()
    sub, subsub, api = web.Application(), web.Application(), web.Application()
    subsub.router.add_get("/deep", index)
    sub.router.add_post("", index)
    sub.router.add_post("/safe", chain(authenticate, index))
    sub.add_subapp("/sub", subsub)
    api.router.add_delete("/hook", index)
    router.add_view("/view", PostView)
    router.add_route("*", "/any", index)
    router.add_static("/files", tmp_path)
    router.add_static("/safe-files", tmp_path, authenticate)
    app.add_subapp("/admin", sub)
    app.add_domain("*.example.com", api)
    require_links(app, authenticate)
    assert await refused(app) == [
        "* /view",
        "* /any",
        "GET HEAD /files/{...}",
        "POST /admin",
        "GET HEAD /admin/sub/deep",
        "DELETE *.example.com/hook",
    ]


async def test_every_method_of_a_path_is_held_to_it() -> None:
    app, router = new_app()
    for method in ("PUT", "POST", "DELETE", "REPORT", "OPTIONS"):
        links = [] if method in ("POST", "OPTIONS") else [authenticate]
        router.add_route(method, "/posts", *links, index)
    router.add_get("/posts", authenticate, index, allow_head=False)
    router.add_head("/posts", index)
    require_links(app, authenticate)
    assert await refused(app) == ["POST /posts", "OPTIONS /posts", "HEAD /posts"]


async def test_routes_added_after_the_requirement_are_held_to_it() -> None:
    app, router = new_app()
    require_links(app, authenticate)
    router.add_get("/late", index)
    assert await refused(app) == ["GET HEAD /late"]


async def test_routes_added_through_a_resource_lack_the_links_of_the_router() -> None:
    app, router = new_app(authenticate)
    router.add_resource("/door").add_route("GET", index)
    require_links(app, authenticate)
    assert await refused(app) == ["GET /door"]


def on_route(app: web.Application) -> None:
    app.router.add_get("/", chain(audit, authenticate, index))


def on_router(app: web.Application) -> None:
    UrlDispatcherEx.install(app, authenticate).add_get("/", index)


def on_group(app: web.Application) -> None:
    RouteGroup(app.router, "", audit, authenticate).add_get("/", index)


def on_outer_group(app: web.Application) -> None:
    UrlDispatcherEx.install(app).group("", authenticate).group("/a", audit).add_get("/", index)


def on_table(app: web.Application) -> None:
    table = RouteTableDef(authenticate)
    table.get("/")(index)
    app.add_routes(table)


def on_definition(app: web.Application) -> None:
    app.add_routes([get("/", authenticate, index)])


def on_view(app: web.Application) -> None:
    app.router.add_view("/", chain(authenticate, PostView))


def on_files(app: web.Application) -> None:
    RouteGroup(app.router, "", authenticate).add_static("/files", Path(__file__).parent)


@pytest.mark.parametrize(
    "register",
    [on_route, on_router, on_group, on_outer_group, on_table, on_definition, on_view, on_files],
    ids=lambda register: register.__name__,
)
@pytest.mark.parametrize("wanted", [authenticate, USER], ids=["link", "key"])
async def test_the_link_may_stand_anywhere_before_the_endpoint(
    register: Callable[[web.Application], None], wanted: Any
) -> None:
    app = web.Application()
    register(app)
    require_links(app, wanted)
    assert await start(app) == []


@pytest.mark.parametrize(("on_app", "on_sub"), [(True, False), (False, True)], ids=["outermost", "sub-application"])
async def test_a_middleware_of_an_application_guards_its_routes_and_those_below(on_app: bool, on_sub: bool) -> None:
    app = web.Application(middlewares=[outer] if on_app else [])
    sub = web.Application(middlewares=[outer] if on_sub else [])
    subsub = web.Application(middlewares=[inner])
    for one in (app, sub, subsub):
        one.router.add_get("/", index)
    sub.add_subapp("/subsub", subsub)
    app.add_subapp("/sub", sub)
    require_links(app, outer)
    assert await refused(app) == ([] if on_app else ["GET HEAD /"])


async def test_an_exempt_sub_application_does_not_exempt_the_one_beside_it() -> None:
    app, guarded, bare = web.Application(), web.Application(middlewares=[outer]), web.Application()
    for one in (guarded, bare):
        one.router.add_get("/", index)
    app.add_subapp("/guarded", guarded)
    app.add_subapp("/bare", bare)
    require_links(app, outer)
    assert await refused(app) == ["GET HEAD /bare/"]


async def test_one_of_several_links_is_enough_and_the_message_names_them_all() -> None:
    app, router = new_app()
    router.add_get("/a", authenticate, index)
    router.add_get("/b", audit, index)
    router.add_get("/c", log_time, index)
    require_links(app, authenticate, audit)
    (line,) = await start(app)
    assert "GET HEAD /c " in line
    assert line.endswith(" has no authenticate or audit")


async def test_several_requirements_are_all_kept() -> None:
    app, router = new_app()
    router.add_get("/", authenticate, index)
    require_links(app, authenticate)
    require_links(app, audit)
    (line,) = await start(app)
    assert line.endswith(" has no audit")


@pytest.mark.parametrize(
    ("key", "name"),
    [(USER, f"{__package__}.conftest.USER"), ("user", "'user'")],
    ids=["web.RequestKey", "text"],
)
async def test_a_request_key_stands_for_any_link_that_provides_it(key: Any, name: str) -> None:
    @provides(key)
    async def by_token(request: web.Request) -> None: ...

    @provides("something else", key)
    async def by_cookie(request: web.Request) -> None: ...

    app, router = new_app()
    router.add_get("/token", by_token, index)
    router.add_get("/cookie", by_cookie, index)
    require_links(app, key)
    assert await start(app) == []
    app, router = new_app()
    router.add_get("/bare", audit, provides(key)(functools.partial(index)))  # an endpoint stands before nothing
    require_links(app, key)
    (line,) = await start(app)
    assert line.endswith(f" has no link that provides {name}")


async def test_what_a_key_needs_is_told_once_and_that_to_vouch_for_it_is_not_enough() -> None:
    app, router = new_app()
    router.add_get("/", index, given=[USER])
    router.add_get("/login", index)
    router.add_get("/public", provides(USER)(functools.partial(authenticate)), index)
    require_links(app, USER, unless=["/login", "/public"])
    server = TestServer(app)
    with pytest.raises(PolicyError) as caught:
        await server.start_server()
    await server.close()
    _, lacking, needless, cure = str(caught.value).splitlines()
    assert lacking.endswith(f"has no link that provides {USER_NAME}")
    assert needless == f"- unless='/public' is not needed: /public has a link that provides {USER_NAME}; take it out"
    assert cure.startswith(
        "put a link that is declared to set it, by @provides, before each of these routes. given= does"
    )


async def test_no_cure_is_told_for_a_key_if_only_exemptions_are_wrong() -> None:
    app = web.Application()
    require_links(app, USER, unless=["/nowhere"])
    server = TestServer(app)
    with pytest.raises(PolicyError, match=r"command lists them$"):
        await server.start_server()
    await server.close()


@functools.wraps(authenticate)
async def wrapper(request: web.Request) -> None:
    await authenticate(request)


def twin() -> Any:
    return authorise("post:read")


@pytest.mark.parametrize(
    ("wanted", "link"),
    [
        (authenticate, wrapper),
        (authenticate, functools.partial(authenticate)),
        (twin(), twin()),
        (wrapper, authenticate),
    ],
    ids=["wrapper", "partial", "made twice by a factory", "what is wrapped"],
)
async def test_what_wraps_the_link_or_is_named_like_it_is_not_the_link(wanted: Any, link: Any) -> None:
    app, router = new_app()
    router.add_get("/", link, index)
    require_links(app, wanted)
    assert await refused(app) == ["GET HEAD /"]


async def test_what_wraps_a_finished_chain_hides_its_links() -> None:
    finished: Any = chain(authenticate, index)

    @functools.wraps(finished)
    async def around(request: web.Request) -> Any:
        return await finished(request)

    app = web.Application()
    app.router.add_get("/", around)
    require_links(app, authenticate)
    assert await refused(app) == ["GET HEAD /"]


async def test_a_link_that_equals_the_wanted_one_is_not_the_wanted_one() -> None:
    class Equal:
        def __eq__(self, other: object) -> bool:
            return other is authenticate

        def __hash__(self) -> int:
            return hash(authenticate)

        async def __call__(self, request: web.Request) -> None: ...

    app, router = new_app()
    router.add_get("/", Equal(), index)
    require_links(app, authenticate)
    assert await refused(app) == ["GET HEAD /"]


@pytest.mark.parametrize(
    ("unless", "left"),
    [
        (["/login"], []),
        (["GET /login", "POST /login"], []),
        (["GET /login"], ["POST /login"]),
        (("POST /login",), ["GET HEAD /login"]),
        ([], ["GET HEAD /login", "POST /login"]),
    ],
    ids=["a path is all its methods", "each method", "GET alone", "POST alone, in a tuple", "none"],
)
async def test_unless_exempts_a_path_or_one_method_of_it(unless: list[str], left: list[str]) -> None:
    app, router = new_app()
    router.add_get("/login", index)
    router.add_post("/login", index)
    router.add_get("/posts", authenticate, index)
    require_links(app, authenticate, unless=unless)
    assert await refused(app) == left


async def test_unless_takes_paths_as_the_list_shows_them(tmp_path: Path) -> None:
    app, router = new_app()
    sub, api = web.Application(), web.Application()
    sub.router.add_get("/{id}", index)
    api.router.add_post("/hook", index)
    router.add_static("/files", tmp_path)
    router.add_route("*", "/any", index)
    app.add_subapp("/sub", sub)
    app.add_domain("api.example.com", api)
    require_links(app, authenticate, unless=["/files/{...}", "* /any", "GET /sub/{id}", "POST api.example.com/hook"])
    assert await start(app) == []


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("/logni", "unless='/logni' names no route; did you mean '/login'?"),
        ("GET /logni", "unless='GET /logni' names no route; did you mean 'GET /login'?"),
        ("HEAD /login", "unless='HEAD /login' names no route; did you mean 'GET /login'?"),
        ("/login/", "unless='/login/' names no route; did you mean '/login'?"),
        ("-", "unless='-' names no route; the `routes` command lists them"),
        ("", "unless='' names no route; the `routes` command lists them"),
        ("/posts", "unless='/posts' is not needed: /posts has authenticate; take it out"),
        ("GET /posts", "unless='GET /posts' is not needed: GET /posts has authenticate; take it out"),
    ],
    ids=lambda value: None if "unless" in value else f"<{value}>",
)
async def test_an_exemption_of_nothing_is_refused(entry: str, complaint: str) -> None:
    app, router = new_app()
    router.add_get("/login", index)
    router.add_post("/login", index)
    router.add_get("/posts", authenticate, index)
    require_links(app, authenticate, unless=["/login", entry])
    assert await start(app) == [f"{complaint}"]


async def test_an_exemption_by_path_is_needed_as_long_as_one_of_its_methods_needs_it() -> None:
    app, router = new_app()
    router.add_get("/posts", authenticate, index)
    router.add_post("/posts", index)
    require_links(app, authenticate, unless=["/posts"])
    assert await start(app) == []


async def test_nothing_of_the_application_is_opened_before_it_is_refused() -> None:
    opened: list[str] = []

    async def open_database(app: web.Application) -> None:
        opened.append("on_startup")

    async def keep_database(app: web.Application) -> AsyncIterator[None]:
        opened.append("cleanup_ctx")
        yield

    app, sub = web.Application(), web.Application()
    sub.on_startup.append(open_database)
    sub.cleanup_ctx.append(keep_database)
    app.on_startup.append(open_database)
    app.cleanup_ctx.append(keep_database)
    app.router.add_get("/", index)
    app.add_subapp("/sub", sub)
    require_links(app, authenticate)
    app.on_startup.append(open_database)
    assert await refused(app) == ["GET HEAD /"]
    assert opened == []


async def test_a_router_that_cannot_be_looked_into_is_refused_at_start_up() -> None:
    class Blind(AbstractRouter):
        async def resolve(self, request: web.Request) -> AbstractMatchInfo:
            raise NotImplementedError

    with pytest.warns(DeprecationWarning, match="router argument is deprecated"):
        app = web.Application(router=Blind())  # type: ignore[arg-type]  # aiohttp wants its own class
    require_links(app, authenticate)
    server = TestServer(app)
    with pytest.raises(InspectionError, match="cannot list its resources"):
        await server.start_server()
    await server.close()


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (
            lambda app: require_links(app.router, authenticate),
            r"got .*UrlDispatcher.*; pass the web.Application first",
        ),
        (
            lambda app: require_links(authenticate, app),  # type: ignore[arg-type]  # the mistake itself
            r"got authenticate \(.*; pass the web.Application first",
        ),
        (lambda app: require_links(app), r"got no links; pass at least one, or a request key"),
        (lambda app: require_links(app, [authenticate]), r"got list; pass links or request keys"),
        (lambda app: require_links(app, authenticate, None), r"got NoneType; pass links or request keys"),
        (lambda app: require_links(app, authenticate, unless="/login"), r"unless= takes a list of texts"),
        (
            lambda app: require_links(app, authenticate, unless=[index]),  # type: ignore[list-item]  # the mistake itself
            r"unless= takes a list of texts",
        ),
    ],
    ids=["a router", "the wrong way round", "no links", "a list", "None", "unless is a text", "unless holds a link"],
)
def test_a_mistake_in_the_call_is_refused_at_once(call: Callable[[Any], None], complaint: str) -> None:
    app = web.Application()
    with pytest.raises(InspectionError, match=complaint):
        call(app)
    assert not [handler for handler in app.on_startup if "refuse" in getattr(handler, "__name__", "")]


def test_a_refusal_is_an_error_of_this_package() -> None:
    assert issubclass(PolicyError, RouteMiddlewareError)


def test_the_check_can_be_made_without_a_start() -> None:
    app, router = new_app()
    router.add_get("/", index)
    router.add_get("/posts", authenticate, index)
    (problem,) = check_links(app, [authenticate])
    assert problem.startswith("GET HEAD / -> index (")
    assert check_links(app, [authenticate], ["/"]) == []
    assert check_links(app, [USER], ["/"]) == []


class Silent(web.PlainResource):
    """A resource of somebody else's, which answers without a route that it lists."""

    async def resolve(self, request: web.Request) -> Any:
        if request.path != "/silent":
            return None, set()
        return web.UrlMappingMatchInfo({}, web.UrlDispatcher().add_get("/x", index)), {"GET"}


async def test_a_resource_that_lists_no_routes_is_not_taken_for_protected() -> None:
    app = web.Application()
    app.router.register_resource(Silent("/silent"))
    require_links(app, authenticate)
    assert await start(app) != []


async def test_a_requirement_that_comes_too_late_is_refused_in_our_words(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    await aiohttp_client(app)
    with pytest.raises(InspectionError):
        require_links(app, authenticate)


def test_a_method_in_small_letters_is_suggested_in_capitals() -> None:
    app = web.Application()
    app.router.add_post("/login", index)
    assert check_links(app, [authenticate], ["post /login"])[-1].endswith("; did you mean 'POST /login'?")


def test_a_problem_is_one_line_whatever_the_path_is() -> None:
    app = web.Application()
    app.router.add_get("/a\n\x1b[2J", index)
    (problem,) = check_links(app, [authenticate])
    assert problem.isprintable()


async def test_an_exemption_does_not_exempt_another_resource_that_is_shown_alike() -> None:
    app, router = new_app()
    router.add_get(r"/{id:\d+}", index)
    router.add_get("/{id}", index)
    require_links(app, authenticate, unless=["/{id}"])
    assert await start(app) != []


async def test_routes_that_a_later_start_up_handler_registers_are_held_to_it_too() -> None:
    app = web.Application()
    app.router.add_get("/a", chain(authenticate, index))

    async def register(app: web.Application) -> None:
        app.router.add_get("/late", index)

    app.on_startup.append(register)
    require_links(app, authenticate)
    assert await refused(app) == ["GET HEAD /late"]


async def test_an_application_whose_late_routes_are_protected_starts() -> None:
    app = web.Application()

    async def register(app: web.Application) -> None:
        app.router.add_get("/late", chain(authenticate, index))

    app.on_startup.append(register)
    require_links(app, authenticate)
    assert await start(app) == []


async def test_a_bound_method_is_the_same_link_each_time_it_is_read() -> None:
    class Gate:
        async def check(self, request: web.Request) -> None: ...

    gate = Gate()
    app, router = new_app()
    router.add_get("/", gate.check, index)
    require_links(app, gate.check)
    assert await start(app) == []
    assert check_links(app, [Gate().check]) != []


async def test_exemptions_may_come_from_a_generator() -> None:
    app, router = new_app()
    router.add_get("/login", index)
    require_links(app, authenticate, unless=(path for path in ["/login"]))
    assert await start(app) == []


async def test_files_and_a_path_with_a_star_are_not_exempted_together(tmp_path: Path) -> None:
    app, router = new_app()
    router.add_static("/files", tmp_path)
    router.add_post("/files/*", index)
    require_links(app, authenticate, unless=["/files/*"])
    assert await refused(app) == ["GET HEAD /files/{...}"]


async def test_domains_in_domains_are_not_exempted_together() -> None:
    app, outer_app = web.Application(), web.Application()
    for one in (app, outer_app):
        inner_app = web.Application()
        inner_app.router.add_get("/x", index)
        one.add_domain("*.example.com", inner_app)
    app.add_domain("a.*", outer_app)
    assert [route.path for route in list_routes(app)] == ["*.example.com/x", "a.*&*.example.com/x"]


# ---- several links


@pytest.mark.parametrize(
    ("links", "names"),
    [
        pytest.param([authenticate, audit], [], id="both"),
        pytest.param([authenticate], [], id="the key alone"),
        pytest.param([audit], [], id="the link alone"),
        pytest.param([log_time], ["GET HEAD /"], id="neither"),
    ],
)
async def test_one_of_several_is_enough(links: list[Any], names: list[str]) -> None:
    app, router = new_app()
    router.add_get("/", *links, index)
    require_links(app, USER, audit)
    assert await refused(app) == names


@pytest.mark.parametrize(
    ("links", "missing"),
    [
        pytest.param([authenticate, audit], [], id="both"),
        pytest.param([authenticate], ["audit"], id="one"),
        pytest.param([audit], [f"link that provides {__name__.rpartition('.')[0]}.conftest.USER"], id="the other"),
    ],
)
async def test_with_a_call_for_each_each_is_needed(links: list[Any], missing: list[str]) -> None:
    app, router = new_app()
    router.add_get("/", *links, index)
    require_links(app, USER)
    require_links(app, audit)
    assert [line.partition(" has no ")[2] for line in await start(app)] == missing


async def test_a_link_that_a_factory_made_for_one_route_is_not_that_of_another() -> None:
    app, router = new_app()
    writers = authorise("post:write")
    router.add_get("/posts", authenticate, authorise("post:read"), index)
    router.add_post("/posts", authenticate, writers, index)
    require_links(app, USER)
    require_links(app, writers)
    assert await refused(app) == ["GET HEAD /posts"]
