"""What somebody may do, as an authorization policy of aiohttp-security decides.

For applications that have an `AbstractAuthorizationPolicy`, and want it in chains, behind `identify()` or any other
authenticator. It is passed, or is the one that `aiohttp_security.setup(app, ...)` has put into the application.

    from aiohttp_route_middleware.adapters.identify import identify
    from aiohttp_route_middleware.adapters.permit import permit

    aiohttp_security.setup(app, SessionIdentityPolicy(), Permissions(database))
    router.add_delete("/posts/{id}", identify(), permit("post:delete"), delete_post)

It fails closed, other than `aiohttp_security.permits()`, which permits everything in an application that was not set
up: that is a 500 here, whose cure is in the log. So is a policy that raises. A permission is granted by `True` alone;
a policy that returns nothing, or what only counts as true, refuses.

It does **not** find out who is asking, and does **not** ask the policy about strangers: they are refused, also where
it would permit them something. Leave `permit()` out of routes that are for everybody.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from aiohttp import web

from ..option_checks import refuse_option
from ..support.access.challenges import check_realm, forbidden, unauthorized, write_challenge
from ..support.access.identity import IDENTITY, Identity
from ..support.access.security_policies import AbstractAuthorizationPolicy, UserIdentity, find_authorization_policy
from ..support.battery import GuardBattery, call, guard_battery, read_function
from ..typedefs import Handler

__all__ = ("permit",)

_BATTERY = "permit()"


def permit(
    permission: str | enum.Enum,
    *,
    context: Callable[[web.Request], Any] | None = None,
    authorization_policy: AbstractAuthorizationPolicy | None = None,
    realm: str = "protected",
) -> GuardBattery:
    """Let pass whom the authorization policy permits something.

    It asks about the identity that the policy knows from `identify()`; behind another authenticator, the subject.

    Args:
        permission: a text, or a member of an enumeration.
        context: what the policy is told of the request, by a function of it, async or plain; default nothing.
        authorization_policy: default that of the application.
        realm: of the challenge, printable ASCII; default `"protected"`.

    Raises:
        ConfigurationError: an option is wrong. At the first request: there is no policy.

    Responds:
        403 unless the policy answers `True`; 500 if it raises, or the context does. 401 with
        `WWW-Authenticate: Bearer realm="protected"` if nobody is known.

    Reads/Sets:
        reads `IDENTITY`, and what the context reads.

    Source:
        RFC 9110, section 11.6.1: each 401 has a challenge.

    Example:
        permit("post:delete", context=lambda request: request.match_info["id"])
    """
    _check_permission(permission)
    tell = read_function(_BATTERY, "context", context)
    find_authorization = find_authorization_policy(_BATTERY, authorization_policy)
    challenges = [write_challenge("Bearer", {"realm": check_realm(_BATTERY, realm)})]

    @guard_battery(f"permit({permission!s})", required=(IDENTITY,))
    async def permit(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        authorization = find_authorization(request)
        identity = request.get(IDENTITY)
        if not isinstance(identity, Identity):
            raise unauthorized(challenges)
        known_as = identity.claimed if isinstance(identity, UserIdentity) else identity.subject
        told = None if tell is None else await tell(request)
        if await call(authorization.permits, known_as, permission, told) is not True:
            raise forbidden()
        return await handler(request) if handler else None

    return permit


def _check_permission(permission: object) -> None:
    if not isinstance(permission, (str, enum.Enum)) or permission == "" or not str(permission).isprintable():
        cure = "pass a text on one line, or a member of an enumeration"
        raise refuse_option(_BATTERY, "permission", permission, cure)
