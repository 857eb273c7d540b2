"""What must not be read in a log: credentials in queries and headers, in part or as a whole."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import unquote_plus

__all__ = ("MASK", "SECRET_HEADERS", "SECRET_PARAMETERS", "mask_header", "mask_query")

MASK = "***"
SECRET_HEADERS = frozenset(
    ("authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key", "x-auth-token", "x-csrf-token")
)
SECRET_PARAMETERS = frozenset(
    (
        *("access_token", "api_key", "apikey", "assertion", "client_secret", "code"),
        *("id_token", "key", "passwd", "password", "refresh_token", "secret"),
        *("session", "sig", "signature", "state", "token"),
    )
)


def mask_query(query: str, secrets: Collection[str]) -> str:
    """Return a raw query without the values of some parameters.

    Args:
        query: as it was sent, without the question mark.
        secrets: names in lower case; compared without regard to case, and decoded.
    """
    if not query:
        return query
    return "&".join(_mask_pair(pair, secrets) for pair in query.split("&"))


def mask_header(name: str, value: str, secrets: Collection[str]) -> str:
    """Return the value of a header, or of a secret one its scheme alone, if it has one, as in `Bearer ***`."""
    if name.lower() not in secrets:
        return value
    scheme, blank, _ = value.partition(" ")
    is_scheme = blank and name.lower().endswith("authorization")
    return f"{scheme} {MASK}" if is_scheme else MASK


def _mask_pair(pair: str, secrets: Collection[str]) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={MASK}" if equals and unquote_plus(name).strip().lower() in secrets else pair
