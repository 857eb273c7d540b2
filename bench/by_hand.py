"""What batteries are compared with: for each the smallest function that does its job for the measured request.

Each makes all checks of the battery that this request goes through, sets the same headers in the same way, by a signal
of the application, and refuses what the battery would refuse there. What it leaves out is what no option here asks
for. Texts that come again and again, as addresses do, are remembered where the battery remembers them.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import ipaddress
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import jwt
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from multidict import CIMultiDict, istr

from aiohttp_route_middleware.middlewares.client_address import CLIENT_ADDRESS, FORWARDED_HOST, FORWARDED_SCHEME
from aiohttp_route_middleware.middlewares.secure_headers import CSP_NONCE
from aiohttp_route_middleware.middlewares.sessions import SESSION
from aiohttp_route_middleware.middlewares.trusted_referrer import REFERRER_IS_TRUSTED
from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity
from aiohttp_route_middleware.support.sessions.session import state_of

Guard: TypeAlias = Callable[[web.Request], Awaitable[Any]]
Signal: TypeAlias = Callable[[web.Request, web.StreamResponse], Awaitable[None]]
Fields: TypeAlias = tuple[tuple[str, str], ...]

# ---- what both sides use

IDENTITY_FOUND = Identity("alice", frozenset(["post:read", "post:write"]))
KEY = b"k" * 32
USERS = {"alice": "open sesame", "bob": "correct horse"}
CSRF_ID = "A" * 22
SESSION_COOKIE = "__Host-session"
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))


async def check_password(user: str, password: str) -> Identity:
    """Let everybody in, as a lookup does that costs nothing."""
    return IDENTITY_FOUND


async def check_token(token: str) -> Identity:
    """Let everybody in, likewise."""
    return IDENTITY_FOUND


def is_health(request: web.Request) -> bool:
    """Whether nothing has to be checked."""
    return request.path == "/health"


# ---- who is asking

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


# ---- where a request comes from

_SEC_FETCH_SITE = istr("Sec-Fetch-Site")
_ORIGIN = re.compile(r"(https?)://([A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


async def csrf(request: web.Request) -> None:
    """Refuse what a page of another origin has sent."""
    if request.method in SAFE_METHODS:
        return
    headers = request.headers
    site = headers.get(_SEC_FETCH_SITE)
    if site == "same-origin" or site == "none":
        return
    origin = headers.get(hdrs.ORIGIN)
    if not site and (not origin or _is_same(origin, headers.get(hdrs.HOST, ""), request.secure)):
        return
    raise web.HTTPForbidden


def _is_same(origin: str, host: str, is_secure: bool) -> bool:
    read = _read_origin(origin)
    if read is None:
        return False
    scheme, name, port = read
    asked, _, asked_port = host.partition(":")
    is_host = name == asked.lower() and port == (asked_port or _DEFAULT_PORTS[scheme])
    return is_host and not (is_secure and scheme != "https")


@functools.lru_cache(maxsize=256)
def _read_origin(origin: str) -> tuple[str, str, str] | None:
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        return None
    scheme, name, port = found.groups()
    return scheme.lower(), name.lower(), port or _DEFAULT_PORTS[scheme.lower()]


_is_csrf_id = re.compile(r"[A-Za-z0-9_-]{22}").fullmatch
_is_csrf_token = re.compile(r"[A-Za-z0-9_-]{86}").fullmatch


class _Token:
    __slots__ = ("identifier", "is_new", "is_shown")

    def __init__(self, identifier: str, is_new: bool) -> None:
        self.identifier = identifier
        self.is_new = is_new
        self.is_shown = False


_TOKEN = web.RequestKey("_TOKEN", _Token)


async def csrf_token(request: web.Request) -> None:
    """Ask for a token that belongs to the cookie."""
    found = _find_cookies(request, "__Host-csrf")
    is_known = len(found) == 1 and _is_csrf_id(found[0]) is not None
    if request.method not in SAFE_METHODS:
        sent = request.headers.getall("X-CSRF-Token", ())
        if not is_known or len(sent) != 1 or not _is_valid(sent[0], found[0]):
            raise web.HTTPForbidden
    request[_TOKEN] = _Token(found[0] if is_known else secrets.token_urlsafe(16), not is_known)


def _find_cookies(request: web.Request, wanted: str) -> list[str]:
    found = []
    for line in request.headers.getall(hdrs.COOKIE, ()):
        for pair in line.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == wanted:
                found.append(value)
    return found


def _is_valid(token: str, identifier: str) -> bool:
    if not _is_csrf_token(token):
        return False
    decoded = base64.urlsafe_b64decode(f"{token}==")
    number = int.from_bytes(decoded[:32], "big") ^ int.from_bytes(decoded[32:], "big")
    signature = number.to_bytes(32, "big")
    return hmac.compare_digest(signature, hmac.digest(KEY, b"csrf_token\0" + identifier.encode() + b"\0", "sha256"))


async def send_csrf_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """Set the cookie for who has none; keep caches from giving a token to others."""
    token = request.get(_TOKEN)
    if token is None:
        return
    if token.is_new:
        cookie = f"__Host-csrf={token.identifier}; Path=/; Secure; HttpOnly; SameSite=Lax"
        response.headers.add(hdrs.SET_COOKIE, cookie)
    elif not token.is_shown:
        return
    _add_vary(response.headers, hdrs.COOKIE)
    response.headers.setdefault(hdrs.CACHE_CONTROL, "private")


# ---- hosts and addresses

_HOSTS = frozenset(["example.com", "example.net"])
_SUFFIXES = (".example.com",)
_LABELS = r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}"
_AUTHORITY = re.compile(rf"({_LABELS})\.?(?::([0-9]{{0,5}}))?")
_REFERRER = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)


async def trusted_host(request: web.Request) -> None:
    """Answer for the listed hosts only; a target in absolute-form is not measured."""
    fields = request.headers.getall(hdrs.HOST, ())
    if len(fields) != 1 or not request.raw_path.startswith("/"):
        raise web.HTTPBadRequest
    host = _read_host(request.host)
    if host is None:
        raise web.HTTPBadRequest
    if host not in _HOSTS and not host.endswith(_SUFFIXES):
        raise web.HTTPMisdirectedRequest


@functools.lru_cache(maxsize=256)
def _read_host(text: str) -> str | None:
    found = _AUTHORITY.fullmatch(text)
    return found[1].lower() if found and len(found[1]) < 254 and int(found[2] or 0) < 65536 else None


async def trusted_referrer(request: web.Request) -> None:
    """Let in from pages of the listed hosts only."""
    fields = request.headers.getall(hdrs.REFERER, ())
    found = _REFERRER.match(fields[0]) if len(fields) == 1 else None
    host = (_read_host(found[1]) or "") if found else ""
    trusted = request[REFERRER_IS_TRUSTED] = host in _HOSTS or host.endswith(_SUFFIXES)
    if not trusted:
        raise web.HTTPForbidden


_PROXIES = ipaddress.ip_network("10.0.0.0/8")
_ALLOWED = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32"))
_DENIED = (ipaddress.ip_network("10.0.0.66"),)


@functools.lru_cache(maxsize=1024)
def _read_address(text: str) -> Any:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _read_peer(request: web.Request) -> Any:
    transport = request.transport
    peer = None if transport is None else transport.get_extra_info("peername")
    return _read_address(peer[0]) if isinstance(peer, tuple) else None


async def client_address(request: web.Request) -> None:
    """Believe what the proxies have written, from the right, up to the first who is none of them."""
    address, scheme = _read_peer(request), None
    if address is not None and address in _PROXIES:
        elements = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        for element in reversed(elements):
            address = _read_address(element.strip(" \t"))
            if address is None or address not in _PROXIES:
                break
        told = ",".join(request.headers.getall("X-Forwarded-Proto", ())).rpartition(",")[2].strip(" \t").lower()
        scheme = told if told in ("http", "https") else None
    request[CLIENT_ADDRESS] = address
    request[FORWARDED_SCHEME] = scheme
    request[FORWARDED_HOST] = None


async def ip_restriction(request: web.Request) -> None:
    """Let in from the allowed networks, less the denied ones."""
    address = request[CLIENT_ADDRESS] if CLIENT_ADDRESS in request else _read_peer(request)
    if address is None or any(address in one for one in _DENIED) or not any(address in one for one in _ALLOWED):
        raise web.HTTPForbidden


async def https_redirect(request: web.Request) -> None:
    """Redirect what has not come by TLS."""
    told = request.get(FORWARDED_SCHEME)
    transport = request.transport
    is_tls = transport is not None and transport.get_extra_info("sslcontext") is not None
    if told == "https" if told else is_tls:
        return
    if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
        raise web.HTTPForbidden
    host = _read_host(request.host)
    target = request.raw_path
    if host is None or len(request.headers.getall(hdrs.HOST, ())) != 1 or not target.startswith("/"):
        raise web.HTTPBadRequest
    raise web.HTTPPermanentRedirect(f"https://{host}{target}")


# ---- headers of responses

_IS_SECURED = web.RequestKey("_IS_SECURED", bool)
_IS_FRAMED = web.RequestKey("_IS_FRAMED", bool)
_IS_SHARED = web.RequestKey("_IS_SHARED", bool)
_ORIGINS = frozenset(["https://example.com", "https://example.net"])


def _add_vary(headers: CIMultiDict[str], name: str) -> None:
    present = headers.get(hdrs.VARY)
    if present is None:
        headers[hdrs.VARY] = name
    elif name.lower() not in present.lower() and present != "*":
        headers[hdrs.VARY] = f"{present}, {name}"


async def cors(request: web.Request) -> None:
    """Have the headers set on this route."""
    request[_IS_SHARED] = True


async def send_cors(request: web.Request, response: web.StreamResponse) -> None:
    """Name the origin if it is allowed."""
    if _IS_SHARED not in request:
        return
    headers = response.headers
    _add_vary(headers, hdrs.ORIGIN)
    sent = request.headers.getall(hdrs.ORIGIN, ())
    if len(sent) == 1 and sent[0] in _ORIGINS and hdrs.ACCESS_CONTROL_ALLOW_ORIGIN not in headers:
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = sent[0]
        headers.setdefault(hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true")


async def x_frame_options(request: web.Request) -> None:
    """Have the header set on this route."""
    request[_IS_FRAMED] = True


_X_FRAME_OPTIONS = istr("X-Frame-Options")


async def send_frame_options(request: web.Request, response: web.StreamResponse) -> None:
    """Forbid frames."""
    if _IS_FRAMED in request:
        response.headers.setdefault(_X_FRAME_OPTIONS, "DENY")


async def secure_headers(request: web.Request) -> None:
    """Have the headers set on this route."""
    request[_IS_SECURED] = request.secure


_TRANSPORT = (istr("Strict-Transport-Security"), "max-age=63072000; includeSubDomains")
_POLICY = istr("Content-Security-Policy")


def make_secure_headers_signal(fields: Fields) -> Signal:
    """Set headers, all of which were written out before."""

    async def send_secure_headers(request: web.Request, response: web.StreamResponse) -> None:
        is_secure = request.get(_IS_SECURED)
        if is_secure is None:
            return
        headers = response.headers
        for name, value in fields:
            headers.setdefault(name, value)
        if is_secure:
            headers.setdefault(*_TRANSPORT)

    return send_secure_headers


def make_nonce_signal(fields: Fields, before: str, behind: str) -> Signal:
    """Set headers, and a policy with a nonce."""

    async def send_with_nonce(request: web.Request, response: web.StreamResponse) -> None:
        is_secure = request.get(_IS_SECURED)
        if is_secure is None:
            return
        headers = response.headers
        for name, value in fields:
            headers.setdefault(name, value)
        if is_secure:
            headers.setdefault(*_TRANSPORT)
        if response.status != 304 and _POLICY not in headers:
            headers[_POLICY] = f"{before}{request[CSP_NONCE]}{behind}"

    return send_with_nonce


async def secure_headers_with_nonce(request: web.Request) -> None:
    """Draw the nonce as well, for the handler to see."""
    request[CSP_NONCE] = secrets.token_hex(16)
    request[_IS_SECURED] = request.secure


# ---- sessions


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
    values = _find_cookies(request, SESSION_COOKIE)
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
    values = _find_cookies(request, SESSION_COOKIE)
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
    _add_vary(headers, hdrs.COOKIE)


@functools.lru_cache(maxsize=1024)
def _read_network(text: str) -> str | None:
    address = _read_address(text)
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


# ---- links that run others


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
