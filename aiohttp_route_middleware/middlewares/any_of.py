"""One of several ways in: the first link that lets the request through is enough.

For routes that take a session as well as a token. When all refuse, the answer is one 401 with the challenges of all,
so that a client can choose (RFC 9110, section 11.6.1); if one of them knew who was asking and refused with 403, that
is the answer. Any other answer, such as 503, ends the search: it is not a refusal. What an alternative has set on the
request before it refused is forgotten: nobody shall be taken for whom it had found.

It does **not** combine permissions: a request is let through as the first link has seen it, and the others never run.

    router.add_get("/posts", any_of(basic_auth(check_password), bearer_auth(check_token)), list_posts)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import hdrs, web

from ..answer import settle
from ..declarations import provided_by
from ..naming import name_link
from ..support.access.challenges import unauthorized
from ..support.battery import MiddlewareBattery, guard_battery, middleware_battery
from ..support.cors.preflight import refuse_policies
from ..support.headers import copy_registered, restore_registered
from ..support.sequence import bind, required_outside
from ..typedefs import Handler, Link

__all__ = ("any_of",)

_BATTERY = "any_of()"
_REFUSALS = (web.HTTPUnauthorized.status_code, web.HTTPForbidden.status_code)

Declare = Callable[..., Callable[[Callable[..., Any]], MiddlewareBattery]]


def any_of(*links: Link) -> MiddlewareBattery:
    """Let a request through if one of several links does, asked in order.

    Args:
        links: guards and middlewares; a list is one alternative, whose links run in order.

    Raises:
        ConfigurationError: there are no links.
        RegistrationError: one of the links is not one.

    Responds:
        401 with all challenges, the same one once, or 403, if all refuse.

    Source:
        RFC 9110, section 11.6.1.

    Example:
        any_of(basic_auth(check_password), bearer_auth(check_token))
    """
    alternatives = [bind(_BATTERY, [link]) for link in links] or [bind(_BATTERY, [])]
    refuse_policies(_BATTERY, [link for one in alternatives for link in one.links])
    provided = [frozenset(key for link in one.links for key in provided_by(link)) for one in alternatives]
    required = dict.fromkeys(key for one in alternatives for key in required_outside(one.links))
    names = ", ".join(" + ".join(map(name_link, one.links)) for one in alternatives)

    ways = [(one.ask, one.run) for one in alternatives]
    # a guard if all of them are: a chain then calls it without a frame around what follows
    declare: Declare = guard_battery if all(ask for ask, _ in ways) else middleware_battery

    @declare(f"any_of({names})", provided=tuple(frozenset.intersection(*provided)), required=tuple(required))
    async def any_of(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        refusals: list[web.StreamResponse] = []
        before, registered = {key: request[key] for key in request}, copy_registered(request)
        for ask, run in ways:
            attempt = _UNUSED if ask else _Attempt(handler)
            try:
                answer = await (ask(request) if ask else run(request, attempt))
            except web.HTTPException as error:
                if attempt.has_passed:
                    raise
                answer = error
            if attempt.has_passed:
                return answer
            if answer is None:  # guards alone, none of which has refused
                return await handler(request) if handler else None
            if answer.status not in _REFUSALS or answer.prepared:  # what has begun to be sent is the answer
                return settle(answer, any_of, request)
            refusals.append(answer)
            _restore(request, before)
            restore_registered(request, registered)
        return settle(_choose(refusals), any_of, request)

    return any_of


class _Attempt:
    """What follows, and whether an alternative that calls it has come so far."""

    __slots__ = ("_handler", "has_passed")

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self.has_passed = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.has_passed = True
        answer: web.StreamResponse = await self._handler(request)
        return answer


_UNUSED = _Attempt(None)  # for guards, which call nothing


def _restore(request: web.Request, before: Mapping[Any, Any]) -> None:
    request.clear()
    request.update(before)


def _choose(refusals: Sequence[web.StreamResponse]) -> web.StreamResponse:
    for refusal in refusals:
        if refusal.status == web.HTTPForbidden.status_code:
            return refusal
    challenges = [one for refusal in refusals for one in refusal.headers.getall(hdrs.WWW_AUTHENTICATE, ())]
    return unauthorized(list(dict.fromkeys(challenges)))  # several ways in may ask for the same
