"""Who is asking, as the policies of aiohttp-security find out: strangers are refused, and doubts count as a no."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp_security import CookiesIdentityPolicy

from aiohttp_route_middleware import RegistrationError, chain, requires
from aiohttp_route_middleware.adapters.identify import UserIdentity, identify
from aiohttp_route_middleware.adapters.permit import permit
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.authorise import authorise
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.support.access.identity import IDENTITY

from .policies import Ask, Claims, Users, anyone, serve, set_up


@requires(IDENTITY)
async def show_profile(request: web.Request) -> web.Response:
    return web.Response(text=request[IDENTITY].subject)


async def test_who_is_claimed_and_known_is_identified(ask: Ask) -> None:
    seen: list[Any] = []

    async def look(request: web.Request) -> None:
        seen.append(request[IDENTITY])

    response = await ask(serve(identify(Claims("jack"), Users()), look))
    assert (response.status, await response.text()) == (200, "user 7")
    assert seen == [UserIdentity("user 7", claimed="jack")]
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


async def test_a_policy_that_was_passed_goes_before_that_of_the_application(ask: Ask) -> None:
    app = set_up(serve(identify(Claims("joe"), Users("somebody else"))))
    assert await (await ask(app, cookies={"AIOHTTP_SECURITY": "jack"})).text() == "somebody else"


@pytest.mark.parametrize(("cookies", "status"), [({}, 303), ({"AIOHTTP_SECURITY": "jack"}, 200)])
async def test_pages_send_strangers_to_the_login(cookies: Any, status: int, ask: Ask) -> None:
    app = serve(any_of(identify(), anyone), authorise(redirect="/login"), given=[IDENTITY])
    assert (await ask(set_up(app), cookies=cookies)).status == status


def test_it_provides_the_identity_and_is_named_alone() -> None:
    chain(identify(), authorise(["post:read"]), show_profile)
    chain(identify(), permit("post:read"), show_profile)
    with pytest.raises(RegistrationError, match="IDENTITY"):
        chain(permit("post:read"), identify(), show_profile)
    assert name_link(identify()) == "identify"


@pytest.mark.parametrize(
    ("arguments", "options", "problem"),
    [
        pytest.param(
            [CookiesIdentityPolicy], {}, ".*CookiesIdentityPolicy.* is no AbstractIdentityPolicy", id="class"
        ),
        pytest.param([Users()], {}, "Users.* is no AbstractIdentityPolicy; pass an object", id="the other policy"),
        pytest.param([Claims(), Claims()], {}, "Claims.* is no AbstractAuthorizationPolicy", id="the same twice"),
        pytest.param([], {"realm": "two\nlines"}, "realm=", id="a realm of two lines"),
    ],
)
def test_wrong_arguments_are_refused_at_once(arguments: Any, options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^identify\(\): {problem}"):
        identify(*arguments, **options)
