"""Health: what sends a target out, what brings it back, and what says nothing."""

import logging
import math

import pytest

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.choice.health import Ejection, Health, Judge

from ...clock import Clock


class House:
    """Some targets and their judge."""

    def __init__(self, ejection: "Ejection | None", count: int = 2) -> None:
        self.clock = Clock()
        self.healths = [Health(f"http://{place}") for place in range(count)]
        self.first = self.healths[0]
        self.judge = Judge(ejection, self.healths, self.clock)

    def fail(self, times: int, health: "Health | None" = None) -> None:
        health = health or self.first
        for _ in range(times):
            self.judge.fail(health, self.judge.admit(health))

    def succeed(self) -> None:
        self.judge.succeed(self.first, self.judge.admit(self.first))

    def is_open(self, health: "Health | None" = None) -> bool:
        return (health or self.first).is_open(self.clock())


@pytest.fixture
def house() -> House:
    return House(Ejection())


def test_five_failures_in_a_row_send_a_target_out(house: House) -> None:
    house.fail(4)
    assert (house.is_open(), house.judge.all_in) == (True, True)
    house.fail(1)
    assert (house.is_open(), house.judge.all_in) == (False, False)
    assert house.is_open(house.healths[1])


def test_a_success_ends_the_row(house: House) -> None:
    house.fail(4)
    house.succeed()
    house.fail(4)
    assert house.first.is_in


def test_without_ejection_nothing_sends_a_target_out() -> None:
    house = House(None)
    house.fail(100)
    assert house.first.is_in
    assert not house.judge.is_failure(503, math.inf)


def test_after_its_period_exactly_one_attempt_at_a_time_gets_through(house: House) -> None:
    house.fail(5)
    house.clock.now += 9.9
    assert not house.is_open()
    house.clock.now += 0.1
    assert house.is_open()
    house.judge.admit(house.first)
    assert not house.is_open()
    house.clock.now += 1000
    assert not house.is_open()


def test_the_success_of_that_attempt_brings_the_target_back(house: House) -> None:
    house.fail(5)
    house.clock.now += 10
    house.succeed()
    assert house.is_open()
    assert house.first.is_in
    assert house.judge.all_in
    house.fail(4)
    assert house.first.is_in


def test_its_failure_sends_the_target_out_for_twice_as_long_up_to_the_longest() -> None:
    house = House(Ejection(failures=2, longest=60))
    house.fail(2)
    for period in (10, 20, 40, 60, 60):
        assert house.first.period == period
        house.clock.now += period - 0.1
        assert not house.is_open()
        house.clock.now += 0.1
        assert house.is_open()
        house.fail(1)


def test_an_abandoned_attempt_makes_room_for_another_and_says_nothing(house: House) -> None:
    house.fail(5)
    house.clock.now += 10
    epoch = house.judge.admit(house.first)
    house.judge.abandon(house.first, epoch)
    assert house.is_open()
    assert not house.first.is_in


def test_an_abandoned_attempt_does_not_end_a_row(house: House) -> None:
    house.fail(4)
    house.judge.abandon(house.first, house.judge.admit(house.first))
    house.fail(1)
    assert not house.first.is_in


@pytest.mark.parametrize("told", ["succeed", "fail", "abandon"])
def test_an_attempt_from_before_its_target_went_out_says_nothing(house: House, told: str) -> None:
    early = house.judge.admit(house.first)
    house.fail(5)
    house.clock.now += 10
    house.judge.admit(house.first)
    getattr(house.judge, told)(house.first, early)
    assert house.first.is_tried
    assert not house.first.is_in
    assert house.first.period == 10


def test_an_attempt_from_before_its_target_came_back_says_nothing(house: House) -> None:
    early = [house.judge.admit(house.first) for _ in range(10)]
    house.fail(5)
    house.clock.now += 10
    house.succeed()
    for epoch in early:
        house.judge.fail(house.first, epoch)
    assert house.first.is_in


@pytest.mark.parametrize(("well_for", "period"), [(9.9, 20), (10, 10)], ids=["soon", "later"])
def test_who_fails_again_soon_is_out_for_twice_as_long(house: House, well_for: float, period: float) -> None:
    house.fail(5)
    house.clock.now += 10
    house.succeed()
    house.clock.now += well_for
    house.fail(5)
    assert house.first.period == period


@pytest.mark.parametrize(
    ("share", "count", "most"),
    [(0.5, 1, 0), (0.5, 2, 1), (0.5, 3, 1), (0.5, 4, 2), (1, 1, 1), (1, 3, 3), (0, 3, 0), (0.29, 100, 29)],
)
def test_at_most_a_share_of_the_targets_is_out(share: float, count: int, most: int) -> None:
    house = House(Ejection(share=share), count)
    for health in house.healths:
        house.fail(5, health)
    assert sum(not health.is_in for health in house.healths) == most


def test_one_that_may_not_go_out_goes_when_another_is_back(house: House) -> None:
    other = house.healths[1]
    house.fail(5)
    house.fail(9, other)
    assert other.is_in
    house.clock.now += 10
    house.succeed()
    house.fail(1, other)
    assert not other.is_in


def test_who_does_not_answer_checks_counts_as_out(house: House) -> None:
    house.judge.note_check(house.healths[1], False)
    house.fail(9)
    assert house.first.is_in


def test_a_target_is_asked_only_if_both_judges_say_so(house: House) -> None:
    house.judge.note_check(house.first, False)
    assert not house.is_open()
    assert not house.judge.all_in
    house.fail(5)
    house.clock.now += 10
    assert not house.is_open()
    house.judge.note_check(house.first, True)
    assert house.is_open()
    assert not house.judge.all_in
    house.succeed()
    assert house.judge.all_in


@pytest.mark.parametrize(
    ("status", "seconds", "is_failure"),
    [(200, 2.0, False), (200, 2.1, True), (503, 0.1, True), (500, 0.1, False)],
)
def test_an_answer_that_is_slow_or_bad_is_a_failure(status: int, seconds: float, is_failure: bool) -> None:
    house = House(Ejection(slow=2, statuses={502, 503}))
    assert house.judge.is_failure(status, seconds) is is_failure


def test_no_answer_is_a_failure_by_default(house: House) -> None:
    assert not house.judge.is_failure(503, 10**9)


def test_each_change_is_in_the_log_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        house.fail(5)
        house.clock.now += 10
        house.succeed()
        house.succeed()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "target http://0 fails, and is out for 10 s"),
        ("INFO", "target http://0 is back"),
    ]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"failures": 0}, "failures=0; pass a number of failures, 1 or more"),
        ({"period": 0}, "period=0; pass a number of seconds, 0.001 or more"),
        ({"period": 60, "longest": 30}, "longest=30; pass a number of seconds, 60 or more"),
        ({"slow": 0}, "slow=0; pass a number of seconds"),
        ({"slow": "2"}, "slow='2'; pass a number of seconds"),
        ({"share": 1.1}, "share=1.1; pass a share, from 0 to 1"),
        ({"share": True}, "share=True; pass a share, from 0 to 1"),
        ({"share": math.nan}, "share=nan; pass a share, from 0 to 1"),
        ({"share": "1"}, "share='1'; pass a share, from 0 to 1"),
        ({"statuses": "503"}, "statuses='503'; list statuses from 400 to 599"),
        ({"statuses": {503: 1}}, "statuses={503: 1}; list statuses from 400 to 599"),
        ({"statuses": 503}, "statuses=503; list statuses from 400 to 599"),
        ({"statuses": [200]}, r"statuses=\[200\]; list statuses from 400 to 599"),
        ({"statuses": [503, "504"]}, r"statuses=\[503, '504'\]; list statuses from 400 to 599"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Ejection\(\): {problem}"):
        Ejection(**options)  # type: ignore[arg-type]  # the mistake
