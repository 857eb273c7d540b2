"""A token belongs to one session: told by a function or a request key, and never shared by those who have none."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.csrf.owner import check_session_source, read_session_id
from aiohttp_route_middleware.support.sessions.session import SESSION, Session, state_of
from aiohttp_route_middleware.support.sessions.state import SessionState

USER = web.RequestKey("USER", str)
KEPT = Session(SessionState(token="of its cookie"))


def read_user(request: web.Request) -> str:
    return request[USER]


async def find_user(request: web.Request) -> str:
    return request[USER]


@pytest.mark.parametrize("source", [read_user, find_user, USER], ids=["plain", "async", "request key"])
async def test_a_source_is_a_function_or_a_request_key(source: Any) -> None:
    request = make_mocked_request("GET", "/")
    request[USER] = "alice"
    assert await check_session_source("x()", source)(request) == "alice"


async def test_a_key_that_nothing_has_set_is_named() -> None:
    find_session = check_session_source("x()", SESSION)
    with pytest.raises(
        ConfigurationError, match=r"x\(\): the request has no .*\.middlewares\.sessions\.SESSION; put the"
    ):
        await find_session(make_mocked_request("GET", "/"))


@pytest.mark.parametrize("source", [7, b"user", ["user"]])
def test_what_is_no_source_is_refused(source: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"x\(\): session is .*; pass a function of the request, or a request"
    ):
        check_session_source("x()", source)


def test_an_empty_text_names_no_request_key() -> None:
    with pytest.raises(ConfigurationError, match=r"x\(\): session=''; pass a text that is not empty"):
        check_session_source("x()", "")


def test_who_binds_a_token_to_a_session_has_not_looked_at_it() -> None:
    session = Session(SessionState("{}", token="of its cookie"))
    assert read_session_id("x()", session)
    assert not state_of(session).was_read


@pytest.mark.parametrize(
    ("session", "read"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("", None, id="an empty text, which is nobody's"),
        pytest.param(b"", None, id="no bytes"),
        pytest.param("é", b"\xc3\xa9", id="a text"),
        pytest.param("\udcff", b"\xed\xb3\xbf", id="a text that is no UTF-8"),
        pytest.param(b"\xff", b"\xff", id="bytes"),
        pytest.param(Session(), None, id="a session that is not kept yet"),
        pytest.param(KEPT, KEPT.id.encode(), id="a session that is kept"),
    ],
)
def test_what_tells_a_session_from_others(session: Any, read: bytes | None) -> None:
    assert read_session_id("x()", session) == read


@pytest.mark.parametrize("session", [0, False, 7, [], {}, object()])
def test_what_is_no_session_is_refused(session: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"x\(\): the session is \w+; give a text or bytes that only this"):
        read_session_id("x()", session)
