"""What is answered to errors and other addresses, and by whom."""

from __future__ import annotations

from aiohttp import web

from aiohttp_route_middleware.adapters.from_asgi import from_asgi
from aiohttp_route_middleware.middlewares.method_override import method_override
from aiohttp_route_middleware.middlewares.on_error import on_error
from aiohttp_route_middleware.middlewares.problem_details import problem_details
from aiohttp_route_middleware.middlewares.trailing_slash import trailing_slash

from ..by_hand import routing as by_hand
from .case import Case, Cases


def list_cases() -> Cases:
    """List them."""
    unlucky = on_error({by_hand.PostNotFoundError: by_hand.answer_not_found})
    yield "on_error", Case(unlucky, by_hand.on_error, {}, endpoint=_find_nothing, bare=_find_nothing_quietly)
    describing = problem_details()
    yield (
        "problem_details, a raised 404",
        Case(describing, by_hand.problem_details, {}, endpoint=_raise_404, bare=_raise_404),
    )
    slash = trailing_slash("trim")
    yield "trailing_slash, nothing to do", Case(slash, by_hand.trailing_slash, {}, of_application=True)
    slashed = "/posts/1/?page=2"
    yield (
        "trailing_slash, a redirect",
        Case(slash, by_hand.trailing_slash, {}, target=slashed, of_application=True),
    )
    named = {"X-HTTP-Method-Override": "PUT"}
    yield (
        "method_override",
        Case(
            method_override(),
            by_hand.method_override,
            named,
            method="POST",
            of_application=True,
            is_whole=True,
            routed=("PUT",),
        ),
    )
    passing, passing_by_hand = from_asgi(by_hand.PassOn), by_hand.pass_through_asgi(by_hand.PassOn)
    yield "from_asgi, that passes on", Case(passing, passing_by_hand, {}, is_whole=True)


async def _find_nothing(request: web.Request) -> web.StreamResponse:
    raise by_hand.PostNotFoundError


async def _find_nothing_quietly(request: web.Request) -> web.StreamResponse:
    try:
        return await _find_nothing(request)
    except by_hand.PostNotFoundError as error:
        return await by_hand.answer_not_found(request, error)


async def _raise_404(request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound(text="There is no post 1.")
