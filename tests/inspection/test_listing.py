"""list_routes(): each route, what runs before its endpoint, in which order, and where all that is written."""

import functools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractMatchInfo, AbstractRouter
from aiohttp.web_urldispatcher import AbstractRuleMatching, MatchedSubAppResource
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware import (
    RouteGroup,
    RouteTableDef,
    UrlDispatcherEx,
    chain,
    get,
    links_of,
    post,
    static,
    view,
)
from aiohttp_route_middleware.errors import InspectionError
from aiohttp_route_middleware.inspection import LinkInfo, list_routes
from aiohttp_route_middleware.places import Site

from ..steady_ids import steady
from .conftest import (
    PostView,
    audit,
    authenticate,
    authorise,
    find,
    get_post,
    index,
    inner,
    labels,
    log_time,
    names,
    new_app,
    outer,
    read_marks,
)

LINES = read_marks(__file__)


def here(mark: str) -> Site:
    return Site(__file__, LINES[mark])


def test_a_route_tells_its_methods_path_name_middlewares_links_and_endpoint() -> None:
    app, router = new_app(authenticate, middlewares=[outer])
    added = router.add_post("/posts/{id}", authorise("post:write"), log_time, get_post, name="post")
    (route,) = list_routes(app)
    assert (route.methods, route.path, route.name, route.mounts) == (("POST",), "/posts/{id}", "post", ())
    assert names(route.middlewares) == ["outer"]
    assert names(route.inherited) == ["authenticate"]
    assert names(route.own) == ["authorise(post:write)", "log_time"]
    assert names(route.links) == ["authenticate", "authorise(post:write)", "log_time"]
    assert route.endpoint.name == "get_post"
    assert route.routes == (added,)
    assert route.label == "POST /posts/{id}"


def test_a_link_tells_its_name_its_module_where_it_is_written_and_is_there_itself() -> None:
    app, router = new_app()
    router.add_get("/", authenticate, index)
    (link,) = find(app, "GET /").links
    assert link.link is authenticate
    assert (link.name, link.module) == ("authenticate", authenticate.__module__)
    assert link.site == Site(authenticate.__code__.co_filename, authenticate.__code__.co_firstlineno)
    assert str(link) == f"authenticate ({link.site})"


def test_a_link_that_is_not_written_in_python_has_no_place() -> None:
    assert LinkInfo.of(print).site is None
    assert str(LinkInfo.of(print)) == "print"
    assert LinkInfo.of(print).module == "builtins"


def test_the_middlewares_of_the_outer_application_come_first() -> None:
    app, sub, subsub = (web.Application(middlewares=[one]) for one in (outer, inner, log_time))
    subsub.router.add_get("/", index)
    sub.router.add_get("/", index)
    app.router.add_get("/", index)
    sub.add_subapp("/subsub", subsub)
    app.add_subapp("/sub", sub)
    assert [(route.path, names(route.middlewares)) for route in list_routes(app)] == [
        ("/", ["outer"]),
        ("/sub/", ["outer", "inner"]),
        ("/sub/subsub/", ["outer", "inner", "log_time"]),
    ]


def on_router(app: web.Application) -> None:
    UrlDispatcherEx.install(app, authenticate, log_time).add_get("/", audit, index)


def in_group(app: web.Application) -> None:
    UrlDispatcherEx.install(app, authenticate).group("/posts", log_time).add_get("", audit, index)


def in_nested_group(app: web.Application) -> None:
    group = UrlDispatcherEx.install(app).group("/posts", authenticate)
    group.group("/{id}", [log_time]).add_get("/", audit, index)


def in_group_on_stock_router(app: web.Application) -> None:
    RouteGroup(app.router, "/posts", authenticate, log_time).add_get("", audit, index)


def in_table(app: web.Application) -> None:
    table = RouteTableDef(authenticate, log_time)
    table.get("/", audit)(index)
    app.add_routes(table)


def in_table_on_router(app: web.Application) -> None:
    UrlDispatcherEx.install(app, authenticate)
    table = RouteTableDef(log_time)
    table.get("/", audit)(index)
    app.add_routes(table)


def in_definition_on_router(app: web.Application) -> None:
    UrlDispatcherEx.install(app, authenticate, log_time).add_routes([get("/", audit, index)])


def in_stock_definition_on_group(app: web.Application) -> None:
    group = UrlDispatcherEx.install(app, authenticate).group("/posts", log_time)
    group.add_routes([web.get("", chain(audit, index))])


def with_chain_as_endpoint(app: web.Application) -> None:
    UrlDispatcherEx.install(app, authenticate, log_time).add_get("/", chain(audit, index))


def without_some(app: web.Application) -> None:
    router = UrlDispatcherEx.install(app, authenticate, outer)
    router.group("/a", inner, log_time, without=outer).add_get("", audit, index, without=[inner])


def on_static_files(app: web.Application) -> None:
    group = UrlDispatcherEx.install(app, authenticate).group("/a", log_time)
    group.add_static("/files", Path(__file__).parent, audit)


@pytest.mark.parametrize(
    "register",
    [
        on_router,
        in_group,
        in_nested_group,
        in_group_on_stock_router,
        in_table,
        in_table_on_router,
        in_definition_on_router,
        in_stock_definition_on_group,
        with_chain_as_endpoint,
        without_some,
        on_static_files,
    ],
    ids=lambda register: register.__name__,
)
def test_inherited_links_are_told_from_own_ones(register: Callable[[web.Application], None]) -> None:
    app = web.Application()
    register(app)
    (route,) = list_routes(app)
    assert (names(route.inherited), names(route.own)) == (["authenticate", "log_time"], ["audit"])


@pytest.mark.parametrize(
    "definition",
    [
        get("/", authenticate, audit, index),
        get("/", authenticate, chain(audit, index)),
        web.get("/", chain(authenticate, audit, index)),
        web.get("/", chain([authenticate, (audit,)], index)),
    ],
    ids=["get()", "get() with chain()", "chain()", "lists in chain()"],
)
def test_on_a_stock_router_all_links_of_a_chain_are_its_own(definition: web.RouteDef) -> None:
    app = web.Application()
    app.add_routes([definition])
    (route,) = list_routes(app)
    assert (names(route.inherited), names(route.own)) == ([], ["authenticate", "audit"])


def test_a_plain_aiohttp_application_is_listed_too() -> None:
    app = web.Application()
    app.add_routes([web.get("/", index, name="home"), web.view("/view", PostView)])
    assert [(r.methods, r.path, r.name, r.links, r.endpoint.name) for r in list_routes(app)] == [
        (("GET", "HEAD"), "/", "home", (), "index"),
        (("*",), "/view", None, (), "PostView"),
    ]


class Posts:
    async def read(self, request: web.Request) -> web.Response:
        return web.Response()

    async def __call__(self, request: web.Request) -> web.Response:
        return web.Response()


class Allow:
    async def __call__(self, request: web.Request) -> None: ...


@pytest.mark.parametrize(
    ("endpoint", "name", "link"),
    [
        (index, "index", "index"),
        (PostView, "PostView", "PostView"),
        (chain(audit, PostView), "PostView", "PostView"),
        (functools.partial(index), "index", "functools.partial(<function index"),
        (Posts().read, "Posts.read", "<bound method Posts.read"),
        (Posts(), "Posts", f"<{__name__}.Posts object"),
    ],
    ids=["function", "View", "View behind a link", "partial", "bound method", "object"],
)
def test_an_endpoint_of_any_kind_is_named_by_its_code(endpoint: Any, name: str, link: str) -> None:
    app, router = new_app()
    router.add_route("*", "/", authenticate, endpoint)
    found = find(app, "* /").endpoint
    assert found.name == name
    assert found.link is links_of(endpoint)[-1]
    assert found.module in (__name__, index.__module__)
    assert found.site is not None
    assert found.site.file in (__file__, index.__code__.co_filename)


@pytest.mark.parametrize(
    ("link", "name"),
    [
        (Allow(), "Allow"),
        (functools.partial(log_time), "log_time"),
        (authorise("a", "b"), "authorise(a, b)"),
        (lambda request: None, "<lambda>"),
    ],
    ids=["object", "partial", "named", "lambda"],
)
def test_a_link_of_any_kind_is_named_by_its_code_or_by_itself(link: Any, name: str) -> None:
    app, router = new_app()
    router.add_get("/", link, index)
    (found,) = find(app, "GET /").own
    assert (found.name, found.link) == (name, link)
    assert found.site is not None


def test_where_a_view_is_written_is_where_its_class_begins() -> None:
    app, router = new_app()
    router.add_view("/", PostView)
    site = find(app, "* /").endpoint.site
    assert site is not None
    assert Path(site.file).read_text().splitlines()[site.line - 1] == "class PostView(web.View):"


def register_everywhere(app: web.Application, folder: Path) -> None:
    """Routes whose paths are the marks of the lines where they are defined."""
    router = UrlDispatcherEx.install(app)
    router.add_get("/add_get", authenticate, index)  # line: /add_get
    router.add_route("PUT", "/add_route", index)  # line: /add_route
    router.add_delete("/add_delete", index)  # line: /add_delete
    router.add_view("/add_view", PostView)  # line: /add_view
    router.add_static("/add_static", folder)  # line: /add_static/{...}
    router.group("/group", authenticate).add_post("/add_post", index)  # line: /group/add_post
    table = RouteTableDef()

    @table.get("/decorated", authenticate)  # line: /decorated
    async def decorated(request: web.Request) -> web.Response:
        return web.Response()

    @table.view("/decorated-view")  # line: /decorated-view
    class Decorated(web.View): ...

    table.static("/table-static", folder)  # line: /table-static/{...}
    definitions = [
        get("/get", index),  # line: /get
        post("/post", authenticate, index),  # line: /post
        view("/view", PostView),  # line: /view
        static("/static", folder, authenticate),  # line: /static/{...}
    ]
    app.add_routes([*definitions, *table])
    router.group("/in-group").add_routes([get("/get", index)])  # line: /in-group/get
    stock = [web.get("/stock", index), web.get("/stock-chain", chain(authenticate, index))]
    app.add_routes(stock)  # line: /stock
    router.add_resource("/resource-chain").add_route("GET", chain(audit, index))  # line: /resource-chain
    router.add_resource("/resource").add_route("GET", index)


def test_where_a_route_is_defined_is_told_by_file_and_line(tmp_path: Path) -> None:
    app = web.Application()
    register_everywhere(app, tmp_path)
    expected = {**LINES, "/stock-chain": LINES["/stock"]}
    if sys.version_info < (3, 11):  # there, what is decorated calls the decorator from its own first line
        expected |= {path: LINES[path] + 1 for path in ("/decorated", "/decorated-view")}
    for route in list_routes(app):
        if route.path == "/resource":
            assert route.site is None
        else:
            assert route.site == Site(__file__, expected.pop(route.path)), route.path
    assert [mark for mark in expected if mark.startswith("/") and not mark.startswith("/elsewhere")] == []


def test_on_a_stock_router_our_definitions_and_chains_tell_where_they_are_written(tmp_path: Path) -> None:
    app = web.Application()
    app.router.add_get("/chain", chain(authenticate, index))  # line: /elsewhere/chain
    RouteGroup(app.router, "/group").add_get("", index)  # line: /elsewhere/group
    app.add_routes([get("/get", index)])  # line: /elsewhere/get
    app.add_routes([static("/static", tmp_path)])  # line: /elsewhere/static/{...}
    assert [(route.path, route.site) for route in list_routes(app)] == [
        (path, here(f"/elsewhere{path}")) for path in ("/chain", "/group", "/get", "/static/{...}")
    ]


def test_one_chain_on_several_routes_is_defined_where_each_of_them_is() -> None:
    app, router = new_app()
    once = chain(authenticate, index)
    router.add_get("/a", once)  # line: /elsewhere/a
    router.add_get("/b", once)  # line: /elsewhere/b
    app.add_routes([get("/c", once)])  # line: /elsewhere/c
    assert [route.site for route in list_routes(app)] == [here(f"/elsewhere/{name}") for name in "abc"]


def test_where_plain_aiohttp_routes_are_defined_is_not_known(tmp_path: Path) -> None:
    app = web.Application()
    app.router.add_get("/a", index)
    app.router.add_static("/b", tmp_path)
    app.add_routes([web.get("/c", index), web.static("/d", tmp_path)])
    assert [route.site for route in list_routes(app)] == [None] * 4


def test_a_head_route_is_defined_where_its_get_route_is() -> None:
    app, router = new_app()
    router.add_get("/", authenticate, index)  # line: of the HEAD
    (route,) = list_routes(app)
    assert route.methods == ("GET", "HEAD")
    assert route.site == here("of the HEAD")


def test_sub_applications_are_listed_in_their_places_with_their_prefixes() -> None:
    app, router = new_app()
    sub, subsub = web.Application(), web.Application()
    subsub.router.add_get("/c", index)
    sub.add_subapp("/b", subsub)
    sub.router.add_get("/late", index)
    router.add_get("/first", index)
    app.add_subapp("/a", sub)  # only now "/b" becomes "/a/b"
    router.add_get("/last", index)
    assert [(route.path, route.mounts) for route in list_routes(app)] == [
        ("/first", ()),
        ("/a/b/c", ("/a", "/a/b")),
        ("/a/late", ("/a",)),
        ("/last", ()),
    ]


def test_links_of_a_router_do_not_reach_sub_applications() -> None:
    app, _ = new_app(authenticate)
    sub, router = new_app(audit)
    router.add_get("/", index)
    app.add_subapp("/sub", sub)
    assert names(find(app, "GET /sub/").links) == ["audit"]


@pytest.mark.parametrize(
    ("domain", "shown"),
    [
        ("api.example.com", "api.example.com"),
        ("API.Example.com.", "api.example.com"),
        ("api.example.com:8080", "api.example.com:8080"),
        ("*.example.com", "*.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
    ids=["plain", "as aiohttp spells it", "with a port", "mask", "not ASCII"],
)
def test_a_domain_stands_before_the_path(domain: str, shown: str) -> None:
    app, sub, subsub = web.Application(middlewares=[outer]), web.Application(middlewares=[inner]), web.Application()
    subsub.router.add_get("/deep", index)
    sub.router.add_get("/hook", chain(authenticate, index))
    sub.add_subapp("/v1", subsub)
    app.add_domain(domain, sub)
    assert [(r.path, r.mounts, names(r.middlewares)) for r in list_routes(app)] == [
        (f"{shown}/hook", (shown,), ["outer", "inner"]),
        (f"{shown}/v1/deep", (shown, "/v1"), ["outer", "inner"]),
    ]


class Tenant(AbstractRuleMatching):
    async def match(self, request: web.Request) -> bool:
        return "X-Tenant" in request.headers

    def get_info(self) -> Any:
        return {"tenant": "any"}

    @property
    def canonical(self) -> str:
        return "<tenant>"


def test_a_custom_rule_stands_before_the_path_as_it_calls_itself() -> None:
    app, sub = web.Application(), web.Application(middlewares=[inner])
    sub.router.add_get("/hook", index)
    app.router.register_resource(MatchedSubAppResource(Tenant(), sub))
    (route,) = list_routes(app)
    assert (route.path, route.mounts, names(route.middlewares)) == ("<tenant>/hook", ("<tenant>",), ["inner"])


def test_directories_of_files_are_listed_with_their_links(tmp_path: Path) -> None:
    app, router = new_app(authenticate)
    router.add_static("/ours", tmp_path, audit)
    app.add_routes([web.static("/theirs", tmp_path), static("/defined", tmp_path, without=authenticate)])
    stock = web.Application()
    stock.router.add_static("/stock", tmp_path, name="assets")
    stock.router.add_static("/", tmp_path)
    app.add_subapp("/sub", stock)
    assert [(route.path, names(route.links), route.name) for route in list_routes(app)] == [
        ("/ours/{...}", ["authenticate", "audit"], None),
        ("/theirs/{...}", ["authenticate"], None),
        ("/defined/{...}", [], None),
        ("/sub/stock/{...}", [], "assets"),
        ("/sub/{...}", [], None),
    ]
    for route in list_routes(app):
        assert route.endpoint.name == f"files in {tmp_path.name}/"
        assert route.methods == ("GET", "HEAD")


def test_all_methods_are_a_star_and_each_other_method_is_a_route() -> None:
    app, router = new_app()
    router.add_route("*", "/any", index)
    resource = router.add_resource("/some")
    for method in ("POST", "REPORT", "GET", "OPTIONS", "HEAD"):
        resource.add_route(method, chain(audit, get_post) if method == "HEAD" else index)
    assert labels(app) == ["* /any", "POST /some", "REPORT /some", "GET /some", "OPTIONS /some", "HEAD /some"]


def test_head_is_joined_with_the_get_route_that_it_came_with() -> None:
    app, router = new_app(authenticate)
    router.add_get("/both", index)
    router.add_get("/get", index, allow_head=False)
    router.add_get("/links", index, allow_head=False)
    router.add_head("/links", audit, index)
    router.add_get("/endpoints", index, allow_head=False)
    router.add_head("/endpoints", get_post)
    router.add_head("/head", index)
    assert [(route.methods, route.path, len(route.routes)) for route in list_routes(app)] == [
        (("GET", "HEAD"), "/both", 2),
        (("GET",), "/get", 1),
        (("GET",), "/links", 1),
        (("HEAD",), "/links", 1),
        (("GET",), "/endpoints", 1),
        (("HEAD",), "/endpoints", 1),
        (("HEAD",), "/head", 1),
    ]


def test_a_get_route_with_head_leads_the_routes_of_its_resource() -> None:
    app = web.Application()
    resource = app.router.add_resource("/")
    for method in ("POST", "HEAD", "GET"):
        resource.add_route(method, index)
    assert [route.methods for route in list_routes(app)] == [("GET", "HEAD"), ("POST",)]


def test_the_empty_path_is_the_root_or_that_of_the_application_or_group_around() -> None:
    app, router = new_app()
    sub, api = web.Application(), web.Application()
    sub.router.add_get("", index)
    api.router.add_get("/", index)
    router.add_get("", index)
    router.group("/group").add_get("", index)
    app.add_subapp("/sub", sub)
    app.add_domain("api.example.com", api)
    assert labels(app) == ["GET /", "GET /group", "GET /sub", "GET api.example.com/"]


@pytest.mark.parametrize(
    ("registered", "shown"),
    [
        pytest.param(path, shown or path, id=path)
        for path, shown in [
            (r"/posts/{id:\d+}/{rest:.*}", ""),
            ("/grüße", ""),
            ("/{a}-{b:[^/]{2,3}}.html", ""),
            ("/{id:[^{}/]+}", "/{id}"),
            (r"/{a:x)|(y}", ""),
            (r"/{a:\)(?:b|[)])}/a.b", ""),
        ]
    ],
)
@pytest.mark.parametrize("prefix", ["", "/sub(1)"])
def test_paths_are_shown_as_they_are_registered(prefix: str, registered: str, shown: str) -> None:
    app, router = new_app()
    router.add_get(registered, index)
    outer = web.Application()
    if prefix:
        outer.add_subapp(prefix, app)
    assert [route.path for route in list_routes(outer if prefix else app)] == [prefix + shown]


def test_a_path_that_aiohttp_has_not_made_is_shown_as_its_resource_tells() -> None:
    class Odd(web.DynamicResource):
        def get_info(self) -> Any:
            return {"formatter": "/odd/{id}", "pattern": re.compile("/odd/.*")}

    app = web.Application()
    odd = Odd("/odd/{id}")
    app.router.register_resource(odd)
    odd.add_route("GET", index)
    assert [route.path for route in list_routes(app)] == ["/odd/{id}"]


def test_a_resource_that_lists_no_route_is_listed_if_it_may_answer() -> None:
    class Silent(web.PlainResource):
        async def resolve(self, request: web.Request) -> Any:
            return None, set()

    app = web.Application()
    app.router.add_resource("/empty")
    app.router.register_resource(Silent("/silent"))
    (route,) = list_routes(app)
    assert (route.label, route.routes, route.is_bare, route.site) == ("* /silent", (), True, None)
    assert route.endpoint.name.endswith("Silent")


def test_a_route_added_through_a_resource_has_no_leading_links() -> None:
    app, router = new_app(authenticate)
    resource = router.add_resource("/posts", name="posts")
    resource.add_route("GET", index)
    resource.add_route("POST", chain(audit, index))
    assert [(r.label, names(r.inherited), names(r.own), r.name) for r in list_routes(app)] == [
        ("GET /posts", [], [], "posts"),
        ("POST /posts", [], ["audit"], "posts"),
    ]


def test_a_path_that_is_registered_twice_is_listed_twice() -> None:
    app, router = new_app()
    router.add_get("/a", authenticate, index)
    router.add_get("/b", index)
    router.add_get("/a", index)
    router.add_post("/a", audit, index)
    assert [(route.label, names(route.links)) for route in list_routes(app)] == [
        ("GET /a", ["authenticate"]),
        ("GET /b", []),
        ("GET /a", []),
        ("POST /a", ["audit"]),
    ]


def test_an_application_without_routes_has_an_empty_list() -> None:
    assert list_routes(web.Application()) == []


def test_listing_an_application_changes_nothing_and_works_once_it_has_started() -> None:
    app, router = new_app()
    router.add_get("/", authenticate, index)
    before = list_routes(app)
    app.freeze()
    assert list_routes(app) == before


@pytest.mark.parametrize("mistake", [UrlDispatcherEx(), web.Application, None, index], ids=steady)
def test_what_is_no_application_is_refused(mistake: Any) -> None:
    with pytest.raises(InspectionError, match=r"^(UrlDispatcherEx|Application|NoneType|index).* is not a web\.Appl"):
        list_routes(mistake)


class BlindRouter(AbstractRouter):
    async def resolve(self, request: web.Request) -> AbstractMatchInfo:
        raise NotImplementedError


@pytest.mark.parametrize("is_inner", [False, True], ids=["outermost", "sub-application"])
def test_a_router_that_cannot_list_its_resources_is_refused(is_inner: bool) -> None:
    with pytest.warns(DeprecationWarning, match="router argument is deprecated"):
        blind = web.Application(router=BlindRouter())  # type: ignore[arg-type]  # aiohttp wants its own class
    app = web.Application()
    if is_inner:
        app.router.register_resource(MatchedSubAppResource(Tenant(), blind))
    with pytest.raises(InspectionError, match=r"^the router BlindRouter.* cannot list its resources$"):
        list_routes(app if is_inner else blind)


class Doubled(web.PlainResource):
    """A resource of somebody else's, with two routes for GET, of which it picks one by itself."""

    def __init__(self, path: str, *handlers: Any) -> None:
        super().__init__(path)
        self._listed = [web.ResourceRoute("GET", handler, self) for handler in handlers]

    def __iter__(self) -> Iterator[web.ResourceRoute]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)


def test_no_route_of_a_resource_is_left_out_not_even_with_a_method_twice() -> None:
    app = web.Application()
    app.router.register_resource(Doubled("/twice", index, chain(authenticate, index)))
    assert [names(route.links) for route in list_routes(app)] == [[], ["authenticate"]]


# a random application: in each, links of its router, then groups with one route each, then sub-applications
Tree = tuple[list[int], list[tuple[list[int], list[int]]], list[Any]]
STOCK_OF_LINKS = [authenticate, audit, log_time, authorise("a"), authorise("b")]
few_links = st.lists(st.integers(0, len(STOCK_OF_LINKS) - 1), max_size=3)
routes_of_groups = st.lists(st.tuples(few_links, few_links), max_size=3)
trees: st.SearchStrategy[Tree] = st.recursive(
    st.tuples(few_links, routes_of_groups, st.just([])),
    lambda inside: st.tuples(few_links, routes_of_groups, st.lists(inside, max_size=2)),
    max_leaves=6,
)


def grow(tree: Tree, prefix: str) -> tuple[web.Application, list[tuple[str, list[Any], list[Any]]]]:
    """An application, and what a list of its routes must hold."""

    def pick(places: list[int]) -> list[Any]:
        return [STOCK_OF_LINKS[place] for place in places]

    leading, groups, subs = tree
    app, router = new_app(*pick(leading))
    expected = []
    for number, (inherited, own) in enumerate(groups):
        router.group(f"/g{number}", *pick(inherited)).add_post("/x", *pick(own), index)
        expected.append((f"{prefix}/g{number}/x", pick(leading) + pick(inherited), pick(own)))
    for number, sub in enumerate(subs):
        grown, more = grow(sub, f"{prefix}/s{number}")
        app.add_subapp(f"/s{number}", grown)
        expected += more
    return app, expected


@given(trees)
def test_any_tree_of_routers_groups_and_sub_applications_is_listed_as_it_was_registered(tree: Tree) -> None:
    app, expected = grow(tree, "")
    found = [
        (route.path, [link.link for link in route.inherited], [link.link for link in route.own])
        for route in list_routes(app)
    ]
    assert found == expected
