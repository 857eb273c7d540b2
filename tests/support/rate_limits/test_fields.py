"""The fields of the draft, as a parser of structured fields reads them."""

from typing import Any

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.support.rate_limits.fields import (
    POLICY,
    Reading,
    join_field,
    name_policies,
    seconds_until,
    write_policies,
    write_readings,
)
from aiohttp_route_middleware.support.rate_limits.limits import read_limits

LARGEST = 999_999_999_999_999
NOW = 1_000_000.0


def parse(value: str) -> Any:
    return http_sf.parse(value.encode(), tltype="list")


def test_the_policies_are_named_with_their_quota_and_window() -> None:
    limits = read_limits("", "100/minute;1000/day")
    names = name_policies(limits)
    assert names == ('"100/minute"', '"1000/day"')
    assert write_policies(names, limits) == '"100/minute";q=100;w=60, "1000/day";q=1000;w=86400'


def test_what_is_left_is_told_with_seconds_until_there_is_more() -> None:
    readings = [Reading(50, NOW + 30), Reading(0, NOW + 0.1)]
    assert write_readings(['"a"'], readings[:1], NOW) == '"a";r=50;t=30'
    assert write_readings(['"a"', '"b"'], readings, NOW) == '"a";r=50;t=30, "b";r=0;t=1'


@given(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1),
    st.lists(st.tuples(st.integers(0, LARGEST), st.floats(allow_nan=False, allow_infinity=False)), min_size=2),
)
def test_whatever_is_written_is_read_again_and_never_negative(bucket: str, values: list[tuple[int, float]]) -> None:
    names = [name_policies(read_limits("", f"{number}/minute"), bucket)[0] for number in range(1, len(values) + 1)]
    parsed = parse(write_readings(names, [Reading(*value) for value in values], NOW))
    assert [name for name, _ in parsed] == [f"{bucket}:{number}/minute" for number in range(1, len(values) + 1)]
    assert [left["r"] for _, left in parsed] == [remaining for remaining, _ in values]
    assert all(0 <= left["t"] <= LARGEST for _, left in parsed)


@pytest.mark.parametrize(
    ("when", "seconds"),
    [(NOW - 5, 0), (NOW, 0), (NOW + 0.001, 1), (NOW + 1, 1), (NOW + 1.5, 2), (1e300, LARGEST)],
)
def test_seconds_are_rounded_up_and_never_negative(when: float, seconds: int) -> None:
    assert seconds_until(when, NOW) == seconds


def test_members_are_added_to_a_list_that_may_stand_in_several_fields() -> None:
    headers: CIMultiDict[str] = CIMultiDict([("ratelimit-policy", '"a";q=1'), ("RateLimit-Policy", '"b";q=2')])
    join_field(headers, POLICY, '"c";q=3')
    assert headers.getall("RateLimit-Policy") == ['"a";q=1, "b";q=2, "c";q=3']
