"""What somebody may do, as an authorization policy of aiohttp-security decides: by `True`, and by nothing else."""

import enum
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain
from aiohttp_route_middleware.adapters.identify import identify
from aiohttp_route_middleware.adapters.permit import permit
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.support.access.identity import IDENTITY

from ..steady_ids import steady
from .policies import Ask, Claims, Users, authenticate, endpoint, serve, set_up


class Permission(enum.Enum):
    READ = "post:read"


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


@pytest.mark.parametrize("answer", [False, None, 0, 1, "yes", [1], object()], ids=steady)
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
    ("link", "name"),
    [(permit("post:read"), "permit(post:read)"), (permit(Permission.READ), "permit(Permission.READ)")],
    ids=["a text", "a member"],
)
def test_listings_show_what_is_asked_for(link: Any, name: str) -> None:
    assert name_link(link) == name


@pytest.mark.parametrize(
    ("permission", "options", "problem"),
    [
        pytest.param("", {}, "permission=''; pass a text on one line", id="empty"),
        pytest.param("two\nlines", {}, "permission='two", id="two lines"),
        pytest.param(["post:read"], {}, r"permission=\['post:read'\]; pass a text on one line", id="a list"),
        pytest.param("a", {"context": "id"}, r"context is .*; pass a function \(request\)", id="a context"),
        pytest.param(
            "a", {"authorization_policy": Claims()}, "Claims.* is no AbstractAuthorizationPolicy", id="a policy"
        ),
        pytest.param("a", {"realm": None}, "realm=None", id="a realm"),
    ],
)
def test_wrong_arguments_are_refused_at_once(permission: Any, options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^permit\(\): {problem}"):
        permit(permission, **options)
