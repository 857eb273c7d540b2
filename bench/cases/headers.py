"""Headers that make browsers careful."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from multidict import istr

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.middlewares.cors import cors
from aiohttp_route_middleware.middlewares.secure_headers import CSP_NONCE, DEFAULT_POLICY, NONCE, secure_headers
from aiohttp_route_middleware.middlewares.x_frame_options import x_frame_options
from aiohttp_route_middleware.support.responses import apply_registered
from aiohttp_route_middleware.support.setup import prepare_responses

from ..by_hand import headers as by_hand
from ..by_hand.shared import Fields
from ..composing import make_endpoints
from ..request_maker import RequestMaker
from ..timing import drive
from .case import Case, Cases


def list_cases() -> Cases:
    """List them."""
    allowing = cors(["https://example.com", "https://example.net"], credentials=True)
    origin = {"Origin": "https://example.com"}
    yield "cors, allowed origin", Case(allowing, by_hand.cors, origin, signal=by_hand.send_cors)
    plain = secure_headers()
    signal = by_hand.make_secure_headers_signal(_read_fields(plain))
    yield "secure_headers", Case(plain, by_hand.secure_headers, {}, signal=signal, is_tls=True)
    policy = {**DEFAULT_POLICY, "script-src": ("'self'", NONCE)}
    with_nonce = secure_headers(content_security_policy=policy)
    signal = by_hand.make_nonce_signal(_read_fields(with_nonce), *_read_policy(with_nonce))
    yield "secure_headers, nonce", Case(with_nonce, by_hand.secure_headers_with_nonce, {}, signal=signal, is_tls=True)
    framing = x_frame_options("DENY")
    yield "x_frame_options", Case(framing, by_hand.x_frame_options, {}, signal=by_hand.send_frame_options)


def _read_fields(battery: Any) -> Fields:
    """What `secure_headers()` sets, whatever the request is."""
    _, response = _see(battery)
    return tuple((istr(name), value) for name, value in response.headers.items() if "nonce" not in value)


def _read_policy(battery: Any) -> tuple[str, str]:
    """What stands before and behind the nonce."""
    request, response = _see(battery)
    before, _, behind = response.headers["Content-Security-Policy"].partition(request[CSP_NONCE])
    return before, behind


def _see(battery: Any) -> tuple[web.Request, web.Response]:
    request, response = RequestMaker("GET", {})(), web.Response()
    drive(_answer(chain(battery, make_endpoints(1)[0]), request, response))
    response.headers.popall("Content-Type", None)
    return request, response


async def _answer(handler: Any, request: web.Request, response: web.Response) -> None:
    await prepare_responses(request, handler)
    await apply_registered(request, response)
