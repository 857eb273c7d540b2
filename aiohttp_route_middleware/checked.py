"""Checked chains: what a middleware does wrong is logged with its name, as the request passes.

Compiled in under `python -X dev` or with `checked=True`; otherwise nothing of this file runs.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

from aiohttp import web

from .compiler import settle
from .link import MiddlewareSpec, describe
from .typedefs import Handler

__all__ = ("watch",)

logger = logging.getLogger(__package__)


def watch(link: Any, spec: MiddlewareSpec) -> Any:
    """Wrap a middleware so that its mistakes are logged: no answer, the next link called twice, headers set too late.

    Args:
        link: the middleware.
        spec: how it takes the rest of the chain.
    """
    name = describe(link)

    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        calls = 0
        sent: list[tuple[web.StreamResponse, object]] = []

        @functools.wraps(handler)
        async def counted(request: web.Request) -> web.StreamResponse:
            nonlocal calls
            calls += 1
            if calls == 2:
                logger.warning(
                    "%s %s: %s called the next link twice; the links behind it ran twice. "
                    "If that is not a retry, return what the first call returned",
                    request.method, request.path, name,
                )  # fmt: skip
            response = await handler(request)
            if response.prepared:
                sent.append((response, _snapshot(response)))
            return response

        keyword = spec.keyword
        answer = await (link(request, counted) if keyword is None else link(request, **{keyword: counted}))
        for response, before in sent:
            if _snapshot(response) != before:
                logger.warning(
                    "%s %s: %s changed the headers of a response that was already on the wire; the client never sees that. "
                    "Set them before the response is prepared, or in an on_response_prepare signal",
                    request.method, request.path, name,
                )  # fmt: skip
        return settle(answer, link, request)

    return watched


def _snapshot(response: web.StreamResponse) -> object:
    return tuple(response.headers.items()), response.cookies.output()
