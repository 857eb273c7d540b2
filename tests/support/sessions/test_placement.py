"""A link that keeps a session is found inside others, and refused where its cookie would be lost."""

from functools import partial
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware.definitions import define
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.sessions import sessions
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.support.sessions.placement import check_no_session, declare_session, has_session

SECRET = "a secret that is long enough for it"


async def guard(request: web.Request) -> None: ...


async def keeping(request: web.Request) -> None: ...


def holds(request: web.Request) -> bool:
    return True


declare_session(keeping)


@pytest.mark.parametrize(
    ("link", "is_one"),
    [
        pytest.param(guard, False, id="a guard"),
        pytest.param(keeping, True, id="declared"),
        pytest.param(partial(keeping), True, id="in a partial"),
        pytest.param(sessions(secret=SECRET), True, id="sessions()"),
        pytest.param(define("sessions", secret=SECRET), True, id="by name"),
        pytest.param(unless(holds, guard), False, id="unless() without"),
        pytest.param(unless(holds, guard, unless(holds, keeping)), True, id="unless() with"),
        pytest.param(define("tests.support.sessions.test_placement:make"), True, id="unless() by name"),
    ],
)
def test_a_link_that_keeps_a_session_is_found(link: Any, is_one: bool) -> None:
    assert has_session([guard, link]) is is_one


def make() -> Any:
    return unless(holds, keeping)


def test_it_is_refused_with_what_to_do() -> None:
    check_no_session("x()", [guard])
    with pytest.raises(ConfigurationError) as refused:
        check_no_session("x()", [guard, keeping])
    assert str(refused.value) == (
        "x(): there is a session in it, whose cookie a refusal would lose; "
        "put sessions() before x(), and what reads the session into it"
    )
