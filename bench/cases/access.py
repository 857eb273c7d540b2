"""Who is asking, and links that run others."""

from __future__ import annotations

import base64
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.api_key import api_key
from aiohttp_route_middleware.middlewares.authorise import authorise
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.bearer_auth import bearer_auth
from aiohttp_route_middleware.middlewares.jwt_auth import jwt_auth
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.support.access.identity import IDENTITY

from ..by_hand import access as by_hand
from ..by_hand.shared import IDENTITY_FOUND, KEY, check_password, check_token, is_health
from .case import Case, Cases

_BASIC = {"Authorization": f"Basic {base64.b64encode(b'alice:open sesame').decode()}"}
_BEARER = {"Authorization": "Bearer mF_9.B5f-4.1JqM"}
_API_KEY = {"X-API-Key": "7f9a3b5c6d1e"}


def list_cases() -> Cases:
    """List them."""
    yield from _list_authenticators()
    yield from _list_tokens()
    yield from _list_runners()


def _list_authenticators() -> Cases:
    yield "basic_auth, verify", Case(basic_auth(check_password), by_hand.basic_auth_asking, _BASIC)
    yield "basic_auth, a mapping", Case(basic_auth(by_hand.USERS), by_hand.basic_auth_comparing, _BASIC)
    yield "bearer_auth", Case(bearer_auth(check_token), by_hand.bearer_auth, _BEARER)
    yield "api_key", Case(api_key(check_token, header="X-API-Key"), by_hand.api_key, _API_KEY)
    known = {IDENTITY: IDENTITY_FOUND}
    yield "authorise", Case(authorise(["post:read"]), by_hand.authorise, {}, state=known.copy)


def _list_tokens() -> Cases:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    keys: dict[str, tuple[Any, Any]] = {"HS256": (KEY, KEY), "RS256": (private, private.public_key())}
    claims = {"sub": "alice", "iss": "shop", "aud": "shop", "exp": int(time.time()) + 3600, "scope": "post:read"}
    for algorithm, (signing, checking) in keys.items():
        battery = jwt_auth(key=checking, algorithms=[algorithm], issuer="shop", audience="shop")
        headers = {"Authorization": f"Bearer {jwt.encode(claims, signing, algorithm)}"}
        yield f"jwt_auth, {algorithm}", Case(battery, by_hand.make_jwt_auth(checking, algorithm), headers)


def _list_runners() -> Cases:
    first, second = api_key(check_token, header="X-API-Key"), bearer_auth(check_token)
    either, either_by_hand = any_of(first, second), by_hand.ask_either(first, second)
    yield "any_of, the first of two", Case(either, either_by_hand, _API_KEY)
    yield "any_of, the second of two", Case(either, either_by_hand, _BEARER)
    yield "unless", Case(unless(is_health, second), by_hand.ask_unless_health(second), _BEARER)
