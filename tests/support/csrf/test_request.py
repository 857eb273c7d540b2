"""The token of a request is accepted with its cookie, and whoever gets one gets a response that is for him alone."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.cookies import Cookie
from aiohttp_route_middleware.support.csrf.request import CSRF_TOKEN, CsrfToken, rotate_csrf_token
from aiohttp_route_middleware.support.csrf.tokens import make_id

KEYS = (b"k" * 32, b"o" * 32)
COOKIE = Cookie(name="csrf")
KNOWN = make_id()


def make(known: str | None = KNOWN, session: bytes | None = None, keys: tuple[bytes, ...] = KEYS) -> CsrfToken:
    return CsrfToken(keys, COOKIE, known, session)


def apply(token: CsrfToken, **headers: str) -> web.Response:
    response = web.Response(headers=headers)
    token.apply(make_mocked_request("GET", "/"), response)
    return response


@pytest.mark.parametrize(
    ("writer", "reader", "is_accepted"),
    [
        pytest.param({}, {}, True, id="the same"),
        pytest.param({"session": b"a"}, {"session": b"a"}, True, id="the same session"),
        pytest.param({"keys": KEYS[1:]}, {}, True, id="an older key"),
        pytest.param({"keys": (b"x" * 32,)}, {}, False, id="another key"),
        pytest.param({"session": b"a"}, {"session": b"b"}, False, id="another session"),
        pytest.param({"known": make_id()}, {}, False, id="another id"),
        pytest.param({}, {"known": None}, False, id="no cookie"),
    ],
)
def test_which_tokens_are_accepted(writer: dict[str, Any], reader: dict[str, Any], is_accepted: bool) -> None:
    assert make(**reader).accepts(str(make(**writer))) is is_accepted


def test_a_token_of_its_own_is_not_accepted_before_the_client_has_the_cookie() -> None:
    token = make(None)
    assert not token.accepts(str(token))


@pytest.mark.parametrize(
    ("known", "is_shown"),
    [(None, False), (None, True), (KNOWN, True), (KNOWN, False)],
    ids=["new", "new, shown", "known, shown", "known"],
)
def test_what_a_response_bears(known: str | None, is_shown: bool) -> None:
    token = make(known)
    if is_shown:
        str(token)
    headers = apply(token).headers
    is_private = known is None or is_shown
    assert ("Set-Cookie" in headers) is (known is None)
    assert (headers.get("Vary"), headers.get("Cache-Control")) == (
        ("Cookie", "private") if is_private else (None, None)
    )


def test_what_the_handler_says_of_caches_is_kept() -> None:
    assert apply(make(None), **{"Cache-Control": "no-store"}).headers["Cache-Control"] == "no-store"


def test_a_rotated_token_has_another_cookie_and_accepts_nothing() -> None:
    token = make()
    shown = str(token)
    token.rotate()
    assert not token.accepts(shown)
    assert not token.accepts(str(token))
    assert KNOWN not in apply(token).headers["Set-Cookie"]


def test_to_rotate_after_the_headers_is_an_error() -> None:
    token = make()
    apply(token)
    with pytest.raises(ConfigurationError, match=r"rotate_csrf_token\(\): the headers are sent already"):
        token.rotate()


@pytest.mark.parametrize("session", ["alice", b"alice", None])
def test_at_login_the_token_belongs_to_the_session_that_begins(session: Any) -> None:
    request = make_mocked_request("GET", "/")
    token = request[CSRF_TOKEN] = make()
    rotate_csrf_token(request, session=session)
    (name, identifier) = apply(token).headers["Set-Cookie"].partition(";")[0].split("=")
    assert name == "csrf"
    assert make(identifier, b"alice" if session else None).accepts(str(token))


def test_a_token_that_is_rotated_alone_belongs_to_whom_it_did() -> None:
    request = make_mocked_request("GET", "/")
    token = request[CSRF_TOKEN] = make(session=b"alice")
    rotate_csrf_token(request)
    identifier = apply(token).headers["Set-Cookie"].partition(";")[0].partition("=")[2]
    assert make(identifier, b"alice").accepts(str(token))


def test_a_request_without_a_token_is_told_of_the_cure() -> None:
    with pytest.raises(ConfigurationError, match=r"rotate_csrf_token\(\): this request has no token; put csrf_token"):
        rotate_csrf_token(make_mocked_request("GET", "/"))


def test_what_is_no_session_is_refused() -> None:
    request = make_mocked_request("GET", "/")
    request[CSRF_TOKEN] = make()
    wrong: Any = 7
    with pytest.raises(ConfigurationError, match=r"rotate_csrf_token\(\): the session is int"):
        rotate_csrf_token(request, session=wrong)
