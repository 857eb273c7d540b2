"""Cookies are written so that browsers take them, and read so that a sibling domain cannot pass for this one."""

from http.cookies import SimpleCookie
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.cookies import Cookie, check_cookie, read_cookies

WRITTEN = [
    ({"name": "a"}, {}, "a=v; Path=/; HttpOnly; Secure; SameSite=Lax"),
    ({"name": "a", "secure": False}, {}, "a=v; Path=/; HttpOnly; SameSite=Lax"),
    ({"name": "a", "http_only": False}, {}, "a=v; Path=/; Secure; SameSite=Lax"),
    ({"name": "a", "path": "/x"}, {}, "a=v; Path=/x; HttpOnly; Secure; SameSite=Lax"),
    (
        {"name": "a", "domain": "example.com"},
        {},
        "a=v; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax",
    ),
    ({"name": "a", "same_site": "None"}, {}, "a=v; Path=/; HttpOnly; Secure; SameSite=None"),
    ({"name": "a", "max_age": 60}, {}, "a=v; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax"),
    ({"name": "a", "max_age": 60}, {"lifetime": 5}, "a=v; Max-Age=5; Path=/; HttpOnly; Secure; SameSite=Lax"),
    ({"name": "a"}, {"lifetime": 5}, "a=v; Path=/; HttpOnly; Secure; SameSite=Lax"),
]

REFUSED = [
    ({"name": ""}, "cookie=''"),
    ({"name": "a b"}, "cookie='a b'"),
    ({"name": "a", "path": "x"}, "path='x'"),
    ({"name": "a", "path": "/;"}, "path='/;'"),
    ({"name": "a", "path": None}, "path=None"),
    ({"name": "a", "domain": "a; Secure"}, "domain='a; Secure'"),
    ({"name": "a", "domain": "localhost"}, "domain='localhost'"),
    ({"name": "a", "domain": None}, "domain=None"),
    ({"name": "a", "max_age": 0}, "max_age=0"),
    ({"name": "a", "max_age": 1.5}, "max_age=1.5"),
    ({"name": "a", "same_site": "lax"}, "same_site='lax'"),
    ({"name": "a", "same_site": "None", "secure": False}, "same_site='None'"),
    ({"name": "a", "secure": "yes"}, "secure='yes'"),
    ({"name": "a", "http_only": None}, "http_only=None"),
    ({"name": "__Host-a", "secure": False}, "cookie='__Host-a'"),
    ({"name": "__secure-a", "secure": False}, "cookie='__secure-a'"),
    ({"name": "__Host-a", "path": "/x"}, "cookie='__Host-a'"),
    ({"name": "__HOST-a", "domain": "example.com"}, "cookie='__HOST-a'"),
]


@pytest.mark.parametrize(("options", "more", "line"), WRITTEN, ids=[line for *_, line in WRITTEN])
def test_a_cookie_is_written_with_its_attributes(options: dict[str, Any], more: dict[str, Any], line: str) -> None:
    assert check_cookie("battery()", Cookie(**options)).write("v", **more) == line


@pytest.mark.parametrize(("options", "problem"), REFUSED, ids=[f"{options}" for options, _ in REFUSED])
def test_what_browsers_would_drop_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        check_cookie("battery()", Cookie(**options))
    assert str(refusal.value).startswith(f"battery(): {problem}")


def test_deleting_bears_the_attributes_of_setting() -> None:
    cookie = Cookie(name="a", path="/x", domain="example.com", same_site="Strict", max_age=60)
    parsed = {
        line: {
            name: value
            for name, value in SimpleCookie(line)["a"].items()
            if name not in ("max-age", "expires") and value
        }
        for line in (cookie.write("v"), cookie.expire())
    }
    assert parsed[cookie.write("v")] == parsed[cookie.expire()]


def test_deleting_ends_the_time_of_a_cookie_for_browsers_of_any_age() -> None:
    deleted = SimpleCookie(Cookie(name="a").expire())["a"]
    assert (deleted.value, deleted["max-age"]) == ("", "0")
    assert deleted["expires"] == "Thu, 01 Jan 1970 00:00:00 GMT"


READ = [
    ("a=1", ["1"]),
    ("a=1; b=2", ["1"]),
    ("b=2;a=1", ["1"]),
    ("a=1; a=2", ["1", "2"]),
    ("\ta = 1 ", ["1"]),
    ("a=1=2", ["1=2"]),
    ("a=", [""]),
    ("a", []),
    ("A=1", []),
    ("xa=1", []),
    ("\xa0a=1", []),
    ("\x1fa=1", []),
    ('b="; a=1', ["1"]),
]


@pytest.mark.parametrize(("line", "values"), READ, ids=[repr(line) for line, _ in READ])
def test_a_cookie_is_read_by_its_exact_name(line: str, values: list[str]) -> None:
    assert read_cookies(CIMultiDict({"Cookie": line}), "a") == values


def test_cookies_of_several_lines_are_read_in_their_order() -> None:
    headers = CIMultiDict([("Cookie", "a=1"), ("cookie", "b=2"), ("COOKIE", "a=3")])
    assert read_cookies(headers, "a") == ["1", "3"]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "__Host-a"]), st.text('xyz0123="', max_size=5))))
def test_what_is_written_into_a_line_is_found_again(pairs: list[tuple[str, str]]) -> None:
    headers = CIMultiDict({"Cookie": "; ".join(f"{name}={value}" for name, value in pairs)})
    for wanted in ("a", "b", "__Host-a"):
        assert read_cookies(headers, wanted) == [value for name, value in pairs if name == wanted]
