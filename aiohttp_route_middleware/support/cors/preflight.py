"""Preflights: a browser asks, by OPTIONS, whether it may send a request; the route of that request answers.

No OPTIONS route is needed, and nothing of the application runs: neither authentication, which a preflight cannot pass
since it bears no credentials (Fetch, "CORS-preflight fetch"), nor a limit, nor a handler. The answer is that of the
innermost policy around the route that the announced method would reach: among the links of its chain, then the
middlewares of its application, then of those around it. Without such a route or policy, the request goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from aiohttp import hdrs, web
from aiohttp.abc import AbstractMatchInfo

from ...errors import ConfigurationError
from ...marks import read_mark, set_mark
from ...record import links_of
from ...syntax import is_token
from ..surroundings import find_chain

__all__ = ("answer_preflight", "check_no_policy", "declare_policy", "is_preflight")

AnswerPreflight: TypeAlias = Callable[[web.Request, str], web.StreamResponse]  # the request, and the announced method

_MARK = "__answers_preflight__"
_LONGEST_METHOD = 64


def declare_policy(link: Any, answer: AnswerPreflight) -> None:
    """Let a link answer the preflights of what stands behind it."""
    set_mark(link, _MARK, answer)


def is_preflight(request: web.Request) -> bool:
    """Whether a request is a CORS-preflight request (Fetch, "HTTP requests"); any other OPTIONS is the user's own."""
    return (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        and hdrs.ORIGIN in request.headers
    )


async def answer_preflight(request: web.Request) -> web.StreamResponse | None:
    """Answer a preflight by the policy of the route that it asks about; `None` if it is for others to answer."""
    method = _read_method(request)
    if not method:
        return None
    app: web.Application = request.match_info.apps[0]
    try:
        asked = request.clone(method=method)  # it shares the body, which nobody reads here
    except RuntimeError:  # somebody has read it: no preflight has one
        return None
    match = await app.router.resolve(asked)
    if match.http_exception is not None:
        return None
    links = links_of(find_chain(match.handler))
    if _is_missing(method, links[-1]):
        return None
    answer = _find_innermost(_walk_inwards(app, match, links))
    return answer(request, method) if answer else None


def check_no_policy(battery: str, links: Iterable[Any]) -> None:
    """Refuse a policy inside another link, where no preflight finds it, and one around it would answer instead."""
    if _find_innermost(links) is not None:
        raise ConfigurationError(
            battery, "there is a CORS policy in it, which no preflight would find", cure="put cors() beside it"
        )


def _read_method(request: web.Request) -> str:
    """Return the announced method, if it is one; `*` would allow all methods, once it is sent back."""
    announced = request.headers.getall(hdrs.ACCESS_CONTROL_REQUEST_METHOD, ())
    method = announced[0] if len(announced) == 1 and is_preflight(request) else ""
    return method if method != "*" and len(method) <= _LONGEST_METHOD and is_token(method) else ""


def _is_missing(method: str, endpoint: object) -> bool:
    """Whether a `View` has no such method, which its router does not know; it will answer 405."""
    if not (isinstance(endpoint, type) and issubclass(endpoint, web.View)):
        return False
    return method not in hdrs.METH_ALL or not hasattr(endpoint, method.lower())


def _walk_inwards(app: web.Application, match: AbstractMatchInfo, links: Iterable[Any]) -> Iterator[Any]:
    for one in (app, *match.apps):  # aiohttp adds the outermost to these only when it handles a request
        yield from one.middlewares
    yield from links


def _find_innermost(links: Iterable[Any]) -> AnswerPreflight | None:
    found = None
    for link in links:
        found = read_mark(getattr(link, "__stands_for__", link), _MARK) or found
    return found
