"""The Authorization field is one, bounded, and of the scheme that was asked for."""

from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.access.credentials import (
    MAX_LENGTH,
    Bearer,
    MalformedCredentialsError,
    bind_verify,
    read_credentials,
)


def headers_with(*fields: str) -> CIMultiDict[str]:
    return CIMultiDict([("Authorization", field) for field in fields])


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        pytest.param([], None, id="no field"),
        pytest.param(["Bearer abc"], "abc", id="as written"),
        pytest.param(["bEARER abc"], "abc", id="the scheme in another case"),
        pytest.param(["Bearer   abc "], "abc", id="several spaces"),
        pytest.param(["Bearer"], "", id="nothing behind the scheme"),
        pytest.param(["Bearer\tabc"], None, id="a tab is no space"),
        pytest.param(["Basic abc"], None, id="another scheme"),
        pytest.param(["BearerX abc"], None, id="a longer scheme"),
        pytest.param([""], None, id="an empty field"),
        pytest.param(["abc"], None, id="no scheme"),
    ],
)
def test_what_stands_behind_the_scheme_is_read(fields: list[str], read: str | None) -> None:
    assert read_credentials(headers_with(*fields), "bearer") == read


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param(["Bearer a", "Bearer b"], "more than one", id="two fields"),
        pytest.param(["Bearer a", "Bearer a"], "more than one", id="the same field twice"),
        pytest.param(["Basic a", "Bearer b"], "more than one", id="two schemes"),
        pytest.param(["Bearer " + "a" * MAX_LENGTH], "too long", id="a huge field"),
        pytest.param(["Other " + "a" * MAX_LENGTH], "too long", id="a huge field of another scheme"),
    ],
)
def test_what_cannot_be_one_field_is_refused(fields: list[str], reason: str) -> None:
    with pytest.raises(MalformedCredentialsError, match=reason) as raised:
        read_credentials(headers_with(*fields), "bearer")
    assert "aaa" not in str(raised.value)


def test_the_longest_field_is_read() -> None:
    token = "a" * (MAX_LENGTH - len("Bearer "))
    assert read_credentials(headers_with(f"Bearer {token}"), "bearer") == token


@pytest.mark.parametrize(
    ("fields", "status", "challenge"),
    [
        pytest.param([], 401, 'Bearer realm="api"', id="missing"),
        pytest.param(["Basic YTpi"], 401, 'Bearer realm="api"', id="another scheme"),
        pytest.param(["Bearer"], 400, 'Bearer realm="api", error="invalid_request"', id="no token"),
        pytest.param(["Bearer a"] * 2, 400, 'Bearer realm="api", error="invalid_request"', id="two fields"),
    ],
)
def test_a_bearer_token_is_asked_for_as_rfc_6750_has_it(fields: list[str], status: int, challenge: str) -> None:
    with pytest.raises((web.HTTPBadRequest, web.HTTPUnauthorized)) as raised:
        Bearer("test()", "api", 100).read(headers_with(*fields))
    assert raised.value.status == status
    assert raised.value.headers.getall("WWW-Authenticate") == [challenge]


def test_a_bearer_token_that_is_not_valid_is_refused_as_such() -> None:
    bearer = Bearer("test()", "api", 100)
    assert bearer.read(headers_with("Bearer a.b.c")) == "a.b.c"
    refusal = bearer.refuse()
    assert refusal.headers.getall("WWW-Authenticate") == ['Bearer realm="api", error="invalid_token"']
    assert refusal is not bearer.refuse()  # an exception of aiohttp is a response, and sent once


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x10FFFF), max_size=40))
def test_whatever_a_field_holds_is_read_or_refused_as_http_has_it(field: str) -> None:
    bearer = Bearer("test()", "api", 100)
    with suppress(web.HTTPBadRequest, web.HTTPUnauthorized):
        token = bearer.read(headers_with(field))
        assert token.isascii()
        assert token.strip("=")


@pytest.mark.parametrize("max_length", [0, -1, 1.5, True, "8000", None])
def test_a_length_that_is_none_is_refused(max_length: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"max_length=.*; pass a number of characters, 1 or more"):
        Bearer("test()", "api", max_length)


async def test_a_verify_callable_is_awaited_whether_it_is_async_or_plain() -> None:
    async def is_async(text: str) -> str:
        return text.upper()

    class Callable:
        async def __call__(self, text: str) -> str:
            return text.upper()

    for verify in (is_async, str.upper, Callable(), lambda text: is_async(text)):
        assert await bind_verify("test()", verify, takes="token")("abc") == "ABC"
    assert bind_verify("test()", is_async, takes="token") is is_async


def test_what_cannot_be_called_is_refused_and_not_shown() -> None:
    secret: Any = "a secret"
    with pytest.raises(ConfigurationError, match=r"test\(\): verify is str; pass a function \(token\)") as raised:
        bind_verify("test()", secret, takes="token")
    assert secret not in str(raised.value)
