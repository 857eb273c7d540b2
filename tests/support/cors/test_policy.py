"""A preflight is allowed as a whole or not at all, and gets back no more than it has asked for."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.cors.policy import Preflight, allow_preflight
from aiohttp_route_middleware.syntax import is_token

from .test_options import compile_policy

A = "https://a.example"


def read_policy(origins: Any = A, **options: Any) -> Callable[..., dict[str, str]]:
    """The decision of a policy, for one origin."""
    policy = compile_policy(origins=origins, **options)

    def decide(origin: str = A, method: str = "GET", names: str = "", private: bool = False) -> dict[str, str]:
        fields = (names,) if names else ()
        asked = Preflight(origins=(origin,), method=method, names=fields, private_network=private)
        return allow_preflight(policy, asked)

    return decide


@pytest.mark.parametrize(
    ("options", "asked", "is_allowed"),
    [
        pytest.param({}, {"names": "content-type, Accept"}, True, id="safelisted names"),
        pytest.param({}, {"names": "x-token"}, False, id="no names"),
        pytest.param({"headers": ["X-Token"]}, {"names": "x-tOKEN"}, True, id="case-insensitive"),
        pytest.param({"headers": ["X-Token"]}, {"names": "x-token,x-other"}, False, id="one of two"),
        pytest.param({"headers": "X-Token"}, {"names": " x-token ,,\tx-token,"}, True, id="spaces and empty members"),
        pytest.param({"headers": "X-Token"}, {"names": "x-to\u212aen"}, False, id="a letter that is k in lower case"),
        pytest.param({"headers": "*"}, {"names": "x-to\u212aen"}, False, id="all, but no token"),
        pytest.param({"headers": "*"}, {"names": "x-token, authorization"}, True, id="all"),
        pytest.param({"headers": "*"}, {"names": "x token"}, False, id="all, but a space inside"),
        pytest.param({"headers": "*"}, {"names": "x" * 5000}, False, id="huge"),
        pytest.param({"headers": "*"}, {"names": "," * 4096}, True, id="many empty members"),
        pytest.param({"methods": ["put", "DELETE"]}, {"method": "PUT"}, True, id="a listed method"),
        pytest.param({"methods": ["PUT"]}, {"method": "POST"}, False, id="another method"),
        pytest.param({"methods": "PUT"}, {"method": "put"}, False, id="a method in another case"),
        pytest.param({"methods": ["*"]}, {"method": "BREW"}, True, id="any method"),
        pytest.param({}, {"origin": "https://b.example"}, False, id="another origin"),
    ],
)
def test_what_a_preflight_may_announce(options: dict[str, Any], asked: dict[str, Any], is_allowed: bool) -> None:
    granted = read_policy(**options)(**asked)
    assert bool(granted) is is_allowed
    assert granted.get("Access-Control-Allow-Methods") == (asked.get("method", "GET") if is_allowed else None)


@pytest.mark.parametrize("credentials", [False, True])
def test_all_names_are_sent_back_one_by_one_since_a_star_would_leave_out_authorization(credentials: bool) -> None:
    granted = read_policy(headers="*", credentials=credentials)(names="authorization,X-Token,x-token")
    assert granted["Access-Control-Allow-Headers"] == "authorization, x-token"
    assert ("Access-Control-Allow-Credentials" in granted) is credentials


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        pytest.param({"max_age": 0}, "Max-Age", "0", id="max_age=0"),
        pytest.param({"max_age": 86400}, "Max-Age", "86400", id="a day"),
        pytest.param({}, "Max-Age", None, id="no max_age"),
        pytest.param({"expose": "X-Total"}, "Expose-Headers", None, id="expose is of no use to a preflight"),
    ],
)
def test_what_else_a_preflight_bears(options: dict[str, Any], name: str, value: str | None) -> None:
    assert read_policy(**options)().get(f"Access-Control-{name}") == value


@given(st.lists(st.text(max_size=12), max_size=5))
def test_the_names_sent_back_are_tokens_that_were_announced(fields: list[str]) -> None:
    granted = read_policy(headers="*")(names=",".join(fields))
    names = granted.get("Access-Control-Allow-Headers", "").split(", ") if granted else []
    for name in filter(None, names):
        assert is_token(name)
        assert name in ",".join(fields).lower()


@pytest.mark.parametrize(("option", "asked"), [(True, True), (True, False), (False, True), (False, False)])
def test_a_private_network_is_opened_if_asked_for_and_allowed(option: bool, asked: bool) -> None:
    granted = read_policy(private_network=option)(private=asked)
    assert ("Access-Control-Allow-Private-Network" in granted) is (option and asked)
