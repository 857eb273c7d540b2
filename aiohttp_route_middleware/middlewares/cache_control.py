"""`Cache-Control`: who may keep a response, for how long, and what he does when that time is over.

    setup(app)
    router = UrlDispatcherEx.install(app, cache_control(no_store=True))
    router.add_get("/logo", cache_control(public=True, max_age=86_400, immutable=True), send_logo)
    router.add_get("/news", cache_control(max_age=60, stale_while_revalidate=600), list_news)

Of several, the innermost decides. It speaks for what a GET or HEAD has found: 2xx, 301, 308, and the 304 that stands
for one of them. Errors get `no-store`, so that no cache keeps a 404 or 500 in their place, unless `errors=None`. With
`no_store=True` it speaks for every response.

What the handler has set itself stays. Only where that merely forbids, as the `private` of `sessions()` and
`csrf_token()`, both hold: `private` and `public, max-age=60` are `private, max-age=60`, and `no-store` stays alone. A
response that sets a cookie is private, unless the handler has said something else.

It does **not** keep anything itself; that is `response_cache()`. It does **not** reach what has been kept already: a
client asks again when the time is over, not before. What only some may see is theirs by `private=True`: without it,
caches that many share keep it, and a `max_age` alone allows that, except for requests with `Authorization`.
`Expires` and `Pragma` are not sent: every cache that is in use knows `Cache-Control`.

**Who reads it:** `s_maxage`, `public` and `proxy_revalidate` are for caches that many share, and `stale_if_error` is
followed by hardly anybody else. Where neither a proxy nor a content delivery network stands in front, nor a
`response_cache()` around this link, they do nothing, and nothing says so. A `response_cache()` inside of it has kept
or not kept the response before this link speaks:

    router.add_get("/news", response_cache(store=store), cache_control(s_maxage=60), list_news)
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import hdrs, web
from multidict import CIMultiDict

from ..errors import ConfigurationError
from ..option_checks import check_count, check_flags, refuse_option
from ..support.battery import GuardBattery, guard_battery
from ..support.content.cache_directives import Directives, combine, is_restriction, read_directives, write_directives
from ..support.responses import Apply, on_response
from ..typedefs import Handler

__all__ = ("cache_control",)

_BATTERY = "cache_control()"
_CDN = "CDN-Cache-Control"
_FOUND = frozenset((*range(200, 300), 301, 304, 308))
# what contradicts what: the first is given, and one of the others as well
_CONTRADICTIONS = {
    "no_store": (
        *("public", "no_cache", "must_revalidate", "proxy_revalidate", "immutable", "max_age", "s_maxage"),
        *("stale_while_revalidate", "stale_if_error", "cdn_max_age"),
    ),
    "private": ("public", "s_maxage", "proxy_revalidate", "cdn_max_age"),
    "no_cache": ("immutable", "stale_while_revalidate", "stale_if_error"),
    "must_revalidate": ("stale_while_revalidate", "stale_if_error"),
}


def cache_control(
    *,
    max_age: int | None = None,
    s_maxage: int | None = None,
    public: bool = False,
    private: bool = False,
    no_cache: bool = False,
    no_store: bool = False,
    no_transform: bool = False,
    must_revalidate: bool = False,
    proxy_revalidate: bool = False,
    immutable: bool = False,
    stale_while_revalidate: int | None = None,
    stale_if_error: int | None = None,
    cdn_max_age: int | None = None,
    errors: str | None = "no-store",
) -> GuardBattery:
    """Say who may keep a response, and for how long.

    Args:
        max_age: seconds for which it is fresh.
        s_maxage: seconds for which it is fresh in caches that many share; they must ask again after that.
        public: whether such caches may keep it although the request had `Authorization`; default no.
        private: whether only the client itself may keep it; default no.
        no_cache: whether it is used only after asking again each time; default no.
        no_store: whether nobody may keep it; default no.
        no_transform: whether nobody on the way may change the body, as by compressing it; default no.
        must_revalidate: whether it is never used when it is no longer fresh; default no.
        proxy_revalidate: the same, for caches that many share; default no.
        immutable: whether it never changes while it is fresh, so that no reload asks for it; default no.
        stale_while_revalidate: seconds for which it may still be used while it is asked for again.
        stale_if_error: seconds for which it may still be used when asking again fails.
        cdn_max_age: seconds for which it is fresh in content delivery networks, as `CDN-Cache-Control`, which they
            believe before all else.
        errors: what 4xx and 5xx get: `"no-store"`, the default, or `None` for nothing.

    Raises:
        ConfigurationError: an option is wrong, two contradict each other, or nothing is said at all.

    Responds:
        Nothing of its own.

    Reads/Sets:
        sets `Cache-Control` and, with `cdn_max_age`, `CDN-Cache-Control`, unless the handler has set it. Needs
        `setup(app)`.

    Source:
        RFC 9111, section 5.2.2; RFC 5861; RFC 8246; RFC 9213.

    Example:
        cache_control(max_age=60, stale_while_revalidate=600)
    """
    flags = {
        "public": public,
        "private": private,
        "no_cache": no_cache,
        "no_store": no_store,
        "no_transform": no_transform,
        "must_revalidate": must_revalidate,
        "proxy_revalidate": proxy_revalidate,
    }
    times = {
        "max_age": max_age,
        "s_maxage": s_maxage,
        "stale_while_revalidate": stale_while_revalidate,
        "stale_if_error": stale_if_error,
    }
    check_flags(_BATTERY, **flags, immutable=immutable)
    policy = _read_policy(flags, times, immutable=immutable, cdn_max_age=cdn_max_age)
    if errors not in ("no-store", None):
        raise refuse_option(_BATTERY, "errors", errors, 'write "no-store" or None')
    apply = _speak_for_all(policy) if no_store else _speak_for_found(policy, errors, cdn_max_age)

    @guard_battery(f"cache_control({write_directives(policy)})")
    async def cache_control(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        on_response(request, "cache_control", apply)
        return await handler(request) if handler else None

    return cache_control


def _read_policy(
    flags: dict[str, bool], times: dict[str, int | None], *, immutable: bool, cdn_max_age: int | None
) -> dict[str, str | None]:
    seconds = {option: value for option, value in {**times, "cdn_max_age": cdn_max_age}.items() if value is not None}
    for option, value in seconds.items():
        check_count(_BATTERY, option, value, unit="seconds", at_least=0)
    switched = [option for option, value in flags.items() if value]
    _check_contradictions({*switched, *seconds, *(("immutable",) if immutable else ())})
    seconds.pop("cdn_max_age", None)
    policy: dict[str, str | None] = {_name(option): None for option in switched}
    policy.update({_name(option): str(value) for option, value in seconds.items()})
    if immutable:
        policy["immutable"] = None
    return policy


def _check_contradictions(given: set[str]) -> None:
    if not given:
        raise ConfigurationError(_BATTERY, "nothing is said", cure="pass max_age=60, no_store=True, or another option")
    for option, others in _CONTRADICTIONS.items():
        contradicting = [other for other in others if other in given]
        if option in given and contradicting:
            problem = f"{option} and {contradicting[0]} contradict each other"
            raise ConfigurationError(_BATTERY, problem, cure="leave one of them out")
    if "immutable" in given and "max_age" not in given:
        raise ConfigurationError(_BATTERY, "immutable without max_age", cure="say for how long, as max_age=31_536_000")
    for option in ("stale_while_revalidate", "stale_if_error"):
        if option in given and not given & {"max_age", "s_maxage"}:
            cure = "say how long it is fresh before, as max_age=60"
            raise ConfigurationError(_BATTERY, f"{option} without max_age", cure=cure)


def _name(option: str) -> str:
    return option.replace("_", "-")


def _speak_for_all(policy: Directives) -> Apply:
    say = _make_say(policy)

    def apply(_: web.Request, response: web.StreamResponse) -> None:
        say(response.headers)

    return apply


def _speak_for_found(policy: Directives, errors: str | None, cdn_max_age: int | None) -> Apply:
    say, say_of_error = _make_say(policy), _make_say({} if errors is None else {errors: None})

    def apply(request: web.Request, response: web.StreamResponse) -> None:
        if response.status >= 400:
            say_of_error(response.headers)
        elif response.status in _FOUND and request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
            is_shared = say(response.headers)
            if is_shared and cdn_max_age is not None:
                response.headers.setdefault(_CDN, f"max-age={cdn_max_age}")

    return apply


def _make_say(policy: Directives) -> Callable[[CIMultiDict[str]], bool]:
    """Make what sets the field, and tells whether caches that many share may keep the response.

    The latter as far as this policy decides. Where nothing is there yet, what to write is known beforehand.
    """
    alone, with_cookie = (combine(there, policy) for there in ({}, {"private": None}))
    said_alone, said_with_cookie = write_directives(alone), write_directives(with_cookie)
    may_be_shared = _allows_sharing(alone)

    def say(headers: CIMultiDict[str]) -> bool:
        there = read_directives(headers.getall(hdrs.CACHE_CONTROL)) if hdrs.CACHE_CONTROL in headers else None
        if there:
            return _add(headers, there, policy)
        has_cookie = hdrs.SET_COOKIE in headers
        said = said_with_cookie if has_cookie else said_alone
        if said:
            headers[hdrs.CACHE_CONTROL] = said
        return may_be_shared and not has_cookie

    return say


def _add(headers: CIMultiDict[str], there: Directives, policy: Directives) -> bool:
    if not is_restriction(there):
        return False
    said = combine(there, policy)
    headers[hdrs.CACHE_CONTROL] = write_directives(said)
    return _allows_sharing(said)


def _allows_sharing(said: Directives) -> bool:
    return said.keys().isdisjoint(("private", "no-store", "no-cache"))
