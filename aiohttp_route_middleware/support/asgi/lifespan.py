"""The lifespan of an ASGI application, inside that of an aiohttp application (ASGI Lifespan, spec version 2.0).

It is one task from the start to the end, since what an application enters at its start it leaves in the same task.
If that ends in between, it is told at once in the log, and once more, without its traceback, by the end around it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from .messages import AsgiApplication, Message

__all__ = ("MODES", "Lifespan")

MODES = ("auto", "on", "off")

_logger = logging.getLogger(__name__)


class Lifespan:
    """The lifespan of one application.

    Args:
        application: whose it is.
        mode: `"off"`: it has none; `"on"`: it must have one; `"auto"`: it has one unless it refuses to.
        name: of the application, for errors and the log.
    """

    def __init__(self, application: AsgiApplication, mode: str, name: str) -> None:
        self.is_running: bool = mode == "off"
        self.state: dict[str, Any] | None = None
        self._application = application
        self._mode = mode
        self._name = name

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """Start, and end when the application around it ends; for `cleanup_ctx`."""
        if self._mode == "off":
            yield
            return
        if self.is_running:
            raise RuntimeError(f"the lifespan of {self._name} is running already, in another application")
        exchange = _Exchange(self._application, self._name)
        try:
            await exchange.tell("startup", must_answer=self._mode == "on")
            if not exchange.is_supported:
                _logger.info("%s takes no part in the lifespan protocol", self._name)
            self.state = exchange.state if exchange.is_supported else None
            self.is_running = True
            yield
            await exchange.tell("shutdown")
        finally:
            self.is_running = False
            exchange.task.cancel()


class _Exchange:
    """The messages of one lifespan."""

    def __init__(self, application: AsgiApplication, name: str) -> None:
        self.state: dict[str, Any] = {}
        self.is_supported = True
        self._name = name
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._is_telling = False  # and raises what fails
        self.task = asyncio.ensure_future(self._run(application))
        self.task.add_done_callback(self._look_at_end)

    async def tell(self, event: str, *, must_answer: bool = True) -> None:
        """Tell the application what happens, and wait until it has answered; raise what has failed."""
        if not self.is_supported:
            return
        if self.task.done():
            why = "; why is in the log" if _error_of(self.task) else ""
            raise RuntimeError(f"the ASGI application {self._name} has ended before lifespan.{event}{why}")
        self._is_telling = True
        try:
            await self._tell(event, must_answer=must_answer)
        finally:
            self._is_telling = False
        if self.task.done():  # it has failed in the moment after its answer
            self._look_at_end(self.task)

    async def _tell(self, event: str, *, must_answer: bool) -> None:
        self._answer = asyncio.get_running_loop().create_future()
        self._events.put_nowait({"type": f"lifespan.{event}"})
        waiting: set[asyncio.Future[Any]] = {self.task, self._answer}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._answer.done():
            await self._check(event, self._answer.result())
        elif must_answer:
            problem = f"the ASGI application has ended before it answered lifespan.{event}"
            raise RuntimeError(problem) from _error_of(self.task)
        else:
            self.is_supported = False

    def _look_at_end(self, task: asyncio.Task[None]) -> None:
        error = _error_of(task)
        if error is None or self._is_telling:
            return
        if self.is_supported:
            _logger.error("the lifespan of %s has failed", self._name, exc_info=error)
        elif self._events.empty():
            _logger.error("the start of %s has failed; it is served as if it took no part", self._name, exc_info=error)
        else:  # it has not even asked what there is: mostly it says so that it knows nothing of lifespans
            _logger.info("%s has refused its lifespan", self._name, exc_info=error)

    async def _run(self, application: AsgiApplication) -> None:
        versions = {"version": "3.0", "spec_version": "2.0"}
        await application({"type": "lifespan", "asgi": versions, "state": self.state}, self._events.get, self._send)

    async def _send(self, message: Message) -> None:
        if self._answer.done():
            raise RuntimeError(f"{message['type']} was sent when it was not its turn")
        self._answer.set_result(message)

    async def _check(self, event: str, answer: Message) -> None:
        if answer["type"] == f"lifespan.{event}.complete":
            return
        await asyncio.sleep(0)  # who says that it has failed, raises why
        cause = _error_of(self.task) if self.task.done() else None
        told = str(answer.get("message", "")).strip() or answer["type"]
        raise RuntimeError(f"the ASGI application failed at lifespan.{event}: {told}") from cause


def _error_of(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
