"""Another method than POST, for clients that can send no other: HTML forms, and what stands behind old proxies.

    app = web.Application(middlewares=[method_override()])
    app = web.Application(middlewares=[csrf(), method_override(header=None, field="_method")])

It is a middleware of an application, or of a sub-application. aiohttp has found a route for the POST by then: it is
found anew, and what is left of the middlewares, those of sub-applications, the links of the new route and its handler
see a request with the new method, and another match. Middlewares before it see a POST. A chain refuses it. Inside of
another middleware, such as `unless()`, it answers 500: what stands behind that would be left out.

Only a POST is taken for something else, and only for a PUT, PATCH or DELETE: what changes nothing does not become what
does, and no check of `csrf()`, before or behind, is skipped. What is named but not allowed is 400, and a method that
the path does not have is 405: the handler for POST does not get what was meant for another.

The method is looked for in the header, then in the query, then in a field of a form; what is named first counts. A
form is read up to a limit, and the handler reads it as if nothing had been; one that is longer stays a POST, so forms
with files name their method in the query. What a middleware before it has read with `read()` or `post()` is passed on.

`body_limit()` takes the limit of the route that is meant, before it and behind it, and so does its check of
`Expect: 100-continue`. With `field` only the body tells: it is invited, and before it the limit is that of the POST.

It does **not** protect from forged requests. Pages of other origins can send a POST with any query and any form
without asking, but no header, PUT or DELETE unless `cors()` lets them. So with `field` or `query`, put `csrf()` before
it, or a page anywhere can make a browser delete what only DELETE can. For the same reason do not list the header in
`cors(headers=...)`: the preflight would be judged by the policy of the POST. An access log tells of a POST.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from aiohttp import hdrs, web
from multidict import istr

from ..errors import ConfigurationError
from ..option_checks import check_choice, check_count, check_name, check_text, check_texts, refuse_option
from ..support.application_only import APPLICATION_ONLY, find_place
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.clones import clone_request, close_clone
from ..support.forms import read_field
from ..support.meant_methods import declare_meaning, match_anew, run_behind
from ..support.telemetry.route_names import note_match
from ..typedefs import Handler

__all__ = ("method_override",)

_BATTERY = "method_override()"
_HEADER = "X-HTTP-Method-Override"
_METHODS = (hdrs.METH_PUT, hdrs.METH_PATCH, hdrs.METH_DELETE)
_FORM_LIMIT = 65_536
_FIELD = re.compile(r"[A-Za-z0-9_-]+")  # which forms do not escape
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def method_override(
    *,
    header: str | None = _HEADER,
    query: str | None = None,
    field: str | None = None,
    methods: Collection[str] = _METHODS,
    form_limit: int = _FORM_LIMIT,
) -> MiddlewareBattery:
    """Take a POST for the method that it names.

    Args:
        header: the name of a header; by default `X-HTTP-Method-Override`; `None` for none.
        query: the name of a query parameter; by default none.
        field: the name of a field of a form, in letters, digits, `_` and `-`; by default none.
        methods: that may be named, of `PUT`, `PATCH` and `DELETE`; by default all of them.
        form_limit: bytes of a form that are read for the field; default 65536.

    Raises:
        ConfigurationError: an option is wrong, or there is nowhere to look; in a request, if another middleware hides
            where this one stands.
        RegistrationError: when a chain is registered that has it.

    Responds:
        400 for a method that is not allowed, or several at once; 405 for one that the path does not have.

    Reads/Sets:
        reads the header, the query and the form of a POST; sets the method and the match of the request.

    Source:
        RFC 9110, section 9, which knows nothing of it.

    Example:
        method_override(field="_method", methods=["PUT", "DELETE"])
    """
    listed = check_texts(_BATTERY, "methods", methods)
    allowed = frozenset(check_choice(_BATTERY, "methods", one, _METHODS) for one in listed)
    check_count(_BATTERY, "form_limit", form_limit, unit="bytes")
    read_head = _make_reader(header, query)
    _check_field(header, query, field)
    refusal = f"A POST can be taken here for {', '.join(sorted(allowed))} alone."
    places = ", ".join(place for place in (header, query, field) if place is not None)

    @middleware_battery(f"method_override({places})", required=(APPLICATION_ONLY,))
    async def method_override(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method != hdrs.METH_POST:
            return await handler(request)
        named = read_head(request)
        if not named and field is not None:
            found = await read_field(request, field, form_limit)
            named = _read_methods(() if found is None else (found,))
        if named <= {hdrs.METH_POST}:
            return await handler(request)
        if len(named) > 1 or not named <= allowed:
            raise web.HTTPBadRequest(text=refusal)
        return await _start_again(request, named.pop(), method_override)

    def find_method(request: web.Request) -> str | None:
        if request.method != hdrs.METH_POST:
            return request.method
        named = read_head(request)
        if not named and field is not None and _may_name(request, form_limit):
            return None
        return named.pop() if len(named) == 1 and named <= allowed else hdrs.METH_POST

    declare_meaning(method_override, find_method)
    return method_override


def _make_reader(header: Any, query: Any) -> Callable[[web.Request], set[str]]:
    """Make what reads the methods that the head of a request names."""
    name = None if header is None else istr(check_name(_BATTERY, "header", header, example=_HEADER))
    if query is not None:
        check_text(_BATTERY, "query", query)

    def read_head(request: web.Request) -> set[str]:
        named = request.headers.getall(name, []) if name is not None else []
        if not named and query is not None:
            named = request.query.getall(query, [])
        return _read_methods(named)

    return read_head


def _read_methods(named: Iterable[str]) -> set[str]:
    return {one.strip().upper() for one in named}


def _check_field(header: Any, query: Any, field: Any) -> None:
    if header is None and query is None and field is None:
        raise ConfigurationError(_BATTERY, "there is nowhere to look", cure='name a header, or field="_method"')
    if field is not None and not (isinstance(field, str) and _FIELD.fullmatch(field)):
        raise refuse_option(_BATTERY, "field", field, 'write it in letters, digits, "_" and "-", as in "_method"')


def _may_name(request: web.Request, limit: int) -> bool:
    """Whether a form that is not there yet may name a method."""
    return request.content_type in _FORMS and (request.content_length or 0) <= limit


async def _start_again(request: web.Request, method: str, battery: MiddlewareBattery) -> web.StreamResponse:
    """Find the route anew, within the application in which the battery stands, and run what stands behind it."""
    app = request.app
    place = find_place(battery, app)
    if place is None:  # what stands behind it there would not run: csrf(), say
        cure = "put it into web.Application(middlewares=[...]) by itself"
        raise ConfigurationError(_BATTERY, "another middleware hides where it stands", cure=cure)
    other = clone_request(request, method=method)
    try:
        note_match(await match_anew(other, request, app))
        return await run_behind(other, app, place)
    finally:
        close_clone(other, request)
