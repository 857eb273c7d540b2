"""A token with each request, in the `Authorization` field (RFC 6750): who bears it, is let in.

For tokens that are looked up: in a database, or by asking the server that issued them. For tokens that are signed and
speak for themselves there is `jwt_auth()`.

It does **not** take tokens from the query or from a form, where they end up in logs and histories. Whoever gets hold
of a token can use it: serve it over https only, let tokens expire, and keep only their digests. Look a token up by its
digest, so that neither an index nor a comparison tells by its time how much of a guess is right.

    async def check_token(token):
        return await tokens.find(hashlib.sha256(token.encode()).hexdigest())  # an Identity, a subject, or None

    router.add_get("/posts", bearer_auth(check_token), list_posts)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from ..support.access.credentials import MAX_LENGTH, Bearer, bind_verify
from ..support.access.identity import IDENTITY, read_identity
from ..support.battery import GuardBattery, guard_battery
from ..typedefs import Handler

__all__ = ("bearer_auth",)

_BATTERY = "bearer_auth()"


def bearer_auth(
    verify: Callable[[str], Any], *, realm: str = "protected", max_length: int = MAX_LENGTH
) -> GuardBattery:
    """Let in who bears a token that is valid.

    Args:
        verify: called with the token, async or plain; it returns an `Identity`, a subject, or `None` to refuse.
            `True` lets somebody in who has no name: the subject is then `"bearer"`.
        realm: of the challenge; default `"protected"`.
        max_length: of the `Authorization` field, in characters; default 8,000. aiohttp's own limit for a field, 8,190
            bytes unless the application is run with another `max_field_size`, comes first.

    Raises:
        ConfigurationError: `verify` cannot be called, or an option is wrong.

    Responds:
        401 with `Bearer realm="..."`, and `error="invalid_token"` if there was a token; 400 with
        `error="invalid_request"` if the field is repeated, too long, or no token.

    Reads/Sets:
        reads `Authorization`; sets `IDENTITY`.

    Source:
        RFC 6750, sections 2.1 and 3.

    Example:
        bearer_auth(check_token)
    """
    ask = bind_verify(_BATTERY, verify, takes="token")
    bearer = Bearer(_BATTERY, realm, max_length)

    @guard_battery(provided=(IDENTITY,))
    async def bearer_auth(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        identity = read_identity(_BATTERY, await ask(bearer.read(request.headers)), "bearer")
        if identity is None:
            raise bearer.refuse()
        request[IDENTITY] = identity
        return await handler(request) if handler else None

    return bearer_auth
