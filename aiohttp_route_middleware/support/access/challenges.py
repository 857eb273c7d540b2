"""Refusals with `WWW-Authenticate`: who is asking must first say who it is (RFC 9110, section 11.6.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import hdrs, web
from multidict import CIMultiDict

from ...option_checks import refuse_option
from ...syntax import quote

__all__ = ("check_realm", "forbidden", "unauthorized", "write_challenge")


def check_realm(battery: str, realm: object) -> str:
    """Return a realm that can be written into a header; refuse line breaks and what no header may hold."""
    if not isinstance(realm, str) or not realm.isascii() or not realm.isprintable():
        raise refuse_option(battery, "realm", realm, "write it in printable ASCII, on one line")
    return realm


def write_challenge(scheme: str, parameters: Mapping[str, str]) -> str:
    """Write one challenge: `Bearer realm="api", error="invalid_token"`."""
    return f"{scheme} {', '.join(f'{name}={quote(value)}' for name, value in parameters.items())}".rstrip()


def unauthorized(challenges: Sequence[str]) -> web.HTTPUnauthorized:
    """A 401 with one `WWW-Authenticate` field for each challenge."""
    return web.HTTPUnauthorized(headers=CIMultiDict((hdrs.WWW_AUTHENTICATE, one) for one in challenges))


def forbidden(challenge: str = "") -> web.HTTPForbidden:
    """A 403 that says what is missing, if that would help: RFC 6750, section 3.1, `insufficient_scope`."""
    return web.HTTPForbidden(headers={hdrs.WWW_AUTHENTICATE: challenge} if challenge else None)
