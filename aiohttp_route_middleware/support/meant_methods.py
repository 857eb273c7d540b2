"""Requests that mean another method than their own: which one, and what stands behind it.

Rules kept here: what a link of an application takes for another method is matched anew within that application; all
that stands behind the link runs with the new match, and nothing that stands before it runs again. Who must know the
route before that link has run finds it here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from typing import Any, TypeAlias, cast

from aiohttp import web

from ..marks import read_mark, set_mark
from ..typedefs import Handler
from .clones import clone_request

__all__ = ("FindMethod", "declare_meaning", "find_meant", "match_anew", "run_behind")

FindMethod: TypeAlias = Callable[[web.Request], "str | None"]

_MARK = "__meant_method__"


def declare_meaning(link: Any, find: FindMethod) -> None:
    """Let a link declare that it takes requests for others.

    Args:
        link: a middleware of an application.
        find: returns the method that is meant, as far as the head of a request tells; `None` if its body may tell.
    """
    set_mark(link, _MARK, find)


async def find_meant(request: web.Request) -> web.Request | None:
    """Return the request as its endpoint will see it, itself if no link changes it; `None` if its body may tell."""
    for app in request.match_info.apps:
        for link in app.middlewares:
            find = read_mark(getattr(link, "__stands_for__", link), _MARK)
            method = request.method if find is None else find(request)
            if method != request.method:
                return (
                    None if method is None else await match_anew(clone_request(request, method=method), request, app)
                )
    return request


async def match_anew(other: web.Request, request: web.Request, app: web.Application) -> web.Request:
    """Find the route of a clone within an application that the request is in; return the clone."""
    match = await app.router.resolve(other)
    around = request.match_info.apps[: request.match_info.apps.index(app)]
    for one in (app, *reversed(around)):
        match.add_app(one)
    match.freeze()
    cast(Any, other)._match_info = match  # as aiohttp does itself; there is no door
    return other


async def run_behind(other: web.Request, app: web.Application, place: int) -> web.StreamResponse:
    """Run what stands behind a middleware of an application for a request that was matched anew.

    Args:
        other: the request.
        app: the application.
        place: of the middleware, from 0 on.
    """
    match, behind = other.match_info, app.middlewares[place + 1 :]
    handler, apps = match.handler, match.apps
    if apps[-1] is app and not behind:  # and `other.app` is the application already
        return await handler(other)
    for one in reversed(apps[apps.index(app) + 1 :]):
        handler = _put_before(handler, one, one.middlewares)
    return await _put_before(handler, app, behind)(other)


def _put_before(handler: Handler, app: web.Application, middlewares: Sequence[Any]) -> Handler:
    """Put middlewares of an application before a handler, as aiohttp does when a request comes."""
    for one in reversed(middlewares):
        handler = update_wrapper(partial(one, handler=handler), handler)
    return update_wrapper(partial(_run_in, app, handler), handler)


async def _run_in(app: web.Application, handler: Handler, request: web.Request) -> web.StreamResponse:
    before = request.match_info.current_app
    request.match_info.current_app = app  # what `request.app` is
    try:
        return await handler(request)
    finally:
        request.match_info.current_app = before
