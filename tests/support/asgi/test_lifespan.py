"""The lifespan of an ASGI application inside that of an aiohttp application."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware.support.asgi.lifespan import MODES, Lifespan
from aiohttp_route_middleware.support.asgi.messages import Receive, Scope, Send


class Application:
    """Answers each event as told, and writes down what comes."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"startup": "complete", "shutdown": "complete", **answers}
        self.told: list[str] = []
        self.tasks: set[Any] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (scope["type"], scope["asgi"]) == ("lifespan", {"version": "3.0", "spec_version": "2.0"})
        for event in ("startup", "shutdown"):
            message = await receive()
            assert message == {"type": f"lifespan.{event}"}
            self.told.append(event)
            self.tasks.add(asyncio.current_task())
            answer = self.answers[event]
            if isinstance(answer, Exception):
                raise answer
            if answer is None:
                return
            scope["state"][event] = True
            await send({"type": f"lifespan.{event}.{answer}", "message": f"{event} went wrong"})
            if answer == "failed":
                raise OSError("the database is down")


async def run(application: Any, mode: str = "auto") -> Lifespan:
    """Start and end an application."""
    lifespan = Lifespan(application, mode, "shop")
    app = web.Application()
    app.cleanup_ctx.append(lifespan.run)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        assert lifespan.is_running
    finally:
        await runner.cleanup()
    return lifespan


@pytest.mark.parametrize("mode", ["auto", "on"])
async def test_it_starts_and_ends_with_the_application_in_one_task(mode: str) -> None:
    application = Application()
    lifespan = await run(application, mode)
    assert application.told == ["startup", "shutdown"]
    assert len(application.tasks) == 1
    assert lifespan.state == {"startup": True, "shutdown": True}
    assert not lifespan.is_running


@pytest.mark.parametrize("mode", ["auto", "on"])
@pytest.mark.parametrize("event", ["startup", "shutdown"])
async def test_what_fails_is_raised_with_its_reason(event: str, mode: str) -> None:
    with pytest.raises(RuntimeError, match=rf"failed at lifespan.{event}: {event} went wrong") as caught:
        await run(Application(**{event: "failed"}), mode)
    assert isinstance(caught.value.__cause__, OSError)


async def test_who_says_that_it_has_failed_and_goes_on_has_failed_too() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.failed"})
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match=r"lifespan.startup: lifespan.startup.failed$"):
        await run(application)


@pytest.mark.parametrize("answer", [pytest.param(None, id="returns"), pytest.param(KeyError("http"), id="raises")])
async def test_auto_takes_who_does_not_answer_for_one_that_takes_no_part(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    lifespan = await run(Application(startup=answer))
    assert lifespan.state is None
    assert "shop takes no part in the lifespan protocol" in caplog.text


@pytest.mark.parametrize("answer", [pytest.param(None, id="returns"), pytest.param(KeyError("http"), id="raises")])
async def test_on_refuses_who_does_not_answer(answer: Any) -> None:
    with pytest.raises(RuntimeError, match=r"has ended before it answered lifespan.startup") as caught:
        await run(Application(startup=answer), "on")
    assert caught.value.__cause__ is answer


async def test_who_ends_before_the_shutdown_is_told_of_it() -> None:
    with pytest.raises(RuntimeError, match=r"has ended before it answered lifespan.shutdown"):
        await run(Application(shutdown=KeyError("x")))


def errors_in(caplog: pytest.LogCaptureFixture, level: int = logging.ERROR) -> list[BaseException]:
    """The exceptions in the log: each must be there once."""
    return [record.exc_info[1] for record in caplog.records if record.exc_info and record.levelno == level]  # type: ignore[misc]  # there is one


@pytest.mark.parametrize("mode", ["auto", "on"])
@pytest.mark.parametrize("is_late", [False, True], ids=["with its answer", "later"])
async def test_a_lifespan_that_fails_after_its_start_is_logged_once(
    is_late: bool, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The end of the application around it tells of it, runs what else there is to end, and does not hang."""
    go_on, ended = asyncio.Event(), []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        if is_late:
            await go_on.wait()
        raise KeyError("crash")

    async def other(app: web.Application) -> Any:
        yield
        ended.append("other")

    lifespan = Lifespan(application, mode, "shop")
    app = web.Application()
    app.cleanup_ctx.extend([other, lifespan.run])
    runner = web.AppRunner(app)
    await runner.setup()
    go_on.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [repr(error) for error in errors_in(caplog)] == ["KeyError('crash')"]
    assert "the lifespan of shop has failed" in caplog.text
    with pytest.raises(RuntimeError, match=r"shop has ended before lifespan.shutdown; why is in the log") as caught:
        await runner.cleanup()
    assert caught.value.__cause__ is None
    assert ended == ["other"]
    assert len(errors_in(caplog)) == 1


async def test_who_fails_in_the_moment_after_the_shutdown_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        raise KeyError("crash")

    await run(application)
    assert [repr(error) for error in errors_in(caplog)] == ["KeyError('crash')"]


async def test_who_leaves_after_its_start_is_told_of_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})

    with pytest.raises(RuntimeError, match=r"shop has ended before lifespan.shutdown$"):
        await run(application)
    assert errors_in(caplog) == []


async def test_auto_logs_why_a_start_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    """Who has asked for the event takes part, so its failure is an error; it is served all the same."""
    lifespan = await run(Application(startup=KeyError("the database is down")))
    assert lifespan.state is None
    assert [repr(error) for error in errors_in(caplog)] == ["KeyError('the database is down')"]


async def test_auto_tells_but_at_info_why_an_application_refuses(caplog: pytest.LogCaptureFixture) -> None:
    async def http_only(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("http only")

    caplog.set_level(logging.INFO)
    await run(http_only)
    assert errors_in(caplog) == []
    assert [repr(error) for error in errors_in(caplog, logging.INFO)] == ["AssertionError('http only')"]


@pytest.mark.parametrize("mode", ["auto", "on"])
async def test_a_lifespan_that_cancels_itself_is_one_that_has_ended(mode: str) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    if mode == "auto":
        assert (await run(application, mode)).state is None
        return
    with pytest.raises(RuntimeError, match=r"has ended before it answered lifespan.startup"):
        await run(application, mode)


async def test_off_never_calls_the_application() -> None:
    application = Application()
    lifespan = Lifespan(application, "off", "shop")
    assert lifespan.is_running
    await run(application, "off")
    assert application.told == []


async def test_it_can_be_started_again_but_not_twice_at_a_time() -> None:
    application = Application()
    lifespan = Lifespan(application, "on", "shop")
    for _ in range(2):
        async for _nothing in lifespan.run(web.Application()):
            assert lifespan.is_running
            with pytest.raises(RuntimeError, match="shop is running already, in another application"):
                await anext(aiter(lifespan.run(web.Application())))
    assert application.told == ["startup", "shutdown"] * 2


async def test_an_answer_out_of_turn_is_an_error_of_the_application() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})
        with pytest.raises(RuntimeError, match=r"lifespan.startup.complete was sent when it was not its turn"):
            await send({"type": "lifespan.startup.complete"})
        while (await receive())["type"] != "lifespan.shutdown":
            pass
        await send({"type": "lifespan.shutdown.complete"})

    await run(application, "on")


def test_there_are_three_modes() -> None:
    assert MODES == ("auto", "on", "off")
