"""any_of(): the first alternative that lets a request through is enough; all refusals become one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, make_mocked_request
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain, links_of, name_link, provides, requires
from aiohttp_route_middleware.definitions import define
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.inspection import list_routes
from aiohttp_route_middleware.link import GuardSpec, LinkSpec, MiddlewareSpec, read_link
from aiohttp_route_middleware.middlewares import IDENTITY, Identity, setup
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.ip_restriction import ip_restriction
from aiohttp_route_middleware.middlewares.sessions import SESSION, sessions
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.support.access.challenges import forbidden, unauthorized, write_challenge
from aiohttp_route_middleware.support.battery import guard_battery
from aiohttp_route_middleware.support.responses import on_response
from aiohttp_route_middleware.typedefs import Handler

from .. import scopes
from ..scopes import each_scope, path_in
from ..steady_ids import steady

USER = web.RequestKey("USER", str)
TENANT = web.RequestKey("TENANT", str)


def refuse(scheme: str) -> web.HTTPUnauthorized:
    return unauthorized([write_challenge(scheme, {"realm": "test"})])


# ---- ways in: each lets through who names it in the header X-Way, and writes down that it was asked


def let_in(request: web.Request, way: str) -> bool:
    request.config_dict[ASKED].append(way)
    if request.headers.get("X-Way") != way:
        return False
    request[USER] = way
    return True


ASKED = web.AppKey("ASKED", list[str])


async def by_guard(request: web.Request) -> web.StreamResponse | None:
    if not let_in(request, "guard"):
        raise refuse("Guard")
    return None


def by_plain_guard(request: web.Request) -> web.StreamResponse | None:
    return None if let_in(request, "plain") else refuse("Plain")


async def by_returning_guard(request: web.Request) -> web.StreamResponse | None:
    if let_in(request, "returning"):
        return None
    return web.Response(status=401, headers={"WWW-Authenticate": 'Returning realm="test"'})


async def by_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not let_in(request, "middleware"):
        raise refuse("Middleware")
    response = await handler(request)
    response.headers["X-Middleware"] = "yes"
    return response


async def by_keyword(request: web.Request, *, handler: Handler) -> web.StreamResponse:
    if not let_in(request, "keyword"):
        return refuse("Keyword")
    return await handler(request)


class ByObject:
    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not let_in(request, "object"):
            raise refuse("Object")
        return await handler(request)


@guard_battery("by_battery")
async def by_battery(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
    if not let_in(request, "battery"):
        raise refuse("Battery")
    return await handler(request) if handler else None


WAYS: list[Any] = [by_guard, by_plain_guard, by_returning_guard, by_middleware, by_keyword, ByObject(), by_battery]
NAMES = ["guard", "plain", "returning", "middleware", "keyword", "object", "battery"]


async def forbid_all(request: web.Request) -> None:
    request.config_dict[ASKED].append("forbid_all")
    raise forbidden('Bearer error="insufficient_scope"')


async def show_user(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.get(USER)} {request.get(TENANT)}")


def answer(value: Any) -> Any:
    """A guard that answers with a response, raises an exception, or passes on."""

    async def answer(request: web.Request) -> Any:
        if isinstance(value, BaseException):
            raise value
        return value

    return answer


def make_app(*links: Any, endpoint: Any = show_user, scope: str = "route") -> web.Application:
    app = scopes.make_app(scope, links, {"GET /": endpoint})
    app[ASKED] = []
    return app


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Callable[..., Awaitable[TestClient[Any, Any]]]:
    async def serve(*links: Any, **options: Any) -> TestClient[Any, Any]:
        return await aiohttp_client(make_app(*links, **options))

    return serve


# ---- who is let in


@each_scope
@pytest.mark.parametrize("way", NAMES)
async def test_the_first_alternative_that_lets_through_is_enough_and_the_others_never_run(
    way: str, scope: str, serve: Any
) -> None:
    client = await serve(any_of(*WAYS), scope=scope)
    async with client.get(path_in(scope, "/"), headers={"X-Way": way}) as response:
        assert (response.status, await response.text()) == (200, f"{way} None")
        assert ("X-Middleware" in response.headers) is (way == "middleware")
    assert client.app[ASKED] == NAMES[: NAMES.index(way) + 1]


@each_scope
async def test_when_all_refuse_the_answer_is_one_401_with_every_challenge_in_order(scope: str, serve: Any) -> None:
    client = await serve(any_of(*WAYS), scope=scope)
    async with client.get(path_in(scope, "/")) as response:
        assert response.status == 401
        schemes = [challenge.split()[0] for challenge in response.headers.getall("WWW-Authenticate")]
        assert schemes == ["Guard", "Plain", "Returning", "Middleware", "Keyword", "Object", "Battery"]
    assert client.app[ASKED] == NAMES


async def test_a_refusal_with_several_challenges_keeps_them_all(serve: Any) -> None:
    both = answer(unauthorized(['Basic realm="a"', 'Bearer realm="b"']))
    async with (await serve(any_of(both, by_guard))).get("/") as response:
        assert response.headers.getall("WWW-Authenticate") == [
            'Basic realm="a"',
            'Bearer realm="b"',
            'Guard realm="test"',
        ]


async def test_a_challenge_of_several_alternatives_is_there_once_and_the_order_is_kept(serve: Any) -> None:
    first = answer(unauthorized(['Basic realm="a"', 'Bearer realm="b"']))
    second = answer(unauthorized(['Bearer realm="b"', 'Bearer realm="b", error="invalid_token"', 'Basic realm="a"']))
    async with (await serve(any_of(first, second, by_guard, by_guard))).get("/") as response:
        assert response.headers.getall("WWW-Authenticate") == [
            'Basic realm="a"',
            'Bearer realm="b"',
            'Bearer realm="b", error="invalid_token"',
            'Guard realm="test"',
        ]


async def test_a_refusal_without_a_challenge_is_a_refusal_too(serve: Any) -> None:
    async with (await serve(any_of(answer(web.HTTPUnauthorized()), by_guard))).get("/") as response:
        assert response.headers.getall("WWW-Authenticate") == ['Guard realm="test"']


async def find_out(request: web.Request) -> None:
    request[IDENTITY] = Identity("alice")


KNOWN: Any = [find_out, forbid_all]


@pytest.mark.parametrize(
    "links",
    [
        (KNOWN, by_guard),
        (by_guard, KNOWN),
        (by_guard, forbid_all, KNOWN),
        (any_of(by_guard, KNOWN), by_guard),
        (any_of(any_of(KNOWN)), by_guard),
    ],
    ids=["before a 401", "behind a 401", "behind another 403", "nested", "nested twice"],
)
async def test_a_403_is_the_answer_of_who_knew_who_was_asking(links: Any, serve: Any) -> None:
    client = await serve(any_of(*links))
    async with client.get("/") as response:
        assert response.status == 403
        assert response.headers.getall("WWW-Authenticate") == ['Bearer error="insufficient_scope"']
    async with client.get("/", headers={"X-Way": "guard"}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "links",
    [(forbid_all, by_guard), (by_guard, forbid_all), (any_of(forbid_all), by_guard)],
    ids=["before", "behind", "nested"],
)
async def test_who_is_not_known_is_told_how_to_say_who_it_is_whoever_else_refuses(links: Any, serve: Any) -> None:
    async with (await serve(any_of(*links))).get("/") as response:
        assert response.status == 401
        assert response.headers.getall("WWW-Authenticate") == ['Guard realm="test"']


async def test_an_identity_from_outside_was_not_found_by_an_alternative(serve: Any) -> None:
    async with (await serve(find_out, any_of(forbid_all, by_guard))).get("/") as response:
        assert response.status == 401


async def test_an_office_or_a_password_is_asked_for_the_password(serve: Any) -> None:
    link = any_of(ip_restriction(allow=["192.0.2.0/24"]), basic_auth({"alice": "secret"}))
    client = await serve(link)
    async with client.get("/") as response:
        assert response.status == 401
        assert response.headers.getall("WWW-Authenticate") == ['Basic realm="protected", charset="UTF-8"']
    async with client.get("/", headers={"Authorization": "Basic YWxpY2U6c2VjcmV0"}) as response:
        assert response.status == 200


async def test_if_nobody_has_a_challenge_a_403_is_the_answer(serve: Any) -> None:
    async with (await serve(any_of(answer(web.HTTPUnauthorized()), forbid_all))).get("/") as response:
        assert response.status == 403


async def raise_503(request: web.Request) -> None:
    raise web.HTTPServiceUnavailable(headers={"Retry-After": "7"})


async def return_503(request: web.Request) -> web.Response:
    return web.Response(status=503, headers={"Retry-After": "7"})


@pytest.mark.parametrize("ask", [raise_503, return_503], ids=["raised", "returned"])
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "last"])
async def test_who_cannot_be_asked_shuts_nobody_out_and_is_told_if_no_other_lets_through(
    ask: Any, is_first: bool, serve: Any
) -> None:
    links = [ask, by_guard, KNOWN]
    client = await serve(any_of(*(links if is_first else reversed(links))))
    async with client.get("/") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "7")
    async with client.get("/", headers={"X-Way": "guard"}) as response:
        assert response.status == 200


async def test_a_client_address_that_comes_too_late_is_seen_behind_a_refused_alternative(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    by_address = ip_restriction(allow=["192.0.2.0/24"])
    client = await serve(any_of(by_address, by_guard), client_address(["127.0.0.1"], header="X-Forwarded-For"))
    async with client.get("/", headers={"X-Way": "guard"}) as response:
        assert response.status == 500
    assert "a link before it has judged this request by the peer" in caplog.text


async def test_the_first_of_several_403_is_the_answer(serve: Any) -> None:
    first, second = answer(web.HTTPForbidden(text="first")), answer(web.Response(status=403, text="second"))
    async with (await serve(any_of(first, second))).get("/") as response:
        assert (response.status, await response.text()) == (403, "first")


async def test_a_list_is_one_alternative_whose_links_run_in_order(serve: Any) -> None:
    async def set_tenant(request: web.Request) -> None:
        request[TENANT] = f"of {request[USER]}"

    client = await serve(any_of([by_guard, [set_tenant]], by_middleware))
    async with client.get("/", headers={"X-Way": "guard"}) as response:
        assert await response.text() == "guard of guard"
    async with client.get("/", headers={"X-Way": "middleware"}) as response:
        assert await response.text() == "middleware None"


async def test_nothing_that_a_refused_alternative_has_set_is_seen_by_those_behind(serve: Any) -> None:
    """Who was found by an alternative that then refused is not who is asking."""
    seen = []

    async def set_tenant(request: web.Request) -> None:
        request[TENANT] = "outer"

    async def let_all_in(request: web.Request) -> None:
        seen.append((request.get(USER), request[TENANT]))

    async def change_tenant(request: web.Request) -> None:
        request[TENANT] = "inner"

    client = await serve(set_tenant, any_of([by_guard, change_tenant, forbid_all], let_all_in))
    async with client.get("/", headers={"X-Way": "guard"}) as response:
        assert await response.text() == "None outer"
    assert seen == [(None, "outer")]


# ---- what ends the search


@pytest.mark.parametrize(
    "given",
    [
        web.HTTPTooManyRequests(headers={"Retry-After": "1"}),
        web.HTTPFound("/login"),
        web.HTTPBadRequest(),
        web.Response(status=500),
        web.Response(status=200),
        web.HTTPOk(),
    ],
    ids=["429", "302", "400", "returned 500", "returned 200", "raised 200"],
)
async def test_any_other_answer_ends_the_search(given: Any, serve: Any) -> None:
    client = await serve(any_of(answer(given), by_guard))
    async with client.get("/", allow_redirects=False, headers={"X-Way": "guard"}) as response:
        assert response.status == given.status
    assert client.app[ASKED] == []


async def test_a_refusal_that_has_begun_to_be_sent_ends_the_search(serve: Any) -> None:
    async def send(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=401)
        await response.prepare(request)
        await response.write(b"sent")
        return response

    client = await serve(any_of(send, by_guard))
    async with client.get("/", headers={"X-Way": "guard"}) as response:
        assert (response.status, await response.read()) == (401, b"sent")
    assert client.app[ASKED] == []


@pytest.mark.parametrize("alternative", [by_guard, by_middleware, [by_guard, answer(None)]], ids=steady)
@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("is_raised", [True, False], ids=["raised", "returned"])
async def test_what_the_endpoint_answers_is_no_refusal(
    alternative: Any, status: int, is_raised: bool, serve: Any
) -> None:
    async def endpoint(request: web.Request) -> web.Response:
        if is_raised:
            error = {401: web.HTTPUnauthorized, 403: web.HTTPForbidden, 404: web.HTTPNotFound}[status]
            raise error(text="endpoint")
        return web.Response(status=status, text="endpoint")

    client = await serve(any_of(alternative, by_plain_guard), endpoint=endpoint)
    way = "middleware" if alternative is by_middleware else "guard"
    async with client.get("/", headers={"X-Way": way}) as response:
        assert (response.status, await response.text()) == (status, "endpoint")
    assert client.app[ASKED] == [way]


async def test_a_middleware_that_answers_for_the_endpoint_is_not_asked_twice(serve: Any) -> None:
    async def change(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        return web.Response(status=403, text="changed")

    client = await serve(any_of(change, by_guard))
    async with client.get("/", headers={"X-Way": "guard"}) as response:
        assert (response.status, await response.text()) == (403, "changed")
    assert client.app[ASKED] == []


@pytest.mark.parametrize("place", ["alternative", "endpoint"])
async def test_an_exception_ends_the_search(place: str, serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        raise RuntimeError("broken on purpose")

    links = (any_of(fail, by_guard),) if place == "alternative" else (any_of(by_guard, by_plain_guard),)
    client = await serve(*links, endpoint=fail if place == "endpoint" else show_user)
    async with client.get("/", headers={"X-Way": "guard"}) as response:
        assert response.status == 500
    assert "broken on purpose" in caplog.text
    assert client.app[ASKED] == (["guard"] if place == "endpoint" else [])


@pytest.mark.parametrize("place", ["alternative", "endpoint"])
async def test_a_cancellation_is_no_refusal(place: str) -> None:
    entered = asyncio.Event()
    asked = []

    async def wait(request: web.Request) -> web.StreamResponse:
        entered.set()
        await asyncio.Event().wait()
        raise NotImplementedError

    async def other(request: web.Request) -> None:
        asked.append("other")

    links = (wait, other) if place == "alternative" else (answer(None), other)
    handler = chain(any_of(*links), wait if place == "endpoint" else show_user)
    task = asyncio.ensure_future(handler(make_mocked_request("GET", "/")))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asked == []


async def test_a_link_that_answers_with_nothing_useful_is_named(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async with (await serve(any_of(answer("yes"), by_guard))).get("/") as response:
        assert response.status == 500
    assert "answer (tests" in caplog.text
    assert "returned an object of type str instead of a response" in caplog.text


async def test_a_handler_of_a_plain_application_that_returns_nothing_is_not_blamed_on_it(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def forget(request: web.Request) -> Any:
        return None

    app = web.Application(middlewares=[any_of(by_guard)])
    app[ASKED] = []
    app.router.add_get("/", forget)
    async with (await aiohttp_client(app)).get("/", headers={"X-Way": "guard"}) as response:
        assert response.status == 500
    assert "Missing return statement on request handler" in caplog.text
    assert "any_of" not in caplog.text


# ---- at registration


@pytest.mark.parametrize("links", [(), ([],), (by_guard, []), ([[], ()],)], ids=["none", "list", "behind", "nested"])
def test_an_alternative_without_links_is_refused(links: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^any_of\(\): there are no links; pass at least one"):
        any_of(*links)


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        (7, "link 1 of 1, int, is not callable"),
        (ByObject, "is a class, not a link"),
        (chain(by_guard, show_user), "is a finished chain"),
    ],
    ids=["number", "class", "chain"],
)
def test_what_is_no_link_is_refused_at_once(link: Any, problem: str) -> None:
    with pytest.raises(RegistrationError, match=r"^any_of\(\): ") as refused:
        any_of(by_guard, link)
    assert problem in str(refused.value)


SECRET = "a secret that is long enough for it"
KEPT = sessions(secret=SECRET)


@pytest.mark.parametrize(
    "links",
    [
        (KEPT,),
        (by_guard, [by_guard, KEPT]),
        (define("sessions", secret=SECRET), by_guard),
        ([unless(lambda request: True, KEPT), by_guard],),
    ],
    ids=["alone", "in a list", "by name", "in unless()"],
)
def test_a_session_whose_cookie_would_be_lost_is_refused(links: Any) -> None:
    cure = r"put sessions\(\) before any_of\(\), and what reads the session into it"
    with pytest.raises(ConfigurationError, match=rf"^any_of\(\): there is a session in it, .*; {cure}$"):
        any_of(*links)


async def test_a_session_around_it_is_kept_whoever_refuses(aiohttp_client: AiohttpClient) -> None:
    async def need_login(request: web.Request) -> None:
        request[SESSION]["next"] = request.path
        raise web.HTTPForbidden

    app = web.Application()
    setup(app)
    app[ASKED] = []
    UrlDispatcherEx.install(app, sessions(secret=SECRET)).add_get("/", any_of(need_login, by_guard), show_user)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 401
        assert "__Host-session" in response.cookies


@provides(USER)
async def set_user(request: web.Request) -> None: ...


@provides(USER, TENANT)
async def set_both(request: web.Request) -> None: ...


@requires(USER)
async def need_user(request: web.Request) -> None: ...


@requires(TENANT)
async def need_tenant(request: web.Request) -> None: ...


@pytest.mark.parametrize(
    ("links", "problem"),
    [
        pytest.param((any_of(set_user, set_both), need_user), "", id="provided by each"),
        pytest.param((any_of(set_user, set_both), need_tenant), "TENANT", id="provided by one only"),
        pytest.param((any_of([answer(None), set_both], set_both), need_tenant), "", id="provided in a list"),
        pytest.param((any_of(set_user, by_guard), need_user), "USER", id="not provided by each"),
        pytest.param((any_of([set_user, need_user], by_guard),), "", id="provided within its list"),
        pytest.param((any_of([need_user, set_user], by_guard),), "USER", id="provided too late in its list"),
        pytest.param((any_of(set_user, need_user),), "USER", id="provided by another alternative"),
        pytest.param((set_both, any_of(need_user, need_tenant)), "", id="provided before"),
        pytest.param((any_of(any_of(set_user, set_both), set_user), need_user), "", id="nested"),
    ],
)
def test_it_provides_what_each_alternative_does_and_requires_what_any_does(links: Any, problem: str) -> None:
    if not problem:
        chain(*links, show_user)
        return
    with pytest.raises(RegistrationError, match=rf"requires the request key {__name__}\.{problem},"):
        chain(*links, show_user)


def test_it_is_named_with_its_alternatives_in_errors_and_listings() -> None:
    link = any_of(by_guard, [by_plain_guard, ByObject()], by_battery)
    name = "any_of(by_guard, by_plain_guard + ByObject, by_battery)"
    assert name_link(link) == name
    app = make_app(link)
    (route,) = list_routes(app)
    assert [one.name for one in route.links] == [name]
    assert links_of(next(iter(app.router.routes()))) == (link, show_user)


@pytest.mark.parametrize(
    ("links", "kind"),
    [
        pytest.param((by_guard, [by_plain_guard, by_battery]), GuardSpec(is_async=True), id="guards"),
        pytest.param((by_guard, [by_plain_guard, by_middleware]), MiddlewareSpec(), id="a middleware among them"),
        pytest.param((any_of(by_guard), by_battery), GuardSpec(is_async=True), id="guards, nested"),
    ],
)
@pytest.mark.parametrize("scope", ["application", "router", "group", "route"])
async def test_of_guards_alone_it_is_a_guard(links: Any, kind: LinkSpec, scope: str, serve: Any) -> None:
    link = any_of(*links)
    assert read_link(link) == kind
    client = await serve(link, scope=scope)
    for way, status in (("guard", 200), ("nobody", 401)):
        async with client.get("/", headers={"X-Way": way}) as response:
            assert response.status == status


async def test_it_can_stand_in_itself(serve: Any) -> None:
    client = await serve(any_of(any_of(by_guard, by_plain_guard), by_middleware))
    async with client.get("/") as response:
        schemes = [challenge.split()[0] for challenge in response.headers.getall("WWW-Authenticate")]
        assert schemes == ["Guard", "Plain", "Middleware"]
    async with client.get("/", headers={"X-Way": "middleware"}) as response:
        assert response.status == 200


async def test_requests_at_once_do_not_see_one_another(serve: Any) -> None:
    everybody_is_in = asyncio.Barrier(3) if hasattr(asyncio, "Barrier") else None

    async def meet(request: web.Request) -> web.Response:
        if everybody_is_in:
            await everybody_is_in.wait()
        return await show_user(request)

    client = await serve(any_of(by_guard, by_plain_guard, by_middleware), endpoint=meet)

    async def ask(way: str) -> str:
        async with client.get("/", headers={"X-Way": way}) as response:
            text: str = await response.text()
            return text

    ways = ["guard", "plain", "middleware"]
    assert await asyncio.gather(*map(ask, ways)) == [f"{way} None" for way in ways]


async def test_what_a_refused_alternative_would_have_set_on_the_response_is_forgotten(
    aiohttp_client: AiohttpClient,
) -> None:
    async def note(request: web.Request) -> None:
        on_response(request, "inner", lambda _, response: response.headers.add("X-Inner", "refused"))
        on_response(request, "outer", lambda _, response: response.headers.add("X-Outer", "refused"))

    async def refuse(request: web.Request) -> None:
        raise web.HTTPForbidden

    async def outer(request: web.Request) -> None:
        on_response(request, "outer", lambda _, response: response.headers.add("X-Outer", "kept"))

    async def pass_on(request: web.Request) -> None: ...

    async def index(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app, outer).add_get("/", any_of([note, refuse], pass_on), index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 200
        assert "X-Inner" not in response.headers
        assert response.headers.getall("X-Outer") == ["kept"]
