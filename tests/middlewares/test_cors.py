"""`cors()` answers the preflight of the route that is asked for, and its headers reach every response."""

import functools
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, chain
from aiohttp_route_middleware.definitions import define
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.inspection.listing import list_routes
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.cors import Policy, Preflight, cors, permit
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.support.cors_origins import AllowedOrigins
from aiohttp_route_middleware.support.preflight import TOKEN
from aiohttp_route_middleware.typedefs import Handler

from .matrix import MATRIX, Case, ask, make_app

A = "https://a.example"
B = "https://b.example"
EVIL = "https://evil.example"
ASKED = ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]
Client = TestClient[web.Request, web.Application]
Serve = Callable[..., Awaitable[Client]]


def allowed(response: ClientResponse) -> dict[str, str]:
    """The allow headers of a response, without `Access-Control-`."""
    names = [name for name in response.headers if name.lower().startswith("access-control-")]
    assert len(names) == len(set(names))
    return {name.removeprefix("Access-Control-"): response.headers[name] for name in names}


def vary(response: ClientResponse) -> list[str]:
    return [name.strip() for name in response.headers.get("Vary", "").split(",") if name]


async def preflight(
    client: Client, path: str = "/", method: str = "GET", origin: str = A, names: str = "", **more: str
) -> ClientResponse:
    headers = {"Origin": origin, "Access-Control-Request-Method": method, **more}
    if names:
        headers["Access-Control-Request-Headers"] = names
    response = await client.options(path, headers=headers)
    await response.read()
    return response


async def index(request: web.Request) -> web.Response:
    return web.Response(text="index")


async def refuse(request: web.Request) -> None:
    raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Basic"})


async def forbidden_to_run(request: web.Request) -> web.Response:
    pytest.fail("a preflight ran what it must not")


def decorate(handler: Any) -> Any:
    @functools.wraps(handler)
    async def decorated(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        return response

    return decorated


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Serve:
    """Serve an application whose routes `add` has added."""

    async def serve(add: Callable[[Any], object], *middlewares: Any) -> Client:
        app = web.Application(middlewares=middlewares)
        setup(app)
        add(UrlDispatcherEx.install(app))
        return await aiohttp_client(app)

    return serve


# Actual responses


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_has_the_headers_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, cors([A], credentials=True, expose=["X-Total"])))
    case = Case(case.name, case.path, case.status, case.method, {**case.headers, "Origin": A})
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        assert allowed(response) == {
            "Allow-Origin": A,
            "Allow-Credentials": "true",
            "Expose-Headers": "X-Total",
        }
        assert response.headers.getall("Vary") == ["Origin"]


async def test_a_401_of_what_stands_behind_can_be_read(serve: Serve) -> None:
    client = await serve(lambda router: router.add_get("/", cors([A]), refuse, index))
    response = await client.get("/", headers={"Origin": A})
    assert (response.status, allowed(response)) == (401, {"Allow-Origin": A})


async def test_the_innermost_policy_wins_and_nothing_is_doubled(serve: Serve) -> None:
    def add(router: Any) -> None:
        group = router.group("/group", cors([A, "https://group.example"], expose="X-Group"))
        group.add_get("", index)
        group.add_get("/route", cors([A, "https://route.example"]), index)
        router.add_get("/none", index)

    client = await serve(add, cors([A, "https://app.example"], credentials=True))
    for path, origin in (("/none", "app"), ("/group", "group"), ("/group/route", "route"), ("/nowhere", "app")):
        for name in ("app", "group", "route"):
            response = await client.get(path, headers={"Origin": f"https://{name}.example"})
            assert ("Allow-Origin" in allowed(response)) is (name == origin)
            asked = await preflight(client, path, origin=f"https://{name}.example")
            assert ("Allow-Origin" in allowed(asked)) is (name == origin and path != "/nowhere")
    inner = await client.get("/group/route", headers={"Origin": A})
    assert allowed(inner) == {"Allow-Origin": A}
    assert vary(inner) == ["Origin"]


@pytest.mark.parametrize("origin", [None, A, EVIL, "null"])
@pytest.mark.parametrize(
    ("options", "varies"),
    [
        pytest.param({"origins": [A]}, True, id="a list"),
        pytest.param({"origin_regex": r"https://[a-z]\.example"}, True, id="an expression"),
        pytest.param({"origins": "*"}, False, id="a star"),
    ],
)
async def test_vary_tells_that_the_answer_could_depend_on_the_origin(
    options: dict[str, Any], varies: bool, origin: str | None, serve: Serve
) -> None:
    client = await serve(lambda router: router.add_get("/", cors(**options), index))
    response = await client.get("/", headers={"Origin": origin} if origin else {})
    assert vary(response) == (["Origin"] if varies else [])
    expected = "*" if not varies else A if origin == A else None
    assert response.headers.get("Access-Control-Allow-Origin") == expected


async def test_vary_of_the_handler_is_kept(serve: Serve) -> None:
    async def varied(request: web.Request) -> web.Response:
        return web.Response(headers={"Vary": "Cookie"})

    client = await serve(lambda router: router.add_get("/", cors([A]), varied))
    assert vary(await client.get("/")) == ["Cookie", "Origin"]


@pytest.mark.parametrize("credentials", [False, True])
async def test_a_denied_origin_gets_neither_allow_origin_nor_credentials(credentials: bool, serve: Serve) -> None:
    policy = cors([A], credentials=credentials, expose="X-Total", max_age=5)
    client = await serve(lambda router: router.add_get("/", policy, index))
    assert allowed(await client.get("/", headers={"Origin": EVIL})) == {}
    denied = await preflight(client, origin=EVIL)
    assert (denied.status, allowed(denied)) == (204, {})


async def test_what_the_handler_says_itself_gets_no_credentials_added(serve: Serve) -> None:
    async def own(request: web.Request) -> web.Response:
        return web.Response(headers={"Access-Control-Allow-Origin": request.headers["Origin"]})

    client = await serve(lambda router: router.add_get("/", cors([A], credentials=True), own))
    for origin in (A, EVIL):
        assert allowed(await client.get("/", headers={"Origin": origin})) == {"Allow-Origin": origin}


async def test_expose_headers_of_the_handler_are_kept(serve: Serve) -> None:
    async def own(request: web.Request) -> web.Response:
        return web.Response(headers={"Access-Control-Expose-Headers": "X-Own"})

    client = await serve(lambda router: router.add_get("/", cors([A], expose="X-Total"), own))
    assert allowed(await client.get("/", headers={"Origin": A}))["Expose-Headers"] == "X-Own"


async def test_the_first_use_without_setup_is_told_of_the_cure(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    policy: Any = cors([A])
    app = web.Application(middlewares=[policy])
    app.router.add_get("/", index)
    assert (await (await aiohttp_client(app)).get("/")).status == 500
    assert "cors(): the application is not prepared" in caplog.text


# Preflights


async def test_a_preflight_of_one_route_is_answered_and_nothing_runs(serve: Serve) -> None:
    @web.middleware
    async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
        await forbidden_to_run(request)
        return await handler(request)

    def add(router: Any) -> None:
        router.add_put("/", refuse, cors([A], headers=["X-Token"], max_age=600), forbidden_to_run)

    client = await serve(add, outer)
    response = await preflight(client, method="PUT", names="x-token,content-type")
    assert response.status == 204
    assert allowed(response) == {
        "Allow-Origin": A,
        "Allow-Methods": "PUT",
        "Allow-Headers": "x-token, content-type",
        "Max-Age": "600",
    }
    assert vary(response) == ASKED
    assert await response.read() == b""


async def test_two_methods_of_one_path_answer_by_their_own_policies(serve: Serve) -> None:
    def add(router: Any) -> None:
        router.add_get("/", cors([A]), index)
        router.add_put("/", cors([B], credentials=True), index)
        router.add_delete("/", index)

    client = await serve(add)
    grants = {
        (method, origin): allowed(await preflight(client, method=method, origin=origin))
        for method in ("GET", "PUT", "DELETE")
        for origin in (A, B)
    }
    assert {one: granted for one, granted in grants.items() if granted} == {
        ("GET", A): {"Allow-Origin": A, "Allow-Methods": "GET"},
        ("PUT", B): {"Allow-Origin": B, "Allow-Methods": "PUT", "Allow-Credentials": "true"},
    }


async def test_the_policy_of_one_method_opens_no_other_of_its_path(serve: Serve) -> None:
    """Browsers keep the answer for the path: what it says of PUT would go past the policy of PUT."""

    def add(router: Any) -> None:
        router.add_get("/", cors([A], methods=["GET", "PUT"], headers=["X-Get"]), index)
        router.add_put("/", index)

    granted = allowed(await preflight(await serve(add)))
    assert granted == {"Allow-Origin": A, "Allow-Methods": "GET"}


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        pytest.param("/nowhere", "GET", 404, id="no such path"),
        pytest.param("/", "DELETE", 405, id="no such method"),
        pytest.param("/bare", "GET", 405, id="no policy"),
        pytest.param("/own", "GET", 200, id="no policy, but an OPTIONS route"),
        pytest.param("/own", "PUT", 200, id="no such method, but an OPTIONS route"),
        pytest.param("/view", "DELETE", 405, id="no such method of the view"),
        pytest.param("/view", "BREW", 405, id="a method that no view has"),
        pytest.param("/", "get", 405, id="another case: methods are case-sensitive"),
    ],
)
async def test_what_nobody_governs_goes_on_without_allow_headers(
    path: str, method: str, status: int, serve: Serve
) -> None:
    class View(web.View):
        async def get(self) -> web.Response:
            return web.Response()

    def add(router: Any) -> None:
        router.add_get("/", cors([A]), index)
        router.add_view("/view", cors([A]), View)
        router.add_get("/bare", index)
        router.add_get("/own", index)
        router.add_options("/own", index)

    response = await preflight(await serve(add), path, method)
    assert (response.status, allowed(response)) == (status, {})


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        pytest.param("/nowhere", "GET", 404, id="no such path"),
        pytest.param("/", "DELETE", 405, id="no such method"),
        pytest.param("/own", "PUT", 200, id="no such method, but an OPTIONS route"),
    ],
)
async def test_a_policy_of_the_application_allows_nothing_that_has_no_route(
    path: str, method: str, status: int, serve: Serve
) -> None:
    def add(router: Any) -> None:
        router.add_get("/", index)
        router.add_get("/own", index)
        router.add_options("/own", index)

    client = await serve(add, cors([A], credentials=True))
    response = await preflight(client, path, method)
    assert (response.status, allowed(response), vary(response)) == (status, {}, ["Origin"])
    assert (await preflight(client, "/own")).status == 204


async def test_a_plain_options_reaches_the_route_of_the_user(serve: Serve) -> None:
    def add(router: Any) -> None:
        router.add_get("/", cors([A]), index)
        router.add_options("/", cors([B]), index)

    client = await serve(add)
    for headers in ({}, {"Origin": A}, {"Access-Control-Request-Method": "GET"}):
        response = await client.options("/", headers=headers)
        assert (response.status, await response.text(), allowed(response)) == (200, "index", {})
    assert allowed(await client.options("/", headers={"Origin": B})) == {"Allow-Origin": B}
    assert (await preflight(client)).status == 204
    assert allowed(await preflight(client, method="OPTIONS", origin=B))["Allow-Methods"] == "OPTIONS"


async def test_a_preflight_that_the_user_answers_himself_gets_nothing_added(serve: Serve) -> None:
    async def own(request: web.Request) -> web.Response:
        return web.Response(headers={"Access-Control-Allow-Methods": "GET"})

    def add(router: Any) -> None:
        router.add_get("/", index)
        router.add_options("/", cors([A], credentials=True), own)

    assert allowed(await preflight(await serve(add))) == {"Allow-Methods": "GET"}


async def test_a_view_answers_for_the_methods_it_has(serve: Serve) -> None:
    class View(web.View):
        async def put(self) -> web.Response:
            return web.Response()

        async def options(self) -> web.Response:
            return web.Response(text="plain")

    client = await serve(lambda router: router.add_view("/", cors([A]), View))
    assert allowed(await preflight(client, method="PUT")) == {"Allow-Origin": A, "Allow-Methods": "PUT"}
    missing = await preflight(client, method="GET")
    assert (await missing.text(), allowed(missing)) == ("plain", {})


async def test_a_route_for_all_methods_answers_for_each_but_a_star(serve: Serve) -> None:
    client = await serve(lambda router: router.add_route("*", "/", cors([A]), index))
    for method in ("GET", "DELETE", "BREW"):
        assert allowed(await preflight(client, method=method))["Allow-Methods"] == method
    for none in ("*", "", "a b", "GET, PUT", "X" * 65):
        response = await preflight(client, method=none)
        assert (response.status, allowed(response)) == (200, {})


async def test_a_head_route_that_came_with_get_is_governed_too(serve: Serve) -> None:
    client = await serve(lambda router: router.add_get("/", cors([A]), index))
    assert allowed(await preflight(client, method="HEAD"))["Allow-Methods"] == "HEAD"


async def test_files_behind_a_policy(serve: Serve) -> None:
    client = await serve(lambda router: router.add_static("/files", Path(__file__).parent, cors([A])))
    assert (await preflight(client, "/files/test_cors.py")).status == 204


@pytest.mark.parametrize("place", ["sub-application", "its route", "around", "domain", "nested"])
async def test_a_policy_of_or_around_a_sub_application(place: str, aiohttp_client: AiohttpClient) -> None:
    policy: Any = cors([A])
    other: Any = cors([B])
    app = web.Application(middlewares=[policy] if place == "around" else [])
    sub = web.Application(middlewares=[policy] if place in ("sub-application", "domain", "nested") else [])
    sub.router.add_put("/posts/{id}", chain(policy, index) if place == "its route" else index)
    for one in (app, sub):
        setup(one)
    if place == "domain":
        app.add_domain("api.example", sub)
    elif place == "nested":
        between = web.Application(middlewares=[other])
        between.add_subapp("/inner", sub)
        app.add_subapp("/sub", between)
    else:
        app.add_subapp("/sub", sub)
    client = await aiohttp_client(app)
    prefix = {"domain": "", "nested": "/sub/inner"}.get(place, "/sub")
    host = {"Host": "api.example"} if place == "domain" else {}
    granted = await preflight(client, f"{prefix}/posts/7", "PUT", **host)
    assert allowed(granted) == {"Allow-Origin": A, "Allow-Methods": "PUT"}
    missing = await preflight(client, f"{prefix}/posts/7", "GET", **host)
    assert (missing.status, allowed(missing)) == (405, {})
    assert (await preflight(client, f"{prefix}/nowhere", **host)).status == 404


async def test_a_sub_application_that_is_prepared_alone_asks_all_the_same(aiohttp_client: AiohttpClient) -> None:
    app, sub = web.Application(), web.Application()
    setup(sub)
    sub.router.add_get("/", chain(cors([A]), index))
    app.add_subapp("/sub", sub)
    assert (await preflight(await aiohttp_client(app), "/sub/")).status == 204


async def test_a_traced_and_checked_chain_on_a_plain_router(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    setup(app)
    policy = cors([A])

    def trace(request: web.Request, link: Any) -> Callable[[Any], None]:
        return lambda outcome: None

    app.router.add_get("/", chain(policy, index, checked=True, trace=trace))
    assert (await preflight(await aiohttp_client(app))).status == 204


@pytest.mark.parametrize("scope", ["route", "application"])
async def test_a_policy_that_is_defined_by_name(scope: str, serve: Serve) -> None:
    policy = define("cors", origins=[A], credentials=True)
    inner, outer = ([policy], []) if scope == "route" else ([], [policy])
    client = await serve(lambda router: router.add_get("/", *inner, index), *outer)
    assert allowed(await preflight(client)) == {
        "Allow-Origin": A,
        "Allow-Credentials": "true",
        "Allow-Methods": "GET",
    }
    assert allowed(await client.get("/", headers={"Origin": A}))["Allow-Origin"] == A


@pytest.mark.parametrize("combine", [lambda one: unless(bool, one), lambda one: any_of(one)], ids=["unless", "any_of"])
def test_a_policy_inside_another_link_which_no_preflight_would_find_is_refused(combine: Callable[[Any], Any]) -> None:
    with pytest.raises(ConfigurationError, match="there is a CORS policy in it, which no preflight would find"):
        combine(cors([A]))


@pytest.mark.parametrize("wrap", [functools.partial, decorate], ids=["partial", "decorator"])
async def test_a_policy_in_a_wrapped_chain_is_found_before_a_looser_one_around_it(
    wrap: Callable[[Any], Any], serve: Serve
) -> None:
    strict = wrap(chain(cors([A]), index))
    client = await serve(lambda router: router.add_put("/", strict), cors("*"))
    assert allowed(await preflight(client, method="PUT", origin="https://evil.example")) == {}
    assert allowed(await preflight(client, method="PUT"))["Allow-Origin"] == A


async def test_a_preflight_whose_body_somebody_has_read_is_left_to_others(aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def read(request: web.Request, handler: Handler) -> web.StreamResponse:
        await request.read()
        return await handler(request)

    sub, app = web.Application(), web.Application(middlewares=[read])
    setup(sub)
    UrlDispatcherEx.install(sub).add_get("/", cors([A]), index)
    app.add_subapp("/sub", sub)
    client = await aiohttp_client(app)
    headers = {"Origin": A, "Access-Control-Request-Method": "GET"}
    async with client.options("/sub/", headers=headers, data=b"x") as response:
        assert response.status == 405


async def test_the_body_of_a_preflight_is_left_alone_and_the_connection_goes_on(serve: Serve) -> None:
    def add(router: Any) -> None:
        router.add_post("/", cors([A]), index)
        router.add_options("/own", echo)

    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=await request.text())

    client = await serve(add)
    headers = {"Origin": A, "Access-Control-Request-Method": "POST"}
    assert (await client.options("/", headers=headers, data=b"x" * 100)).status == 204
    response = await client.options("/own", headers=headers, data=b"body")
    assert await response.text() == "body"


@pytest.mark.parametrize("option", [False, True])
async def test_a_private_network_is_entered_only_if_asked_and_allowed(option: bool, serve: Serve) -> None:
    client = await serve(lambda router: router.add_get("/", cors([A], private_network=option), index))
    name = "Access-Control-Request-Private-Network"
    asked = await preflight(client, **{name: "true"})
    assert ("Allow-Private-Network" in allowed(asked)) is option
    assert vary(asked) == [*ASKED, *([name] if option else [])]
    for silent in (await preflight(client), await preflight(client, origin=EVIL, **{name: "true"})):
        assert "Allow-Private-Network" not in allowed(silent)


async def test_several_origins_in_one_request_are_denied(serve: Serve) -> None:
    client = await serve(lambda router: router.add_get("/", cors([A, B], origin_regex=".*"), index))
    twice = [("Origin", A), ("Origin", B)]
    assert allowed(await client.get("/", headers=twice)) == {}
    response = await client.options("/", headers=[*twice, ("Access-Control-Request-Method", "GET")])
    assert (response.status, allowed(response)) == (204, {})
    method = [("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Method", "PUT")]
    assert (await client.options("/", headers=[("Origin", A), *method])).status == 405


# The decision, without a request


def read_policy(battery: Any) -> Callable[..., dict[str, str]]:
    """The pure decision of a battery, for one origin."""
    policy: Policy = battery.__answers_preflight__.args[0]

    def decide(origin: str = A, method: str = "GET", names: str = "", private: bool = False) -> dict[str, str]:
        fields = (names,) if names else ()
        return permit(policy, Preflight(origins=(origin,), method=method, names=fields, private_network=private))

    return decide


@pytest.mark.parametrize(
    ("options", "origin", "is_allowed"),
    [
        pytest.param({"origins": A}, A, True, id="one text"),
        pytest.param({"origins": [A, B]}, B, True, id="one of a list"),
        pytest.param({"origins": ["*"]}, EVIL, True, id="a star in a list"),
        pytest.param({"origins": "HTTPS://A.Example:443"}, A, True, id="case and default port as browsers write them"),
        pytest.param({"origins": "http://[0:0::1]:8080"}, "http://[::1]:8080", True, id="an IPv6 address, shortest"),
        pytest.param({"origins": "capacitor://localhost"}, "capacitor://localhost", True, id="an unknown scheme"),
        pytest.param({"origins": A}, "http://a.example", False, id="another scheme"),
        pytest.param({"origins": A}, f"{A}:8443", False, id="another port"),
        pytest.param({"origins": A}, f"{A}:443", False, id="the default port, which no browser writes"),
        pytest.param({"origins": A}, "HTTPS://A.EXAMPLE", False, id="upper case, which no browser writes"),
        pytest.param({"origins": A}, "https://sub.a.example", False, id="a name below"),
        pytest.param({"origins": A}, f"{A}.evil.example", False, id="a longer name"),
        pytest.param({"origins": A}, f"{A}/", False, id="a slash"),
        pytest.param({"origins": A}, "null", False, id="null, not listed"),
        pytest.param({"origins": ["null"]}, "null", True, id="null, listed"),
        pytest.param({"origins": [A, B]}, f"{A} {B}", False, id="a list of origins"),
        pytest.param({"origins": A}, "", False, id="nothing"),
        pytest.param({"origin_regex": r"https://.\.example"}, A, True, id="an expression"),
        pytest.param({"origin_regex": re.compile(r"https://A\.EXAMPLE", re.IGNORECASE)}, A, True, id="compiled"),
        pytest.param({"origins": B, "origin_regex": r"https://a\..*"}, B, True, id="listed besides an expression"),
        pytest.param(
            {"origin_regex": r"https://a\.example"}, f"{A}.evil.example", False, id="matches as a whole: end"
        ),
        pytest.param({"origin_regex": r"a\.example"}, A, False, id="matches as a whole: beginning"),
        pytest.param({"origin_regex": r"https://a\.example|x"}, f"{A}x", False, id="matches as a whole: alternatives"),
        pytest.param({"origin_regex": r"https://a\.example$"}, f"{A}\n", False, id="a line break at the end"),
        pytest.param({"origin_regex": ".*"}, "null", False, id="no expression matches null"),
        pytest.param({"origin_regex": "(?s).*"}, "None", False, id="a word is no origin"),
        pytest.param({"origin_regex": "(?s).*"}, f"{A}, {B}", False, id="no expression matches a list"),
        pytest.param({"origin_regex": "(?s).*"}, "https://\u00e4.example", False, id="no expression matches unicode"),
        pytest.param({"origin_regex": "(?s).*"}, f"https://{'a' * 9000}", False, id="no expression matches the huge"),
        pytest.param({"origin_regex": "(?s).*"}, "https://a.example%60.evil.example", False, id="odd letters"),
        pytest.param({"origin_regex": "(?s).*"}, "https://user@a.example", False, id="a user"),
    ],
)
def test_which_origins_are_allowed(options: dict[str, Any], origin: str, is_allowed: bool) -> None:
    granted = read_policy(cors(**options))(origin).get("Access-Control-Allow-Origin")
    assert granted == (("*" if "*" in options.get("origins", "") else origin) if is_allowed else None)


@pytest.mark.parametrize(
    ("options", "asked", "is_allowed"),
    [
        pytest.param({}, {"names": "content-type, Accept"}, True, id="safelisted names"),
        pytest.param({}, {"names": "x-token"}, False, id="no names"),
        pytest.param({"headers": ["X-Token"]}, {"names": "x-tOKEN"}, True, id="case-insensitive"),
        pytest.param({"headers": ["X-Token"]}, {"names": "x-token,x-other"}, False, id="one of two"),
        pytest.param({"headers": "X-Token"}, {"names": " x-token ,,\tx-token,"}, True, id="spaces and empty members"),
        pytest.param({"headers": "X-Token"}, {"names": "x-to\u212aen"}, False, id="a letter that is k in lower case"),
        pytest.param({"headers": "*"}, {"names": "x-to\u212aen"}, False, id="all, but no token"),
        pytest.param({"headers": "*"}, {"names": "x-token, authorization"}, True, id="all"),
        pytest.param({"headers": "*"}, {"names": "x token"}, False, id="all, but a space inside"),
        pytest.param({"headers": "*"}, {"names": "x" * 5000}, False, id="huge"),
        pytest.param({"headers": "*"}, {"names": "," * 4096}, True, id="many empty members"),
        pytest.param({"methods": ["put", "DELETE"]}, {"method": "PUT"}, True, id="a listed method"),
        pytest.param({"methods": ["PUT"]}, {"method": "POST"}, False, id="another method"),
        pytest.param({"methods": "PUT"}, {"method": "put"}, False, id="a method in another case"),
        pytest.param({"methods": ["*"]}, {"method": "BREW"}, True, id="any method"),
    ],
)
def test_what_a_preflight_may_announce(options: dict[str, Any], asked: dict[str, Any], is_allowed: bool) -> None:
    granted = read_policy(cors(A, **options))(**asked)
    assert bool(granted) is is_allowed
    assert granted.get("Access-Control-Allow-Methods") == (asked.get("method", "GET") if is_allowed else None)


@pytest.mark.parametrize("credentials", [False, True])
def test_all_names_are_sent_back_one_by_one_since_a_star_would_leave_out_authorization(credentials: bool) -> None:
    granted = read_policy(cors(A, headers="*", credentials=credentials))(names="authorization,X-Token,x-token")
    assert granted["Access-Control-Allow-Headers"] == "authorization, x-token"
    assert ("Access-Control-Allow-Credentials" in granted) is credentials


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        pytest.param({"max_age": 0}, "Max-Age", "0", id="max_age=0"),
        pytest.param({"max_age": 86400}, "Max-Age", "86400", id="a day"),
        pytest.param({}, "Max-Age", None, id="no max_age"),
        pytest.param({"expose": "X-Total"}, "Expose-Headers", None, id="expose is of no use to a preflight"),
    ],
)
def test_what_else_a_preflight_bears(options: dict[str, Any], name: str, value: str | None) -> None:
    assert read_policy(cors(A, **options))().get(f"Access-Control-{name}") == value


@pytest.mark.parametrize(
    ("expose", "value"),
    [
        pytest.param("*", "*", id="all"),
        pytest.param(["X-B", "X-A"], "X-A, X-B", id="several"),
        pytest.param((), None, id="none"),
    ],
)
async def test_which_headers_a_page_can_read(expose: Any, value: str | None, serve: Serve) -> None:
    client = await serve(lambda router: router.add_get("/", cors("*", expose=expose), index))
    assert allowed(await client.get("/")).get("Expose-Headers") == value


@given(st.text(max_size=40) | st.from_regex(r"[a-z]{1,5}://[a-z0-9.:\[\]]{1,20}", fullmatch=True))
def test_what_is_sent_back_is_one_origin_in_the_form_of_browsers(text: str) -> None:
    answer = AllowedOrigins([], re.compile("(?s).*"), "cors()").answer([text])
    assert answer in (None, text)
    if answer is not None:
        assert re.fullmatch(r"[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+", answer)
        assert AllowedOrigins([answer], None, "cors()").answer([text]) == text


@given(st.lists(st.text(max_size=12), max_size=5))
def test_the_names_sent_back_are_tokens_that_were_announced(fields: list[str]) -> None:
    granted = read_policy(cors(A, headers="*"))(names=",".join(fields))
    names = granted.get("Access-Control-Allow-Headers", "").split(", ") if granted else []
    for name in filter(None, names):
        assert TOKEN.fullmatch(name)
        assert name in ",".join(fields).lower()


# Configuration


@pytest.mark.parametrize(
    ("options", "problem", "cure"),
    [
        pytest.param({}, "there are no origins", "origins=[", id="no origins"),
        pytest.param({"origins": []}, "there are no origins", "origins=[", id="an empty list"),
        pytest.param({"origins": 7}, "origins=7", "a list of texts", id="a number"),
        pytest.param({"origins": [7]}, "origins has 7", "scheme://host", id="a number in a list"),
        pytest.param({"origins": [b"x"]}, "origins has b'x'", "scheme://host", id="bytes"),
        pytest.param(
            {"origins": "example.com"}, "'example.com', which is not an origin", "scheme://host", id="no scheme"
        ),
        pytest.param({"origins": f"{A}/"}, "which is not an origin", "a slash included", id="a slash"),
        pytest.param({"origins": f"{A}/path"}, "which is not an origin", "leave out what follows", id="a path"),
        pytest.param({"origins": f"{A}?q"}, "which is not an origin", "leave out what follows", id="a query"),
        pytest.param({"origins": f"{A}#f"}, "which is not an origin", "leave out what follows", id="a fragment"),
        pytest.param({"origins": "https://*.example"}, "which is not an origin", "origin_regex=", id="a star inside"),
        pytest.param({"origins": "https://\u00e4.example"}, "not an origin", "with xn--", id="unicode"),
        pytest.param({"origins": f"{A},{B}"}, "which is not an origin", "one text for each", id="a list in a text"),
        pytest.param({"origins": f"{A} "}, "which is not an origin", "scheme://host", id="a space"),
        pytest.param({"origins": "https://u@a.example"}, "which is not an origin", "scheme://host", id="a user"),
        pytest.param({"origins": f"{A}:99999"}, "which is not an origin", "scheme://host", id="a port beyond"),
        pytest.param({"origins": "http://[::g]"}, "which is not an origin", "scheme://host", id="no IPv6 address"),
        pytest.param({"origins": ""}, "which is not an origin", "scheme://host", id="an empty text"),
        pytest.param({"origins": "NULL"}, "which is not an origin", "scheme://host", id="null in another case"),
        pytest.param({"origins": ["*", A]}, "'*' and others", "'*' alone", id="a star and others"),
        pytest.param({"origins": "*", "origin_regex": "x"}, "'*' and others", "alone", id="a star and an expression"),
        pytest.param(
            {"origins": "*", "credentials": True}, "origins='*' with credentials", "list", id="a star trusted"
        ),
        pytest.param({"origins": ["*"], "credentials": True}, "origins='*' with credentials", "list", id="in a list"),
        pytest.param(
            {"origins": A, "expose": "*", "credentials": True}, "expose='*' with credentials", "list", id="expose"
        ),
        pytest.param({"origins": A, "credentials": "no"}, "credentials='no'", "True or False", id="credentials"),
        pytest.param({"origins": A, "private_network": 1}, "private_network=1", "True or False", id="private_network"),
        pytest.param({"origins": A, "methods": []}, "there are no methods", "leave methods= out", id="no methods"),
        pytest.param(
            {"origins": A, "methods": ["GET, PUT"]}, "methods has 'GET, PUT'", "alone", id="two methods in one"
        ),
        pytest.param({"origins": A, "methods": ["GET", "*"]}, "methods has '*'", "alone", id="a star among methods"),
        pytest.param({"origins": A, "methods": 1}, "methods=1", "a list of texts", id="methods"),
        pytest.param({"origins": A, "headers": ["X Token"]}, "headers has 'X Token'", "alone", id="a space in a name"),
        pytest.param({"origins": A, "headers": ["X-A\r\nX-B"]}, "headers has", "alone", id="a line break"),
        pytest.param({"origins": A, "headers": [None]}, "headers has None", "alone", id="no text"),
        pytest.param({"origins": A, "expose": ["\u00e4"]}, "expose has", "alone", id="no ASCII"),
        pytest.param({"origins": A, "max_age": -1}, "max_age=-1", "whole seconds", id="before now"),
        pytest.param({"origins": A, "max_age": 1.5}, "max_age=1.5", "whole seconds", id="half a second"),
        pytest.param({"origins": A, "max_age": True}, "max_age=True", "whole seconds", id="true"),
        pytest.param(
            {"origin_regex": "("}, "origin_regex='(': missing ), unterminated", "correct", id="a bad expression"
        ),
        pytest.param({"origin_regex": re.compile(b"x")}, "origin_regex=", "a text", id="an expression for bytes"),
        pytest.param({"origin_regex": 7}, "origin_regex=7", "a text", id="no expression"),
    ],
)
def test_a_wrong_option_is_refused_at_once(options: Mapping[str, Any], problem: str, cure: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cors(**options)
    assert caught.value.battery == "cors()"
    assert problem in caught.value.problem
    assert cure in caught.value.cure


def test_it_is_listed_with_what_it_allows() -> None:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", cors([A, "null"], origin_regex="https://x\n"), index)
    (route,) = list_routes(app)
    assert [link.name for link in route.links] == [f"cors({A}, null, https://x\\n)"]
