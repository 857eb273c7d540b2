"""Limits are read as they are written, and what is none is refused."""

import contextlib
import importlib
import sys
from typing import Any

import limits as limits_library
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError, MissingDependencyError
from aiohttp_route_middleware.support.rate_limits.limits import read_limits


def read(limits: Any, **options: Any) -> list[tuple[str, int, int]]:
    return [(one.text, one.amount, one.seconds) for one in read_limits("rate_limit()", limits, **options)]


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ("100/minute", [("100/minute", 100, 60)]),
        ("100 per minute", [("100/minute", 100, 60)]),
        ("5/2hours", [("5/2hour", 5, 7200)]),
        ("10/second;100/minute", [("10/second", 10, 1), ("100/minute", 100, 60)]),
        ("10/second, 1/day | 2/month", [("10/second", 10, 1), ("1/day", 1, 86400), ("2/month", 2, 2592000)]),
        (["1/year", "2/day"], [("1/year", 1, 31104000), ("2/day", 2, 86400)]),
        (("1/day",), [("1/day", 1, 86400)]),
        (limits_library.parse("7/minute"), [("7/minute", 7, 60)]),
        ([limits_library.RateLimitItemPerHour(7, 3), "1/day"], [("7/3hour", 7, 10800), ("1/day", 1, 86400)]),
    ],
    ids=str,
)
def test_limits_are_read(limits: Any, found: list[tuple[str, int, int]]) -> None:
    assert read(limits) == found


@given(st.text())
def test_a_key_has_the_name_that_the_library_gives_it(key: str) -> None:
    """What is counted under the one is read under the other."""
    for limit in read_limits("", "100/minute;5/2hours", prefix="arm:"):
        assert limit.name_key(key) == limit.item.key_for(key)


@given(
    st.integers(1, 999_999_999_999_999),
    st.integers(1, 1000),
    st.sampled_from(["second", "minute", "hour", "day", "month", "year"]),
)
def test_what_a_limit_is_called_is_the_limit(amount: int, multiple: int, unit: str) -> None:
    found = read(f"{amount}/{multiple}{unit}")
    assert read(found[0][0]) == found
    assert found[0][1] == amount


@given(st.text())
def test_no_text_is_anything_but_read_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigurationError):
        assert all(amount > 0 and seconds > 0 for _, amount, seconds in read(text))


@pytest.mark.parametrize(
    ("limits", "options", "problem"),
    [
        ("", {}, "limits=''; write an amount and a time"),
        ("1/minute/hour", {}, "limits='1/minute/hour'"),
        (None, {}, "limits=None"),
        ([], {}, "there are no limits"),
        (["1/minute", None], {}, "limits=None"),
        ("1/minute;2/minute;1/minute", {}, "two of the limits 1/minute, 2/minute, 1/minute are alike"),
        ("0/minute", {}, "limits='0/minute'; allow at least one"),
        ("1000000000000000/minute", {}, "limits='1000000000000000/minute'; allow"),
        (limits_library.RateLimitItemPerMinute(-1), {}, "limits='-1/minute'; allow"),
        (limits_library.RateLimitItemPerMinute(1, -1), {}, "limits='1/-1minute'; allow"),
        ("1/minute", {"longest": 59}, "1/minute is longer than the storage can count for"),
    ],
    ids=str,
)
def test_what_is_no_limit_is_refused(limits: Any, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(limits, **options)
    assert str(caught.value).startswith(f"rate_limit(): {problem}")


@pytest.mark.parametrize("room", ["limits", "memory", "servers", "storages", "meter"])
def test_without_the_library_its_rooms_say_what_to_install(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"aiohttp_route_middleware.support.rate_limits.{room}"
    importlib.import_module(name)
    for module in ("limits", "limits.aio.storage", "limits.aio.strategies"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingDependencyError, match=r"aiohttp-route-middleware\[rate-limit\]"):
        importlib.import_module(name)
