"""Of many who ask for the same, one does the work; nobody fails because of it, or waits for ever."""

import asyncio

import pytest

from aiohttp_route_middleware.support.caching import flights as room
from aiohttp_route_middleware.support.caching.flights import Flights, Landing


async def test_who_waits_gets_what_was_shared() -> None:
    flights: Flights[str] = Flights()
    flight = flights.begin("a", is_open=True)
    assert flights.find("a") is flight
    waiting = asyncio.ensure_future(flight.wait(60))
    flight.share("value")
    assert await waiting is Landing.SHARED
    assert flight.shared == "value"
    assert flights.find("a") is None


async def test_nobody_waits_for_longer_than_told() -> None:
    flight = Flights[str]().begin("a", is_open=True)
    assert await flight.wait(-1) is None
    assert await flight.wait(0) is None


async def test_a_flight_ends_once() -> None:
    flights: Flights[str] = Flights()
    flight = flights.begin("a", is_open=True)
    flight.cut_off()
    flight.fail()
    flight.give_up()
    assert await flight.wait(0) is Landing.CUT_OFF
    assert not flights.is_alone("a")


async def test_what_is_not_shared_is_not_waited_for_for_a_while() -> None:
    now = 100.0
    flights: Flights[str] = Flights(alone=10, clock=lambda: now)
    flights.begin("a", is_open=True).give_up()
    assert flights.is_alone("a")
    now = 110.0
    assert not flights.is_alone("a")


async def test_who_nobody_could_wait_for_says_nothing_of_those_who_come() -> None:
    flights: Flights[str] = Flights()
    flight = flights.begin("a", is_open=False)
    flight.give_up()
    assert await flight.wait(0) is Landing.ALONE
    assert not flights.is_alone("a")


async def test_what_is_shared_after_all_is_waited_for_again() -> None:
    flights: Flights[str] = Flights()
    flights.begin("a", is_open=True).give_up()
    late = flights.begin("a", is_open=False)
    late.share("value")
    assert not flights.is_alone("a")
    flights.remember_alone("a")
    late.share("too late")
    assert flights.is_alone("a")


async def test_what_failed_may_be_shared_next_time() -> None:
    flights: Flights[str] = Flights()
    flight = flights.begin("a", is_open=True)
    flight.fail()
    assert await flight.wait(0) is Landing.ALONE
    assert not flights.is_alone("a")


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MOST_ALONE", 2)
    flights: Flights[str] = Flights()
    for key in "abc":
        flights.remember_alone(key)
    assert [flights.is_alone(key) for key in "abc"] == [False, True, True]


async def test_only_what_is_open_is_waited_for() -> None:
    flights: Flights[str] = Flights()
    closed = flights.begin("a", is_open=False)
    assert flights.find("a") is None
    opened = flights.begin("a", is_open=True)
    assert flights.find("a") is opened
    opened.fail()
    closed.fail()


async def test_all_that_is_under_way_is_outdated() -> None:
    flights: Flights[str] = Flights()
    begun = [flights.begin("a", is_open=is_open) for is_open in (True, False)]
    other = flights.begin("b", is_open=True)
    flights.outdate("a")
    flights.outdate("nothing")
    assert [flight.is_outdated() for flight in (*begun, other)] == [True, True, False]
    assert await begun[0].wait(0) is Landing.ALONE
