"""The policies of aiohttp-security: passed, or found in the application; and the identity that they tell.

Rules kept here: an application without policies lets nobody pass; aiohttp-security itself permits everything there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from aiohttp import web

from ...errors import ConfigurationError, MissingDependencyError
from ...naming import describe
from .identity import Identity

try:
    from aiohttp_security import AbstractAuthorizationPolicy, AbstractIdentityPolicy
    from aiohttp_security.api import AUTZ_KEY, IDENTITY_KEY
except ImportError as _error:
    raise MissingDependencyError("aiohttp-security", "security") from _error

__all__ = (
    "AbstractAuthorizationPolicy",
    "AbstractIdentityPolicy",
    "UserIdentity",
    "find_authorization_policy",
    "find_identity_policy",
)

_P = TypeVar("_P")
Find: TypeAlias = Callable[[web.Request], _P]


@dataclass(frozen=True, slots=True)
class UserIdentity(Identity):
    """Who is asking, as `identify()` has found out: the subject is the user id.

    Args:
        claimed: what the identity policy has told, which the authorization policy wants to hear again.
    """

    claimed: str = ""


def find_identity_policy(battery: str, policy: AbstractIdentityPolicy | None) -> Find[AbstractIdentityPolicy]:
    """Return what finds the identity policy for a request: the one that was passed, or that of the application.

    Raises:
        ConfigurationError: it is none; at a request, that there is none.
    """
    return _find(battery, policy, IDENTITY_KEY, AbstractIdentityPolicy)


def find_authorization_policy(
    battery: str, policy: AbstractAuthorizationPolicy | None
) -> Find[AbstractAuthorizationPolicy]:
    """Return what finds the authorization policy, as `find_identity_policy()` does."""
    return _find(battery, policy, AUTZ_KEY, AbstractAuthorizationPolicy)


def _find(battery: str, policy: _P | None, key: web.AppKey[_P], kind: type[Any]) -> Find[_P]:
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
