"""The policies of aiohttp-security as links: `identify()` finds out who is asking, `permit()` asks what that one may.

For applications that have an `AbstractIdentityPolicy` and an `AbstractAuthorizationPolicy`, and want them in chains.
The policies are passed, or are those that `aiohttp_security.setup(app, ...)` has put into the application.

    aiohttp_security.setup(app, SessionIdentityPolicy(), Permissions(database))
    router.add_delete("/posts/{id}", identify(), permit("post:delete"), delete_post)

Both fail closed, other than `aiohttp_security.permits()`, which permits everything in an application that was not set
up: that is a 500 here, whose cure is in the log. So is an authorization policy that raises. A permission is granted
by `True` alone; a policy that returns nothing, or what only counts as true, refuses.

An identity policy only tells what the client claims; it is the authorization policy that must find the user in
`authorized_userid()`. It does **not** protect what those policies do not: `CookiesIdentityPolicy` believes an
unsigned cookie, which anybody can write. Strangers are refused, also where a policy would permit them something:
leave `permit()` out of routes that are for everybody.

For pages with a login, let strangers come as far as `authorise(redirect="/login")`, which tells more of it:

    pages = router.group("", any_of(identify(), anyone), given=[IDENTITY])
    pages.add_get("/account", authorise(redirect="/login"), show_account)
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

from ..errors import ConfigurationError, MissingDependencyError
from ..naming import describe
from ..support.battery import GuardBattery, call, guard_battery
from ..support.challenges import check_realm, forbid, unauthorized, write_challenge
from ..support.identity import IDENTITY, Identity
from ..typedefs import Handler

try:
    from aiohttp_security import AbstractAuthorizationPolicy, AbstractIdentityPolicy
    from aiohttp_security.api import AUTZ_KEY, IDENTITY_KEY
except ImportError as _error:
    raise MissingDependencyError("aiohttp-security", "security") from _error

__all__ = ("PolicyIdentity", "identify", "permit")

_P = TypeVar("_P")

logger: logging.Logger = logging.getLogger(__package__)


@dataclass(frozen=True, slots=True)
class PolicyIdentity(Identity):
    """Who is asking, as `identify()` has found out: the subject is the user id.

    Args:
        claimed: what the identity policy has told, which the authorization policy wants to hear again.
    """

    claimed: str = ""


def identify(
    identity_policy: AbstractIdentityPolicy | None = None,
    authorization_policy: AbstractAuthorizationPolicy | None = None,
    *,
    realm: str = "protected",
) -> GuardBattery:
    """Set `IDENTITY` to the user whom the identity policy names and the authorization policy knows.

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

    Sets:
        `request[IDENTITY]`, without scopes.

    Example:
        identify(SessionIdentityPolicy(), Permissions(database))
    """
    find_identity_policy = _find("identify()", identity_policy, IDENTITY_KEY, AbstractIdentityPolicy)
    find_authorization_policy = _find("identify()", authorization_policy, AUTZ_KEY, AbstractAuthorizationPolicy)
    challenges = [write_challenge("Bearer", {"realm": check_realm("identify()", realm)})]

    @guard_battery("identify()", provided=(IDENTITY,))
    async def identify(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        identity_policy, authorization_policy = find_identity_policy(request), find_authorization_policy(request)
        claimed = await _identify(identity_policy, request)
        if not isinstance(claimed, str) or not claimed:
            raise unauthorized(challenges)
        user = await call(authorization_policy.authorized_userid, claimed)
        if not user:
            raise unauthorized(challenges)
        if not isinstance(user, str):
            raise ConfigurationError(
                "identify()",
                f"authorized_userid() returned {type(user).__qualname__}",
                cure="return the user id as text, or None",
            )
        request[IDENTITY] = PolicyIdentity(user, claimed=claimed)
        return await handler(request) if handler else None

    return identify


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

    Reads:
        `request[IDENTITY]`.

    Example:
        permit("post:delete", context=lambda request: request.match_info["id"])
    """
    if not isinstance(permission, (str, enum.Enum)) or permission == "" or not str(permission).isprintable():
        raise ConfigurationError(
            "permit()", f"the permission {permission!r}", cure="pass a text on one line, or a member of an enumeration"
        )
    if context is not None and not callable(context):
        raise ConfigurationError("permit()", f"the context is {describe(context)}", cure="pass a function (request)")
    find_policy = _find("permit()", authorization_policy, AUTZ_KEY, AbstractAuthorizationPolicy)
    challenges = [write_challenge("Bearer", {"realm": check_realm("permit()", realm)})]

    @guard_battery(f"permit({permission!s})", required=(IDENTITY,))
    async def permit(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        policy = find_policy(request)
        identity = request.get(IDENTITY)
        if not isinstance(identity, Identity):
            raise unauthorized(challenges)
        known_as = identity.claimed if isinstance(identity, PolicyIdentity) else identity.subject
        told = None if context is None else await call(context, request)
        if await call(policy.permits, known_as, permission, told) is not True:
            raise forbid("")
        return await handler(request) if handler else None

    return permit


async def _identify(policy: AbstractIdentityPolicy, request: web.Request) -> Any:
    try:
        return await call(policy.identify, request)
    except web.HTTPException:
        raise  # an answer of its own
    except Exception as error:  # whatever it is, nobody was identified; its text may quote the credentials
        logger.warning("%s.identify() raised %s", type(policy).__qualname__, type(error).__qualname__)
        return None


def _find(battery: str, policy: _P | None, key: web.AppKey[_P], kind: type[Any]) -> Callable[[web.Request], _P]:
    """Return what finds the policy for a request: the one that was passed, or that of the application."""
    if policy is not None and not isinstance(policy, kind):
        raise ConfigurationError(
            battery, f"{describe(policy)} is no {kind.__name__}", cure="pass an object of a class that derives from it"
        )

    def find(request: web.Request) -> _P:
        found = request.config_dict.get(key) if policy is None else policy
        if found is None:
            raise ConfigurationError(
                battery,
                f"the application has no {kind.__name__}",
                cure="call aiohttp_security.setup(app, ...) before it starts, or pass the policy",
            )
        return found

    return find
