"""Secrets to sign with: one, or several of which the first signs and all are accepted."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ConfigurationError

__all__ = ("read_secrets",)

_SHORTEST = 32  # bytes: RFC 2104, section 3, discourages keys that are shorter than the hash
_CURE = "make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def read_secrets(battery: str, secret: str | bytes | Sequence[str | bytes]) -> tuple[bytes, ...]:
    """Return secrets as bytes, the one to sign with first.

    Raises:
        ConfigurationError: there is none, or one is too short; none is shown.
    """
    listed = [secret] if isinstance(secret, (str, bytes)) else secret
    if not isinstance(listed, (list, tuple)) or not listed:
        raise ConfigurationError(battery, "there is no secret", cure=_CURE)
    return tuple(_read_one(battery, one) for one in listed)


def _read_one(battery: str, secret: object) -> bytes:
    if not isinstance(secret, (str, bytes)):
        raise ConfigurationError(battery, f"a secret is {type(secret).__qualname__}", cure=_CURE)
    key = _encode(battery, secret) if isinstance(secret, str) else secret
    if len(key) < _SHORTEST:
        raise ConfigurationError(battery, f"a secret has {len(key)} bytes, not {_SHORTEST}", cure=_CURE)
    return key


def _encode(battery: str, secret: str) -> bytes:
    try:
        return secret.encode(errors="surrogateescape")  # the bytes themselves, if the environment had no text
    except UnicodeEncodeError:
        problem = "a secret has characters that cannot be encoded"
    raise ConfigurationError(battery, problem, cure=_CURE)  # out here, for that error holds the secret
