"""Responses that are kept for all who ask, in front of the handler: a shared cache (RFC 9111).

    setup(app)
    pages = response_cache(store=MemoryStore())
    router.add_get("/news", pages, cache_control(public=True, max_age=60), list_news)

It keeps what a GET has found, for as long as the response says: `s-maxage`, `max-age` or `Expires`. Nothing is
guessed; `ttl=30` is for responses that say nothing, and then only a 200 to a request without cookies. A HEAD is
answered from it too. Many who ask at once for what is not there cause one run of the handler, for which the others
wait; if it fails, or finds what may not be kept, they run themselves. `stale-if-error` and `stale-while-revalidate`
are followed: the latter while another request is making the response anew. What is answered with an error, with 304,
or for one client alone leaves the others waiting for each other; what else may not be kept has them run themselves,
without waiting, for ten seconds or until something is kept.

`Cache-Status` tells what it did, and by `detail` why it has kept nothing, as far as that is known before the body is
sent: a directive (`no-store`, `private`, `no-cache`); `Set-Cookie`, `Vary:*`, `Content-Range`; `status:304`;
`no-lifetime`, if nothing says for how long; `stale`; `max_body`; `personal`, where a session was read or a token
shown; `identity`, where only a link further in found out who was asking; `Authorization` or `Cookie`, for what was
sent to somebody in particular; `failed`; `replaced`, if a link around has sent another response or another body,
status or reason, or has called `on_response()` after its handler had returned. Of a request that passes by it tells
`HEAD`, `Range`, `no-store`, `body`, `websocket` or `Connection`. Clients can read it.

What names other fields in `Connection` than those of connections passes by: `proxy()` does not pass those fields on
(RFC 9110, section 7.6.1), so that the target answers another request than the one that `Vary` would tell apart.

Never kept: what sets a cookie; `private`, `no-store` and `no-cache`; `Vary: *`; a part (206). Nor what was sent to
somebody who is known, by `Authorization` or by an authenticator around this link, unless the response allows it with
`public`, `s-maxage` or `must-revalidate`; who is known gets nothing else from it either. Behind this link no
authenticator runs for what is kept, so that what was sent to somebody who became known only there is never kept,
whatever it says: stand this link behind `bearer_auth()` and the like. Headers that a link around writes on what was
returned are not kept either; it may forbid by them that the response is kept, and not allow it.

After a POST, PUT, PATCH or DELETE that went well, what was kept for its URL is forgotten, if the same link stands on
the route of the change as well, which it does not by itself:

    router.add_post("/news", pages, add_news)  # the same `pages` as before list_news: each POST to /news forgets it

Else, and for other URLs than those that are in `Location` and `Content-Location` of its response, say so yourself:

    await pages.forget("https://example.com/news")

Neither reaches other query strings, as `/news?page=2`: forget each of them, keep such pages for a short time only, or
have `key` return a number that each change raises. Another `response_cache()` on the route of the change, with the
same `store` and `key`, forgets the same, but cannot stop the first from keeping what it is making at that moment.

The key is made of scheme, host, path and query, as they were sent, of the request fields in `Vary`, and of what
`key` returns. **Whatever else a handler reads, it must name in `Vary`**: a page that depends on `Accept-Language`, on
`X-Forwarded-Host` or on a feature flag, and does not say so, is sent to everybody as the first one has got it. What
links around it add to `Vary` by `on_response()` counts as well, but for `Accept-Encoding` and `Origin`, which
`compress()` and `cors()` name for what they add to each response anew; so does the language that `language()` has
chosen, in whatever words it was asked for. A link of your own that chooses and does not say so in `Vary` needs `key`.
Behind proxies stand it after `trusted_host()`: each `Host` that is let in has its own responses.

Stand it behind all that refuses: of links further in, only the headers come from the cache, and they do not run.
Stand `compress()` and `secure_headers()` around it; what was made for one page view, such as a nonce or a token in
the page, must not be kept: send it with `no-store`. Of several in one chain, the outermost works alone.

It does **not** revalidate with the handler: what is no longer fresh is made anew. It does **not** collapse requests
across processes, nor stop what another process is making from being kept after a change. It does **not** forget what
was kept under another spelling of a URL, or for another `key`; and of what was forgotten the last 256 heads of up to
4 KiB may stay in the memory of the process for a while, where nothing answers from them. **Trust boundary:** who
writes to the store decides what is sent.

**Where it works:** `cache_control()` stands inside of it, or nothing says that a response may be kept.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias, cast

from aiohttp import web
from yarl import URL

from ..errors import ConfigurationError
from ..option_checks import check_count, check_flags, check_function, check_name, check_seconds
from ..stores.protocol import Store, check_store
from ..support.battery import MiddlewareBattery, awaiting, middleware_battery
from ..support.caching.names import name_resource
from ..support.caching.options import CacheOptions
from ..support.caching.shared_cache import SharedCache
from ..support.caching.shelf import ResponseShelf
from ..typedefs import Handler

__all__ = ("ResponseCache", "response_cache")

FindKey: TypeAlias = Callable[[web.Request], "str | Awaitable[str]"]

_BATTERY = "response_cache()"


class ResponseCache(MiddlewareBattery, Protocol):
    """A link, which can be told to forget."""

    async def forget(self, url: URL | str, *, key: str = "") -> None:
        """Forget what is kept for a URL.

        Args:
            url: with scheme and host, as clients ask for it.
            key: what `key` returns for those requests; default `""`.

        Raises:
            ConfigurationError: the URL has no scheme or no host.
            StoreError: the store cannot be reached.
        """
        ...


def response_cache(
    *,
    store: Store,
    ttl: int | None = None,
    vary: tuple[str, ...] | list[str] = (),
    key: FindKey | None = None,
    max_body: int = 1_048_576,
    wait: float = 10.0,
    fail_open: bool = True,
    name: str = "aiohttp",
    clock: Callable[[], float] = time.time,
) -> ResponseCache:
    """Keep responses, and answer from them.

    Args:
        store: where they are kept: `MemoryStore()`, `RedisStore(...)`, or another `Store`.
        ttl: seconds for which a 200 is fresh that says nothing of it; default: it is not kept.
        vary: names of request fields that every response depends on; they are added to `Vary`.
        key: called with the request, async or plain: text that tells apart what must not be mixed, such as the tenant.
            Default: none.
        max_body: bytes that a body may have, else it is not kept; default 1 MiB.
        wait: seconds that a request waits for another that asks for the same; default 10.
        fail_open: whether handlers run while the store is down; else 503. Default yes; it is logged.
        name: of this cache in `Cache-Status`; default `"aiohttp"`.
        clock: tells seconds since 1970; default `time.time`.

    Raises:
        ConfigurationError: an option is wrong; or, in a request, what `key` has returned.

    Responds:
        What was kept; then also 304 or 412 to conditions. 504 to `only-if-cached` if nothing is there. 503 if the
        store is down and `fail_open=False`.

    Reads/Sets:
        `Cache-Control`, `Range`, `Authorization`, `Cookie`, conditions, what `Vary` names, and `IDENTITY` and
        `LANGUAGE` if they are set. Sets `Age` on what was kept, `Cache-Status`, and `Vary` with `vary`. Needs
        `setup(app)`.

    Source:
        RFC 9111; RFC 5861; RFC 9211.

    Example:
        response_cache(store=MemoryStore(), ttl=30)
    """
    check_store(_BATTERY, store)
    check_flags(_BATTERY, fail_open=fail_open)
    check_function(_BATTERY, "clock", clock, takes="")
    if key is not None:
        check_function(_BATTERY, "key", key, takes="request")
    limit = check_count(_BATTERY, "max_body", max_body, unit="bytes")
    options = CacheOptions(
        name=check_name(_BATTERY, "name", name, example="aiohttp"),
        ttl=None if ttl is None else check_count(_BATTERY, "ttl", ttl, unit="seconds"),
        vary=_read_names(vary),
        find_key=None if key is None else awaiting(key),
        limit=limit,
        wait=check_seconds(_BATTERY, "wait", wait, at_least=0),
        fail_open=fail_open,
        clock=clock,
    )
    cache = SharedCache(ResponseShelf(store, limit=limit), options)

    async def forget(url: URL | str, *, key: str = "") -> None:
        asked = URL(url)
        if not asked.absolute or asked.host_port_subcomponent is None:
            raise ConfigurationError(_BATTERY, f"forget({str(url)!r}) names no host", cure="write https://host/path")
        await cache.forget(name_resource(asked.scheme, asked.host_port_subcomponent, asked.raw_path_qs, key))

    @middleware_battery("response_cache")
    async def response_cache(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await cache.answer(request, handler)

    link: Any = response_cache
    link.forget = forget
    return cast(ResponseCache, link)


def _read_names(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or "*" in value:
        raise ConfigurationError(
            _BATTERY, f"vary={value!r} is no list of names", cure='pass a list: ["Accept-Language"]'
        )
    return tuple(check_name(_BATTERY, "vary", name, example="Accept-Language") for name in value)
