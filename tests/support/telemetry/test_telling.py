"""Who is told of a request and raises is reported, and harms nobody."""

import asyncio
from typing import Any

import pytest

from aiohttp_route_middleware.support.telemetry.telling import tell_safely


def fail(*_: Any) -> None:
    raise RuntimeError("cannot tell")


async def test_what_is_raised_goes_to_the_exception_handler_of_the_loop() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reported.append(report))
    tell_safely("metrics", fail, 1)
    assert [(one["message"], str(one["exception"])) for one in reported] == [
        ("metrics() could not tell of a request", "cannot tell")
    ]


async def test_a_handler_of_the_loop_that_raises_as_well_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    asyncio.get_running_loop().set_exception_handler(fail)
    tell_safely("metrics", fail)
    assert "Unhandled error in exception handler" in caplog.text


def test_where_there_is_no_loop_nothing_is_reported() -> None:
    told: list[int] = []
    tell_safely("metrics", told.append, 1)
    tell_safely("metrics", fail)
    assert told == [1]
