"""What is sent back is an origin that is listed, or that an expression matches as a whole, as a browser writes it."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.cors.allowed_origins import ANY, AllowedOrigins

A = "https://a.example"
B = "https://b.example"
EVIL = "https://evil.example"


def compile_if(pattern: str | re.Pattern[str] | None) -> re.Pattern[str] | None:
    return None if pattern is None else re.compile(pattern)


@pytest.mark.parametrize(
    ("listed", "pattern", "origin", "is_allowed"),
    [
        pytest.param([A], None, A, True, id="one text"),
        pytest.param([A, B], None, B, True, id="one of a list"),
        pytest.param(["*"], None, EVIL, True, id="a star in a list"),
        pytest.param(["HTTPS://A.Example:443"], None, A, True, id="case and default port as browsers write them"),
        pytest.param(["http://[0:0::1]:8080"], None, "http://[::1]:8080", True, id="an IPv6 address, shortest"),
        pytest.param(["capacitor://localhost"], None, "capacitor://localhost", True, id="an unknown scheme"),
        pytest.param([A], None, "http://a.example", False, id="another scheme"),
        pytest.param([A], None, f"{A}:8443", False, id="another port"),
        pytest.param([A], None, f"{A}:443", False, id="the default port, which no browser writes"),
        pytest.param([A], None, "HTTPS://A.EXAMPLE", False, id="upper case, which no browser writes"),
        pytest.param([A], None, "https://sub.a.example", False, id="a name below"),
        pytest.param([A], None, f"{A}.evil.example", False, id="a longer name"),
        pytest.param([A], None, f"{A}/", False, id="a slash"),
        pytest.param([A], None, "null", False, id="null, not listed"),
        pytest.param(["null"], None, "null", True, id="null, listed"),
        pytest.param([A, B], None, f"{A} {B}", False, id="a list of origins"),
        pytest.param([A], None, "", False, id="nothing"),
        pytest.param([], r"https://.\.example", A, True, id="an expression"),
        pytest.param([], re.compile(r"https://A\.EXAMPLE", re.IGNORECASE), A, True, id="compiled"),
        pytest.param([B], r"https://a\..*", B, True, id="listed besides an expression"),
        pytest.param([], r"https://a\.example", f"{A}.evil.example", False, id="matches as a whole: end"),
        pytest.param([], r".*a\.example:1", f"{A}:17", False, id="matches as a whole: a port"),
        pytest.param([], r"https://a\.example|x", f"{A}x", False, id="matches as a whole: alternatives"),
        pytest.param([], r"https://a\.example$", f"{A}\n", False, id="a line break at the end"),
        pytest.param([], ".*", "null", False, id="no expression matches null"),
        pytest.param([], "(?s).*", "None", False, id="a word is no origin"),
        pytest.param([], "(?s).*", f"{A}, {B}", False, id="no expression matches a list"),
        pytest.param([], "(?s).*", "https://\u00e4.example", False, id="no expression matches unicode"),
        pytest.param([], "(?s).*", f"https://{'a' * 9000}", False, id="no expression matches the huge"),
        pytest.param([], "(?s).*", "https://a.example%60.evil.example", False, id="odd letters"),
        pytest.param([], "(?s).*", "https://user@a.example", False, id="a user"),
    ],
)
def test_which_origins_are_allowed(
    listed: list[str], pattern: str | re.Pattern[str] | None, origin: str, is_allowed: bool
) -> None:
    answer = AllowedOrigins("x()", listed, compile_if(pattern)).answer([origin])
    assert answer == ((ANY if ANY in listed else origin) if is_allowed else None)


def test_no_origin_is_none_and_two_are_none_but_a_star_allows_whoever_asks() -> None:
    listed, any_ = AllowedOrigins("x()", [A, B], re.compile(".*")), AllowedOrigins("x()", ["*"], None)
    assert [listed.answer(sent) for sent in ([], [A], [A, B])] == [None, A, None]
    assert [any_.answer(sent) for sent in ([], [A], [A, B])] == ["*", "*", "*"]


@given(st.text(max_size=40) | st.from_regex(r"[a-z]{1,5}://[a-z0-9.:\[\]]{1,20}", fullmatch=True))
def test_what_is_sent_back_is_one_origin_in_the_form_of_browsers(text: str) -> None:
    answer = AllowedOrigins("x()", [], re.compile("(?s).*")).answer([text])
    assert answer in (None, text)
    if answer is not None:
        assert re.fullmatch(r"[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+", answer)
        assert answer.startswith(("ws:", "wss:")) or AllowedOrigins("x()", [answer], None).answer([text]) == text


@pytest.mark.parametrize(
    ("listed", "pattern", "problem", "cure"),
    [
        pytest.param([], None, "there are no origins", "origins=[", id="no origins"),
        pytest.param([7], None, "origins has 7, which is not an origin", "scheme://host", id="a number"),
        pytest.param([b"x"], None, "origins has b'x'", "scheme://host", id="bytes"),
        pytest.param([f"{A}/"], None, "which is not an origin", "a slash included", id="a slash"),
        pytest.param(["https://*.example"], None, "which is not an origin", "origin_regex=", id="a star inside"),
        pytest.param(["NULL"], None, "which is not an origin", "scheme://host", id="null in another case"),
        pytest.param(["*", A], None, "'*' and others", "'*' alone", id="a star and others"),
        pytest.param(["*"], ".*", "'*' and others", "alone", id="a star and an expression"),
    ],
)
def test_what_is_no_list_of_origins_is_refused(
    listed: list[Any], pattern: str | None, problem: str, cure: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AllowedOrigins("x()", listed, compile_if(pattern))
    assert caught.value.battery == "x()"
    assert problem in caught.value.problem
    assert cure in caught.value.cure
