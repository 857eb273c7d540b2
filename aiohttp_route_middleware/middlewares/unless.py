"""Links that run unless something holds: for a path that needs no authentication, a method that needs no CSRF token.

It does **not** make a route public by itself: what stands behind it must not need what the skipped links provide.
Since the links may be skipped, nothing counts as provided by them; a link behind that requires a request key is
refused when the chain is registered.

    def is_health(request):
        return request.path == "/health"

    router = UrlDispatcherEx.install(app, unless(is_health, trusted_host(["example.com"]), log_access))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from ..naming import name_link
from ..option_checks import check_function
from ..support.battery import MiddlewareBattery, awaiting, middleware_battery
from ..support.cors.preflight import check_no_policy
from ..support.sequence import bind, required_outside
from ..support.sessions.placement import declare_session, has_session
from ..typedefs import Handler, Link

__all__ = ("unless",)

_BATTERY = "unless()"


def unless(predicate: Callable[[web.Request], bool | Awaitable[bool]], *links: Link) -> MiddlewareBattery:
    """Run links, in order, unless a predicate holds for the request.

    Args:
        predicate: called with the request, async or plain; the links are skipped if it returns `True` itself. If it
            raises, they are not skipped: the error is that of the request.
        links: guards and middlewares, or lists of them.

    Raises:
        ConfigurationError: the predicate cannot be called, or there are no links.
        RegistrationError: one of the links is not one.

    Example:
        unless(is_health, authenticate)
    """
    check_function(_BATTERY, "predicate", predicate, takes="request")
    holds = awaiting(predicate)
    sequence = bind(_BATTERY, links)
    check_no_policy(_BATTERY, sequence.links)
    names = ", ".join(map(name_link, sequence.links))

    @middleware_battery(f"unless({name_link(predicate)}: {names})", required=required_outside(sequence.links))
    async def unless(request: web.Request, handler: Handler) -> web.StreamResponse:
        if await holds(request) is True:  # a response, a generator, a text: all of them would be true
            return await handler(request)
        return await sequence.run(request, handler)

    if has_session(sequence.links):
        declare_session(unless)
    return unless
