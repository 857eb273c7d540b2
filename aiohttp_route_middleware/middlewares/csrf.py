"""Requests that a page of another origin has made a browser send are refused, without a token, a cookie or a secret.

What a browser says of where a request comes from is enough: `Sec-Fetch-Site`, which all browsers of since 2023 send
to https and to localhost, and else `Origin`. A script cannot set either. The rules are those of Go 1.25
(`http.CrossOriginProtection`); whether the body is a form or JSON does not matter.

1. GET, HEAD and OPTIONS pass: they must not change anything.
2. `Sec-Fetch-Site: same-origin` or `none` (typed in, or from a bookmark) passes.
3. A trusted origin passes.
4. Without `Sec-Fetch-Site`, an `Origin` passes whose host and port are those of `Host`.
5. With neither header it passes: it is not from a browser, or from one of before 2020.
6. The rest is refused, `same-site` included, and `Origin: null` unless rule 2 lets it pass.

It does **not** protect from scripts in your own pages (XSS), from handlers that change something on GET, or from
WebSocket handshakes of other origins, which are GETs. Browsers of before 2023, and plain http, have only `Origin`:
`Host` tells no scheme, and behind a proxy that ends TLS nobody does, so that `http://app.example` can then ask
`https://app.example`. Send HSTS. Where TLS ends in this process, or a link has set the scheme of the request to
https, such a request is refused. For browsers that send neither header there is `csrf_token()`.

`Host` is read as the client sent it, never `X-Forwarded-Host`. Behind a proxy that changes `Host`, list the public
origin as trusted.

    router = UrlDispatcherEx.install(app, csrf(trusted_origins=["https://admin.example"]))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, TypeAlias

from aiohttp import hdrs, web
from multidict import istr

from ..option_checks import check_function
from ..support.battery import GuardBattery, awaiting, guard_battery
from ..support.network.forwarded import is_https
from ..support.network.origins import Origin, is_host_of, parse_origin, read_origins
from ..syntax import SAFE_METHODS
from ..typedefs import Handler

__all__ = ("csrf", "may_send")

Exempt: TypeAlias = Callable[[web.Request], "bool | Awaitable[bool]"]

_BATTERY = "csrf()"
_SAME = frozenset(("same-origin", "none"))
_SEC_FETCH_SITE = istr("Sec-Fetch-Site")


def csrf(*, trusted_origins: Collection[str] = (), exempt: Exempt | None = None) -> GuardBattery:
    """Refuse what a page of another origin has made a browser send.

    Args:
        trusted_origins: other origins that may send, as `https://app.example` or `https://app.example:8443`; by
            default none. Each can do whatever the user who is signed in can.
        exempt: called with a request that is about to be refused, async or plain; if it says true, the request
            passes. For endpoints that browsers call from anywhere and that do not rely on cookies. If it raises,
            nothing passes: the error is that of the request. By default nothing is exempt.

    Raises:
        ConfigurationError: an origin cannot be read, or `exempt` cannot be called.

    Responds:
        403 to a request of another origin.

    Reads/Sets:
        Reads `Sec-Fetch-Site`, `Origin` and `Host`.

    Source:
        `Sec-Fetch-Site`: W3C Fetch Metadata, section 2.3. `Origin`: RFC 6454, section 7.

    Example:
        csrf(trusted_origins=["https://admin.example"])
    """
    trusted = read_origins(_BATTERY, "trusted_origins", trusted_origins)
    is_exempt = _read_exempt(exempt)

    @guard_battery(f"csrf({', '.join(sorted(map(str, trusted)))})" if trusted else "csrf")
    async def csrf(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        if request.method not in SAFE_METHODS:
            headers = request.headers
            # asked here already, as mostly it spares the question how the client has come
            if headers.get(_SEC_FETCH_SITE) not in _SAME and not may_send(headers, is_https(request), trusted):
                await _refuse_unless(is_exempt, request)
        return await handler(request) if handler else None

    return csrf


def may_send(headers: Mapping[str, str], is_secure: bool, trusted: frozenset[Origin] = frozenset()) -> bool:
    """Whether a request that may change something comes from where it is allowed to.

    Args:
        headers: of the request; names in any case, as aiohttp's mapping takes them.
        is_secure: it is known to have come over https.
        trusted: origins that may always send.
    """
    site = headers.get(_SEC_FETCH_SITE)
    if site in _SAME:
        return True
    written = headers.get(hdrs.ORIGIN)
    if not site and not written:
        return True
    origin = parse_origin(written or "")
    if origin is None:
        return False
    if origin in trusted:
        return True
    if site or (is_secure and origin.scheme != "https"):
        return False
    return is_host_of(origin, headers.get(hdrs.HOST, ""))


def _read_exempt(exempt: Exempt | None) -> Callable[[web.Request], Awaitable[Any]] | None:
    if exempt is None:
        return None
    check_function(_BATTERY, "exempt", exempt, takes="request")
    return awaiting(exempt)


async def _refuse_unless(is_exempt: Callable[[web.Request], Awaitable[Any]] | None, request: web.Request) -> None:
    if is_exempt is None or await is_exempt(request) is not True:  # a text or a generator would be true
        raise web.HTTPForbidden(text="403: this request comes from another origin")
