"""CORS: which pages of other origins may read the answers, on one route, a group, a router or an application.

A page may send what it likes; the browser keeps the answer from it unless `Access-Control-Allow-Origin` names its
origin. Before anything but a simple request, the browser asks by a preflight. Once `setup(app)` was called, that is
answered by the innermost `cors()` around the route that the request would reach: two methods of one path may have two
policies, no OPTIONS route is needed, and neither authentication nor handlers run. A preflight for a path or a method
that has no route, or no `cors()` around it, goes on as any other request and gets no permission; so does a plain
OPTIONS.

Put it before what may refuse, such as authentication: a page can read a 401 only if `cors()` has run by then. An
application's own 404 and 405 are seen by the `cors()` of the application, or of a sub-application for its prefix; no
route, group or router sees them. It is found where it stands in a chain or among the middlewares of an application,
by itself or by `define()`, not inside `unless()` and `any_of()`.

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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from aiohttp import hdrs, web

from ..errors import ConfigurationError
from ..naming import escape_unprintable
from ..support.battery import GuardBattery, guard_battery
from ..support.cors_origins import AllowedOrigins
from ..support.headers import merge_vary, on_response
from ..support.options import check_flags, in_order
from ..support.preflight import TOKEN, declare_policy, is_preflight
from ..typedefs import Handler

__all__ = ("Policy", "Preflight", "cors", "permit")

_ALL = "*"
_REQUEST_PRIVATE_NETWORK = "Access-Control-Request-Private-Network"
_ALLOW_PRIVATE_NETWORK = "Access-Control-Allow-Private-Network"
# What a page may send anyway, as long as its values are simple (Fetch, "CORS-safelisted request-header").
_SAFELISTED = frozenset({"accept", "accept-language", "content-language", "content-type"})
_LONGEST_NAMES = 4096  # characters of all names that a preflight announces


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What `cors()` was given, made ready.

    Args:
        origins: which are allowed.
        methods: which are allowed, of those that have a route; `None` for all of them.
        headers: the names of request headers that are allowed, in lower case; `None` for all.
        always: what each allowed response bears, besides its origin.
        beforehand: what each allowed preflight bears, besides what it asked for.
        private_network: whether pages of public networks may reach a server in a private one.
        vary: what a preflight was judged by.
    """

    origins: AllowedOrigins
    methods: frozenset[str] | None
    headers: frozenset[str] | None
    always: tuple[tuple[str, str], ...]
    beforehand: tuple[tuple[str, str], ...]
    private_network: bool
    vary: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Preflight:
    """What a browser asks.

    Args:
        origins: each `Origin` field.
        method: of the request to come, which has a route.
        names: each `Access-Control-Request-Headers` field.
        private_network: whether the server is in a more private network than the page.
    """

    origins: Sequence[str]
    method: str
    names: Sequence[str] = ()
    private_network: bool = False


def permit(policy: Policy, asked: Preflight) -> dict[str, str]:
    """Return the headers that allow what a preflight asks; none at all if any of it is denied."""
    origin = policy.origins.answer(asked.origins)
    names = _read_names(asked.names)
    if origin is None or names is None:
        return {}
    if policy.methods is not None and asked.method not in policy.methods:
        return {}
    if policy.headers is not None and not policy.headers.issuperset(names):
        return {}
    # Only what was asked for: browsers keep the answer for the whole path, where other methods may have other
    # policies. Names are sent back even for `*`: a star is a name like others if credentials are sent, and never
    # stands for Authorization (Fetch, "CORS-preflight fetch").
    allowed: dict[str, str] = dict(policy.beforehand)
    allowed[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    allowed[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = asked.method
    if names:
        allowed[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = ", ".join(names)
    if asked.private_network and policy.private_network:
        allowed[_ALLOW_PRIVATE_NETWORK] = "true"
    return allowed


def cors(
    origins: str | Iterable[str] = (),
    *,
    methods: str | Iterable[str] = _ALL,
    headers: str | Iterable[str] = (),
    credentials: bool = False,
    expose: str | Iterable[str] = (),
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
            port; a dot matches anything unless it is escaped.
        private_network: whether pages of public networks may reach this server in a private one; by default not.

    Raises:
        ConfigurationError: an origin has a path, a slash at its end, a star inside or is none; `"*"` together with
            credentials or with others; a method or a name is no token; `max_age` is negative; there are no origins.

    Responds:
        204 to preflights, whether they are allowed or not.

    Reads/Sets:
        Reads Origin and Access-Control-Request-*. Sets Access-Control-Allow-*, Access-Control-Expose-Headers,
        Access-Control-Max-Age and Vary. If the handler sets Access-Control-Allow-Origin itself, all it says is kept.

    Fetch, "CORS protocol": https://fetch.spec.whatwg.org/#http-cors-protocol

    Example:
        cors(origins=["https://example.com"], headers=["X-Token"], credentials=True, max_age=600)
    """
    allowed = AllowedOrigins(_list(origins, "origins"), _read_pattern(origin_regex), "cors()")
    exposed = _read_tokens(expose, "expose")
    check_flags("cors()", credentials=credentials, private_network=private_network)
    if credentials:
        _check_stars(allowed, exposed)
    sent_along = ((hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),) if credentials else ()
    policy = Policy(
        origins=allowed,
        methods=_read_methods(methods),
        headers=_read_headers(headers),
        always=sent_along + _write_exposed(exposed),
        beforehand=sent_along + _write_max_age(max_age),
        private_network=private_network,
        vary=_write_vary(private_network),
    )
    return _make(policy)


def _make(policy: Policy) -> GuardBattery:
    @guard_battery(_name(policy.origins))
    async def cors(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        on_response(request, "cors", apply)
        return await handler(request) if handler else None

    def apply(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        # A cache must not give to one origin what was said to another, or to none (Fetch, "CORS and HTTP caches").
        if not policy.origins.is_any:
            merge_vary(headers, hdrs.ORIGIN)
        if hdrs.ACCESS_CONTROL_ALLOW_ORIGIN in headers:  # the handler's own, to which no credentials are added
            return
        origin = policy.origins.answer(request.headers.getall(hdrs.ORIGIN, ()))
        if origin is None or is_preflight(request):  # a preflight that comes so far has no route with a policy
            return
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        for name, value in policy.always:
            headers.setdefault(name, value)

    declare_policy(cors, partial(_answer, policy))
    return cors


def _answer(policy: Policy, request: web.Request, method: str) -> web.StreamResponse:
    asked = Preflight(
        origins=request.headers.getall(hdrs.ORIGIN),
        method=method,
        names=request.headers.getall(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ()),
        private_network=request.headers.get(_REQUEST_PRIVATE_NETWORK) == "true",
    )
    return web.Response(status=204, headers={**permit(policy, asked), hdrs.VARY: policy.vary})


def _read_names(fields: Sequence[str]) -> tuple[str, ...] | None:
    """Return the announced names in lower case; `None` if one is no token."""
    text = ",".join(fields)
    if len(text) > _LONGEST_NAMES:
        return None
    names = [name.strip(" \t") for name in text.split(",")]
    names = [name for name in names if name]  # RFC 9110, section 5.6.1.2: empty members are no mistake
    if not all(map(TOKEN.fullmatch, names)):
        return None
    return tuple(dict.fromkeys(map(str.lower, names)))  # only now: other letters become ASCII in lower case


def _list(value: object, option: str) -> tuple[object, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Iterable):
        return tuple(in_order(tuple(value) if not isinstance(value, (set, frozenset)) else value))
    raise ConfigurationError("cors()", f"{option}={value!r}", cure="write a list of texts")


def _read_tokens(value: object, option: str) -> frozenset[str] | None:
    """Return what is listed, `None` for all."""
    listed = _list(value, option)
    if listed == (_ALL,):
        return None
    for one in listed:
        if not isinstance(one, str) or one == _ALL or not TOKEN.fullmatch(one):
            raise ConfigurationError("cors()", f"{option} has {one!r}", cure="list names, or write '*' alone")
    return frozenset(map(str, listed))


def _read_methods(value: object) -> frozenset[str] | None:
    methods = _read_tokens(value, "methods")
    if methods is not None and not methods:
        raise ConfigurationError("cors()", "there are no methods", cure="list some, or leave methods= out for all")
    return methods and frozenset(map(str.upper, methods))  # as aiohttp writes those of routes


def _read_headers(value: object) -> frozenset[str] | None:
    names = _read_tokens(value, "headers")
    return None if names is None else _SAFELISTED.union(map(str.lower, names))


def _read_pattern(value: object) -> re.Pattern[str] | None:
    if value is None:
        return None
    try:
        pattern = re.compile(value) if isinstance(value, str) else value
    except re.error as error:
        raise ConfigurationError("cors()", f"origin_regex={value!r}: {error}", cure="correct it") from error
    if not isinstance(pattern, re.Pattern) or not isinstance(pattern.pattern, str):
        raise ConfigurationError("cors()", f"origin_regex={value!r}", cure="write it as text, or re.compile() a text")
    return pattern


def _check_stars(origins: AllowedOrigins, exposed: frozenset[str] | None) -> None:
    """With credentials a star is no star but a name (Fetch, "CORS protocol and credentials")."""
    if origins.is_any:
        raise ConfigurationError("cors()", "origins='*' with credentials", cure="list the origins that are trusted")
    if exposed is None:
        raise ConfigurationError("cors()", "expose='*' with credentials", cure="list the names of the headers")


def _write_exposed(names: frozenset[str] | None) -> tuple[tuple[str, str], ...]:
    value = _ALL if names is None else ", ".join(sorted(names))
    return ((hdrs.ACCESS_CONTROL_EXPOSE_HEADERS, value),) if value else ()


def _write_max_age(seconds: object) -> tuple[tuple[str, str], ...]:
    if seconds is None:
        return ()
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
        raise ConfigurationError("cors()", f"max_age={seconds!r}", cure="write whole seconds, 0 or more")
    return ((hdrs.ACCESS_CONTROL_MAX_AGE, str(seconds)),)


def _write_vary(private_network: bool) -> str:
    read = [hdrs.ORIGIN, hdrs.ACCESS_CONTROL_REQUEST_METHOD, hdrs.ACCESS_CONTROL_REQUEST_HEADERS]
    return ", ".join([*read, _REQUEST_PRIVATE_NETWORK] if private_network else read)


def _name(origins: AllowedOrigins) -> str:
    pattern = () if origins.pattern is None else (escape_unprintable(origins.pattern.pattern),)
    return f"cors({', '.join((*origins.listed, *pattern))})"
