"""Options are checked alike in all batteries, and each refusal names the battery, the option, and what to write."""

import functools
import math
import sys
from collections.abc import Callable
from typing import Any

import pytest

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.option_checks import (
    check_call,
    check_choice,
    check_count,
    check_flags,
    check_function,
    check_list,
    check_name,
    check_seconds,
    check_share,
    check_statuses,
    check_text,
    check_texts,
    in_order,
    refuse_returned,
)

from .steady_ids import steady

BATTERY = "battery()"
WORDS = ("Strict", "Lax", "None")


CHECKS: dict[str, Callable[[Any], object]] = {
    "seconds": lambda value: check_seconds(BATTERY, "idle", value),
    "seconds from 0": lambda value: check_seconds(BATTERY, "leeway", value, at_least=0),
    "count": lambda value: check_count(BATTERY, "max_body", value, unit="bytes"),
    "count to 32": lambda value: check_count(BATTERY, "prefix", value, unit="bits", at_most=32),
    "choice": lambda value: check_choice(BATTERY, "same_site", value, WORDS),
    "text": lambda value: check_text(BATTERY, "claim", value),
    "texts": lambda value: check_texts(BATTERY, "issuer", value),
    "list": lambda value: check_list(BATTERY, "exempt", value, example="/health"),
    "name": lambda value: check_name(BATTERY, "header", value, example="X-API-Key"),
}

TAKEN = [
    ("seconds", 1, 1),
    ("seconds", 2.5, 2.5),
    ("seconds from 0", 0, 0),
    ("seconds", 10**10, 10**10),
    ("count", sys.maxsize, sys.maxsize),
    ("count", 1, 1),
    ("count to 32", 32, 32),
    ("choice", "Lax", "Lax"),
    ("text", "sub", "sub"),
    ("texts", "shop", ("shop",)),
    ("texts", ["b", "a"], ("b", "a")),
    ("texts", {"b", "a"}, ("a", "b")),
    ("name", "X-API-Key", "X-API-Key"),
    ("list", ["b", "a"], ("b", "a")),
    ("list", ("b", 7), ("b", 7)),
    ("list", {"b", "a"}, ("a", "b")),
    ("list", frozenset("ba"), ("a", "b")),
    ("list", {"b": 1, "a": 2}.keys(), ("b", "a")),
    ("list", [], ()),
]

HUGE = 10**5000  # which Python writes as no text
ITERATOR = iter(["/health"])
GENERATOR = (path for path in ["/health"])

REFUSED = [
    ("seconds", 0.9, "idle=0.9", "pass a number of seconds, 1 or more"),
    ("seconds", math.inf, "idle=inf", "pass a number of seconds, 1 or more"),
    ("seconds", math.nan, "idle=nan", "pass a number of seconds, 1 or more"),
    ("seconds", True, "idle=True", "pass a number of seconds, 1 or more"),
    ("seconds", "60", "idle='60'", "pass a number of seconds, 1 or more"),
    ("seconds from 0", -1, "leeway=-1", "pass a number of seconds, 0 or more"),
    ("seconds", 10**10 + 1, "idle is too large", "pass a number of seconds, 10000000000 or less"),
    ("seconds", 1e300, "idle is too large", "pass a number of seconds, 10000000000 or less"),
    ("seconds from 0", HUGE, "leeway is too large", "pass a number of seconds, 10000000000 or less"),
    ("count", 2**63, "max_body is too large", "pass a number of bytes below 2**63"),
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
    ("list", "/health", "exempt='/health'", "pass a list: exempt=['/health']"),
    ("list", b"/health", "exempt=b'/health'", "pass a list: exempt=['/health']"),
    ("list", bytearray(), "exempt=bytearray(b'')", "pass a list: exempt=['/health']"),
    ("list", {"/a": 1}, "exempt={'/a': 1}", "pass a list: exempt=['/health']"),
    ("list", None, "exempt=None", "pass a list: exempt=['/health']"),
    ("list", ITERATOR, f"exempt={ITERATOR!r}", "pass a list: exempt=['/health']"),
    ("list", GENERATOR, f"exempt={GENERATOR!r}", "pass a list: exempt=['/health']"),
]


def _id(value: object) -> str | None:
    if value == HUGE:
        return "too many digits to be shown"
    return steady(value) if not isinstance(value, (tuple, list)) else None


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


@pytest.mark.parametrize("value", ["no", 1, None])
def test_a_flag_is_true_or_false(value: object) -> None:
    check_flags(BATTERY, secure=True, same_host=False)
    with pytest.raises(ConfigurationError, match=rf"^battery\(\): secure={value!r}; write True or False$"):
        check_flags(BATTERY, same_host=True, secure=value)


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "None"), (-1, "-1"), (True, "True"), (1.5, "1.5"), ("secret", "str"), (["secret"], "list")],
    ids=["nothing", "number", "flag", "fraction", "text", "list"],
)
def test_what_a_function_has_returned_is_refused_in_one_wording_and_no_text_of_it_is_shown(
    value: object, told: str
) -> None:
    refusal = refuse_returned(BATTERY, "key", value, "return a text")
    assert str(refusal) == f"battery(): key() returned {told}; return a text"


def test_a_function_can_be_called() -> None:
    check_function(BATTERY, "verify", len, takes="request")
    with pytest.raises(ConfigurationError, match=r"^battery\(\): verify is NoneType; pass a function \(request\)$"):
        check_function(BATTERY, "verify", None, takes="request")


class Late:
    async def __call__(self, request: object) -> None:
        raise NotImplementedError


async def late(request: object) -> None:
    raise NotImplementedError


def yields(request: object) -> Any:
    yield


async def yields_late(request: object) -> Any:
    yield


CALLS: dict[str, tuple[Any, str]] = {
    "no function": (5, r"is int; pass a function \(request\)"),
    "async": (late, "which is async; write it with `def`: nobody awaits it"),
    "async, in a partial": (functools.partial(late), "which is async"),
    "async, as an object": (Late(), "which is async"),
    "a generator": (yields, "which yields; let it return"),
    "an async generator": (yields_late, "which yields; let it return"),
    "of nothing": (lambda: None, r"with no required parameter; let it take \(request\)"),
    "of too much": (lambda request, handler: None, r"with 2 required parameters \(request, handler\); let it take"),
    "by name": (lambda *, request: None, "with 1 required parameter"),
    "by name besides": (lambda request, *, key: None, "with 2 required parameters"),
}


@pytest.mark.parametrize(("function", "problem"), CALLS.values(), ids=CALLS)
def test_a_function_that_could_not_be_called_or_would_come_to_nothing_is_refused(function: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^battery\(\): key is .*{problem}|^battery\(\): key {problem}"):
        check_call(BATTERY, "key", function, takes="request")


@pytest.mark.parametrize(
    "function",
    [lambda request: None, lambda *all: None, lambda request, key=1: None, [].append, print, max, str],
    ids=["one", "any", "a default", "a method", "a builtin", "one without signature", "a class"],
)
def test_a_function_that_can_be_called_is_right(function: Any) -> None:
    check_call(BATTERY, "key", function, takes="request")


def test_a_function_that_is_awaited_may_be_async_and_still_may_not_yield() -> None:
    check_call(BATTERY, "key", late, takes="request", is_awaited=True)
    with pytest.raises(ConfigurationError, match="which yields"):
        check_call(BATTERY, "key", yields_late, takes="request", is_awaited=True)
    with pytest.raises(ConfigurationError, match=r"let it take \(exchange, message\)"):
        check_call(BATTERY, "key", late, takes="exchange, message", is_awaited=True)


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_a_share_is_returned(share: float) -> None:
    assert check_share(BATTERY, "share", share) == share


@pytest.mark.parametrize("share", [-0.1, 1.1, True, math.nan, "1", None], ids=repr)
def test_what_is_no_share_is_refused(share: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^battery\(\): share=.*; pass a share, from 0 to 1$"):
        check_share(BATTERY, "share", share)


@pytest.mark.parametrize("statuses", [(), [400, 599], {503}, range(500, 505)], ids=repr)
def test_statuses_are_returned(statuses: Any) -> None:
    assert check_statuses(BATTERY, "statuses", statuses) == frozenset(statuses)


@pytest.mark.parametrize("statuses", ["503", {503: 1}, 503, [399], [600], [503, "504"], [503.0], None], ids=repr)
def test_what_is_no_list_of_statuses_is_refused(statuses: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"statuses=.*; list statuses from 400 to 599, as in \{503\}$"):
        check_statuses(BATTERY, "statuses", statuses)


def test_the_example_of_statuses_is_one_that_makes_sense_there() -> None:
    with pytest.raises(ConfigurationError, match=r"list statuses from 200 to 599, as in \{200\}$"):
        check_statuses(BATTERY, "expect", 200, least=200)
