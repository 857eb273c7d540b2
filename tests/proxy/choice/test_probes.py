"""Active health checks: what sends a target out and brings it back, and that no target stops the checks of others."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.choice.probes import HealthCheck
from aiohttp_route_middleware.proxy.choice.targets import Target
from aiohttp_route_middleware.proxy.choice.turns import Targets
from aiohttp_route_middleware.proxy.wire.failures import ConnectError


class House:
    """Targets that answer as is listed for each, and a sleep that passes at once, until the answers are over."""

    def __init__(self, check: HealthCheck, **answers: "list[int | BaseException]") -> None:
        self.check = check
        self.targets = Targets([Target(f"http://{name}", name=name) for name in answers])
        self.answers = {name: iter(listed) for name, listed in answers.items()}
        self.asked: list[tuple[str, str]] = []
        self.slept: list[float] = []
        self.states: dict[str, list[bool]] = {name: [] for name in answers}
        self.are_over = asyncio.Event()

    async def ask(self, target: Target, path: str) -> int:
        self.asked.append((target.name, path))
        answer = next(self.answers[target.name], None)
        if answer is None:
            self.stop(target.name)
            await asyncio.Event().wait()
            raise AssertionError
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stop(self, name: str) -> None:
        del self.answers[name]
        if not self.answers:
            self.are_over.set()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        for target in self.targets:
            self.states[target.name].append(target.health.is_answering)
        await asyncio.sleep(0)

    async def run(self) -> None:
        """Check until all answers were given, then stop."""
        running = asyncio.create_task(self.check.run(self.targets, self.ask, sleep=self.sleep))
        await self.are_over.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    def is_in(self, name: str) -> bool:
        (target,) = [target for target in self.targets if target.name == name]
        return target.health.is_answering


def make_check(
    rises: int = 2, falls: int = 3, expect: "set[int] | Callable[[int], bool] | range" = range(200, 400)
) -> HealthCheck:
    return HealthCheck(timeout=1000, rises=rises, falls=falls, expect=expect)


@pytest.mark.parametrize(
    ("answers", "is_in"),
    [
        ([200], True),
        ([500], False),
        ([200, 500, 500], True),
        ([200, 500, 500, 500], False),
        ([200, 500, 500, 200, 500, 500], True),
        ([500, 200], False),
        ([500, 200, 200], True),
        ([500, 200, 500, 200], False),
        ([200, 500, 500, 500, 200, 200, 500, 500], True),
    ],
    ids=str,
)
async def test_the_first_check_decides_alone_and_then_so_many_in_a_row(
    answers: "list[int | BaseException]", is_in: bool
) -> None:
    house = House(make_check(), a=answers)
    await house.run()
    assert house.is_in("a") is is_in


async def test_each_check_of_a_target_is_seen_by_those_who_choose_one() -> None:
    house = House(make_check(rises=1, falls=1), a=[200, 500, 200])
    await house.run()
    assert house.states["a"] == [True, False, True]


@pytest.mark.parametrize(
    "error",
    [OSError("refused"), ConnectError("refused"), RuntimeError("a mistake"), asyncio.TimeoutError()],
    ids=repr,
)
async def test_what_goes_wrong_with_one_does_not_stop_the_checks_of_others(error: BaseException) -> None:
    house = House(make_check(falls=1), a=[error, error, error], b=[200, 200, 200])
    await house.run()
    assert (house.is_in("a"), house.is_in("b")) == (False, True)
    assert [name for name, _ in house.asked].count("b") == 4


async def test_one_that_hangs_is_not_well_and_does_not_stop_the_others() -> None:
    asked = dict.fromkeys("ab", 0)
    is_enough = asyncio.Event()
    targets = Targets([Target(f"http://{name}", name=name) for name in "ab"])

    async def ask(target: Target, path: str) -> int:
        asked[target.name] += 1
        if asked["a"] > 1 and asked["b"] > 1:
            is_enough.set()
        if target.name == "a":
            await asyncio.Event().wait()
        return 200

    check = HealthCheck(timeout=0.001)
    running = asyncio.create_task(check.run(targets, ask, sleep=lambda seconds: asyncio.sleep(0)))
    await is_enough.wait()
    assert [target.health.is_answering for target in targets] == [False, True]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    ("expect", "status", "is_in"),
    [
        (range(200, 400), 399, True),
        (range(200, 400), 400, False),
        ({200, 429}, 429, True),
        ({200, 429}, 204, False),
        (lambda status: status < 500, 404, True),
        (lambda status: status < 500, 500, False),
    ],
    ids=["range", "not in range", "set", "not in set", "function", "not by function"],
)
async def test_what_is_well_may_be_said(
    expect: "set[int] | Callable[[int], bool] | range", status: int, is_in: bool
) -> None:
    house = House(make_check(expect=expect), a=[status])
    await house.run()
    assert house.is_in("a") is is_in


async def test_a_function_that_fails_is_a_bad_check() -> None:
    house = House(make_check(expect=lambda status: bool(1 / 0)), a=[200])
    await house.run()
    assert not house.is_in("a")


async def test_the_path_is_asked_for_and_the_interval_varies_by_the_jitter() -> None:
    house = House(HealthCheck("/ready?deep=1", interval=20, jitter=0.5, timeout=1000), a=[200] * 50)
    await house.run()
    assert {*house.asked} == {("a", "/ready?deep=1")}
    assert all(10 <= seconds <= 30 for seconds in house.slept)
    assert len({*house.slept}) > 1


async def test_without_jitter_the_interval_is_exact() -> None:
    house = House(HealthCheck(interval=20, jitter=0, timeout=1000), a=[200] * 3)
    await house.run()
    assert {*house.slept} == {20}


async def test_a_change_is_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    house = House(make_check(rises=1, falls=1), a=[500, 500, 200, 200, OSError("refused"), KeyError(), 200])
    with caplog.at_level(logging.INFO, "aiohttp_route_middleware"):
        await house.run()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "upstream upstream: target http://a/ is not well: GET /health: it answers 500"),
        ("INFO", "upstream upstream: target http://a/ is well again, by GET /health"),
        ("WARNING", "upstream upstream: target http://a/ is not well: GET /health: OSError: refused"),
        ("INFO", "upstream upstream: target http://a/ is well again, by GET /health"),
    ]


async def test_an_error_without_a_text_is_told_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    await House(make_check(), a=[KeyError()]).run()
    assert caplog.messages == ["upstream upstream: target http://a/ is not well: GET /health: KeyError"]


async def test_who_is_cancelled_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    house = House(make_check(), a=[200], b=[500], c=[OSError()])
    await house.run()
    assert asyncio.all_tasks() == before


async def test_a_target_that_is_well_again_after_a_pause_is_back_at_once() -> None:
    house = House(make_check(), a=[500])
    await house.run()
    assert not house.is_in("a")
    house.answers, house.are_over = {"a": iter([200])}, asyncio.Event()
    await house.run()
    assert house.is_in("a")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"path": "health"}, "path='health'; begin it with a slash"),
        ({"path": "/a b"}, "path='/a b'; begin it with a slash"),
        ({"path": "/a#b"}, "path='/a#b'; begin it with a slash"),
        ({"path": "/a\r\nX: 1"}, "path=.*; begin it with a slash"),
        ({"path": None}, "path=None; begin it with a slash"),
        ({"interval": 0}, "interval=0; pass a number of seconds, 0.1 or more"),
        ({"timeout": 0}, "timeout=0; pass a number of seconds, 0.001 or more"),
        ({"rises": 0}, "rises=0; pass a number of checks, 1 or more"),
        ({"falls": 0}, "falls=0; pass a number of checks, 1 or more"),
        ({"jitter": 2}, "jitter=2; pass a share, from 0 to 1"),
        ({"expect": []}, "expect is empty; list the statuses that are well"),
        ({"expect": [100]}, r"expect=\[100\]; list statuses from 200 to 599"),
        ({"expect": 200}, "expect=200; list statuses from 200 to 599, as in .200.$"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^HealthCheck\(\): {problem}"):
        HealthCheck(**options)  # type: ignore[arg-type]  # the mistake


def test_a_function_that_tells_what_is_well_takes_a_status() -> None:
    expect: Any = lambda: True  # noqa: E731  # the mistake
    with pytest.raises(ConfigurationError, match=r"expect is .*, with no required parameter; let it take \(status\)"):
        HealthCheck(expect=expect)


async def test_the_log_names_the_upstream(caplog: pytest.LogCaptureFixture) -> None:
    house = House(make_check(), a=[404])
    running = asyncio.create_task(house.check.run(house.targets, house.ask, upstream="shop", sleep=house.sleep))
    await house.are_over.wait()
    running.cancel()
    assert caplog.messages == ["upstream shop: target http://a/ is not well: GET /health: it answers 404"]
