"""The demo's users. Their tokens are made anew at each start, so that none is ever written down."""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

_SCOPES = {
    "reader": ["post:read"],
    "writer": ["post:read", "post:write", "comment:write"],
    "admin": ["post:read", "admin"],
}


@dataclass(frozen=True)
class User:
    name: str
    scopes: frozenset[str]
    token: str = field(repr=False)


def make_users() -> dict[str, User]:
    return {name: User(name, frozenset(scopes), secrets.token_urlsafe(16)) for name, scopes in _SCOPES.items()}


def find_user(users: Iterable[User], token: str) -> User | None:
    """Find the user with this token, in a time that tells nothing about the tokens there are."""
    sent = token.encode(errors="surrogateescape")  # as aiohttp decodes header fields
    found = None
    for user in users:
        if hmac.compare_digest(sent, user.token.encode()):
            found = user
    return found
