"""The lifespan of an ASGI application, inside that of an aiohttp application (ASGI Lifespan, spec version 2.0).

It is one task from the start to the end, since what an application enters at its start it leaves in the same task.
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
        exchange = _Exchange(self._application)
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

    def __init__(self, application: AsgiApplication) -> None:
        self.state: dict[str, Any] = {}
        self.is_supported = True
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.task = asyncio.ensure_future(self._run(application))

    async def tell(self, event: str, *, must_answer: bool = True) -> None:
        """Tell the application what happens, and wait until it has answered; raise what has failed."""
        if not self.is_supported:
            return
        self._answer = asyncio.get_running_loop().create_future()
        self._events.put_nowait({"type": f"lifespan.{event}"})
        waiting: set[asyncio.Future[Any]] = {self.task, self._answer}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._answer.done():
            await self._check(event, self._answer.result())
        elif must_answer:
            problem = f"the ASGI application has ended before it answered lifespan.{event}"
            raise RuntimeError(problem) from self.task.exception()
        else:
            self.is_supported = False
            self.task.exception()  # has been looked at

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
        cause = self.task.exception() if self.task.done() else None
        told = str(answer.get("message", "")).strip() or answer["type"]
        raise RuntimeError(f"the ASGI application failed at lifespan.{event}: {told}") from cause
