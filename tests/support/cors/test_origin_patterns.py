"""An expression that surely matches no origin is refused, and one that could is taken."""

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.cors.origin_patterns import read_origin_pattern
from aiohttp_route_middleware.support.network.origins import parse_origin


def read(value: Any) -> re.Pattern[str]:
    return read_origin_pattern("x()", "origin_regex", value)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("HTTPS://example.com", id="an upper-case scheme"),
        pytest.param(r"https://.*\.Example\.com", id="an upper-case host"),
        pytest.param(r"https://example\.com/", id="a slash at the end"),
        pytest.param(r"https?://([a-z]+\.)?example\.com/", id="a slash behind a gap"),
        pytest.param(r"^https://.+/$", id="a slash before the end"),
        pytest.param(r"https://.*\.example\.com/.*", id="a path"),
        pytest.param(r"https://[a-z]+\.example\.com/+", id="many slashes"),
        pytest.param(r"example\.com", id="no scheme"),
        pytest.param(r"(www\.)?example\.com", id="no scheme, and a group"),
        pytest.param(r"[a-z0-9.-]+\.example\.com", id="no scheme, and a class"),
        pytest.param(r"\w+\.example\.com(:\d+)?", id="no scheme, and a port"),
        pytest.param(r"//.*\.example\.com", id="slashes alone"),
        pytest.param(r"/^https:\/\/.*\.example\.com$/", id="as JavaScript writes it"),
        pytest.param(r"https:/example\.com.*", id="one slash"),
        pytest.param(r"https://example\.com:443", id="the default port"),
        pytest.param(r"https://.*:", id="a colon at the end"),
        pytest.param(r"https://.* ", id="a space"),
        pytest.param("https://b\u00fccher\\..*", id="a letter that is not of ASCII"),
        pytest.param(r"https://user@.*", id="a user"),
        pytest.param(r"https://a\.example/|https://b\.example/", id="alternatives, each with a slash"),
        pytest.param("null", id="null, which no expression matches"),
        pytest.param("", id="nothing"),
        pytest.param(re.compile(r"HTTPS://.*\.EXAMPLE/", re.IGNORECASE), id="a slash, in any case"),
    ],
)
def test_what_matches_no_origin_is_refused(pattern: str | re.Pattern[str]) -> None:
    with pytest.raises(ConfigurationError, match="matches no origin as a browser writes it; write scheme and host in"):
        read(pattern)


@pytest.mark.parametrize(
    ("pattern", "origin"),
    [
        pytest.param(r"https://example\.com", "https://example.com", id="one origin"),
        pytest.param(r"^https?://(www\.)?example\.com$", "http://example.com", id="a group"),
        pytest.param(r"https://[a-z0-9-]+\.example\.com(:\d+)?", "https://a.example.com:8443", id="a class"),
        pytest.param(r"https://(?P<name>\w+)\.example", "https://a.example", id="a name"),
        pytest.param(r"https://example\.com/?", "https://example.com", id="a slash that may be missing"),
        pytest.param(r"https://example\.com/*", "https://example.com", id="slashes that may be missing"),
        pytest.param(r"https://example\.com/{0,1}", "https://example.com", id="a slash that may be missing, counted"),
        pytest.param(r"https://example\.com(/.*)?", "https://example.com", id="a path that may be missing"),
        pytest.param(r"https://a\.example/|https://b\.example", "https://b.example", id="one of two"),
        pytest.param(r"[^:]+:\S+", "https://a.example", id="anything"),
        pytest.param(r"https:[^a]{2}.+", "https://a.example", id="slashes in a class"),
        pytest.param(r"https:[.-9]+a\.example", "https://a.example", id="slashes in a range"),
        pytest.param(r"https:[]/]+a\.example", "https://a.example", id="a bracket in a class"),
        pytest.param(r".*", "http://[::1]:8080", id="all"),
        pytest.param(r"http://\[::1\]:\d+", "http://[::1]:8080", id="an IPv6 address"),
        pytest.param(r"https://(?!evil\.)[a-z]+\.example", "https://a.example", id="what is not understood"),
        pytest.param(r"https://a(?#]/)\.example", "https://a.example", id="a comment"),
        pytest.param(r"\x68ttps://a\.example", "https://a.example", id="a letter by its number"),
        pytest.param(r"(?i)HTTPS://A\.EXAMPLE", "https://a.example", id="any case"),
        pytest.param("(?i)HTTP\u017f://\u212a\\.EXAMPLE", "https://k.example", id="any case, and old letters"),
        pytest.param(re.compile("HTTPS://A.EXAMPLE # /", re.I | re.X), "https://a.example", id="with comments"),
    ],
)
def test_what_matches_an_origin_is_taken(pattern: str | re.Pattern[str], origin: str) -> None:
    assert read(pattern).fullmatch(origin)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("(", "x(): origin_regex='(': missing ), unterminated subpattern at position 0; correct it"),
        (re.compile(b"x"), "x(): origin_regex=re.compile(b'x'); write it as text, or re.compile() a text"),
        (7, "x(): origin_regex=7; write it as text, or re.compile() a text"),
    ],
)
def test_what_is_no_expression_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(value)
    assert str(caught.value) == message


# ---- a right one is never refused

HOSTS = st.from_regex(r"[a-z0-9_-]{1,4}(\.[a-z0-9-]{1,3}){0,2}|\[::[1-9a-f]\]", fullmatch=True)
ORIGINS = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["http", "https", "app", "chrome-extension", "a+b.c"]),
    HOSTS,
    st.sampled_from(["", ":8080", ":1"]),
).filter(lambda text: str(parse_origin(text)) == text)

# ways to write an expression that matches a text, whatever else it matches
WAYS = [
    re.escape,
    re.escape,
    re.escape,
    lambda text: f"({re.escape(text)}|/[x)])",
    lambda text: f"(?:{re.escape(text)})+",
    lambda text: f"(?:{re.escape(text)}){{1,2}}",
    lambda text: f"(?P<n{len(text)}>{re.escape(text)})",
    lambda text: f"(?={re.escape(text)}){re.escape(text)}",
    lambda text: f"{re.escape(text)}/?",
    lambda text: f"{re.escape(text)}X*",
    lambda text: f"/{{0}}{re.escape(text)}[/A]{{0,3}}?",
    lambda text: "".join(f"[{re.escape(one)}]" for one in text),
    lambda text: "".join(f"[^A-Z{'' if one == '/' else '/'}]" for one in text),
    lambda text: "." * len(text),
    lambda text: ".+" if text else "",
    lambda text: r"\S*",
    lambda text: "".join(f"\\x{ord(one):02x}" for one in text),
    lambda text: "".join(f"{re.escape(one)}+" for one in text),
    lambda text: "".join(f"(?#/](){re.escape(one)}" for one in text),
    lambda text: re.escape(text.upper()),  # matches in any case only
]


@st.composite
def patterns_and_origins(draw: st.DrawFn) -> tuple[re.Pattern[str], str]:
    origin = draw(ORIGINS)
    cuts = sorted(draw(st.lists(st.integers(0, len(origin)), max_size=3)))
    pieces = [origin[start:end] for start, end in zip([0, *cuts], [*cuts, len(origin)], strict=True)]
    written = "".join(draw(st.sampled_from(WAYS))(piece) for piece in pieces)
    written = draw(st.sampled_from(["{}", "^{}$", r"\A{}\Z", "x/|{}", "{}|/", "(?:{})", "(?i){}"])).replace(
        "{}", written
    )
    try:
        return re.compile(written, draw(st.sampled_from([0, re.IGNORECASE, re.DOTALL, re.VERBOSE]))), origin
    except re.error:  # the same name twice
        return re.compile(re.escape(origin)), origin


@given(patterns_and_origins())
def test_an_expression_that_matches_an_origin_is_never_refused(drawn: tuple[re.Pattern[str], str]) -> None:
    pattern, origin = drawn
    if pattern.fullmatch(origin):
        assert read(pattern) is pattern


PIECES = ["https", "h", ":", "/", "//", "a", "A", ".", r"\.", r"\/", "[", "]", "[a-z]", "[^/]", "(", "(?:", ")", "|"]
PIECES += [
    "*",
    "+",
    "?",
    "{2}",
    "{,}",
    "{",
    "}",
    "^",
    "$",
    r"\b",
    r"\d",
    r"\w",
    r"\S",
    r"\x2f",
    "-",
    "(?=",
    "(?#",
    " ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.sampled_from([0, re.IGNORECASE]), ORIGINS)
def test_whatever_is_written_is_taken_if_it_matches(written: str, flags: int, origin: str) -> None:
    try:
        pattern = re.compile(written, flags)
    except (re.error, FutureWarning):
        return
    matches = any(pattern.fullmatch(one) for one in (origin, "https://a", "https://a.a", "h://a", "a://a:2"))
    with contextlib.nullcontext() if matches else contextlib.suppress(ConfigurationError):
        assert read(pattern) is pattern


@pytest.mark.parametrize(
    "pattern",
    ["https://(", "https://a{99999999999}", "(" * 5_000 + "https://a" + ")" * 5_000],
    ids=["a bracket", "too many repetitions", "too many brackets"],
)
def test_what_cannot_be_compiled_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^x\(\): origin_regex=.*; correct it$"):
        read(pattern)
