r"""Which route answers a request, told apart from all others: the same in each process, and after each restart.

Two routes may have one template, as `/posts/{id:\d+}` and `/posts/{id:[a-z]+}`, or the same path on two domains; a
name for people has that template alone (`support/telemetry/route_names.py`), and would take one for the other.

Rules kept here:
- A route is what it was registered with: method, template, the expressions of its variables, the domains around it.
- A method that a client makes up is no other route, and HEAD is GET without the content (RFC 9110, section 9.3.2).
- What no route answers is one, however many paths there are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from weakref import WeakKeyDictionary

from aiohttp import hdrs, web

__all__ = ("identify_route",)

# by the applications around a route: it may have been added to several
_known: WeakKeyDictionary[web.AbstractRoute, dict[tuple[int, ...], str]] = WeakKeyDictionary()


def identify_route(request: web.Request) -> str:
    """Return a text that tells the route of a request from all others; there is no null character in it."""
    match = request.match_info
    resource = match.route.resource
    if resource is None:
        return "route none"
    known = _known.get(match.route)
    if known is None:
        known = _known[match.route] = {}
    apps = tuple(map(id, match.apps))
    text = known.get(apps)
    if text is None:
        text = known[apps] = _describe(match.route.method, resource, match.apps)
    return text


def _describe(method: str, resource: web.AbstractResource, apps: Sequence[web.Application]) -> str:
    method = hdrs.METH_GET if method == hdrs.METH_HEAD else method
    pattern = resource.get_info().get("pattern")
    told = [pattern.pattern] if isinstance(pattern, re.Pattern) else []
    told += [f"on {domain}" for domain in _list_domains(apps)]
    return f"route {method} {resource.canonical}{json.dumps(told) if told else ''}"


def _list_domains(apps: Sequence[web.Application]) -> Iterator[str]:
    for outer, inner in pairwise(apps):
        resources = outer.router.resources() if isinstance(outer.router, web.UrlDispatcher) else ()
        rules = (one.get_info().get("rule") for one in resources if one.get_info().get("app") is inner)
        yield from (rule.canonical for rule in rules if rule is not None)
