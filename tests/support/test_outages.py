"""An outage is told twice, when it begins and when it ends, however many requests meet it."""

import logging

import pytest

from aiohttp_route_middleware.errors import StoreError
from aiohttp_route_middleware.support.outages import Outage


def test_it_is_told_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    outage = Outage("rate_limit(1/hour)", "requests are refused")
    for _ in range(2):
        outage.end()
        for _ in range(3):
            outage.begin(StoreError("down"))
    outage.end()
    down = "rate_limit(1/hour): the store does not answer (down); requests are refused"
    assert caplog.messages == [down, "rate_limit(1/hour): the store answers again"] * 2
