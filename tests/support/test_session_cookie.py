"""The cookie of a session: browsers take it, delete it, and may send several."""

from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.errors import ConfigurationError, SessionError
from aiohttp_route_middleware.support.session_cookie import SessionCookie, check_seconds

PLAIN: Mapping[str, Any] = {
    "name": "__Host-session",
    "path": "/",
    "domain": "",
    "max_age": None,
    "same_site": "Lax",
    "secure": True,
    "http_only": True,
}


def make(**options: Any) -> SessionCookie:
    return SessionCookie(**{**PLAIN, **options})


@pytest.mark.parametrize(
    ("options", "line"),
    [
        pytest.param({}, "__Host-session=v; Path=/; HttpOnly; Secure; SameSite=Lax", id="by default"),
        pytest.param(
            {"max_age": 60},
            "__Host-session=v; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax",
            id="kept",
        ),
        pytest.param(
            {"max_age": 6000},
            "__Host-session=v; Max-Age=100; Path=/; HttpOnly; Secure; SameSite=Lax",
            id="kept no longer than the session",
        ),
        pytest.param(
            {"name": "s", "path": "/admin", "secure": False, "http_only": False, "same_site": "Strict"},
            "s=v; Path=/admin; SameSite=Strict",
            id="bare",
        ),
        pytest.param(
            {"name": "__Secure-s", "domain": "example.com", "same_site": "None"},
            "__Secure-s=v; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=None",
            id="for subdomains",
        ),
    ],
)
def test_what_is_written(options: dict[str, Any], line: str) -> None:
    assert make(**options).write("v", lifetime=100) == line


def test_deleting_bears_the_same_attributes() -> None:
    line = make(name="__Secure-s", path="/admin", domain="example.com").expire()
    (morsel,) = SimpleCookie(line).values()
    assert (morsel.value, morsel["max-age"], morsel["expires"]) == ("", "0", "Thu, 01 Jan 1970 00:00:00 GMT")
    assert line.endswith("; Domain=example.com; Path=/admin; HttpOnly; Secure; SameSite=Lax")


def test_4093_bytes_are_written_and_one_more_is_an_error() -> None:
    cookie = make()
    room = 4093 - len(cookie.write("", lifetime=1))
    assert len(cookie.write("x" * room, lifetime=1)) == 4093
    with pytest.raises(SessionError, match=r"would take 4094 bytes, and browsers keep 4093; .* sessions\(store="):
        cookie.write("x" * (room + 1), lifetime=1)


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        pytest.param([], [], id="none"),
        pytest.param(["a=1; __Host-session=v; b=2"], ["v"], id="among others"),
        pytest.param(["__Host-session=v"], ["v"], id="alone"),
        pytest.param(["a=1;__Host-session=v;b=2"], ["v"], id="without blanks"),
        pytest.param(["__Host-session=one; __Host-session=two"], ["one", "two"], id="twice"),
        pytest.param(["__Host-session=one", "__Host-session=two"], ["one", "two"], id="in two fields"),
        pytest.param(["__Host-session=v; __Host-session=v"], ["v"], id="the same twice"),
        pytest.param(["__host-session=v; _Host-session=v; session=v"], [], id="other names"),
        pytest.param(["__Host-session; __Host-session="], [], id="without a value"),
        pytest.param(["__Host-session=a=b"], ["a=b"], id="an equals sign in it"),
        pytest.param(["; ".join(f"__Host-session={n}" for n in range(4))], ["0", "1", "2", "3"], id="four"),
        pytest.param(["; ".join(f"__Host-session={n}" for n in range(5))], [], id="too many to be meant"),
    ],
)
def test_what_a_client_sends(lines: list[str], values: list[str]) -> None:
    request = make_mocked_request("GET", "/", headers=CIMultiDict(("Cookie", line) for line in lines))
    assert make().read(request) == values


@given(line=st.text(max_size=200))
def test_whatever_a_client_sends_is_a_list_of_few_texts(line: str) -> None:
    request = make_mocked_request("GET", "/", headers=CIMultiDict([("Cookie", line)]))
    assert len(make(name="s", secure=False).read(request)) <= 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"name": "a b"}, "cookie='a b'; use letters", id="name"),
        pytest.param({"name": None}, "cookie=None; use letters", id="no name"),
        pytest.param({"path": "admin"}, "path='admin'; begin it with a slash", id="path"),
        pytest.param({"path": "/a;b"}, "begin it with a slash", id="path with an attribute"),
        pytest.param({"path": "/a\r\nb"}, "begin it with a slash", id="path with a line break"),
        pytest.param({"path": None}, "begin it with a slash", id="no path"),
        pytest.param({"name": "s", "domain": "a b"}, "domain='a b'; write it as", id="domain"),
        pytest.param({"name": "s", "domain": "localhost"}, "leave it out for this host", id="domain of one label"),
        pytest.param({"name": "s", "domain": None}, "domain=None", id="no domain"),
        pytest.param({"same_site": "lax"}, "same_site='lax'; write \"Strict\"", id="same_site"),
        pytest.param({"name": "s", "same_site": "None", "secure": False}, "add secure=True", id="None over http"),
        pytest.param({"max_age": 1.5}, "max_age=1.5; use whole seconds", id="half a second"),
        pytest.param({"max_age": 0}, "max_age=0; pass seconds, one at least", id="no second"),
        pytest.param({"secure": False}, "without secure; add secure=True", id="__Host- over http"),
        pytest.param({"name": "__secure-s", "secure": False}, "without secure", id="__secure- over http"),
        pytest.param({"path": "/admin"}, 'name it "__Secure-session"', id="__Host- with a path"),
        pytest.param({"domain": "example.com"}, 'name it "__Secure-session"', id="__Host- with a domain"),
    ],
)
def test_what_browsers_would_drop_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make(**options)


@pytest.mark.parametrize("value", [0, -1, 0.5, True, "60", None, float("nan"), float("inf")])
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"idle=.*; pass seconds, one at least"):
        check_seconds("idle", value)
