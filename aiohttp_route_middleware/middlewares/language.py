"""The language of the answer: the one of those that there are that comes nearest to what is asked for.

It is looked for in this order, and the first that names a language that there is decides: a variable of the path, a
query parameter, a cookie, and `Accept-Language`. The first three are off until they are named. Whatever was found, or
else the default, is `request[LANGUAGE]`, just as it is written in `available`.

    setup(app)
    router = UrlDispatcherEx.install(app, language(["en", "de", "zh-Hant"], query="lang", cookie="lang"))

    async def greet(request):
        return web.Response(text=GREETINGS[request[LANGUAGE]])

`de-CH` finds `de`, by the lookup of RFC 4647; if there is no `de` but a `de-AT`, then `de` finds that, by its
filtering. `Content-Language` says what was found, unless the handler has set it, on each response with a body: also
on error pages and pictures, so put it where the words are. `Vary` names what was looked at beside the URL:
`Accept-Language`, and `Cookie` if a cookie is named.

It sets **no** cookie: a handler that lets people choose does, and no GET should. It translates nothing, reads nothing
of where a client is, and protects from nothing: what a client asks for is only ever compared with your list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from ..option_checks import check_name, check_text
from ..support.battery import GuardBattery, guard_battery
from ..support.content.languages import LANGUAGE, find_language, look_up, read_languages
from ..support.content.remembered import remember
from ..support.cookies import read_cookies
from ..support.responses import Apply, on_response
from ..support.vary import merge_vary
from ..typedefs import Handler

__all__ = ("LANGUAGE", "language")

_BATTERY = "language()"
_NO_CONTENT = frozenset((101, 204, 205, 304))


def language(
    available: Sequence[str],
    *,
    default: str | None = None,
    path: str | None = None,
    query: str | None = None,
    cookie: str | None = None,
) -> GuardBattery:
    """Find the language of the answer.

    Args:
        available: language tags, such as `"en"` and `"de-CH"`; if several match equally, the first is taken.
        default: if none is asked for; by default the first of them.
        path: a variable of the path, such as `"lang"` in `/{lang}/posts`; by default none.
        query: a query parameter, such as `"lang"`; by default none.
        cookie: the name of a cookie; by default none.

    Raises:
        ConfigurationError: there are no languages, one is no language tag, the default is none of them, or another
            option is no name.

    Responds:
        Nothing of its own: who asks for none of them gets the default.

    Reads/Sets:
        reads `Accept-Language`, and the path, the query and `Cookie` as told. Sets `LANGUAGE`, `Content-Language` and
        `Vary`. Needs `setup(app)`.

    Source:
        RFC 4647, sections 3.3.1 and 3.4; RFC 9110, sections 8.5 and 12.5.4.

    Example:
        language(["en", "de", "zh-Hant"], query="lang", cookie="lang")
    """
    tags, fallback = read_languages(_BATTERY, available, default)
    read_url = _make_reader(path, query)
    if cookie is not None:
        check_name(_BATTERY, "cookie", cookie, example="lang")
    choose = remember(partial(find_language, available=tags, default=fallback))
    by_url, by_cookie, by_header = _make_applies(tags, cookie)

    def find(request: web.Request) -> tuple[str, Apply]:
        for asked in read_url(request) if read_url else ():
            if (found := look_up(asked, tags)) is not None:
                return found, by_url[found]
        for asked in read_cookies(request.headers, cookie) if cookie else ():
            if (found := look_up(asked, tags)) is not None:
                return found, by_cookie[found]
        found = choose(request.headers.getall(hdrs.ACCEPT_LANGUAGE, ()))
        return found, by_header[found]

    @guard_battery(f"language({', '.join(tags)})", provided=(LANGUAGE,))
    async def language(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        request[LANGUAGE], apply = find(request)
        on_response(request, "language", apply)
        return await handler(request) if handler else None

    return language


def _make_reader(path: Any, query: Any) -> Callable[[web.Request], Iterator[str]] | None:
    """Make what reads the languages that a URL names; nothing if it names none."""
    for option, value in (("path", path), ("query", query)):
        if value is not None:
            check_text(_BATTERY, option, value)
    if path is None and query is None:
        return None

    def read_url(request: web.Request) -> Iterator[str]:
        if path is not None and path in request.match_info:
            yield request.match_info[path]
        if query is not None:
            yield from request.query.getall(query, ())

    return read_url


def _make_applies(tags: Sequence[str], cookie: str | None) -> tuple[dict[str, Apply], ...]:
    """What is done to a response, by its language, if the URL, the cookie or the header has decided."""
    looked_at = (hdrs.COOKIE,) if cookie else ()
    varies: tuple[tuple[str, ...], ...] = ((), looked_at, (*looked_at, hdrs.ACCEPT_LANGUAGE))
    return tuple({tag: _make_apply(tag, vary) for tag in tags} for vary in varies)


def _make_apply(tag: str, vary: tuple[str, ...]) -> Apply:
    def apply(_: web.Request, response: web.StreamResponse) -> None:
        if vary:
            merge_vary(response.headers, *vary)
        if response.status not in _NO_CONTENT:
            response.headers.setdefault(hdrs.CONTENT_LANGUAGE, tag)

    return apply
