"""When a client may ask again: read as an option, written as a header."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.traffic.retry_after import check_retry_after, write_retry_after

LATER = datetime(2999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        pytest.param(0, {"Retry-After": "0"}, id="at once"),
        pytest.param(300, {"Retry-After": "300"}, id="seconds"),
        pytest.param(LATER, {"Retry-After": "Tue, 31 Dec 2999 23:59:59 GMT"}, id="a moment"),
        pytest.param(LATER.astimezone(EAST), {"Retry-After": "Tue, 31 Dec 2999 23:59:59 GMT"}, id="of another zone"),
        pytest.param(datetime(1999, 1, 1, tzinfo=timezone.utc), {}, id="a moment that has passed"),
    ],
)
def test_it_is_written_as_seconds_or_as_a_date(value: int | datetime, headers: dict[str, str]) -> None:
    assert write_retry_after(check_retry_after("name()", value)) == headers


def test_nothing_is_written_of_nothing() -> None:
    assert write_retry_after(None) == {}


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        pytest.param(-1, "pass a number of seconds, 0 or more", id="less than nothing"),
        pytest.param(1.5, "pass a number of seconds, 0 or more", id="a fraction"),
        pytest.param(True, "pass a number of seconds, 0 or more", id="a flag"),
        pytest.param(datetime(2999, 1, 1), "say in which time zone", id="no zone"),  # wrong on purpose
    ],
)
def test_what_is_neither_is_refused(value: Any, cure: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^name\(\): retry_after=.*; " + cure):
        check_retry_after("name()", value)
