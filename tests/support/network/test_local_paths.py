"""Paths of this origin: whatever a browser or a server could read as another one is not followed."""

from posixpath import normpath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.network.local_paths import is_local_path, safe_next

# after OWASP's cheat sheet on unvalidated redirects and forwards, its testing guide, and the usual lists of payloads
ATTACKS = [
    "",
    " ",
    "evil.example",
    "www.evil.example/login",
    "http://evil.example",
    "https://evil.example",
    "HTTPS://evil.example",
    "http:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "https:///evil.example",
    "ftp://evil.example",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "//evil.example/%2f..",
    "//evil.example/..;/css",
    "//evil%E3%80%82example",
    "//user@evil.example",
    "//localhost@evil.example",
    "//[::1]/",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\evil.example",
    "/\\/evil.example",
    "/\\\\evil.example",
    "\\/\\/evil.example/",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    " /account",
    "/ /evil.example",
    "/\x00/evil.example",
    "\x01//evil.example",
    "/\x7f/evil.example",
    "/\x0b/evil.example",
    "/account\r\nSet-Cookie: a=b",
    "/account\nLocation: //evil.example",
    "/account%0d%0aSet-Cookie:a=b",
    "/%0a/evil.example",
    "/%09/evil.example",
    "/%00/evil.example",
    "/%2Fevil.example",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "/%5C%5Cevil.example",
    "%2F%2Fevil.example",
    "%5C%5Cevil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/./\\evil.example",
    "/a/..//evil.example",
    "/%2e//evil.example",
    "/%2E%2e//evil.example",
    "/%2e%2e%2fevil.example",
    "/..%5cevil.example",
    "/../admin",
    "/a/.",
    "?next=//evil.example",
    "#//evil.example",
    "@evil.example",
    ".evil.example",
    ";//evil.example",
    ":evil.example",
    "/\u2215evil.example",
    "/\uff0fevil.example",
    "\uff0f\uff0fevil.example",
    "/\u3000/evil.example",
    "/\u200b/evil.example",
    "/\u2028/evil.example",
    "/\u00a0/evil.example",
    "/\udcff",
    "/caf\u00e9",
    "/" + "a" * 2048,
]

OURS = [
    "/",
    "/account",
    "/account/",
    "/a/b?c=d&e=f",
    "/a?next=//evil.example",
    "/a?url=https://example.com/../x",
    "/a//b",
    "/proxy/https://example.com/",
    "/a%2Fb",
    "/caf%C3%A9?q=%0D%0A",
    "/a#top",
    "/?a=1",
    "/@ada",
    "/.well-known/security.txt",
    "/...",
    "/a;b=c",
    "/100%",
    "/" + "a" * 2047,
]


@pytest.mark.parametrize("value", ATTACKS, ids=ascii)
def test_what_could_lead_to_another_origin_is_not_followed(value: str) -> None:
    assert safe_next(value) == "/"
    assert safe_next(value, "/home") == "/home"


@pytest.mark.parametrize("value", OURS)
def test_a_path_of_this_origin_is_followed(value: str) -> None:
    assert safe_next(value, "/home") == value


@pytest.mark.parametrize("value", [None, 7, b"/account", ["/account"]], ids=repr)
def test_what_is_no_text_is_not_followed(value: Any) -> None:
    assert safe_next(value) == "/"


def follow(location: str) -> str:
    """Return the host that a browser goes to, after the URL standard: tabs and line breaks are dropped, \\ is /."""
    for dropped in "\t\n\r":
        location = location.replace(dropped, "")
    location = location.strip("".join(map(chr, range(33)))).replace("\\", "/")
    return str(urlsplit(urljoin("https://site.example/login", location)).netloc)


PIECES = st.sampled_from(
    [
        "/",
        "\\",
        "//",
        ".",
        "..",
        "%2F",
        "%5c",
        "%2e",
        "%09",
        "\t",
        "\n",
        " ",
        ":",
        "@",
        "#",
        "?",
        "evil.example",
        "http:",
    ]
)
HOSTILE = st.one_of(st.text(), st.text().map("/".__add__), st.lists(PIECES, max_size=8).map("".join))


@given(HOSTILE)
@example("//evil.example")
@example("/\t/evil.example")
@example("/\\evil.example")
def test_no_value_leads_to_another_origin(value: str) -> None:
    kept = safe_next(value)
    assert kept in (value, "/")
    assert safe_next(kept) == kept
    for location in (kept, str(web.HTTPSeeOther(kept).headers["Location"])):
        assert follow(location) == "site.example"


@given(HOSTILE)
def test_nor_does_it_where_it_is_decoded_or_tidied_once_more(value: str) -> None:
    path = unquote(urlsplit(safe_next(value)).path)
    assert follow(path) == follow(normpath(path)) == "site.example"


@given(HOSTILE)
def test_a_path_is_followed_if_it_is_local_and_not_too_long(value: str) -> None:
    assert (safe_next(value, "") == value) is (is_local_path(value) or value == "")


def test_a_path_of_this_origin_may_be_longer_than_one_to_go_back_to() -> None:
    assert is_local_path("/" + "a" * 5000)
