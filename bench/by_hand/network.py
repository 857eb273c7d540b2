"""Where a request comes from, and whom it asks for."""

from __future__ import annotations

import base64
import functools
import hmac
import ipaddress
import re
import secrets
from typing import Any

from aiohttp import hdrs, web
from multidict import istr

from aiohttp_route_middleware.middlewares.client_address import CLIENT_ADDRESS, FORWARDED_HOST, FORWARDED_SCHEME
from aiohttp_route_middleware.middlewares.trusted_referrer import REFERRER_IS_TRUSTED

from .shared import KEY, SAFE_METHODS, add_vary, find_cookies, read_address

CSRF_ID = "A" * 22


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
    found = find_cookies(request, "__Host-csrf")
    is_known = len(found) == 1 and _is_csrf_id(found[0]) is not None
    if request.method not in SAFE_METHODS:
        sent = request.headers.getall("X-CSRF-Token", ())
        if not is_known or len(sent) != 1 or not _is_valid(sent[0], found[0]):
            raise web.HTTPForbidden
    request[_TOKEN] = _Token(found[0] if is_known else secrets.token_urlsafe(16), not is_known)


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
    add_vary(response.headers, hdrs.COOKIE)
    response.headers.setdefault(hdrs.CACHE_CONTROL, "private")


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


def _read_peer(request: web.Request) -> Any:
    transport = request.transport
    peer = None if transport is None else transport.get_extra_info("peername")
    return read_address(peer[0]) if isinstance(peer, tuple) else None


async def client_address(request: web.Request) -> None:
    """Believe what the proxies have written, from the right, up to the first who is none of them."""
    address, scheme = _read_peer(request), None
    if address is not None and address in _PROXIES:
        elements = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        for element in reversed(elements):
            address = read_address(element.strip(" \t"))
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
