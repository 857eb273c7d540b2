"""An outage is told twice, when it begins and when it ends, however many requests meet it."""

import logging

import pytest

from aiohttp_route_middleware.errors import StoreError
from aiohttp_route_middleware.support.rate_limits.outages import Outage


@pytest.mark.parametrize(
    ("fail_open", "what"), [(False, "are refused"), (True, "pass uncounted")], ids=["closed", "open"]
)
def test_it_is_told_when_it_begins_and_when_it_ends(
    fail_open: bool, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    outage = Outage("rate_limit(1/hour)", fail_open=fail_open)
    for _ in range(2):
        outage.end()
        for _ in range(3):
            outage.begin(StoreError("down"))
    outage.end()
    down = f"rate_limit(1/hour): the storage does not answer (down); requests {what}"
    assert caplog.messages == [down, "rate_limit(1/hour): the storage answers again"] * 2
