"""The policies of aiohttp-security as links: they identify and permit, and fail closed."""

import enum
import importlib
import sys
from collections.abc import Callable
from typing import Any

import aiohttp_security
import pytest
from aiohttp import web
from aiohttp_security import AbstractAuthorizationPolicy, AbstractIdentityPolicy, CookiesIdentityPolicy
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain, provides, requires
from aiohttp_route_middleware.adapters.security import PolicyIdentity, identify, permit
from aiohttp_route_middleware.errors import ConfigurationError, MissingDependencyError
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.authorise import authorise
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.support.identity import IDENTITY, Identity


class Permission(enum.Enum):
    READ = "post:read"


class Claims(AbstractIdentityPolicy):
    """Tells what it was told to, or raises it."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    async def identify(self, request: web.Request) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def remember(self, request: web.Request, response: web.StreamResponse, identity: str, **_: Any) -> None:
        """Nothing is remembered."""

    async def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Nothing was remembered."""


class Users(AbstractAuthorizationPolicy):
    """Answers as it was told to, or raises it, and writes down what it was asked."""

    def __init__(self, user: Any = "user 7", answer: Any = True) -> None:
        self.user = user
        self.answer = answer
        self.asked: list[Any] = []

    async def authorized_userid(self, identity: str) -> Any:
        if isinstance(self.user, Exception):
            raise self.user
        return self.user

    async def permits(self, identity: Any, permission: Any, context: Any = None) -> Any:
        self.asked.append((identity, permission, context))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@provides(IDENTITY)
async def authenticate(request: web.Request) -> None:
    request[IDENTITY] = Identity("bob")


async def endpoint(request: web.Request) -> web.Response:
    return web.Response(text=request[IDENTITY].subject)


@requires(IDENTITY)
async def show_profile(request: web.Request) -> web.Response:
    return web.Response(text=request[IDENTITY].subject)


async def anyone(request: web.Request) -> None:
    """Let everyone pass."""


def serve(*links: Any, **options: Any) -> web.Application:
    app = web.Application()
    UrlDispatcherEx.install(app, **options).add_get("/", *links, endpoint)
    return app


Ask = Callable[..., Any]


@pytest.fixture
def ask(aiohttp_client: AiohttpClient) -> Ask:
    """Send one GET to an application, redirects not followed."""

    async def ask(app: web.Application, path: str = "/", **options: Any) -> Any:
        client = await aiohttp_client(app)
        return await client.get(path, allow_redirects=False, **options)

    return ask


# ---- identify()


async def test_who_is_claimed_and_known_is_identified(ask: Ask) -> None:
    seen: list[Any] = []

    async def look(request: web.Request) -> None:
        seen.append(request[IDENTITY])

    response = await ask(serve(identify(Claims("jack"), Users()), look))
    assert (response.status, await response.text()) == (200, "user 7")
    assert seen == [PolicyIdentity("user 7", claimed="jack")]
    assert seen[0].scopes == frozenset()


@pytest.mark.parametrize("claimed", [None, "", False, True, 7, b"jack", ["jack"]], ids=repr)
async def test_who_is_not_claimed_to_be_anyone_is_refused(claimed: Any, ask: Ask) -> None:
    response = await ask(serve(identify(Claims(claimed), Users(), realm="example")))
    assert response.status == 401
    assert response.headers.getall("WWW-Authenticate") == ['Bearer realm="example"']


@pytest.mark.parametrize("user", [None, "", False, 0], ids=repr)
async def test_who_is_claimed_and_not_known_is_refused(user: Any, ask: Ask) -> None:
    response = await ask(serve(identify(Claims("jack"), Users(user))))
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="protected"')


async def test_an_identity_policy_that_raises_identifies_nobody_and_the_log_does_not_quote_it(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    response = await ask(serve(identify(Claims(ValueError("token s3cr3t")), Users())))
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="protected"')
    assert "Claims.identify() raised ValueError" in caplog.text
    assert "s3cr3t" not in caplog.text


async def test_an_answer_that_the_identity_policy_raises_is_the_answer(ask: Ask) -> None:
    assert (await ask(serve(identify(Claims(web.HTTPServiceUnavailable()), Users())))).status == 503


async def test_an_authorization_policy_that_cannot_look_up_the_user_lets_nobody_pass(ask: Ask) -> None:
    response = await ask(serve(identify(Claims("jack"), Users(LookupError("database")))))
    assert response.status == 500


@pytest.mark.parametrize("user", [7, True, b"jack"], ids=repr)
async def test_a_user_id_that_is_no_text_is_a_mistake_that_the_log_explains(
    user: Any, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await ask(serve(identify(Claims("jack"), Users(user))))).status == 500
    assert f"identify(): authorized_userid() returned {type(user).__name__}; return the user id as" in caplog.text


# ---- permit()


@pytest.mark.parametrize("permission", ["post:read", Permission.READ])
async def test_what_the_policy_permits_passes_and_it_hears_what_identify_heard(permission: Any, ask: Ask) -> None:
    users = Users()
    response = await ask(serve(identify(Claims("jack"), users), permit(permission, authorization_policy=users)))
    assert response.status == 200
    assert users.asked == [("jack", permission, None)]


async def test_behind_another_authenticator_the_policy_hears_the_subject(ask: Ask) -> None:
    users = Users()
    assert (await ask(serve(authenticate, permit("post:read", authorization_policy=users)))).status == 200
    assert users.asked == [("bob", "post:read", None)]


async def test_a_later_authenticator_is_not_mixed_up_with_what_was_claimed_before(ask: Ask) -> None:
    users = Users()
    links = (identify(Claims("jack"), users), authenticate, permit("post:read", authorization_policy=users))
    assert (await ask(serve(*links))).status == 200
    assert users.asked == [("bob", "post:read", None)]


@pytest.mark.parametrize("answer", [False, None, 0, 1, "yes", [1], object()], ids=repr)
async def test_what_is_not_permitted_by_true_itself_is_a_403(answer: Any, ask: Ask) -> None:
    response = await ask(serve(authenticate, permit("post:read", authorization_policy=Users(answer=answer))))
    assert response.status == 403


async def test_a_policy_that_raises_permits_nothing(ask: Ask) -> None:
    policy = Users(answer=LookupError("database"))
    assert (await ask(serve(authenticate, permit("post:read", authorization_policy=policy)))).status == 500


async def test_the_policy_is_told_the_context(ask: Ask) -> None:
    users = Users()

    async def find_later(request: web.Request) -> str:
        return request.query["id"] + " later"

    for context in (lambda request: request.query["id"], find_later):
        link = permit("post:read", context=context, authorization_policy=users)
        assert (await ask(serve(authenticate, link), "/?id=7")).status == 200
    assert [told for _, _, told in users.asked] == ["7", "7 later"]


async def test_a_context_that_cannot_be_found_permits_nothing(ask: Ask) -> None:
    link = permit("post:read", context=lambda request: request.query["id"], authorization_policy=Users())
    assert (await ask(serve(authenticate, link))).status == 500


async def test_nobody_is_permitted_nothing_even_if_the_policy_would(ask: Ask) -> None:
    users = Users()
    link = permit("post:read", authorization_policy=users, realm="example")
    response = await ask(serve(link, given=[IDENTITY]))
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="example"')
    assert users.asked == []


def test_before_an_authenticator_it_is_refused_at_registration() -> None:
    with pytest.raises(RegistrationError, match=r"permit\(post:read\) .*requires the request key .*IDENTITY"):
        chain(permit("post:read"), identify(), endpoint)
    with pytest.raises(RegistrationError, match="IDENTITY"):
        UrlDispatcherEx(permit("post:read")).group("", identify()).add_get("/", endpoint)
    chain(identify(), permit("post:read"), authorise(["post:read"]), show_profile)


# ---- the policies of the application


class Owner(Users):
    """Knows whoever is claimed, and permits jack what he asks."""

    async def authorized_userid(self, identity: str) -> str:
        return f"user {identity}"

    async def permits(self, identity: Any, permission: Any, context: Any = None) -> bool:
        return bool(identity == "jack")


def set_up(app: web.Application) -> web.Application:
    aiohttp_security.setup(app, CookiesIdentityPolicy(), Owner())
    return app


@pytest.mark.parametrize(
    ("cookies", "status"),
    [({}, 401), ({"AIOHTTP_SECURITY": "jack"}, 200), ({"AIOHTTP_SECURITY": "joe"}, 403)],
    ids=["nobody", "who may", "who may not"],
)
@pytest.mark.parametrize("scope", ["route", "group", "router", "application", "sub-application"])
async def test_the_policies_of_the_application_decide_in_every_scope(
    scope: str, cookies: Any, status: int, ask: Ask
) -> None:
    links: tuple[Any, ...] = (identify(), permit("post:read"))
    app = web.Application(middlewares=links if scope == "application" else ())
    router = UrlDispatcherEx.install(app, *(links if scope == "router" else ()))
    group = router.group("", *(links if scope == "group" else ()))
    group.add_get("/", *(links if scope in ("route", "sub-application") else ()), endpoint)
    root = app
    if scope == "sub-application":  # which finds what was set up for the application around it
        root = web.Application()
        root.add_subapp("/sub", app)
    response = await ask(set_up(root), "/" if root is app else "/sub/", cookies=cookies)
    assert response.status == status
    assert "Traceback" not in await response.text()


@pytest.mark.parametrize(
    ("links", "missing"),
    [
        pytest.param((identify(),), "identify(): the application has no AbstractIdentityPolicy", id="identify"),
        pytest.param(
            (identify(Claims("jack")),),
            "identify(): the application has no AbstractAuthorizationPolicy",
            id="identify, half",
        ),
        pytest.param(
            (authenticate, permit("post:read")),
            "permit(): the application has no AbstractAuthorizationPolicy",
            id="permit",
        ),
    ],
)
async def test_in_an_application_that_was_not_set_up_nobody_passes_and_the_log_tells_the_cure(
    links: Any, missing: str, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    """aiohttp_security.permits() says yes there."""
    assert (await ask(serve(*links))).status == 500
    assert f"{missing}; call aiohttp_security.setup(app, ...)" in caplog.text


async def test_a_policy_that_was_passed_goes_before_that_of_the_application(ask: Ask) -> None:
    app = set_up(serve(identify(Claims("joe"), Users("somebody else"))))
    assert await (await ask(app, cookies={"AIOHTTP_SECURITY": "jack"})).text() == "somebody else"


@pytest.mark.parametrize(("cookies", "status"), [({}, 303), ({"AIOHTTP_SECURITY": "jack"}, 200)])
async def test_pages_send_strangers_to_the_login(cookies: Any, status: int, ask: Ask) -> None:
    app = serve(any_of(identify(), anyone), authorise(redirect="/login"), given=[IDENTITY])
    assert (await ask(set_up(app), cookies=cookies)).status == status


# ---- names and wrong arguments


@pytest.mark.parametrize(
    ("link", "name"),
    [
        (identify(), "identify()"),
        (permit("post:read"), "permit(post:read)"),
        (permit(Permission.READ), "permit(Permission.READ)"),
    ],
    ids=["identify", "a text", "a member"],
)
def test_listings_show_what_is_asked_for(link: Any, name: str) -> None:
    assert name_link(link) == name


@pytest.mark.parametrize(
    ("make", "arguments", "options", "problem"),
    [
        (
            identify,
            [CookiesIdentityPolicy],
            {},
            r"identify\(\): .*CookiesIdentityPolicy.* is no AbstractIdentityPolicy",
        ),
        (identify, [Users()], {}, r"identify\(\): Users.* is no AbstractIdentityPolicy; pass an object"),
        (identify, [Claims(), Claims()], {}, r"identify\(\): Claims.* is no AbstractAuthorizationPolicy"),
        (identify, [], {"realm": "two\nlines"}, r"identify\(\): realm="),
        (permit, [""], {}, r"permit\(\): the permission ''"),
        (permit, ["two\nlines"], {}, r"permit\(\): the permission 'two"),
        (permit, [["post:read"]], {}, r"permit\(\): the permission \['post:read'\]; pass a text on one line"),
        (permit, ["a"], {"context": "id"}, r"permit\(\): the context is .*; pass a function \(request\)"),
        (permit, ["a"], {"authorization_policy": Claims()}, r"permit\(\): Claims.* is no AbstractAuthorizationPolicy"),
        (permit, ["a"], {"realm": None}, r"permit\(\): realm=None"),
    ],
)
def test_wrong_arguments_are_refused_at_once(make: Any, arguments: Any, options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        make(*arguments, **options)


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "aiohttp_route_middleware.adapters.security")
    monkeypatch.setitem(sys.modules, "aiohttp_security", None)  # as if it were not there
    with pytest.raises(
        MissingDependencyError, match=r"aiohttp-security is not .*aiohttp-route-middleware\[security\]"
    ):
        importlib.import_module("aiohttp_route_middleware.adapters.security")
