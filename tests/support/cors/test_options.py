"""The options of a CORS policy: what each becomes, and what is refused."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.cors.options import compile_cors_policy
from aiohttp_route_middleware.support.cors.policy import CorsPolicy

A = "https://a.example"
DEFAULTS: Mapping[str, Any] = {
    "origins": (),
    "methods": "*",
    "headers": (),
    "credentials": False,
    "expose": (),
    "max_age": None,
    "origin_regex": None,
    "private_network": False,
}


def compile_policy(**options: Any) -> CorsPolicy:
    return compile_cors_policy("x()", **{**DEFAULTS, **options})


def test_by_default_all_methods_no_names_and_nothing_else() -> None:
    policy = compile_policy(origins=A)
    assert (policy.methods, policy.always, policy.beforehand, policy.private_network) == (None, (), (), False)
    assert policy.headers == frozenset(["accept", "accept-language", "content-language", "content-type"])
    assert policy.vary == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def test_what_was_asked_for_is_in_the_policy() -> None:
    policy = compile_policy(
        origins={A, "null"},
        methods=["put"],
        headers="*",
        credentials=True,
        expose={"X-B": 1, "X-A": 2}.keys(),
        max_age=0,
        origin_regex=r"https://b\..*",
        private_network=True,
    )
    assert policy.origins.listed == (A, "null")
    assert (policy.methods, policy.headers, policy.private_network) == (frozenset(["PUT"]), None, True)
    assert policy.always == (
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", "X-A, X-B"),
    )
    assert policy.beforehand == (("Access-Control-Allow-Credentials", "true"), ("Access-Control-Max-Age", "0"))
    assert policy.vary.endswith(", Access-Control-Request-Private-Network")


def test_all_names_can_be_read_by_a_star() -> None:
    assert compile_policy(origins="*", expose=["*"]).always == (("Access-Control-Expose-Headers", "*"),)


@pytest.mark.parametrize(
    ("options", "problem", "cure"),
    [
        pytest.param({}, "there are no origins", "origins=[", id="no origins"),
        pytest.param({"origins": 7}, "origins=7", "pass a list: origins=[", id="a number"),
        pytest.param({"origins": [7]}, "origins has 7", "scheme://host", id="a number in a list"),
        pytest.param({"origins": "https://*.example"}, "which is not an origin", "origin_regex=", id="a star inside"),
        pytest.param({"origins": "*", "origin_regex": ".*"}, "'*' and others", "alone", id="a star and an expression"),
        pytest.param(
            {"origins": "*", "credentials": True}, "origins='*' with credentials", "list", id="a star trusted"
        ),
        pytest.param({"origins": ["*"], "credentials": True}, "origins='*' with credentials", "list", id="in a list"),
        pytest.param(
            {"origins": A, "expose": "*", "credentials": True}, "expose='*' with credentials", "list", id="expose"
        ),
        pytest.param({"origins": A, "credentials": "no"}, "credentials='no'", "True or False", id="credentials"),
        pytest.param({"origins": A, "private_network": 1}, "private_network=1", "True or False", id="private_network"),
        pytest.param({"origins": A, "methods": []}, "there are no methods", "leave methods= out", id="no methods"),
        pytest.param(
            {"origins": A, "methods": ["GET, PUT"]}, "methods has 'GET, PUT'", "alone", id="two methods in one"
        ),
        pytest.param({"origins": A, "methods": ["GET", "*"]}, "methods has '*'", "alone", id="a star among methods"),
        pytest.param({"origins": A, "methods": 1}, "methods=1", "pass a list: methods=[", id="methods"),
        pytest.param({"origins": A, "headers": ["X Token"]}, "headers has 'X Token'", "alone", id="a space in a name"),
        pytest.param({"origins": A, "headers": ["X-A\r\nX-B"]}, "headers has", "alone", id="a line break"),
        pytest.param({"origins": A, "headers": [None]}, "headers has None", "alone", id="no text"),
        pytest.param({"origins": A, "expose": ["\u00e4"]}, "expose has", "alone", id="no ASCII"),
        pytest.param({"origins": A, "max_age": -1}, "max_age=-1", "seconds, 0 or more", id="before now"),
        pytest.param({"origins": A, "max_age": 1.5}, "max_age=1.5", "seconds, 0 or more", id="half a second"),
        pytest.param({"origins": A, "max_age": True}, "max_age=True", "seconds, 0 or more", id="true"),
        pytest.param(
            {"origin_regex": "("}, "origin_regex='(': missing ), unterminated", "correct", id="a bad expression"
        ),
        pytest.param({"origin_regex": re.compile(b"x")}, "origin_regex=", "a text", id="an expression for bytes"),
        pytest.param({"origin_regex": 7}, "origin_regex=7", "a text", id="no expression"),
        pytest.param({"origins": A, "methods": "GET, PUT"}, "methods has 'GET, PUT'", "alone", id="methods in a text"),
        pytest.param({"origins": A, "headers": "X-A X-B"}, "headers has 'X-A X-B'", "alone", id="names in a text"),
        pytest.param({"origins": A, "expose": "X-A,X-B"}, "expose has 'X-A,X-B'", 'expose=["', id="expose in a text"),
        pytest.param({"origin_regex": f"{A}/"}, "matches no origin", "nothing behind", id="what matches nothing"),
    ],
)
def test_a_wrong_option_is_refused(options: Mapping[str, Any], problem: str, cure: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compile_policy(**options)
    assert caught.value.battery == "x()"
    assert problem in caught.value.problem
    assert cure in caught.value.cure
