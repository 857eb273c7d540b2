"""Weighted lists are read as RFC 9110, section 12.4, has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.content.preferences import read_preferences

READ = [
    ("", {}),
    ("gzip", {"gzip": 1.0}),
    ("compress, gzip", {"compress": 1.0, "gzip": 1.0}),
    ("compress;q=0.5, gzip;q=1.0", {"compress": 0.5, "gzip": 1.0}),
    ("gzip;q=1.0, identity; q=0.5, *;q=0", {"gzip": 1.0, "identity": 0.5, "*": 0.0}),
    ("da, en-GB;q=0.8, en;q=0.7", {"da": 1.0, "en-gb": 0.8, "en": 0.7}),
    ("audio/*; q=0.2, audio/basic", {"audio/*": 0.2, "audio/basic": 1.0}),
    ("text/html;level=1;q=0.4", {"text/html": 0.4}),
    ("GZIP;Q=0.123", {"gzip": 0.123}),
    ("gzip;q=0., br;q=1.", {"gzip": 0.0, "br": 1.0}),
    ("\tgzip\t;\tq=0.5", {"gzip": 0.5}),
    ("gzip, gzip;q=0", {"gzip": 1.0}),
    (",, ,gzip,", {"gzip": 1.0}),
]
PASSED_OVER = ["gzip;q=2", "gzip;q=-1", "gzip;q=0.1234", "gzip;q=x", "gzip;q=", "gzip;q=nan", ";q=1", "gzip;q=1.1"]


@pytest.mark.parametrize(("field", "weights"), READ, ids=[repr(field) for field, _ in READ])
def test_a_list_is_read_with_its_weights(field: str, weights: dict[str, float]) -> None:
    assert read_preferences([field]) == weights


@pytest.mark.parametrize("member", PASSED_OVER)
def test_a_member_that_cannot_be_read_is_passed_over(member: str) -> None:
    assert read_preferences([f"{member}, br"]) == {"br": 1.0}


def test_several_fields_are_one_list() -> None:
    assert read_preferences(["gzip", "br;q=0.5"]) == {"gzip": 1.0, "br": 0.5}


def test_a_list_is_read_up_to_64_members() -> None:
    assert len(read_preferences([",".join(f"x{number}" for number in range(10_000))])) == 64


@given(st.dictionaries(st.text("abcxyz-/*", min_size=1), st.integers(0, 1000), max_size=20))
def test_what_is_written_is_read(weights: dict[str, int]) -> None:
    field = ", ".join(f"{name};q={weight / 1000:.3f}" for name, weight in weights.items())
    assert read_preferences([field]) == {name: weight / 1000 for name, weight in weights.items()}


@given(st.lists(st.text()))
def test_whatever_is_sent_has_weights_between_0_and_1(fields: list[str]) -> None:
    assert all(0 <= weight <= 1 for weight in read_preferences(fields).values())
