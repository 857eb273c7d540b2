"""ASGI middlewares that the tests of `from_asgi()` share: what it makes of them, it makes of any."""

from __future__ import annotations

from typing import Any

import anyio
from starlette.middleware.base import BaseHTTPMiddleware

from aiohttp_route_middleware.support.asgi.messages import Receive, Scope, Send

__all__ = ("Base", "InGroup", "PassOn")


class PassOn:
    """A middleware that changes nothing."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Base(BaseHTTPMiddleware):
    """Runs what is behind it in a task of its own, and wraps both directions."""

    async def dispatch(self, request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["x-base"] = request.method
        return response


class InGroup(PassOn):
    """Runs what is behind it in a group of tasks, which raises a group of exceptions."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self.app, scope, receive, send)
