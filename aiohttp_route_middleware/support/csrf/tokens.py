"""Tokens that a page must send back: an HMAC over the id in a cookie and the session, masked afresh whenever shown.

Rules kept here: an id is public to who has it, a token cannot be made without a key; the bytes that are signed tell
an id from a session whatever they contain; a token is never shown twice in the same letters, so that the size of a
compressed page tells nothing of it (BREACH).
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Sequence

__all__ = ("is_id", "is_valid", "make_id", "make_token")

_SIZE = 32  # of an HMAC with SHA-256, and of the mask
_ID = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 bits
_TOKEN = re.compile(r"[A-Za-z0-9_-]{86}")  # mask and masked HMAC, in base64url without padding


def make_id() -> str:
    """A new id, of 128 random bits."""
    return secrets.token_urlsafe(16)


def is_id(text: str) -> bool:
    """Whether a text looks like an id; nothing else is signed."""
    return _ID.fullmatch(text) is not None


def make_token(key: bytes, identifier: str, session: bytes | None) -> str:
    """A token for an id in a session, another text at each call."""
    mask = secrets.token_bytes(_SIZE)
    return base64.urlsafe_b64encode(mask + _xor(mask, _sign(key, identifier, session))).decode().rstrip("=")


def is_valid(token: str, keys: Sequence[bytes], identifier: str, session: bytes | None) -> bool:
    """Whether a token was made for this id and this session, with one of the keys."""
    if not _TOKEN.fullmatch(token):  # b64decode() would pass over what it does not know
        return False
    decoded = base64.urlsafe_b64decode(f"{token}==")
    signature = _xor(decoded[:_SIZE], decoded[_SIZE:])
    return any(hmac.compare_digest(signature, _sign(key, identifier, session)) for key in keys)


def _sign(key: bytes, identifier: str, session: bytes | None) -> bytes:
    """The id has a fixed length, one byte tells no session from an empty one, and the session is all the rest."""
    bound = b"\0" if session is None else b"\1" + session
    return hmac.digest(key, b"csrf_token\0" + identifier.encode() + bound, "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(_SIZE, "big")
