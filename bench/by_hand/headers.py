"""Headers that make browsers careful."""

from __future__ import annotations

import secrets

from aiohttp import hdrs, web
from multidict import istr

from aiohttp_route_middleware.middlewares.secure_headers import CSP_NONCE

from .shared import Fields, Signal, add_vary

_IS_SECURED = web.RequestKey("_IS_SECURED", bool)
_IS_FRAMED = web.RequestKey("_IS_FRAMED", bool)
_IS_SHARED = web.RequestKey("_IS_SHARED", bool)
_ORIGINS = frozenset(["https://example.com", "https://example.net"])


async def cors(request: web.Request) -> None:
    """Have the headers set on this route."""
    request[_IS_SHARED] = True


async def send_cors(request: web.Request, response: web.StreamResponse) -> None:
    """Name the origin if it is allowed."""
    if _IS_SHARED not in request:
        return
    headers = response.headers
    add_vary(headers, hdrs.ORIGIN)
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
