"""For whom, as what, and for how much a request is counted, and what becomes of it."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.battery import awaiting
from aiohttp_route_middleware.support.outages import Outage
from aiohttp_route_middleware.support.rate_limits.counted import CountedRequests
from aiohttp_route_middleware.support.rate_limits.memory import MemoryCounters
from aiohttp_route_middleware.support.rate_limits.meter import Meter
from aiohttp_route_middleware.support.rate_limits.policies import Policies, read_policies
from aiohttp_route_middleware.support.rate_limits.storages import open_storages


class Down(MemoryCounters):
    def count(self, key: str, expiry: float, amount: int) -> tuple[int, float]:
        raise OSError("down on purpose")

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        raise OSError("down on purpose")


def make(storage: Any = None, *, cost: int = 1, key: Any = None, find_cost: Any = None, **options: Any) -> Any:
    storages = open_storages("name()", storage, "fixed", 60)
    defaults = {"bucket": "all", "label": "", "fail_open": False}
    return CountedRequests(
        battery="name()",
        meter=Meter(storages, window="fixed", prefix="arm:", block_time=None, timeout=60),
        outage=Outage("name()", "requests are refused"),
        find_key=key and awaiting(key),
        cost=cost,
        find_cost=find_cost and awaiting(find_cost),
        **{**defaults, **options},
    )


def policies(limits: str = "3/hour") -> Policies:
    return read_policies("name()", limits, bucket="", prefix="arm:", longest=10**9)


async def count(counted: Any, times: int) -> list[bool]:
    """Tell which of several requests pass."""
    passed = []
    for _ in range(times):
        try:
            await counted.count(make_mocked_request("POST", "/"), policies())
            passed.append(True)
        except web.HTTPTooManyRequests:
            passed.append(False)
    return passed


@pytest.mark.parametrize(
    ("options", "passed"),
    [
        pytest.param({}, [True, True, True, False], id="one each"),
        pytest.param({"cost": 2}, [True, False, False, False], id="two each"),
        pytest.param({"find_cost": lambda _: 0}, [True] * 4, id="nothing each"),
        pytest.param({"find_cost": lambda _: 3}, [True, False, False, False], id="three each, by a function"),
        pytest.param({"key": lambda _: "a"}, [True, True, True, False], id="by a key"),
        pytest.param({"key": lambda _: None}, [True, True, True, False], id="by the caller"),
    ],
)
async def test_so_many_pass(options: dict[str, Any], passed: list[bool]) -> None:
    assert await count(make(**options), 4) == passed


async def test_a_refusal_says_when_to_come_again_and_is_not_kept_by_caches() -> None:
    with pytest.raises(web.HTTPTooManyRequests) as refusal:
        await make(cost=4).count(make_mocked_request("POST", "/"), policies())
    assert int(refusal.value.headers["Retry-After"]) >= 1
    assert refusal.value.headers["Cache-Control"] == "no-store"


async def test_each_key_has_the_limit_for_itself() -> None:
    keys = iter("abab")
    assert await count(make(key=lambda _: next(keys), cost=2), 4) == [True, True, False, False]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"key": lambda _: 5}, "key() returned 5; return a text, or None", id="key"),
        pytest.param({"key": lambda _: b"s"}, "key() returned bytes; return a text, or None", id="a secret key"),
        pytest.param({"find_cost": lambda _: -1}, "cost() returned -1; return a whole number, 0 or more", id="cost"),
        pytest.param({"find_cost": lambda _: True}, "cost() returned True; return a whole number", id="no cost"),
    ],
)
async def test_what_a_function_returns_wrongly_is_an_error(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        await make(**options).count(make_mocked_request("GET", "/"), policies())
    assert str(refusal.value).startswith(f"name(): {problem}")


async def test_without_the_storage_nobody_passes_unless_it_was_said_so() -> None:
    with pytest.raises(web.HTTPServiceUnavailable):
        await count(make(Down()), 1)
    assert await count(make(Down(), fail_open=True), 4) == [True] * 4
