r"""One address for each page: `/posts/` goes on to `/posts`, or the other way round, by a redirect.

    app = web.Application(middlewares=[trailing_slash("trim")])

It is a middleware of an application, or of a sub-application for what is below its prefix. A path that has a route is
never redirected; one that has none (404), or none for the method (405), is, if the other path has one. So no redirect
leads to an error, nor in a circle, and `/posts/` and `/posts` may be two routes. A chain refuses it: there, a
route has been found already.

- The redirect is 308: the method and the body stay, and a form is not lost.
- Path and query go on as they came, percent-encoded or not; in the query, what no URI may hold is encoded.
- What a browser or a server might read as another host is not redirected but answered with 404: `//evil.example/`,
  `/\evil.example/`, `/%2Fevil.example/`, and paths with dot segments.

aiohttp's `normalize_path_middleware()` merges slashes inside of a path as well, and turns a path that begins with two
into one of this host; it drops an empty query, and has its redirect requoted. This one does nothing but what its name
says.

It does **not** redirect below a static folder or a route such as `/{path:.*}`, which has each path already. The
redirect is a path of this host: behind a proxy that takes off a prefix, the prefix is missing in it. A preflight of
CORS must not be redirected (Fetch, "CORS-preflight fetch"): pages of other origins must know the right path.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from aiohttp import hdrs, web

from ..option_checks import check_choice
from ..support.application_only import APPLICATION_ONLY
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.network.hosts import split_target
from ..support.network.local_paths import is_local_path
from ..typedefs import Handler

__all__ = ("change_slash", "trailing_slash")

_BATTERY = "trailing_slash()"
_URI = "!#$%&'()*+,/:;=?@[]~"  # what a URI may hold besides letters, digits and `-._` (RFC 3986, section 2)


def trailing_slash(policy: Literal["trim", "append"] = "trim") -> MiddlewareBattery:
    """Redirect a path without a route to the same path without, or with, a slash at its end, if that has one.

    Args:
        policy: `"trim"`, the default, takes all slashes off the end; `"append"` adds one.

    Raises:
        ConfigurationError: it is anything else.
        RegistrationError: when a chain is registered that has it.

    Responds:
        308 to the other path, with the query.

    Reads/Sets:
        reads the target of the request; sets `Location`.

    Source:
        RFC 9110, section 15.4.9; RFC 3986, section 4.2.

    Example:
        trailing_slash("append")
    """
    check_choice(_BATTERY, "policy", policy, ("trim", "append"))
    appends = policy == "append"

    @middleware_battery(f"trailing_slash({policy})", required=(APPLICATION_ONLY,))
    async def trailing_slash(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            target = change_slash(split_target(request.raw_path)[1], appends=appends)
            if target is not None and await _has_route(request, target):
                raise _redirect(target)
        return await handler(request)

    return trailing_slash


def change_slash(target: str, *, appends: bool) -> str | None:
    """Return a path and query with, or without, a slash at the end of the path; `None` if there is nothing to do.

    Args:
        target: as it was sent, from its first slash on; untrusted.
        appends: whether a slash is added, or all are taken off.
    """
    path, mark, query = target.partition("?")
    changed = f"{path}/" if appends and not path.endswith("/") else path
    if not appends:
        changed = path.rstrip("/") or "/"
    if changed == path or not is_local_path(changed):
        return None
    return f"{changed}{mark}{quote(query, _URI, errors='surrogateescape')}"


async def _has_route(request: web.Request, target: str) -> bool:
    try:
        other = request.clone(rel_url=target)
    except RuntimeError:  # a middleware before this one has read the body; aiohttp gives no other door
        return False
    found = await request.app.router.resolve(other)
    return found.http_exception is None


def _redirect(target: str) -> web.HTTPException:
    redirect = web.HTTPPermanentRedirect("/")
    redirect.headers[hdrs.LOCATION] = target  # as it came: aiohttp would requote it, and drop an empty query
    return redirect
