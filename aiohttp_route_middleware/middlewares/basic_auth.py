"""A user name and a password with each request, as browsers and `curl -u` send them (RFC 7617).

For internal pages, for scripts, and as one of several ways in. The password travels with each request, readable by
whoever reads the connection: serve it over https only.

It does **not** slow down who tries passwords (put a rate limit before it), it does not log out, and browsers send the
password on their own, also when another site makes them: a form behind it needs `csrf()` as well. A password that is
kept should be kept as a slow hash, as of argon2 or scrypt; compare it in `verify`. A mapping of users to passwords
suits a handful that come from the environment.

RFC 7617 allows an empty password, and `verify` is asked about it: a client may send a key in place of the name, and
nothing else. If `verify` passes the password on to a directory, let it refuse an empty one itself: LDAP takes a name
without a password for a visitor, and says that all is well (RFC 4513, section 5.1.2), whoever is named.

    async def check_password(user, password):
        return await accounts.find(user, password)  # an Identity, a subject, True, or None to refuse

    router.add_get("/admin", basic_auth(check_password, realm="admin"), show_admin)
    router.add_get("/metrics", basic_auth({"prometheus": os.environ["METRICS_PASSWORD"]}), show_metrics)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from ..errors import ConfigurationError
from ..support.access.challenges import check_realm, unauthorized, write_challenge
from ..support.access.credentials import MalformedCredentialsError, bind_verify, read_credentials
from ..support.access.identity import IDENTITY, read_identity
from ..support.battery import GuardBattery, guard_battery
from ..typedefs import Handler

__all__ = ("basic_auth", "decode_basic")

_BATTERY = "basic_auth()"

# RFC 7617, section 2: neither part may hold a control character (CTL of RFC 5234)
_find_control = re.compile(r"[\x00-\x1f\x7f]").search


def basic_auth(verify: Callable[[str, str], Any] | Mapping[str, str], *, realm: str = "protected") -> GuardBattery:
    """Let in who sends a user name and a password that are right.

    Args:
        verify: called with the user name and the password, async or plain; it returns an `Identity`, a subject,
            `True` for the name that was sent, or `None` to refuse. Or a mapping of users to passwords, which are
            compared in constant time. With `verify`, either may be empty, as RFC 7617 allows. Both are as
            sent: compare what is not ASCII in one normal form.
        realm: what browsers show when they ask for the password; default `"protected"`.

    Raises:
        ConfigurationError: `verify` is neither, a user can never log in, or the realm cannot be written.

    Responds:
        401 with `Basic realm="...", charset="UTF-8"`; 400 if there are several `Authorization` fields, or a huge one.

    Reads/Sets:
        reads `Authorization`; sets `IDENTITY`.

    Source:
        RFC 7617, sections 2 and 2.1.

    Example:
        basic_auth(check_password, realm="admin")
    """
    ask = _bind(verify)
    # RFC 7617, section 2.1: the one value that charset may have
    challenge = [write_challenge("Basic", {"realm": check_realm(_BATTERY, realm), "charset": "UTF-8"})]

    @guard_battery(provided=(IDENTITY,))
    async def basic_auth(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        sent = _read(request)
        identity = read_identity(_BATTERY, await ask(*sent), sent[0]) if sent else None
        if identity is None:
            raise unauthorized(challenge)
        request[IDENTITY] = identity
        return await handler(request) if handler else None

    return basic_auth


def decode_basic(credentials: str) -> tuple[str, str] | None:
    """Return the user name and the password; `None` if these are no Basic credentials.

    Example:
        decode_basic("dGVzdDoxMjPCow==")  # ("test", "123£")
    """
    try:
        raw = base64.b64decode(credentials)
        decoded = raw.decode()
    except ValueError:  # no base64, or no UTF-8
        return None
    if base64.b64encode(raw).decode() != credentials:  # Python decodes more than RFC 4648 encodes
        return None
    # RFC 7617, section 2: the name ends at the first colon; the password may hold others
    user, colon, password = decoded.partition(":")
    return (user, password) if colon and not _find_control(decoded) else None


def _read(request: web.Request) -> tuple[str, str] | None:
    try:
        credentials = read_credentials(request.headers, "basic")
    except MalformedCredentialsError as error:
        raise web.HTTPBadRequest(text=f"400: {error}") from error
    return None if credentials is None else decode_basic(credentials)


def _bind(verify: Callable[[str, str], Any] | Mapping[str, str]) -> Callable[[str, str], Awaitable[Any]]:
    if isinstance(verify, Mapping):
        return _compare_with(verify)
    return bind_verify(_BATTERY, verify, takes="user, password")


def _compare_with(users: Mapping[str, str]) -> Callable[[str, str], Awaitable[bool]]:
    if not users:
        raise ConfigurationError(_BATTERY, "there are no users", cure="pass at least one, with a password")
    # digests have one length, so that a comparison tells nothing of a password's length either
    digests = {user: _digest(password) for user, password in users.items() if _check_user(user, password)}
    nobody = secrets.token_bytes(32)

    async def verify(user: str, password: str) -> bool:
        # an unknown user costs what a known one does
        return hmac.compare_digest(_digest(password), digests.get(user, nobody))

    return verify


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()


def _check_user(user: object, password: object) -> bool:
    if not isinstance(user, str) or not isinstance(password, str) or not password:
        raise ConfigurationError(_BATTERY, f"user {user!r} has no password", cure="pass both as text")
    sent = base64.b64encode(f"{user}:{password}".encode(errors="replace")).decode()
    if decode_basic(sent) != (user, password):
        raise ConfigurationError(
            _BATTERY,
            f"user {user!r} can never log in",
            cure="write a name without a colon, and both without control characters",
        )
    return True
