"""What a token claims is checked one by one, and is an identity or a refusal that says why."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.access.claims import ClaimRules, check_claims, read_scopes
from aiohttp_route_middleware.support.access.token_errors import (
    AudienceError,
    ClaimError,
    ExpiredError,
    IssuerError,
    NotYetValidError,
    TokenError,
)

NOW = 1_700_000_000.0
CLAIMS: dict[str, Any] = {"sub": "somebody", "exp": NOW + 60}
RULES = ClaimRules()
TIMES = [
    pytest.param({}, {}, None, id="valid"),
    pytest.param({"exp": NOW}, {}, ExpiredError, id="exp now"),
    pytest.param({"exp": NOW + 0.001}, {}, None, id="exp soon"),
    pytest.param({"exp": NOW - 1}, {}, ExpiredError, id="exp over"),
    pytest.param({"exp": NOW - 29}, {"leeway": 30}, None, id="exp over, within the leeway"),
    pytest.param({"exp": NOW - 30}, {"leeway": 30}, ExpiredError, id="exp over, at the leeway"),
    pytest.param({"exp": 10**400}, {}, None, id="exp in a far future"),
    pytest.param({"exp": -(10**400)}, {"leeway": 0.5}, ExpiredError, id="exp in a far past"),
    pytest.param({"nbf": NOW}, {}, None, id="nbf now"),
    pytest.param({"nbf": NOW + 1}, {}, NotYetValidError, id="nbf to come"),
    pytest.param({"nbf": NOW + 30}, {"leeway": 30}, None, id="nbf to come, within the leeway"),
    pytest.param({"nbf": 10**400}, {"leeway": 0.5}, NotYetValidError, id="nbf in a far future"),
    pytest.param({"iat": NOW}, {}, None, id="iat now"),
    pytest.param({"iat": NOW + 1}, {}, NotYetValidError, id="iat to come"),
    pytest.param({"iat": NOW + 30}, {"leeway": 30}, None, id="iat to come, within the leeway"),
]
NO_TIMES = [float("nan"), float("inf"), float("-inf"), True, False, "1900000000", "", [], {}]
ISSUERS = [
    pytest.param({"iss": "a"}, {}, None, id="any issuer"),
    pytest.param({"iss": "a"}, {"issuers": ("a",)}, None, id="the issuer"),
    pytest.param({"iss": "b"}, {"issuers": ("a", "b")}, None, id="one of the issuers"),
    pytest.param({"iss": "c"}, {"issuers": ("a", "b")}, IssuerError, id="another issuer"),
    pytest.param({"iss": "A"}, {"issuers": ("a",)}, IssuerError, id="an issuer in another case"),
    pytest.param({}, {"issuers": ("a",)}, IssuerError, id="no issuer"),
    pytest.param({"iss": ["a"]}, {"issuers": ("a",)}, IssuerError, id="an issuer that is a list"),
    pytest.param({"iss": None}, {"issuers": ("a",)}, IssuerError, id="an issuer that is null"),
]
AUDIENCES = [
    pytest.param({"aud": "a"}, {"audiences": ("a",)}, None, id="the audience"),
    pytest.param({"aud": ["b", "a"]}, {"audiences": ("a",)}, None, id="one of its audiences"),
    pytest.param({"aud": "b"}, {"audiences": ("a", "b")}, None, id="one of our audiences"),
    pytest.param({"aud": "b"}, {"audiences": ("a",)}, AudienceError, id="another audience"),
    pytest.param({"aud": "ab"}, {"audiences": ("a",)}, AudienceError, id="an audience that holds ours"),
    pytest.param({}, {"audiences": ("a",)}, AudienceError, id="no audience"),
    pytest.param({"aud": []}, {"audiences": ("a",)}, AudienceError, id="an empty audience"),
    pytest.param({"aud": ["a", 1]}, {"audiences": ("a",)}, AudienceError, id="an audience that is no text"),
    pytest.param({"aud": {"a": 1}}, {"audiences": ("a",)}, AudienceError, id="an audience that is an object"),
    pytest.param({"aud": None}, {"audiences": ("a",)}, AudienceError, id="an audience that is null"),
    pytest.param({"aud": "a"}, {}, AudienceError, id="an audience for who is not told of any"),
    pytest.param({"aud": []}, {}, AudienceError, id="an empty audience for who is not told of any"),
]
OTHERS = [
    pytest.param({"exp": None}, {}, ClaimError, id="exp that is null"),
    pytest.param({"jti": None}, {"required": ("jti",)}, ClaimError, id="a required claim that is null"),
    pytest.param({}, {"required": ("jti",)}, ClaimError, id="a required claim that is missing"),
    pytest.param({"jti": "a"}, {"required": ("jti",)}, None, id="a required claim"),
    pytest.param({"sub": ""}, {}, ClaimError, id="an empty subject"),
    pytest.param({"sub": 1}, {}, ClaimError, id="a subject that is a number"),
    pytest.param({"sub": None}, {}, ClaimError, id="no subject"),
    pytest.param({"sub": "somebody"}, {"subject_claim": "client_id"}, ClaimError, id="no subject by another name"),
]


@pytest.mark.parametrize(("changes", "options", "error"), [*TIMES, *ISSUERS, *AUDIENCES, *OTHERS])
def test_claims_are_checked(changes: Any, options: Any, error: type[TokenError] | None) -> None:
    claims, rules = {**CLAIMS, **changes}, ClaimRules(**options)
    if error is None:
        assert check_claims(claims, rules, NOW).subject == "somebody"
    else:
        with pytest.raises(error) as raised:
            check_claims(claims, rules, NOW)
        assert raised.type is error


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", NO_TIMES, ids=repr)
def test_a_time_is_a_finite_number(name: str, value: Any) -> None:
    with pytest.raises(ClaimError, match=f"{name} is no finite number"):
        check_claims({**CLAIMS, name: value}, RULES, NOW)


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        pytest.param({"scope": "a b"}, {"a", "b"}, id="a text"),
        pytest.param({"scope": " a  b "}, {"a", "b"}, id="more spaces"),
        pytest.param({"scope": ""}, set(), id="an empty text"),
        pytest.param({"scp": ["a", "b c"]}, {"a", "b c"}, id="a list"),
        pytest.param({"scp": "a b"}, {"a", "b"}, id="a text by the other name"),
        pytest.param({"scope": ["a"]}, {"a"}, id="a list by the other name"),
        pytest.param({"scope": "a", "scp": ["b"]}, {"a"}, id="both"),
        pytest.param({"scope": 1, "scp": ["b"]}, set(), id="a number"),
        pytest.param({"scope": ["a", 1]}, set(), id="a list with a number"),
        pytest.param({"scope": {"a": 1}}, set(), id="an object"),
        pytest.param({"scope": None}, set(), id="null"),
        pytest.param({}, set(), id="none"),
    ],
)
def test_scopes_are_read(claims: Any, scopes: set[str]) -> None:
    assert read_scopes(claims, ("scope", "scp")) == scopes


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.integers())
NAMES = st.sampled_from(["exp", "nbf", "iat", "iss", "aud", "sub", "scope", "scp"])


@given(st.dictionaries(NAMES, VALUES), st.booleans())
def test_whatever_is_claimed_is_an_identity_or_refused(claims: dict[str, Any], is_strict: bool) -> None:
    rules = ClaimRules(issuers=("a",), audiences=("a",)) if is_strict else ClaimRules(required=())
    with suppress(TokenError):
        assert check_claims(claims, rules, NOW).subject == claims["sub"]


def test_nobody_changes_the_claims_of_an_identity() -> None:
    identity = check_claims(dict(CLAIMS), RULES, NOW)
    with pytest.raises(TypeError):
        identity.claims["sub"] = "another"  # type: ignore[index]  # that it cannot be is what is tested
