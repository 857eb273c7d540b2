"""The current request, and a namespace that lives as long, for code that nobody has handed them to.

For what sits too deep to be given the request: a log filter, a model, a client of another service.

    router = UrlDispatcherEx.install(app, context())

    async def get_post(request):
        current().locale = "de"
        return web.json_response(await load_post())

    async def load_post():
        log.info("for %s", current_request().path)
        ...

They are there until the response is sent, also in generators that make its body, in tasks that the handler starts, and
in `asyncio.to_thread()`; not in `run_in_executor()`, which copies no context. A task that outlives the request keeps
it alive. The next request of the connection sees nothing of it.

There is one namespace for a request, however many of these links it passes; the request is the one that the innermost
of them has seen, which matters where a link before it passes on a clone.

It does **not** hide anything: all code that runs for the request can read and change it. What links and handlers hand
to each other is better kept on the request, under a typed `web.RequestKey`, where the order of links is checked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from aiohttp import web

from ..errors import ConfigurationError
from ..naming import describe, name_link
from ..option_checks import check_function
from ..support.battery import GuardBattery, awaiting, guard_battery
from ..support.telemetry.current_request import NAMESPACE, current, current_request, set_current
from ..typedefs import Handler

__all__ = ("NAMESPACE", "context", "current", "current_request")

Populate: TypeAlias = Callable[[web.Request], "Mapping[str, Any] | Awaitable[Mapping[str, Any]]"]

_BATTERY = "context()"


def context(populate: Populate | None = None) -> GuardBattery:
    """Let `current_request()` and `current()` find the request.

    Args:
        populate: called with the request, async or plain; returns what the namespace begins with, by name. Default:
            nothing.

    Raises:
        ConfigurationError: it cannot be called; or, in a request, what it returned is no mapping.

    Responds:
        Nothing of its own.

    Reads/Sets:
        sets `NAMESPACE`: what `current()` returns.

    Source:
        PEP 567.

    Example:
        context()
    """
    fill = None
    if populate is not None:
        check_function(_BATTERY, "populate", populate, takes="request")
        fill = awaiting(populate)

    @guard_battery("context" if populate is None else f"context({name_link(populate)})", provided=(NAMESPACE,))
    async def context(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        namespace = set_current(request)
        if fill is not None:
            vars(namespace).update(_check_values(await fill(request)))
        return await handler(request) if handler else None

    return context


def _check_values(values: object) -> Mapping[str, Any]:
    if isinstance(values, Mapping) and all(isinstance(name, str) for name in values):
        return values
    raise ConfigurationError(_BATTERY, f"populate returned {describe(values)}", cure="return a mapping of names")
