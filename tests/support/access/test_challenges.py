"""Challenges are written so that they are read as they were meant."""

from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.access.challenges import (
    check_realm,
    forbidden,
    quote,
    unauthorized,
    write_challenge,
)

from ...conftest import Ask


@pytest.mark.parametrize(
    ("value", "quoted"),
    [("", '""'), ("api", '"api"'), ('the "api"', r'"the \"api\""'), ("a\\b", r'"a\\b"'), ('\\"', r'"\\\""')],
    ids=["empty", "word", "quotes", "backslash", "both"],
)
def test_a_text_is_quoted(value: str, quoted: str) -> None:
    assert quote(value) == quoted


def unquote(quoted: str) -> str:
    """Read a quoted-string as RFC 9110, section 5.6.4 has it: a backslash stands before what is meant."""
    if not (len(quoted) > 1 and quoted[0] == quoted[-1] == '"'):
        raise ValueError(quoted)
    read, rest = "", quoted[1:-1]
    while rest:
        if rest[0] == '"':
            raise ValueError(quoted)
        place = 1 if rest[0] == "\\" else 0
        read, rest = read + rest[place], rest[place + 1 :]
    return read


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_what_is_quoted_is_read_as_it_was(value: str) -> None:
    assert unquote(quote(value)) == value


@pytest.mark.parametrize(
    ("scheme", "parameters", "challenge"),
    [
        ("Negotiate", {}, "Negotiate"),
        ("Basic", {"realm": "simple"}, 'Basic realm="simple"'),
        (  # RFC 6750, section 3
            "Bearer",
            {"realm": "example", "error": "invalid_token", "error_description": "The access token expired"},
            'Bearer realm="example", error="invalid_token", error_description="The access token expired"',
        ),
        ("Basic", {"realm": 'a "b"', "charset": "UTF-8"}, r'Basic realm="a \"b\"", charset="UTF-8"'),
    ],
    ids=["no parameters", "one", "RFC 6750", "quoted"],
)
def test_a_challenge_is_written(scheme: str, parameters: dict[str, str], challenge: str) -> None:
    assert write_challenge(scheme, parameters) == challenge


@pytest.mark.parametrize("realm", ["", "api", 'the "api" \\'], ids=["empty", "word", "quotes"])
def test_a_realm_in_printable_ascii_is_taken(realm: str) -> None:
    assert check_realm("basic_auth()", realm) == realm


@pytest.mark.parametrize("realm", ["a\r\nX-A: b", "a\tb", "ünser", "\x7f", "\x00", None, b"api", 7], ids=repr)
def test_any_other_realm_is_refused(realm: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_realm("basic_auth()", realm)
    assert str(refused.value).startswith("basic_auth(): realm=")
    assert str(refused.value).endswith("; write it in printable ASCII, on one line")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("challenges", [[], ["Basic"], ["Basic", "Bearer", "Basic"]], ids=["none", "one", "several"])
async def test_a_401_has_one_field_for_each_challenge(challenges: list[str], ask: Ask) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise unauthorized(challenges)

    async with await ask(handler) as response:
        assert response.status == 401
        assert response.headers.getall("WWW-Authenticate", []) == challenges


@pytest.mark.parametrize("challenge", ["", 'Bearer error="insufficient_scope"'], ids=["without", "with"])
async def test_a_403_says_what_is_missing_if_it_is_told(challenge: str, ask: Ask) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise forbidden(challenge)

    async with await ask(handler) as response:
        assert response.status == 403
        assert response.headers.getall("WWW-Authenticate", []) == ([challenge] if challenge else [])
