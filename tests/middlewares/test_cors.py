"""`cors()` answers the preflight of the route that is asked for, and its headers reach every response."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.definitions import define
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.inspection.listing import list_routes
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.cors import cors
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.typedefs import Handler

from ..preflights import Client, Serve, serve
from .matrix import MATRIX, Case, ask, make_app

__all__ = ("serve",)

A = "https://a.example"
B = "https://b.example"
EVIL = "https://evil.example"
ASKED = ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]


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


def test_it_is_listed_with_what_it_allows() -> None:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", cors([A, "null"], origin_regex="https://x|\n"), index)
    (route,) = list_routes(app)
    assert [link.name for link in route.links] == [f"cors({A}, null, https://x|\\n)"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "cors(): there are no origins; write origins=["),
        ({"origins": f"{A}/"}, f"cors(): origins has '{A}/', which is not an origin; leave out"),
        ({"origins": "*", "credentials": True}, "cors(): origins='*' with credentials; list"),
        ({"origins": A, "methods": "GET, PUT"}, "cors(): methods has 'GET, PUT'; list"),
        ({"origins": A, "max_age": -1}, "cors(): max_age=-1; pass a number of seconds, 0 or more"),
        ({"origin_regex": r"example\.com"}, r"cors(): origin_regex='example\\.com' matches no origin"),
    ],
)
def test_a_wrong_option_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cors(**options)
    assert str(caught.value).startswith(message)
