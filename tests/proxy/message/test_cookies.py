"""Cookies of a target are made to fit the public host, and what is not to be rewritten is kept byte for byte."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.message.cookies import rewrite_cookies

DOMAINS = {"internal.example": "shop.example", "old.example": None}
EVERYTHING: dict[str, Any] = {
    "domains": {"*": None},
    "paths": {"/": "/api"},
    "secure": True,
    "http_only": True,
    "same_site": "Lax",
}


@pytest.mark.parametrize(
    ("value", "rewritten"),
    [
        ("a=1; Domain=internal.example", "a=1; Domain=shop.example"),
        ("a=1; domain = .Internal.EXAMPLE ;x", "a=1; domain = shop.example ;x"),
        ("a=1;DOMAIN=internal.example; Domain=internal.example", "a=1;DOMAIN=shop.example; Domain=shop.example"),
        ("a=1; Domain=old.example; Path=/", "a=1; Path=/"),
        ("a=1; Domain=old.example", "a=1"),
        ("a=1; Domain=other.example", "a=1; Domain=other.example"),
        ("a=1; Domain=sub.internal.example", "a=1; Domain=sub.internal.example"),
        ("a=1; Domain=", "a=1; Domain="),
        ("a=1; Domain", "a=1; Domain"),
        ("Domain=internal.example", "Domain=internal.example"),
        ('a="x; Domain=internal.example"', 'a="x; Domain=internal.example"'),
        ("a=1; x=Domain=internal.example", "a=1; x=Domain=internal.example"),
    ],
)
def test_a_domain_is_replaced_or_left_out(value: str, rewritten: str) -> None:
    assert rewrite_cookies(domains=DOMAINS).rewrite(value) == rewritten


@pytest.mark.parametrize(
    ("public", "value", "rewritten"),
    [
        (None, "a=1; Domain=any.example; x", "a=1; x"),
        ("shop.example", "a=1; Domain=any.example; x", "a=1; Domain=shop.example; x"),
        ("shop.example", "a=1; Domain; Domain=; x", "a=1; Domain; Domain=; x"),
        ("shop.example", "a=1; x", "a=1; x"),
    ],
)
def test_a_star_stands_for_any_domain_and_not_for_none(public: str | None, value: str, rewritten: str) -> None:
    assert rewrite_cookies(domains={"*": public}).rewrite(value) == rewritten


def test_a_domain_that_is_named_counts_before_the_star() -> None:
    rewriting = rewrite_cookies(domains={"*": None, "a.example": "b.example"})
    assert rewriting.rewrite("a=1; Domain=a.example") == "a=1; Domain=b.example"


@pytest.mark.parametrize(
    ("paths", "value", "rewritten"),
    [
        ({"/": "/api"}, "a=1; Path=/", "a=1; Path=/api"),
        ({"/": "/api"}, "a=1; Path=/x", "a=1; Path=/api/x"),
        ({"/": "/api"}, "a=1; path = /x/ ; y", "a=1; path = /api/x/ ; y"),
        ({"/v1": "/"}, "a=1; Path=/v1", "a=1; Path=/"),
        ({"/v1": "/"}, "a=1; Path=/v1/x", "a=1; Path=/x"),
        ({"/v1": "/api"}, "a=1; Path=/v1/", "a=1; Path=/api/"),
        ({"/v1": "/api"}, "a=1; Path=/v10", "a=1; Path=/v10"),
        ({"/v1": "/api"}, "a=1; Path=/", "a=1; Path=/"),
        ({"/v1": "/one", "/": "/all"}, "a=1; Path=/v1; Path=/x", "a=1; Path=/one; Path=/all/x"),
        ({"/": "/"}, "a=1; Path=/", "a=1; Path=/"),
        ({"/": "/api"}, "a=1; Path", "a=1; Path"),
        ({"/": "/api"}, "a=1; Path=", "a=1; Path="),
        ({"/": "/api"}, "a=1; Path=x", "a=1; Path=x"),
        ({"/": "/api"}, 'a=1; Path="/"', 'a=1; Path="/"'),
        ({"/": "/api"}, "a=1", "a=1"),
        ({"/": "/api"}, "Path=/", "Path=/"),
    ],
)
def test_a_path_is_mapped_where_a_segment_ends(paths: dict[str, str], value: str, rewritten: str) -> None:
    assert rewrite_cookies(paths=paths).rewrite(value) == rewritten


@pytest.mark.parametrize("name", ["__Host-a", "__HOST-a", " __host-a", "__Host-Http-a"])
def test_a_cookie_that_is_bound_to_its_host_keeps_path_and_domain(name: str) -> None:
    rewriting = rewrite_cookies(domains={"*": "shop.example"}, paths={"/": "/api"}, same_site="Strict")
    assert rewriting.rewrite(f"{name}=1; Path=/; Secure") == f"{name}=1; Path=/; Secure; SameSite=Strict"
    assert rewriting.rewrite(f"{name}=1; Domain=x; SameSite=Lax") == f"{name}=1; Domain=x; SameSite=Strict"


@pytest.mark.parametrize(
    ("options", "value", "rewritten"),
    [
        ({"secure": True}, "a=1", "a=1; Secure"),
        ({"secure": True}, "a=1; secure", "a=1; secure"),
        ({"secure": True}, "secure=1", "secure=1; Secure"),
        ({"secure": True}, "a=1;", "a=1;; Secure"),
        ({"http_only": True}, "a=1; Path=/", "a=1; Path=/; HttpOnly"),
        ({"http_only": True}, "a=1; HTTPONLY ;x", "a=1; HTTPONLY ;x"),
        ({"same_site": "Lax"}, "a=1", "a=1; SameSite=Lax"),
        ({"same_site": "Lax"}, "a=1; samesite = None;x", "a=1; samesite = Lax;x"),
        ({"same_site": "Lax"}, "a=1; SameSite", "a=1; SameSite=Lax"),
        ({"same_site": "None", "secure": True}, "a=1; SameSite=Strict", "a=1; SameSite=None; Secure"),
        ({"secure": True, "http_only": True, "same_site": "Strict"}, "a=1", "a=1; Secure; HttpOnly; SameSite=Strict"),
    ],
)
def test_what_browsers_shall_enforce_is_added_once(options: dict[str, Any], value: str, rewritten: str) -> None:
    assert rewrite_cookies(**options).rewrite(value) == rewritten


def test_each_cookie_of_a_response_is_rewritten_and_all_fields_are_kept_in_order() -> None:
    expires = "Expires=Wed, 21 Oct 2026 07:28:00 GMT"
    headers: CIMultiDict[str] = CIMultiDict(
        (
            *[("X-A", "Path=/"), ("set-cookie", f"a=1; {expires}; PATH=/;Odd='x, y'"), ("Location", "/")],
            *[("SET-COOKIE", "a=2;path=/x"), ("Set-Cookie", 'b="q, \\"r"; Max-Age=5'), ("X-B", "z")],
        )
    )
    rewrite_cookies(paths={"/": "/api"}).apply(headers)
    assert list(headers.items()) == [
        *[("X-A", "Path=/"), ("set-cookie", f"a=1; {expires}; PATH=/api;Odd='x, y'"), ("Location", "/")],
        *[("SET-COOKIE", "a=2;path=/api/x"), ("Set-Cookie", 'b="q, \\"r"; Max-Age=5'), ("X-B", "z")],
    ]


def test_a_response_without_cookies_is_kept() -> None:
    headers: CIMultiDict[str] = CIMultiDict({"Cookie": "a=1; Path=/"})
    rewrite_cookies(**EVERYTHING).apply(headers)
    assert list(headers.items()) == [("Cookie", "a=1; Path=/")]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, r"nothing is to be rewritten; pass domains=\{\"\*\": None\}, for example"),
        ({"domains": {}}, "domains is not a mapping of domains"),
        ({"domains": "shop.example"}, "domains is not a mapping of domains"),
        ({"domains": {"a.example:80": None}}, "domains='a.example:80'; write a domain without dot and port"),
        ({"domains": {".a.example": None}}, "domains='.a.example'"),
        ({"domains": {"a.example.": None}}, "domains='a.example.'"),
        ({"domains": {"*.a.example": None}}, r"domains='\*.a.example'"),
        ({"domains": {"a.example": "x; Path=/"}}, "domains='x; Path=/'"),
        ({"domains": {"a.example": "*"}}, r"domains='\*'"),
        ({"domains": {"a.example": ""}}, "domains=''"),
        ({"domains": {None: "a.example"}}, "domains=None"),
        ({"paths": {}}, "paths is not a mapping of prefixes"),
        ({"paths": {"api": "/"}}, "paths='api'"),
        ({"paths": {"/": "/api/"}}, "paths='/api/'"),
        ({"paths": {"/": "/a;b"}}, "leave out the semicolon"),
        ({"paths": {"/": "/a\r\n"}}, "paths="),
        ({"secure": "no"}, "secure='no'; write True or False"),
        ({"http_only": 1}, "http_only=1; write True or False"),
        ({"same_site": "lax"}, "same_site='lax'; write 'Lax'"),
        ({"same_site": ""}, "same_site=''"),
        ({"same_site": "None"}, "same_site='None'; add secure=True, or browsers drop the cookies"),
    ],
)
def test_a_malformed_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^rewrite_cookies\(\): .*{problem}"):
        rewrite_cookies(**options)


LINES = st.lists(
    st.sampled_from(["a=1", "Path=/", " path =\t/v1/x ", "Domain=.A.example", " Secure", "SameSite=None", "x=y", ""])
    | st.text(max_size=8),
    max_size=6,
).map(";".join)


@given(LINES)
def test_what_nothing_fits_is_kept_byte_for_byte(value: str) -> None:
    rewriting = rewrite_cookies(domains={"no.example": None}, paths={"/no": "/other"})
    assert rewriting.rewrite(value) == value


@given(LINES)
def test_rewriting_keeps_the_cookie_and_each_attribute_that_it_does_not_know(value: str) -> None:
    rewritten = rewrite_cookies(**EVERYTHING).rewrite(value)
    known = ("path", "domain", "secure", "httponly", "samesite")

    def unknown(line: str) -> list[str]:
        first, *others = line.split(";")
        return [first, *[one for one in others if one.partition("=")[0].strip(" \t").lower() not in known]]

    assert unknown(rewritten) == unknown(value)
