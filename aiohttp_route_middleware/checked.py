"""Checked chains: what a middleware does wrong is logged with its name, as the request passes.

Compiled in under `python -X dev` or with `checked=True`; otherwise nothing of this file runs.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from .compiler import settle
from .link import MiddlewareSpec
from .naming import describe

__all__ = ("watch",)

logger: logging.Logger = logging.getLogger(__package__)

_CALLED_TWICE = (
    "%s %s: %s called the next link twice, so all that follows ran twice; "
    "if that is no retry, return what the first call returned"
)
_TOO_LATE = (
    "%s %s: %s changed the headers of a response that is already on the wire, which the client never sees; "
    "set them before the response is prepared, or in an on_response_prepare signal"
)


def watch(link: Any, spec: MiddlewareSpec) -> Any:
    """Wrap a middleware so that the log names it when it calls the next link twice or sets headers too late.

    What it returns is looked at, too, as at the ends of every chain.

    Args:
        link: the middleware.
        spec: how it takes the rest of the chain.
    """
    name = describe(link)

    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        calls = 0
        sent: list[tuple[web.StreamResponse, object]] = []

        @functools.wraps(handler)
        async def counted(next_request: web.Request) -> web.StreamResponse:
            nonlocal calls
            calls += 1
            if calls == 2:
                logger.warning(_CALLED_TWICE, request.method, request.path, name)
            response = await handler(next_request)
            if response.prepared:
                sent.append((response, _copy_headers(response)))
            return response

        answer = await (link(request, **{spec.keyword: counted}) if spec.keyword else link(request, counted))
        if any(_copy_headers(response) != before for response, before in sent):
            logger.warning(_TOO_LATE, request.method, request.path, name)
        return settle(answer, link, request)

    return watched


def _copy_headers(response: web.StreamResponse) -> object:
    return tuple(response.headers.items()), response.cookies.output()
