"""A bearer token: read from the header alone, and refused as RFC 6750, section 3, has it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.bearer_auth import bearer_auth
from aiohttp_route_middleware.support.access.credentials import _is_token
from aiohttp_route_middleware.support.access.identity import Identity

from .identities import SCOPES, AskAs, ask_as, needs_identity

__all__ = ("ask_as",)

MISSING = 'Bearer realm="protected"'
INVALID = 'Bearer realm="protected", error="invalid_token"'
MALFORMED = 'Bearer realm="protected", error="invalid_request"'

KNOWN: dict[str, Any] = {
    "mF_9.B5f-4.1JqM": "somebody",
    "true": True,
    "identity": Identity("id", frozenset({"a"}), {"b": 1}),
    "a~+/b==": "odd",
    "false": False,
}


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {token}"}


async def check_async(token: str) -> Any:
    return KNOWN.get(token)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("verify", [check_async, KNOWN.get], ids=["async", "plain"])
async def test_who_bears_a_valid_token_is_let_in_and_others_are_not(verify: Any, scope: str, ask_as: AskAs) -> None:
    link = bearer_auth(verify)
    response = await ask_as(link, scope=scope, headers=bearer("mF_9.B5f-4.1JqM"))
    assert (await response.json())["subject"] == "somebody"
    for headers, challenge in (({}, MISSING), (bearer("wrong"), INVALID), (bearer("false"), INVALID)):
        response = await ask_as(link, scope=scope, headers=headers)
        assert response.status == 401
        assert response.headers.getall("WWW-Authenticate") == [challenge]


@pytest.mark.parametrize(
    ("headers", "status", "challenge"),
    [
        pytest.param([], 401, MISSING, id="no credentials: no error"),
        pytest.param([("Authorization", "Basic YTpi")], 401, MISSING, id="another scheme: no error"),
        pytest.param([("Authorization", "")], 401, MISSING, id="an empty field: no error"),
        pytest.param([("Authorization", "bearer wrong")], 401, INVALID, id="a wrong token"),
        pytest.param([("Authorization", "bEaReR a~+/b==")], 200, None, id="the scheme in any case"),
        pytest.param([("Authorization", "Bearer")], 400, MALFORMED, id="no token"),
        pytest.param([("Authorization", "Bearer  ")], 400, MALFORMED, id="spaces for a token"),
        pytest.param([("Authorization", "Bearer true x")], 400, MALFORMED, id="two tokens"),
        pytest.param([("Authorization", "Bearer true, Bearer x")], 400, MALFORMED, id="two credentials in a field"),
        pytest.param([("Authorization", 'Bearer token="true"')], 400, MALFORMED, id="parameters"),
        pytest.param([("Authorization", "Bearer ==")], 400, MALFORMED, id="padding alone"),
        pytest.param([("Authorization", "Bearer a=b")], 400, MALFORMED, id="padding within"),
        pytest.param([("Authorization", "Bearer é")], 400, MALFORMED, id="not ASCII"),
        pytest.param([("Authorization", "Bearer true")] * 2, 400, MALFORMED, id="two fields"),
        pytest.param([("Authorization", "Bearer " + "a" * 8_000)], 400, MALFORMED, id="huge"),
    ],
)
async def test_each_refusal_says_what_rfc_6750_has_it_say(
    headers: Any, status: int, challenge: str | None, ask_as: AskAs
) -> None:
    response = await ask_as(bearer_auth(check_async), headers=headers)
    assert (response.status, response.headers.get("WWW-Authenticate")) == (status, challenge)
    assert "true" not in await response.text()


async def test_a_token_in_the_query_or_in_a_form_is_not_taken(ask_as: AskAs) -> None:
    link = bearer_auth(check_async)
    for options in ({"path": "/?access_token=true"}, {"data": {"access_token": "true"}}):
        response = await ask_as(link, **options)
        assert (response.status, response.headers["WWW-Authenticate"]) == (401, MISSING)


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("true", {"subject": "bearer", "scopes": [], "claims": {}}),
        ("identity", {"subject": "id", "scopes": ["a"], "claims": {"b": 1}}),
    ],
)
async def test_what_verify_returns_says_who_it_is_and_a_token_is_never_a_subject(
    token: str, told: Any, ask_as: AskAs
) -> None:
    assert await (await ask_as(bearer_auth(check_async), headers=bearer(token))).json() == told


async def test_what_verify_returns_by_mistake_or_raises_lets_nobody_in(ask_as: AskAs) -> None:
    for verify in (lambda token: 1, lambda token: "", lambda token: 1 / 0):
        assert (await ask_as(bearer_auth(verify), headers=bearer("true"))).status == 500


async def test_a_longer_or_shorter_field_is_taken_when_told_so(ask_as: AskAs) -> None:
    for max_length, status in ((11, 200), (10, 400)):
        response = await ask_as(bearer_auth(check_async, max_length=max_length), headers=bearer("true"))
        assert response.status == status


@given(st.text(max_size=30))
def test_only_what_rfc_6750_calls_a_token_is_one(text: str) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
    stripped = text.rstrip("=")
    assert bool(_is_token(text)) == (stripped != "" and set(stripped) <= set(letters))


@pytest.mark.parametrize(
    ("verify", "options", "problem"),
    [
        pytest.param("secret", {}, r"verify is str; pass a function \(token\)", id="no callable"),
        pytest.param(check_async, {"realm": "a\nb"}, "realm=", id="a line break in the realm"),
        pytest.param(check_async, {"max_length": 0}, "max_length=0", id="no length"),
    ],
)
def test_bad_configuration_is_refused(verify: Any, options: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"bearer_auth\(\): {problem}"):
        bearer_auth(verify, **options)


def test_links_behind_may_require_the_identity() -> None:
    chain(bearer_auth(check_async), needs_identity)
