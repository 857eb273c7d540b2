"""Dates of HTTP, in all three forms."""

import datetime as dt
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.content.http_dates import read_date

MOMENT = 784_111_777  # the example of RFC 9110, section 5.6.7


@pytest.mark.parametrize(
    "text",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_the_three_forms_name_one_moment(text: str) -> None:
    assert read_date(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text) is None


def test_a_leap_second_is_the_one_before_it() -> None:
    assert read_date("Sat, 31 Dec 2016 23:59:60 GMT") == read_date("Sat, 31 Dec 2016 23:59:59 GMT")


def test_a_short_year_is_at_most_50_years_ahead() -> None:
    this = dt.datetime.now(dt.timezone.utc).year
    for ahead, year in ((50, this + 50), (51, this + 51 - 100)):
        found = read_date(f"Sunday, 01-Jan-{(this + ahead) % 100:02} 00:00:00 GMT")
        assert found == int(dt.datetime(year, 1, 1, tzinfo=dt.timezone.utc).timestamp())


@given(st.datetimes(timezones=st.just(dt.timezone.utc)))
def test_every_moment_is_read_as_it_was_written(moment: dt.datetime) -> None:
    assert read_date(format_datetime(moment, usegmt=True)) == moment.replace(microsecond=0).timestamp()


@given(st.text())
def test_any_text_is_a_date_or_none(text: str) -> None:
    assert read_date(text) is None
