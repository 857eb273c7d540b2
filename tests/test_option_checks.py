"""Options are checked alike in all batteries, and each refusal names the battery, the option, and what to write."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.option_checks import (
    check_choice,
    check_count,
    check_flags,
    check_function,
    check_name,
    check_seconds,
    check_text,
    check_texts,
    in_order,
)

BATTERY = "battery()"
WORDS = ("Strict", "Lax", "None")


def _check_function(value: object) -> object:
    check_function(BATTERY, "verify", value, takes="request")
    return value


CHECKS: dict[str, Callable[[Any], object]] = {
    "flag": lambda value: check_flags(BATTERY, secure=value),
    "seconds": lambda value: check_seconds(BATTERY, "idle", value),
    "seconds from 0": lambda value: check_seconds(BATTERY, "leeway", value, at_least=0),
    "count": lambda value: check_count(BATTERY, "max_body", value, unit="bytes"),
    "count to 32": lambda value: check_count(BATTERY, "prefix", value, unit="bits", at_most=32),
    "choice": lambda value: check_choice(BATTERY, "same_site", value, WORDS),
    "text": lambda value: check_text(BATTERY, "claim", value),
    "texts": lambda value: check_texts(BATTERY, "issuer", value),
    "name": lambda value: check_name(BATTERY, "header", value, example="X-API-Key"),
    "function": _check_function,
}

TAKEN = [
    ("flag", True, None),
    ("flag", False, None),
    ("seconds", 1, 1),
    ("seconds", 2.5, 2.5),
    ("seconds from 0", 0, 0),
    ("count", 1, 1),
    ("count to 32", 32, 32),
    ("choice", "Lax", "Lax"),
    ("text", "sub", "sub"),
    ("texts", "shop", ("shop",)),
    ("texts", ["b", "a"], ("b", "a")),
    ("texts", {"b", "a"}, ("a", "b")),
    ("name", "X-API-Key", "X-API-Key"),
    ("function", len, len),
]

REFUSED = [
    ("flag", "no", "secure='no'", "write True or False"),
    ("flag", 1, "secure=1", "write True or False"),
    ("flag", None, "secure=None", "write True or False"),
    ("seconds", 0.9, "idle=0.9", "pass seconds, 1 or more"),
    ("seconds", math.inf, "idle=inf", "pass seconds, 1 or more"),
    ("seconds", math.nan, "idle=nan", "pass seconds, 1 or more"),
    ("seconds", True, "idle=True", "pass seconds, 1 or more"),
    ("seconds", "60", "idle='60'", "pass seconds, 1 or more"),
    ("seconds from 0", -1, "leeway=-1", "pass seconds, 0 or more"),
    ("count", 0, "max_body=0", "pass a number of bytes, 1 or more"),
    ("count", 1.0, "max_body=1.0", "pass a number of bytes, 1 or more"),
    ("count", True, "max_body=True", "pass a number of bytes, 1 or more"),
    ("count to 32", 33, "prefix=33", "pass a number of bits, 1 to 32"),
    ("choice", "lax", "same_site='lax'", "write 'Lax'"),
    ("choice", "", "same_site=''", "write one of 'Lax', 'None', 'Strict'"),
    ("choice", ["Lax"], "same_site=['Lax']", "write 'Lax'"),
    ("text", "", "claim=''", "pass a text that is not empty"),
    ("text", None, "claim=None", "pass a text that is not empty"),
    ("texts", [], "issuer=[]", "pass a text that is not empty"),
    ("texts", None, "issuer=None", "pass a text that is not empty"),
    ("texts", ["a", ""], "issuer=''", "pass a text that is not empty"),
    ("name", "X API", "header='X API'", "write a name, as in header='X-API-Key'"),
    ("name", "", "header=''", "write a name, as in header='X-API-Key'"),
    ("name", "X-Key\r\n", r"header='X-Key\r\n'", "write a name, as in header='X-API-Key'"),
    ("name", b"X", "header=b'X'", "write a name, as in header='X-API-Key'"),
    ("function", None, "verify is NoneType", "pass a function (request)"),
]


def _id(value: object) -> str | None:
    return repr(value) if not isinstance(value, (tuple, list)) else None


@pytest.mark.parametrize(("check", "value", "read"), TAKEN, ids=_id)
def test_an_option_that_is_right_is_returned_as_it_is_used(check: str, value: Any, read: object) -> None:
    assert CHECKS[check](value) == read


@pytest.mark.parametrize(("check", "value", "problem", "cure"), REFUSED, ids=_id)
def test_an_option_that_is_wrong_is_refused_with_what_to_write(
    check: str, value: Any, problem: str, cure: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        CHECKS[check](value)
    assert str(refusal.value) == str(ConfigurationError(BATTERY, problem, cure=cure))


def test_a_set_is_put_in_order_so_that_a_link_is_named_alike_in_each_run() -> None:
    assert in_order({"c", "a", "b"}) == ["a", "b", "c"]


def test_a_list_keeps_its_order() -> None:
    assert in_order(["c", "a", "b"]) == ["c", "a", "b"]
