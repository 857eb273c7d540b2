"""Where a request comes from, and whom it asks for."""

from __future__ import annotations

from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.csrf import csrf
from aiohttp_route_middleware.middlewares.csrf_token import csrf_token
from aiohttp_route_middleware.middlewares.https_redirect import https_redirect
from aiohttp_route_middleware.middlewares.ip_restriction import ip_restriction
from aiohttp_route_middleware.middlewares.trusted_host import trusted_host
from aiohttp_route_middleware.middlewares.trusted_referrer import trusted_referrer
from aiohttp_route_middleware.support.csrf.tokens import make_token

from ..by_hand import network as by_hand
from ..by_hand.shared import KEY
from .case import Case, Cases


def list_cases() -> Cases:
    """List them."""
    yield from _list_origins()
    yield from _list_addresses()


def _list_origins() -> Cases:
    yield "csrf, GET", Case(csrf(), by_hand.csrf, {"Sec-Fetch-Site": "same-origin"})
    told = {"Sec-Fetch-Site": "same-origin", "Origin": "https://example.com"}
    yield "csrf, POST with Sec-Fetch-Site", Case(csrf(), by_hand.csrf, told, method="POST")
    yield "csrf, POST with Origin only", Case(csrf(), by_hand.csrf, {"Origin": "https://example.com"}, method="POST")
    battery, signal = csrf_token(KEY), by_hand.send_csrf_cookie
    cookie = {"Cookie": f"theme=dark; __Host-csrf={by_hand.CSRF_ID}"}
    yield "csrf_token, GET", Case(battery, by_hand.csrf_token, cookie, signal=signal)
    yield "csrf_token, first GET", Case(battery, by_hand.csrf_token, {}, signal=signal)
    sent = {**cookie, "X-CSRF-Token": make_token(KEY, by_hand.CSRF_ID, None)}
    yield "csrf_token, POST", Case(battery, by_hand.csrf_token, sent, method="POST", signal=signal)


def _list_addresses() -> Cases:
    hosts = ["example.com", "example.net", "*.example.com"]
    yield "trusted_host", Case(trusted_host(hosts), by_hand.trusted_host, {})
    referrer = {"Referer": "https://www.example.com/posts?page=2"}
    yield "trusted_referrer", Case(trusted_referrer(hosts), by_hand.trusted_referrer, referrer)
    forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    believing = client_address(["10.0.0.0/8"], header="X-Forwarded-For")
    yield "client_address", Case(believing, by_hand.client_address, forwarded)
    restriction = ip_restriction(allow=["10.0.0.0/8", "2001:db8::/32"], deny=["10.0.0.66"])
    yield "ip_restriction", Case(restriction, by_hand.ip_restriction, {})
    yield "https_redirect, by https", Case(https_redirect(), by_hand.https_redirect, {}, is_tls=True)
    yield "https_redirect, by http", Case(https_redirect(), by_hand.https_redirect, {})
