"""CORS: which pages of other origins may read the answers, on one route, a group, a router or an application.

A page may send what it likes; the browser keeps the answer from it unless `Access-Control-Allow-Origin` names its
origin. Before anything but a simple request, the browser asks by a preflight. Once `setup(app)` was called, that is
answered by the innermost `cors()` around the route that the request would reach: two methods of one path may have two
policies, no OPTIONS route is needed, and neither authentication nor handlers run. A preflight for a path or a method
that has no route, or no `cors()` around it, goes on as any other request and gets no permission; so does a plain
OPTIONS. So whoever asks can tell a route with a `cors()` from none, also where authentication would hide which.

Put it before what may refuse, such as authentication: a page can read a 401 only if `cors()` has run by then. An
application's own 404 and 405 are seen by the `cors()` of the application, or of a sub-application for its prefix; no
route, group or router sees them. It is found where it stands in a chain or among the middlewares of an application,
by itself or by `define()`, not inside `unless()` and `any_of()`. A handler that keeps a response and copies its
headers into later ones must leave out those of here: they would name the origin that has asked first to all others.

It does **not** protect the server: whoever is no browser sends what it likes, and a simple request of a foreign page
(a form, a GET) is carried out before the browser hides the answer. Against that stands `csrf()`. Nor does it limit who
reads what needs no cookie: the `Origin` header of another client is what that client writes. With `credentials=True`
each allowed origin acts as the user who is logged in; so does every page that an `origin_regex` matches by mistake,
and, if `null` is listed, any page at all in a sandbox.

    setup(app)
    router.add_get("/posts", cors(origins=["https://blog.example"]), list_posts)
    router.add_put("/posts", cors(origins=["https://admin.example"], credentials=True), authenticate, put_posts)
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial

from aiohttp import hdrs, web

from ..naming import escape_unprintable
from ..support.battery import GuardBattery, guard_battery
from ..support.cors.allowed_origins import AllowedOrigins
from ..support.cors.options import REQUEST_PRIVATE_NETWORK, compile_cors_policy
from ..support.cors.policy import CorsPolicy, Preflight, allow_preflight
from ..support.cors.preflight import declare_policy, is_preflight
from ..support.responses import Apply, on_response
from ..support.vary import merge_vary
from ..typedefs import Handler

__all__ = ("cors",)

_BATTERY = "cors()"


def cors(
    origins: str | Collection[str] = (),
    *,
    methods: str | Collection[str] = "*",
    headers: str | Collection[str] = (),
    credentials: bool = False,
    expose: str | Collection[str] = (),
    max_age: int | None = None,
    origin_regex: str | re.Pattern[str] | None = None,
    private_network: bool = False,
) -> GuardBattery:
    r"""Let pages of other origins read the answers, and answer their preflights.

    Args:
        origins: `scheme://host` or `scheme://host:port`, one or several; `"null"` only if it is listed; `"*"` for all
            pages, without credentials.
        methods: which of those that have a route may be announced by a preflight; by default all.
        headers: names of request headers that may be announced, besides Accept, Accept-Language, Content-Language and
            Content-Type; by default no others; `"*"` for all.
        credentials: whether cookies and the like are sent along, and the answer can be read then; by default not.
        expose: names of response headers that a page can read; by default those that every page can; `"*"` for all,
            without credentials.
        max_age: seconds for which a browser keeps the answer to a preflight; 0 for never, by default as long as the
            browser likes (5 seconds).
        origin_regex: matches the whole of further origins, as browsers write them: in lower case, without the default
            port; a dot matches anything unless it is escaped; by default none.
        private_network: whether pages of public networks may reach this server in a private one; by default not.

    Raises:
        ConfigurationError: an origin has a path, a slash at its end, a star inside or is none; no origin can match
            `origin_regex`; `"*"` together with credentials or with others; a method or a name is no token; `max_age`
            is negative; there are no origins.

    Responds:
        204 to preflights, whether they are allowed or not.

    Reads/Sets:
        Reads Origin and Access-Control-Request-*. Sets Access-Control-Allow-*, Access-Control-Expose-Headers,
        Access-Control-Max-Age and Vary. If the handler sets Access-Control-Allow-Origin itself, all it says is kept.

    Source:
        Fetch, "CORS protocol": https://fetch.spec.whatwg.org/#http-cors-protocol

    Example:
        cors(origins=["https://example.com"], headers=["X-Token"], credentials=True, max_age=600)
    """
    policy = compile_cors_policy(
        _BATTERY,
        origins=origins,
        methods=methods,
        headers=headers,
        credentials=credentials,
        expose=expose,
        max_age=max_age,
        origin_regex=origin_regex,
        private_network=private_network,
    )
    apply = _make_apply(policy)

    @guard_battery(_name(policy.origins))
    async def cors(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        on_response(request, "cors", apply)
        return await handler(request) if handler else None

    declare_policy(cors, partial(_answer, policy))
    return cors


def _make_apply(policy: CorsPolicy) -> Apply:
    find_answer, always, varies = policy.origins.answer, policy.always, not policy.origins.is_any

    def apply(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        # A cache must not give to one origin what was said to another, or to none (Fetch, "CORS and HTTP caches").
        if varies:
            merge_vary(headers, hdrs.ORIGIN)
        if hdrs.ACCESS_CONTROL_ALLOW_ORIGIN in headers:  # the handler's own, to which no credentials are added
            return
        origin = find_answer(request.headers.getall(hdrs.ORIGIN, ()))
        if origin is None or is_preflight(request):  # a preflight that comes so far has no route with a policy
            return
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        for name, value in always:
            headers.setdefault(name, value)

    return apply


def _answer(policy: CorsPolicy, request: web.Request, method: str) -> web.StreamResponse:
    asked = Preflight(
        origins=request.headers.getall(hdrs.ORIGIN),
        method=method,
        names=request.headers.getall(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ()),
        private_network=request.headers.get(REQUEST_PRIVATE_NETWORK) == "true",
    )
    return web.Response(status=204, headers={**allow_preflight(policy, asked), hdrs.VARY: policy.vary})


def _name(origins: AllowedOrigins) -> str:
    pattern = () if origins.pattern is None else (escape_unprintable(origins.pattern.pattern),)
    return f"cors({', '.join((*origins.listed, *pattern))})"
