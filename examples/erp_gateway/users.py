"""The partners, and whether a password is right. They are kept in memory, and gone at the end."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

# OWASP, Password Storage Cheat Sheet: 16 MiB, and a moment of a processor, for each guess
COST = {"n": 2**14, "r": 8, "p": 5}


@dataclass
class User:
    login: str
    shop: str
    scopes: frozenset[str]
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)


class Users:
    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        # No password has this digest. Strangers are compared with it, so that they wait as long as users do.
        self._nobody = User("", "", frozenset(), secrets.token_bytes(16), secrets.token_bytes(32))

    async def add(self, login: str, shop: str, scopes: frozenset[str], password: str) -> None:
        salt = secrets.token_bytes(16)
        self._users[login] = User(login, shop, scopes, salt, await hash_password(password, salt))

    async def check(self, login: str, password: str) -> User | None:
        """Return the user, if the password is right, in a time that tells nothing about either."""
        user = self._users.get(login, self._nobody)
        digest = await hash_password(password, user.salt)
        return user if hmac.compare_digest(digest, user.digest) else None


async def hash_password(password: str, salt: bytes) -> bytes:
    """Hash a password with scrypt, in a thread, so that others are served meanwhile."""
    encoded = password.encode("utf-8", "surrogatepass")
    return await asyncio.to_thread(hashlib.scrypt, encoded, salt=salt, dklen=32, **COST)
