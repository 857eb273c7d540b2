"""Deadlines: who has cancelled what."""

import asyncio
import sys
import time

import pytest

from aiohttp_route_middleware.support.deadlines import Deadline, TimeIsUpError

SHORT, LONG = 0.001, 3600


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_takes_too_long_is_cancelled() -> None:
    with pytest.raises(TimeIsUpError), Deadline(SHORT):
        await forever()
    await asyncio.sleep(0)  # nothing is left of it


async def test_what_ends_in_time_is_left_alone() -> None:
    with Deadline(SHORT):
        pass
    await asyncio.sleep(SHORT * 2)
    with pytest.raises(LookupError), Deadline(LONG):
        raise LookupError


@pytest.mark.parametrize("error", [TimeoutError, asyncio.TimeoutError, ValueError])
async def test_what_is_raised_inside_comes_out_as_it_is(error: type[Exception]) -> None:
    with pytest.raises(error), Deadline(LONG):
        raise error


async def test_what_is_made_of_the_cancellation_comes_out_as_it_is() -> None:
    async def disguise() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            raise LookupError from None

    with pytest.raises(LookupError), Deadline(SHORT):
        await disguise()
    await asyncio.sleep(0)


async def test_who_swallows_the_cancellation_goes_on() -> None:
    done = False
    with Deadline(SHORT):
        try:
            await forever()
        except asyncio.CancelledError:
            done = True
    await asyncio.sleep(0)
    assert done


@pytest.mark.parametrize(("outer", "inner", "ended"), [(LONG, SHORT, ["inner"]), (SHORT, LONG, ["outer"])])
async def test_each_of_several_ends_its_own_block(outer: float, inner: float, ended: list[str]) -> None:
    seen: list[str] = []
    try:
        with Deadline(outer):
            try:
                with Deadline(inner):
                    await forever()
            except TimeIsUpError:
                seen.append("inner")
    except TimeIsUpError:
        seen.append("outer")
    assert seen == ended


async def test_two_that_are_due_at_once_leave_nothing_behind() -> None:
    async def block() -> None:
        time.sleep(SHORT * 5)  # noqa: ASYNC251  # so that both are due
        await forever()

    with pytest.raises(TimeIsUpError), Deadline(SHORT), Deadline(SHORT):
        await block()
    await asyncio.sleep(0)


async def test_a_cancellation_from_outside_stays_one() -> None:
    started = asyncio.Event()

    async def run() -> None:
        with Deadline(LONG):
            started.set()
            await forever()

    task = asyncio.create_task(run())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a task cannot tell there how many have cancelled it")
async def test_a_cancellation_from_outside_in_the_same_moment_stays_one() -> None:
    task: asyncio.Task[None]

    def cancel() -> bool:
        task.cancel()
        return True

    async def run() -> None:
        with Deadline(SHORT, cancel):
            await forever()

    task = asyncio.create_task(run())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_deadline_that_does_not_apply_any_more_ends_nothing() -> None:
    asked = asyncio.Event()

    def applies() -> bool:
        asked.set()
        return False

    with Deadline(SHORT, applies):
        await asked.wait()
        await asyncio.sleep(0)


async def test_a_deadline_that_still_applies_ends_the_block() -> None:
    with pytest.raises(TimeIsUpError), Deadline(SHORT, lambda: True):
        await forever()
