"""Who is asking: what every authenticator sets, and `authorise()` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from aiohttp import web

from ...errors import ConfigurationError
from ...keys import note_key

__all__ = ("IDENTITY", "Identity", "read_identity")

_NO_CLAIMS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking, as an authenticator has found out.

    Args:
        subject: the name or id of a user or client.
        scopes: what it may do; by default nothing.
        claims: what else is known of it; by default nothing.

    Raises:
        ConfigurationError: `scopes` is one text, in which any part of a scope would be found.
    """

    subject: str
    scopes: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=lambda: _NO_CLAIMS, hash=False)

    def __post_init__(self) -> None:
        if isinstance(cast(object, self.scopes), str):
            raise ConfigurationError("Identity()", "scopes is one text", cure="write frozenset(text.split())")
        object.__setattr__(self, "scopes", frozenset(self.scopes))  # of a list, too


IDENTITY = note_key(
    web.RequestKey("IDENTITY", Identity),
    "middlewares.IDENTITY",
    set_by="an authenticator, such as bearer_auth(), jwt_auth() or basic_auth(),",
)


def read_identity(battery: str, found: object, subject: str) -> Identity | None:
    """Return what a `verify` callable meant: an `Identity`, a subject, `True` for the given one; else nobody.

    Raises:
        ConfigurationError: it returned something else; nobody is let in by mistake.
    """
    if found is None or found is False:
        return None
    if isinstance(found, Identity):
        return found
    if found is True:
        return Identity(subject)
    if isinstance(found, str) and found:
        return Identity(found)
    raise ConfigurationError(
        battery,
        f"verify() returned {type(found).__qualname__}",
        cure="return an Identity, a subject as text, True, or None to refuse",
    )
