"""What is sent: compressed, tagged, kept, in which language."""

from __future__ import annotations

import base64
import hashlib

from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware.middlewares.cache_control import cache_control
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.middlewares.etag import etag
from aiohttp_route_middleware.middlewares.language import language
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.stores import MemoryStore

from ..bodies import TEN_KILOBYTES
from ..by_hand import content as by_hand
from .case import Case, Cases

_POST = b'{"id": 1, "title": "How to bench", "words": ["one", "after", "the", "other"]}'
_TAG = f'"{base64.urlsafe_b64encode(hashlib.blake2b(_POST, digest_size=18).digest()).decode()}"'
_SPOKEN = {"Accept-Language": "de-CH,de;q=0.9,en;q=0.8"}


def list_cases() -> Cases:
    """List them."""
    packed = {"Accept-Encoding": "gzip, deflate, br"}
    large, post = _make_endpoint(TEN_KILOBYTES), _make_endpoint(_POST)
    signal = by_hand.send_compressed
    gzip = compress(encodings=["gzip"])
    yield "compress, 10 kB by gzip", Case(gzip, by_hand.compress, packed, signal=signal, endpoint=large, is_whole=True)
    yield "compress, not asked for", Case(gzip, by_hand.compress, {}, signal=signal, endpoint=large, is_whole=True)
    yield "etag, 200", Case(etag(), by_hand.etag, {}, endpoint=post, is_whole=True, needs_setup=True)
    yield (
        "etag, 304",
        Case(etag(), by_hand.etag, {"If-None-Match": _TAG}, endpoint=post, is_whole=True, needs_setup=True),
    )
    keeping = cache_control(public=True, max_age=60)
    yield "cache_control", Case(keeping, by_hand.cache_control, {}, signal=by_hand.send_cache_control)
    cache, cache_by_hand = response_cache(store=MemoryStore()), by_hand.make_response_cache(MemoryStore())
    lasting = _make_endpoint(_POST, {"Cache-Control": "public, max-age=3600"})
    yield "response_cache, hit", Case(cache, cache_by_hand, {}, endpoint=lasting, is_whole=True, needs_setup=True)
    speaking = language(by_hand.LANGUAGES)
    yield "language", Case(speaking, by_hand.language, _SPOKEN, signal=by_hand.send_language)


def _make_endpoint(body: bytes, headers: dict[str, str] | None = None) -> Handler:
    async def endpoint(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json", headers=headers)

    return endpoint
