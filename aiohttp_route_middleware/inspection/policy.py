"""The policy check: no application starts with a route that lacks the links which every route must have.

It trusts nothing but what it finds behind the route when the application starts: links count by identity, or by the
request key that they declare to provide; a wrapper around a link is another link.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aiohttp import web

from ..declarations import provided_by
from ..errors import InspectionError, PolicyError
from ..marks import is_same
from ..naming import describe, escape_unprintable, name_key, name_link
from .listing import RouteInfo, list_routes

__all__ = ("check_links", "require_links")


def require_links(app: web.Application, *links: Any, unless: Iterable[str] = ()) -> None:
    """Refuse to start an application in which a route has none of these links.

    Args:
        app: the outermost application; its sub-applications are checked with it, when it starts.
        links: **one** of them is enough for a route, behind it or among the middlewares of its applications; a request
            key stands for any link that provides it. A route that needs each of several needs a call for each.
        unless: routes that need none, as `"/login"` for all methods of a path, or `"GET /login"` for one; written as
            the `routes` command shows them. By default there are none.

    Raises:
        PolicyError: at start-up: routes without any of the links; or `unless` names what is not there, or not needed.

    Example:
        require_links(app, require_login, require_token, unless=["/login", "GET /health"])  # one way in, or the other;
        require_links(app, audit)  # and each request is written down
    """
    if not isinstance(app, web.Application):
        raise InspectionError(f"require_links() got {describe(app)}; pass the web.Application first")
    if not links:
        raise InspectionError("require_links() got no links; pass at least one, or a request key")
    for link in links:
        if not (callable(link) or isinstance(link, (str, web.RequestKey))):
            raise InspectionError(f"require_links() got {describe(link)}; pass links or request keys")
    if app.on_startup.frozen:
        raise InspectionError("require_links() came too late: the application has started, or is part of another")
    exempted = () if isinstance(unless, str) else tuple(unless)
    if isinstance(unless, str) or not all(isinstance(entry, str) for entry in exempted):
        raise InspectionError('unless= takes a list of texts: unless=["/login", "GET /health"]')

    def refuse_unprotected_routes() -> None:
        problems = check_links(app, links, exempted)
        if problems:
            raise PolicyError("\n- ".join(["the application does not start:", *problems]) + _advise(links, problems))

    async def refuse_at_startup(_: web.Application) -> None:
        refuse_unprotected_routes()
        _call_when_frozen(app.router, refuse_unprotected_routes)  # for what other start-up handlers register

    app.on_startup.insert(0, refuse_at_startup)  # before anything is opened that would have to be closed


def _call_when_frozen(router: web.UrlDispatcher, check: Callable[[], None]) -> None:
    freeze = router.freeze

    def freeze_and_check() -> None:
        freeze()
        check()

    router.freeze = freeze_and_check  # type: ignore[method-assign]  # after start-up, aiohttp has no other hook


def check_links(app: web.Application, links: Sequence[Any], unless: Sequence[str] = ()) -> list[str]:
    """Return what is wrong, one text for each route and each entry; nothing if all is well."""
    routes = list_routes(app)
    wanted, found = (" or ".join(_name_wanted(link, article) for link in links) for article in ("", "a "))
    lacking = [route for route in routes if not any(_has(route, link) for link in links)]
    unprotected = [route for route in lacking if not any(_names(entry, route) for entry in unless)]
    problems = [f"{_name_route(route)} has no {wanted}" for route in unprotected]
    for entry in unless:
        if not any(_names(entry, route) for route in routes):
            problems.append(f"unless={entry!r} names no route{_suggest(entry, routes)}")
        elif not any(_names(entry, route) for route in lacking):
            problems.append(f"unless={entry!r} is not needed: {entry} has {found}; take it out")
    return problems


def _has(route: RouteInfo, wanted: Any) -> bool:
    links = [info.link for info in route.middlewares + route.links]
    if isinstance(wanted, (str, web.RequestKey)):
        return any(wanted in provided_by(link) for link in links)
    return any(is_same(link, wanted) for link in links)


def _names(entry: str, route: RouteInfo) -> bool:
    return entry in (route.path, route.label)


def _name_wanted(wanted: Any, article: str) -> str:
    if isinstance(wanted, (str, web.RequestKey)):
        return f"{article}link that provides {name_key(wanted)}"
    return name_link(wanted)


def _advise(links: Sequence[Any], problems: Sequence[str]) -> str:
    wants_key = any(isinstance(link, (str, web.RequestKey)) for link in links)
    if not wants_key or all(problem.startswith("unless=") for problem in problems):
        return ""
    return (
        "\nput a link that is declared to set it, by @provides, before each of these routes. given= does not count, "
        "for it only vouches: where a link refuses those for whom nothing was set, as authorise(redirect=...) does, "
        "require that very link as well"
    )


def _name_route(route: RouteInfo) -> str:
    site = f", defined at {route.site}," if route.site else ""
    return escape_unprintable(f"{' '.join(route.methods)} {route.path} -> {route.endpoint}{site}")


def _suggest(entry: str, routes: Sequence[RouteInfo]) -> str:
    known = {name.casefold(): name for route in routes for name in (route.path, route.label)}
    close = difflib.get_close_matches(entry.casefold(), known, n=1)
    return f"; did you mean {known[close[0]]!r}?" if close else "; the `routes` command lists them"
