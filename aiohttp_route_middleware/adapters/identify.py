"""Who is asking, as the policies of aiohttp-security find out: an identity policy, and an authorization policy.

For applications that have an `AbstractIdentityPolicy` and an `AbstractAuthorizationPolicy`, and want them in chains.
They are passed, or are those that `aiohttp_security.setup(app, ...)` has put into the application.

    from aiohttp_route_middleware.adapters.identify import identify
    from aiohttp_route_middleware.adapters.permit import permit

    aiohttp_security.setup(app, SessionIdentityPolicy(), Permissions(database))
    router.add_delete("/posts/{id}", identify(), permit("post:delete"), delete_post)

It fails closed: in an application that was not set up the answer is 500, and the cure is in the log. So it is if the
authorization policy raises.

An identity policy only tells what the client claims; it is the authorization policy that must find the user in
`authorized_userid()`. It does **not** protect what those policies do not: `CookiesIdentityPolicy` believes an
unsigned cookie, which anybody can write.

Strangers are refused. For pages with a login, let them come as far as `authorise(redirect="/login")`, which tells
more of it:

    pages = router.group("", any_of(identify(), anyone), given=[IDENTITY])
    pages.add_get("/account", authorise(redirect="/login"), show_account)
"""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web

from ..errors import ConfigurationError
from ..support.access.challenges import check_realm, unauthorized, write_challenge
from ..support.access.identity import IDENTITY
from ..support.access.security_policies import (
    AbstractAuthorizationPolicy,
    AbstractIdentityPolicy,
    UserIdentity,
    find_authorization_policy,
    find_identity_policy,
)
from ..support.battery import GuardBattery, call, guard_battery
from ..typedefs import Handler

__all__ = ("UserIdentity", "identify")

_BATTERY = "identify()"
_logger = logging.getLogger(__name__)


def identify(
    identity_policy: AbstractIdentityPolicy | None = None,
    authorization_policy: AbstractAuthorizationPolicy | None = None,
    *,
    realm: str = "protected",
) -> GuardBattery:
    """Let in the user whom the identity policy names and the authorization policy knows.

    Args:
        identity_policy: default that of the application.
        authorization_policy: default that of the application.
        realm: of the challenge, printable ASCII; default `"protected"`.

    Raises:
        ConfigurationError: a policy is none. At the first request: there is no policy, or the user id is not a text.

    Responds:
        401 with `WWW-Authenticate: Bearer realm="protected"` if the identity policy names nobody, or raises, as
        `JWTIdentityPolicy` does at a token that it does not like; and if the authorization policy knows no such user.
        500 if the authorization policy raises.

    Reads/Sets:
        reads what the identity policy reads; sets `IDENTITY`, without scopes.

    Source:
        RFC 9110, section 11.6.1: each 401 has a challenge.

    Example:
        identify(SessionIdentityPolicy(), Permissions(database))
    """
    find_identity = find_identity_policy(_BATTERY, identity_policy)
    find_authorization = find_authorization_policy(_BATTERY, authorization_policy)
    challenges = [write_challenge("Bearer", {"realm": check_realm(_BATTERY, realm)})]

    @guard_battery(provided=(IDENTITY,))
    async def identify(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        identity, authorization = find_identity(request), find_authorization(request)
        claimed = await _identify(identity, request)
        if not isinstance(claimed, str) or not claimed:
            raise unauthorized(challenges)
        user = _read_user(await call(authorization.authorized_userid, claimed))
        if user is None:
            raise unauthorized(challenges)
        request[IDENTITY] = UserIdentity(user, claimed=claimed)
        return await handler(request) if handler else None

    return identify


async def _identify(policy: AbstractIdentityPolicy, request: web.Request) -> Any:
    try:
        return await call(policy.identify, request)
    except web.HTTPException:
        raise  # an answer of its own
    except Exception as error:  # whatever it is, nobody was identified; its text may quote the credentials
        _logger.warning("%s.identify() raised %s", type(policy).__qualname__, type(error).__qualname__)
        return None


def _read_user(user: object) -> str | None:
    if not user:
        return None
    if not isinstance(user, str):
        problem = f"authorized_userid() returned {type(user).__qualname__}"
        raise ConfigurationError(_BATTERY, problem, cure="return the user id as text, or None")
    return user
