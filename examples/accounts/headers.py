"""What each response bears, so that browsers and caches are careful with it."""

from aiohttp import hdrs, web

from aiohttp_route_middleware import Handler
from aiohttp_route_middleware.middlewares import GuardBattery, on_response
from aiohttp_route_middleware.middlewares.secure_headers import DEFAULT_POLICY, NONCE, secure_headers

from .settings import Settings

# Pages may load files of their own, send forms home, and run the script that bears the nonce; and nothing else.
_POLICY = {
    **DEFAULT_POLICY,
    "default-src": ["'none'"],
    "base-uri": ["'none'"],
    "connect-src": ["'self'"],
    "img-src": ["'self'"],
    "style-src": ["'self'"],
    "script-src": [NONCE],
    "require-trusted-types-for": ["'script'"],
    "trusted-types": ["'none'"],
}


def make_headers(settings: Settings) -> GuardBattery:
    return secure_headers(
        content_security_policy={**_POLICY, "upgrade-insecure-requests": not settings.is_local},
        # With the default, "no-referrer", browsers send `Origin: null` with a form, and old ones nothing else that
        # csrf() could go by.
        referrer_policy="strict-origin",
        is_secure=lambda _: not settings.is_local,  # the proxy that ends TLS is the only way in
    )


@web.middleware
async def forbid_caching(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Have nothing kept in a cache, unless a handler or a link says otherwise."""
    on_response(request, "forbid_caching", _forbid)
    return await handler(request)


def _forbid(_: web.Request, response: web.StreamResponse) -> None:
    # sessions say "private" by themselves, where nobody has said anything
    if response.headers.get(hdrs.CACHE_CONTROL, "private") == "private":
        response.headers[hdrs.CACHE_CONTROL] = "no-store"


async def allow_caching(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let caches keep files, and ask each time whether they are still the same."""
    response = await handler(request)
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    return response


async def hide_version(_: web.Request, response: web.StreamResponse) -> None:
    """Tell nobody which versions run here; a signal, for preflights are answered before any link."""
    response.headers.popall(hdrs.SERVER, None)
