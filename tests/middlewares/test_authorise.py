"""Who may pass, by scopes and by a predicate; and the way to the login page and back, which stays on this origin."""

import asyncio
import functools
from typing import Any, Literal

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import (
    Handler,
    RegistrationError,
    RouteGroup,
    RouteTableDef,
    UrlDispatcherEx,
    chain,
    get,
    provides,
    requires,
)
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.authorise import authorise, covers, safe_next
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity

from ..steady_ids import steady
from ..strangers import AskOnce, ask_once, read_next

__all__ = ("ask_once",)

ADA = Identity("ada", frozenset({"post:read", "post:write"}), {"tenant": "engines"})


def authenticate(identity: Any = ADA) -> Any:
    @provides(IDENTITY)
    async def authenticate(request: web.Request) -> None:
        request[IDENTITY] = identity

    return authenticate


@provides(IDENTITY)
async def forget(request: web.Request) -> None:
    """Says that it identifies, and does not."""


async def endpoint(request: web.Request) -> web.Response:
    return web.Response(text=request[IDENTITY].subject)


def serve(*links: Any, **options: Any) -> web.Application:
    app = web.Application()
    UrlDispatcherEx.install(app, **options).add_get("/", *links, endpoint)
    return app


# ---- the order check


def on_route(*links: Any) -> Any:
    add: Any = UrlDispatcherEx().add_get
    return add("/", *links)


def on_group(*links: Any) -> Any:
    return UrlDispatcherEx().group("/posts", *links[:-1]).add_get("/", links[-1])


def on_nested_groups(*links: Any) -> Any:
    return UrlDispatcherEx().group("/a", links[0]).group("/b", *links[1:-1]).add_get("/", links[-1])


def on_stock_group(*links: Any) -> Any:
    return RouteGroup(web.UrlDispatcher(), "", *links[:-1]).add_get("/", links[-1])


def on_router(*links: Any) -> Any:
    return UrlDispatcherEx(*links[:-1]).add_get("/", links[-1])


def by_definition(*links: Any) -> Any:
    define: Any = get
    return web.UrlDispatcher().add_routes([define("/", *links)])


def by_table(*links: Any) -> Any:
    table = RouteTableDef(*links[:-1])
    table.get("/")(links[-1])
    return web.UrlDispatcher().add_routes(table)


def as_chain(*links: Any) -> Any:
    compose: Any = chain
    return compose(*links)


DOORS = pytest.mark.parametrize(
    "register",
    [on_route, on_group, on_nested_groups, on_stock_group, on_router, by_definition, by_table, as_chain],
)


@DOORS
@pytest.mark.parametrize("options", [{}, {"redirect": "/login"}], ids=["closed", "redirect"])
def test_before_an_authenticator_it_is_refused_at_registration(register: Any, options: Any) -> None:
    with pytest.raises(RegistrationError, match=r"authorise\(post:read.* requires the request key .*IDENTITY"):
        register(authorise(["post:read"], **options), authenticate(), endpoint)


@DOORS
@pytest.mark.parametrize("options", [{}, {"redirect": "/login"}], ids=["closed", "redirect"])
def test_behind_an_authenticator_it_is_registered(register: Any, options: Any) -> None:
    register(authenticate(), authorise(["post:read"], **options), endpoint)


def test_on_a_router_or_a_group_it_is_refused_before_the_authenticator_of_a_route() -> None:
    for router in (UrlDispatcherEx(authorise(["a"])), UrlDispatcherEx().group("", authorise(["a"]))):
        with pytest.raises(RegistrationError, match=r"move link 2, .*authenticate .* before it"):
            router.add_get("/", authenticate(), endpoint)


def test_without_any_authenticator_it_is_refused_unless_the_application_provides_the_identity() -> None:
    with pytest.raises(RegistrationError, match=r"say given=\[.*IDENTITY\]"):
        UrlDispatcherEx().add_get("/", authorise(["a"]), endpoint)
    UrlDispatcherEx(given=[IDENTITY]).group("/g").add_get("/", authorise(["a"]), endpoint)


# ---- nobody


@pytest.mark.parametrize("scope", ["route", "group", "router", "application", "sub-application"])
@pytest.mark.parametrize(
    ("first", "status"),
    [pytest.param(authenticate(), 200, id="somebody"), pytest.param(forget, 401, id="nobody")],
)
async def test_it_works_in_every_scope(scope: str, first: Any, status: int, ask_once: AskOnce) -> None:
    link = authorise(["post:read"])

    @web.middleware
    async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
        await first(request)
        return await handler(request)

    around: tuple[Any, ...] = (outer, link) if "application" in scope else ()
    app = web.Application(middlewares=around)
    router = UrlDispatcherEx.install(app, *((first, link) if scope == "router" else ()))
    group = router.group("", *((first, link) if scope == "group" else ()))
    group.add_get("/", *((first, link) if scope == "route" else ()), endpoint)
    root = app
    if scope == "sub-application":
        root = web.Application()
        root.add_subapp("/sub", app)
    response = await ask_once(root, "/" if root is app else "/sub/")
    assert response.status == status


@pytest.mark.parametrize("options", [{}, {"predicate": lambda *_: True}], ids=["scopes", "predicate"])
async def test_behind_an_application_middleware_that_forgot_it_is_a_401_with_no_error_code(
    options: Any, ask_once: AskOnce
) -> None:
    """RFC 6750, section 3.1: a request without any authentication is told no error."""
    link = authorise(["post:read"], realm='the "posts"', **options)
    response = await ask_once(serve(link, given=[IDENTITY]))
    assert response.status == 401
    assert response.headers.getall("WWW-Authenticate") == [r'Bearer realm="the \"posts\""']


@pytest.mark.parametrize("identity", [None, "ada", True, {"scopes": {"post:read"}}], ids=repr)
@pytest.mark.parametrize("options", [{}, {"redirect": "/login"}], ids=["closed", "redirect"])
async def test_what_is_no_identity_is_nobody(identity: Any, options: Any, ask_once: AskOnce) -> None:
    response = await ask_once(serve(authenticate(identity), authorise(["post:read"], **options)))
    assert response.status == (303 if options else 401)


# ---- scopes

COVERS: list[Any] = [
    pytest.param({"a"}, {"a"}, "all", True, id="the one"),
    pytest.param({"a", "b"}, {"a", "b", "c"}, "all", True, id="all and more"),
    pytest.param({"a", "b"}, {"a"}, "all", False, id="not all"),
    pytest.param({"a", "b"}, {"b"}, "any", True, id="any"),
    pytest.param({"a", "b"}, {"c"}, "any", False, id="not any"),
    pytest.param({"a"}, set(), "all", False, id="none of all"),
    pytest.param({"a"}, set(), "any", False, id="none of any"),
    pytest.param(set(), set(), "all", True, id="nothing wanted"),
    pytest.param(set(), set(), "any", True, id="nothing wanted of any"),
    pytest.param({"post"}, {"post:read"}, "any", False, id="no prefix"),
    pytest.param({"post:read"}, {"post:*"}, "all", False, id="no wildcard"),
    pytest.param({"post:read"}, {"POST:READ"}, "all", False, id="case-sensitive"),
]


@pytest.mark.parametrize(("wanted", "granted", "match", "is_enough"), COVERS)
def test_scopes_are_enough(wanted: set[str], granted: set[str], match: Literal["all", "any"], is_enough: bool) -> None:
    assert covers(wanted, granted, match) is is_enough


@given(st.sets(st.sampled_from("abcd"), min_size=1), st.sets(st.sampled_from("abcd")))
def test_all_is_each_and_any_is_one(wanted: set[str], granted: set[str]) -> None:
    assert covers(wanted, granted) is all(one in granted for one in wanted)
    assert covers(wanted, granted, "any") is any(one in granted for one in wanted)


@pytest.mark.parametrize("match", ["all", "any"])
def test_scopes_granted_as_a_text_let_nobody_pass_by_their_letters(match: Any) -> None:
    letters: Any = "rw"
    with pytest.raises(TypeError):
        covers({"r"}, letters, match)


@pytest.mark.parametrize(
    ("scopes", "match", "status"),
    [
        (["post:read"], "all", 200),
        (["post:read", "post:write"], "all", 200),
        (("post:read",), "any", 200),
        (["post:delete", "post:write"], "any", 200),
        (["post:delete", "post:write"], "all", 403),
        (["post:delete"], "any", 403),
    ],
)
async def test_who_has_the_scopes_passes(scopes: Any, match: Any, status: int, ask_once: AskOnce) -> None:
    response = await ask_once(serve(authenticate(), authorise(scopes, match=match)))
    assert response.status == status
    assert (await response.text() == "ada") is (status == 200)


@pytest.mark.parametrize("match", ["all", "any"])
async def test_insufficient_scope_is_a_403_that_names_the_scopes(match: Any, ask_once: AskOnce) -> None:
    """RFC 6750, section 3.1: 403 with the error insufficient_scope, and the scope that is necessary."""
    link = authorise(["post:delete", "post:purge", "post:delete"], match=match, realm="example")
    response = await ask_once(serve(authenticate(), link))
    assert response.status == 403
    assert response.headers.getall("WWW-Authenticate") == [
        'Bearer realm="example", error="insufficient_scope", scope="post:delete post:purge"'
    ]


async def test_who_is_known_but_may_not_is_not_sent_to_the_login_page_again(ask_once: AskOnce) -> None:
    response = await ask_once(serve(authenticate(), authorise(["post:delete"], redirect="/login")))
    assert response.status == 403


# ---- the predicate


def is_engineer(identity: Identity, request: web.Request) -> bool:
    return identity.claims["tenant"] == "engines" and request.path == "/"


async def is_engineer_later(identity: Identity, request: web.Request) -> bool:
    await asyncio.sleep(0)
    return is_engineer(identity, request)


class Engineers:
    async def __call__(self, identity: Identity, request: web.Request) -> bool:
        return is_engineer(identity, request)

    async def method(self, *arguments: Any) -> bool:
        return is_engineer(*arguments)


@pytest.mark.parametrize(
    "predicate",
    [
        is_engineer,
        is_engineer_later,
        Engineers(),
        Engineers().method,
        functools.partial(is_engineer_later),
        lambda identity, request: is_engineer_later(identity, request),
    ],
    ids=["plain", "async", "object", "method", "partial", "lambda that returns a coroutine"],
)
@pytest.mark.parametrize(("identity", "status"), [(ADA, 200), (Identity("bob", claims={"tenant": "looms"}), 403)])
async def test_a_predicate_decides(predicate: Any, identity: Identity, status: int, ask_once: AskOnce) -> None:
    response = await ask_once(serve(authenticate(identity), authorise(predicate=predicate)))
    assert response.status == status
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.parametrize(
    "answer", [False, None, 0, 1, "", "yes", [], [1], {}, object(), b"true", 1.0, NotImplemented], ids=steady
)
async def test_what_is_not_true_itself_refuses(answer: Any, ask_once: AskOnce) -> None:
    async def answer_later(*_: Any) -> Any:
        return answer

    for predicate in (lambda *_: answer, answer_later):
        response = await ask_once(serve(authenticate(), authorise(["post:read"], predicate=predicate)))
        assert response.status == 403


async def test_a_predicate_that_raises_lets_nobody_pass(ask_once: AskOnce) -> None:
    def fail(identity: Identity, request: web.Request) -> bool:
        raise LookupError(identity.subject)

    def hide(identity: Identity, request: web.Request) -> bool:
        raise web.HTTPNotFound

    assert (await ask_once(serve(authenticate(), authorise(predicate=fail)))).status == 500
    assert (await ask_once(serve(authenticate(), authorise(predicate=hide)))).status == 404


async def test_a_predicate_is_asked_only_about_who_has_the_scopes(ask_once: AskOnce) -> None:
    asked: list[str] = []

    def write_down(identity: Identity, request: web.Request) -> bool:
        asked.append(identity.subject)
        return True

    assert (await ask_once(serve(forget, authorise(predicate=write_down)))).status == 401
    assert (await ask_once(serve(authenticate(), authorise(["none"], predicate=write_down)))).status == 403
    assert asked == []
    assert (await ask_once(serve(authenticate(), authorise(["post:read"], predicate=write_down)))).status == 200
    assert asked == ["ada"]


# ---- the way to the login page


def make_pages() -> web.Application:
    """Every path and method behind the redirect, and nobody is known."""
    app = web.Application()
    router = UrlDispatcherEx.install(app, given=[IDENTITY])
    link = authorise(redirect="/login")
    router.add_route("*", r"/{tail:[\s\S]*}", link, endpoint)
    return app


async def anyone(request: web.Request) -> None:
    """Let everyone pass."""


@web.middleware
async def load_user(request: web.Request, handler: Handler) -> web.StreamResponse:
    """As sessions do it: an identity for those who have logged in, and none for the others."""
    if "user" in request.cookies:
        request[IDENTITY] = Identity(request.cookies["user"])
    return await handler(request)


def behind_an_application_middleware(link: Any) -> web.Application:
    app = web.Application(middlewares=[load_user])
    UrlDispatcherEx.install(app, given=[IDENTITY]).add_get("/", link, endpoint)
    return app


def behind_a_link_that_lets_strangers_pass(link: Any) -> web.Application:
    app = web.Application()
    UrlDispatcherEx.install(app).group("", load_user, given=[IDENTITY]).add_get("/", link, endpoint)
    return app


def behind_any_of_with_anyone_last(link: Any) -> web.Application:
    @provides(IDENTITY)
    async def need_user(request: web.Request) -> None:
        if "user" not in request.cookies:
            raise web.HTTPUnauthorized
        request[IDENTITY] = Identity(request.cookies["user"])

    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", any_of(need_user, anyone), link, endpoint, given=[IDENTITY])
    return app


OPTIONAL = pytest.mark.parametrize(
    "make",
    [behind_an_application_middleware, behind_a_link_that_lets_strangers_pass, behind_any_of_with_anyone_last],
)


@OPTIONAL
async def test_behind_an_optional_authenticator_strangers_log_in_and_come_back(make: Any, ask_once: AskOnce) -> None:
    response = await ask_once(make(authorise(redirect="/login")), "/?page=2")
    assert (response.status, read_next(response.headers["Location"])) == (303, "/?page=2")
    response = await ask_once(make(authorise(redirect="/login")), "/?page=2", cookies={"user": "bob"})
    assert (response.status, await response.text()) == (200, "bob")
    response = await ask_once(make(authorise(["post:read"], redirect="/login")), cookies={"user": "bob"})
    assert response.status == 403


@OPTIONAL
async def test_an_optional_authenticator_does_not_open_what_has_no_redirect(make: Any, ask_once: AskOnce) -> None:
    assert (await ask_once(make(authorise(["post:read"])))).status == 401


def test_an_optional_authenticator_does_not_count_as_one_unless_somebody_vouches_for_it() -> None:
    with pytest.raises(RegistrationError, match="IDENTITY"):
        UrlDispatcherEx().add_get("/", any_of(authenticate(), anyone), authorise(redirect="/login"), endpoint)


async def test_the_login_handler_sends_back_only_within_this_origin(aiohttp_client: AiohttpClient) -> None:
    async def log_in(request: web.Request) -> web.Response:
        raise web.HTTPSeeOther(safe_next(request.query.get("next"), "/home"))

    outer = web.Application()
    outer.router.add_get("/login", log_in)
    outer.add_subapp("/pages", make_pages())
    client = await aiohttp_client(outer)
    there = await client.get("/pages/%C3%A9%2F?a=%26", allow_redirects=False)
    back = await client.get(there.headers["Location"], allow_redirects=False)
    assert back.headers["Location"] == "/pages/%C3%A9%2F?a=%26"
    for query in ("", "?next=", "?next=//evil.example", "?next=%2F%5Cevil.example", "?next=/%252Fevil.example"):
        back = await client.get(f"/login{query}", allow_redirects=False)
        assert back.headers["Location"] == "/home"


# ---- names and wrong arguments


@pytest.mark.parametrize(
    ("link", "name"),
    [
        (authorise(["post:read", "post:write"]), "authorise(post:read, post:write)"),
        (authorise(["post:read", "post:write"], match="any"), "authorise(post:read | post:write)"),
        (authorise(["post:read"], match="any"), "authorise(post:read)"),
        (authorise(predicate=is_engineer), "authorise(is_engineer)"),
        (authorise(predicate=is_engineer, match="any"), "authorise(is_engineer)"),
        (authorise(["a"], predicate=Engineers()), "authorise(a, Engineers)"),
        (authorise(redirect="/login"), "authorise(redirect=/login)"),
        (authorise(["a"], redirect="/login"), "authorise(a, redirect=/login)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_listings_show_what_is_asked_for(link: Any, name: str) -> None:
    assert name_link(link) == name
    assert link.__name__ == "authorise"


WRONG: list[Any] = [
    pytest.param({}, "nothing is asked for", id="nothing"),
    pytest.param({"scopes": "post:read"}, r"pass a list: scopes=\['post:read'\]", id="a text"),
    pytest.param({"scopes": []}, "no scopes are listed; list one at least", id="an empty list"),
    pytest.param(
        {"scopes": [], "redirect": "/login"}, "no scopes are listed; list one at least", id="an empty list for pages"
    ),
    pytest.param({"scopes": ()}, "no scopes are listed; list one at least", id="an empty tuple"),
    pytest.param({"scopes": {"a": 1}}, r"pass a list: scopes=\['post:read'\]", id="a mapping"),
    pytest.param({"scopes": ["a", 7]}, r"the scope 7", id="no text"),
    pytest.param({"scopes": [""]}, r"the scope ''", id="an empty scope"),
    pytest.param({"scopes": ["post:read post:write"]}, r"write each scope by itself", id="two in one"),
    pytest.param({"scopes": ['a"b']}, "the scope", id="a quotation mark"),
    pytest.param({"scopes": ["a\\b"]}, "the scope", id="a backslash"),
    pytest.param({"scopes": ["a\n"]}, "the scope", id="a line break"),
    pytest.param({"scopes": ["caf\u00e9"]}, "the scope", id="no ASCII"),
    pytest.param({"scopes": ["a"], "match": "some"}, "match='some'; write one of 'all', 'any'", id="unknown match"),
    pytest.param({"scopes": ["a"], "match": None}, "match=None", id="no match"),
    pytest.param({"predicate": "is_author"}, r"pass a function \(identity, request\)", id="no function"),
    pytest.param({"predicate": lambda identity: True}, r"pass a function", id="a predicate of one argument"),
    pytest.param({"predicate": lambda a, b, c: True}, r"pass a function", id="a predicate of three"),
    pytest.param({"predicate": lambda a, b, *, c: True}, r"pass a function", id="a keyword that nobody passes"),
    pytest.param({"redirect": ""}, "redirect=''", id="an empty path"),
    pytest.param({"scopes": ["a"], "realm": "two\nlines"}, "realm=", id="a realm of two lines"),
]


@pytest.mark.parametrize(("options", "problem"), WRONG)
def test_wrong_arguments_are_refused_at_once(options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^authorise\(\): .*{problem}"):
        authorise(**options)


def test_a_predicate_whose_signature_cannot_be_read_is_taken_at_its_word() -> None:
    unreadable: Any = max
    authorise(predicate=unreadable)


def test_an_endpoint_may_require_the_identity_behind_it() -> None:
    @requires(IDENTITY)
    async def show_profile(request: web.Request) -> web.Response:
        return web.Response(text=request[IDENTITY].subject)

    chain(authenticate(), authorise(["post:read"]), show_profile)
