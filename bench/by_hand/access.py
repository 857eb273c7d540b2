"""Who is asking, and links that run others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Any

import jwt
from aiohttp import hdrs, web

from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity

from .shared import Guard, check_password, check_token, is_health

USERS = {"alice": "open sesame", "bob": "correct horse"}


_find_control = re.compile(r"[\x00-\x1f\x7f]").search
_is_token = re.compile(r"[A-Za-z0-9._~+/-]+=*").fullmatch
_DIGESTS = {user: hashlib.sha256(password.encode()).digest() for user, password in USERS.items()}
_NOBODY = secrets.token_bytes(32)


def _refuse(challenge: str = "Bearer") -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(headers={hdrs.WWW_AUTHENTICATE: challenge})


def _read_basic(request: web.Request) -> tuple[str, str]:
    fields = request.headers.getall(hdrs.AUTHORIZATION, ())
    if not fields:
        raise _refuse("Basic")
    if len(fields) > 1 or len(fields[0]) > 8000:
        raise web.HTTPBadRequest
    scheme, _, encoded = fields[0].partition(" ")
    encoded = encoded.strip(" ")
    try:
        raw = base64.b64decode(encoded)
        decoded = raw.decode()
    except ValueError:
        raise _refuse("Basic") from None
    user, colon, password = decoded.partition(":")
    is_canonical = base64.b64encode(raw).decode() == encoded
    if scheme.lower() != "basic" or not is_canonical or not colon or _find_control(decoded):
        raise _refuse("Basic")
    return user, password


async def basic_auth_asking(request: web.Request) -> None:
    """Ask a function whether a user and a password are right."""
    user, password = _read_basic(request)
    identity = await check_password(user, password)
    if identity is None:
        raise _refuse("Basic")
    request[IDENTITY] = identity


async def basic_auth_comparing(request: web.Request) -> None:
    """Compare the password with that of a mapping, in constant time."""
    user, password = _read_basic(request)
    if not hmac.compare_digest(hashlib.sha256(password.encode()).digest(), _DIGESTS.get(user, _NOBODY)):
        raise _refuse("Basic")
    request[IDENTITY] = Identity(user)


def _read_bearer(request: web.Request) -> str:
    fields = request.headers.getall(hdrs.AUTHORIZATION, ())
    if not fields:
        raise _refuse()
    if len(fields) > 1 or len(fields[0]) > 8000:
        raise web.HTTPBadRequest
    scheme, _, token = fields[0].partition(" ")
    if scheme.lower() != "bearer":
        raise _refuse()
    token = token.strip(" ")
    if not _is_token(token):
        raise web.HTTPBadRequest
    return token


async def bearer_auth(request: web.Request) -> None:
    """Ask a function whose token it is."""
    identity = await check_token(_read_bearer(request))
    if identity is None:
        raise _refuse()
    request[IDENTITY] = identity


async def api_key(request: web.Request) -> None:
    """Ask a function whose key it is."""
    fields = request.headers.getall("X-API-Key", ())
    if len(fields) > 1:
        raise web.HTTPBadRequest
    key = fields[0] if fields else ""
    if not key or len(key) > 4096 or not key.isascii() or not key.isprintable():
        raise _refuse()
    identity = await check_token(key)
    if identity is None:
        raise _refuse()
    request[IDENTITY] = identity


def make_jwt_auth(key: Any, algorithm: str) -> Guard:
    """Check tokens as PyJWT's `decode()` does."""
    algorithms = [algorithm]
    options: Any = {"require": ["exp"]}

    async def jwt_auth(request: web.Request) -> None:
        token = _read_bearer(request)
        try:
            claims = jwt.decode(token, key, algorithms, options=options, issuer="shop", audience="shop")
        except jwt.PyJWTError:
            raise _refuse() from None
        subject = claims.get("sub")
        if not subject:
            raise _refuse()
        request[IDENTITY] = Identity(subject, frozenset(claims.get("scope", "").split()), claims)

    return jwt_auth


_NEEDED = frozenset(["post:read"])


async def authorise(request: web.Request) -> None:
    """Ask for a scope."""
    identity = request.get(IDENTITY)
    if not isinstance(identity, Identity):
        raise _refuse()
    if not identity.scopes >= _NEEDED:
        raise web.HTTPForbidden


def ask_either(first: Any, second: Any) -> Guard:
    """Ask one link, then another."""

    async def either(request: web.Request) -> None:
        before = {key: request[key] for key in request}
        try:
            await first(request)
        except (web.HTTPUnauthorized, web.HTTPForbidden) as error:
            refusal = error
        else:
            return
        request.clear()
        request.update(before)
        try:
            await second(request)
        except web.HTTPUnauthorized as error:
            for challenge in refusal.headers.getall(hdrs.WWW_AUTHENTICATE, ()):
                error.headers.add(hdrs.WWW_AUTHENTICATE, challenge)
            raise

    return either


def ask_unless_health(link: Any) -> Guard:
    """Ask a link unless it is the health check."""

    async def unless(request: web.Request) -> Any:
        return None if is_health(request) else await link(request)

    return unless
