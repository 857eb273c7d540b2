"""Challenges are written so that they are read as they were meant."""

from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.access.challenges import (
    check_realm,
    forbidden,
    unauthorized,
    write_challenge,
)

from ...conftest import Ask


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
