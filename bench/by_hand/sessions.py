"""What is known of a visitor."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import json
import re
import secrets
import time
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from aiohttp_route_middleware.middlewares.sessions import SESSION
from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.support.sessions.session import state_of

from .shared import KEY, add_vary, find_cookies, read_address

SESSION_COOKIE = "__Host-session"


class _Kept:
    """One session, and how it came."""

    __slots__ = ("cookie", "created", "data", "text", "token")

    def __init__(self, token: str, created: int, text: str) -> None:
        self.token = token
        self.created = created
        self.text = text
        self.data: dict[str, Any] = json.loads(text)
        self.cookie = ""


SESSION_BY_HAND = web.RequestKey("SESSION_BY_HAND", _Kept)
_SALT = f"aiohttp_route_middleware.sessions:session:{SESSION_COOKIE}"
_SIGNER = Signer(KEY, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256)
_LASTS = 14 * 24 * 3600
_is_session_token = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch
_compact = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def sign_session(token: str, created: int, text: str) -> str:
    """Write a session as the battery does; both sides read the same cookie."""
    return _SIGNER.sign(b".".join((token.encode(), base64_encode(f"{created}.{int(time.time())}.{text}")))).decode()


def _restore(token: str, record: str) -> _Kept | None:
    created, written, text = record.split(".", 2)
    now = int(time.time())
    is_alive = now - int(created) < _LASTS and now - int(written) < _LASTS
    return _Kept(token, int(created), text) if is_alive else None


def _unsign(value: str) -> _Kept | None:
    try:
        token, _, record = _SIGNER.unsign(value).partition(b".")
        return _restore(token.decode(), base64_decode(record).decode())
    except (BadSignature, ValueError):
        return None


@web.middleware
async def signed_session(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep a session in a signed cookie."""
    values = find_cookies(request, SESSION_COOKIE)
    session = _unsign(values[0]) if len(values) == 1 else None
    if session is None:
        session = _Kept(secrets.token_urlsafe(32), int(time.time()), "{}")
    request[SESSION_BY_HAND] = session
    try:
        return await handler(request)
    finally:  # a failure to save is still an answer here
        text = _compact(session.data)
        if text != session.text:
            session.cookie = sign_session(session.token, session.created, text)


def make_stored_session(store: MemoryStore) -> Middleware:
    """Keep a session in a store, under the hash of what the cookie holds."""

    @web.middleware
    async def stored_session(request: web.Request, handler: Handler) -> web.StreamResponse:
        session = request[SESSION_BY_HAND] = await _load(request, store)
        try:
            return await handler(request)
        finally:
            text = _compact(session.data)
            if text != session.text:
                record = f"{session.created}.{int(time.time())}.{text}"
                await store.set(name_session(session.token), record.encode(), ttl=_LASTS)
                session.cookie = session.token

    return stored_session


async def _load(request: web.Request, store: MemoryStore) -> _Kept:
    values = find_cookies(request, SESSION_COOKIE)
    if len(values) == 1 and _is_session_token(values[0]):
        found = await store.get(name_session(values[0]))
        session = None if found is None else _restore(values[0], found.decode())
        if session is not None:
            return session
    return _Kept(secrets.token_urlsafe(32), int(time.time()), "{}")


def name_session(token: str) -> str:
    """Name a session in a store, as the battery does."""
    return f"session:session:__Host-session:{hashlib.sha256(token.encode()).hexdigest()}"


async def send_session(request: web.Request, response: web.StreamResponse) -> None:
    """Send the cookie of a session that has changed, and tell caches that it was read."""
    session = request.get(SESSION_BY_HAND)
    if session is None:
        return
    headers = response.headers
    if session.cookie:
        headers.setdefault(hdrs.CACHE_CONTROL, "private")
        headers.add(hdrs.SET_COOKIE, f"{SESSION_COOKIE}={session.cookie}; Path=/; HttpOnly; Secure; SameSite=Lax")
    add_vary(headers, hdrs.COOKIE)


@functools.lru_cache(maxsize=1024)
def _read_network(text: str) -> str | None:
    address = read_address(text)
    prefix = 32 if address is None or address.version == 4 else 64
    return None if address is None else str(ipaddress.ip_network((address, prefix), strict=False))


async def session_fixing(request: web.Request) -> None:
    """End a session that comes from another network than it began in."""
    session = request[SESSION]
    network = _read_network(request.remote or "")
    if network is None:
        raise web.HTTPInternalServerError
    state_of(session).attach("_network", network)
    if not session.is_new and session.get("_network", network) != network:
        session.invalidate()
