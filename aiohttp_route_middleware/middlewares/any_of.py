"""One of several ways in: the first link that lets the request through is enough.

For routes that take a session as well as a token. The next one is asked after 401, 403 and 503, so that an issuer of
tokens whose keys cannot be fetched does not shut out those of another. When none lets the request through, the answer
is the first of these that there is:

1. a 503: who could not be asked might have let it through;
2. a 403 of an alternative that knew who was asking, which has set `IDENTITY`;
3. one 401 with the challenges of all, so that a client can choose (RFC 9110, section 11.6.1);
4. a 403, if there is no challenge.

Any other answer ends the search: it is not a refusal. What an alternative has set on the request, and on the response
to be, before it refused is forgotten: nobody shall be taken for whom it had found. So `sessions()` cannot stand in
it, for its cookie would be lost: put that before, and in here what reads the session.

It does **not** combine permissions: a request is let through as the first link has seen it, and the others never run.

    router.add_get("/posts", any_of(basic_auth(check_password), bearer_auth(check_token)), list_posts)

**A session as well as a token.** Put `sessions()` before it, and make a guard that refuses whoever has not logged in;
therefore it may declare that it sets `IDENTITY`. What a browser sends by itself needs `csrf()`, a token does not:

    @requires(SESSION)
    @provides(IDENTITY)
    async def session_user(request: web.Request) -> None:
        if "user" not in request[SESSION]:
            raise web.HTTPUnauthorized
        request[IDENTITY] = Identity(request[SESSION]["user"])

    either = any_of([csrf(), session_user], bearer_auth(check_token))
    router.add_get("/api/me", either, show_me)
    router.add_post("/api/posts", either, authorise(["post:write"]), create_post)

All of it runs in examples/session_or_token.py; `jwt_auth()` stands in the place of `bearer_auth()` just as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from aiohttp import web

from ..answer import settle
from ..declarations import provided_by
from ..errors import ConfigurationError
from ..marks import set_mark
from ..naming import name_link
from ..support.access.refusals import REFUSALS, Refusal, choose_refusal, knew_who
from ..support.battery import MiddlewareBattery, guard_battery, middleware_battery
from ..support.cors.preflight import check_no_policy
from ..support.network.addresses import mark_judged_by_peer, was_judged_by_peer
from ..support.responses import copy_registered, restore_registered
from ..support.sequence import Bound, bind, required_outside
from ..support.sessions.placement import check_no_session
from ..typedefs import Handler, Link

__all__ = ("any_of",)

_BATTERY = "any_of()"

Declare = Callable[..., Callable[[Callable[..., Any]], MiddlewareBattery]]


def any_of(*links: Link) -> MiddlewareBattery:
    """Let a request through if one of several links does, asked in order.

    Args:
        links: guards and middlewares; a list is one alternative, whose links run in order.

    Raises:
        ConfigurationError: there are no links, or `sessions()`, `session_storages()` or `cors()` is among them.
        RegistrationError: one of the links is not one.

    Responds:
        401 with all challenges, the same one once, 403 or 503, if none lets through.

    Source:
        RFC 9110, section 11.6.1.

    Example:
        any_of(basic_auth(check_password), bearer_auth(check_token))
    """
    if not links:
        raise ConfigurationError(_BATTERY, "there are no links", cure="pass at least one")
    alternatives = [_bind(link) for link in links]
    provided = [frozenset(key for link in one.links for key in provided_by(link)) for one in alternatives]
    required = dict.fromkeys(key for one in alternatives for key in required_outside(one.links))
    names = ", ".join(" + ".join(map(name_link, one.links)) for one in alternatives)

    ways = [(one.ask, one.run) for one in alternatives]
    # a guard if all of them are: a chain then calls it without a frame around what follows
    declare: Declare = guard_battery if all(ask for ask, _ in ways) else middleware_battery

    @declare(f"any_of({names})", provided=tuple(frozenset.intersection(*provided)), required=tuple(required))
    async def any_of(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        refusals: list[Refusal] = []
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
            if answer.status not in REFUSALS or answer.prepared:  # what has begun to be sent is the answer
                return settle(answer, any_of, request)
            refusals.append(Refusal(answer, knew_who(request, before)))
            _restore(request, before)
            restore_registered(request, registered)
        return settle(choose_refusal(request, refusals), any_of, request)

    set_mark(
        any_of, "__alternatives__", tuple(one.links for one in alternatives)
    )  # for advice, where a key is lacking
    return any_of


def _bind(alternative: Link) -> Bound:
    bound = bind(_BATTERY, [alternative])
    check_no_policy(_BATTERY, bound.links)
    check_no_session(_BATTERY, bound.links)
    return bound


class _Attempt:
    """What follows, and whether an alternative that calls it has come so far."""

    __slots__ = ("_handler", "has_passed")

    def __init__(self, handler: Handler | None) -> None:
        self._handler = handler
        self.has_passed = False

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.has_passed = True
        return await cast(Handler, self._handler)(request)  # a middleware calls it, which always stands before one


_UNUSED = _Attempt(None)  # for guards, which call nothing


def _restore(request: web.Request, before: Mapping[Any, Any]) -> None:
    judged_by_peer = was_judged_by_peer(request)
    request.clear()
    request.update(before)
    if judged_by_peer:  # a `client_address()` behind comes too late all the same
        mark_judged_by_peer(request)
