"""Checked chains: what a middleware does wrong is logged with its name, as the request passes.

Compiled in under `python -X dev` or with `checked=True`; otherwise nothing of this file runs.
"""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from .answer import blame
from .likeness import pose_as
from .link import MiddlewareSpec
from .naming import describe

__all__ = ("watch",)

logger: logging.Logger = logging.getLogger(__package__)

_NO_ANSWER = "%s %s: %s %s"
_CALLED_TWICE = (
    "%s %s: %s called the next link again after it had answered, so all that follows ran twice; "
    "return what the first call returned"
)
_TOO_LATE = (
    "%s %s: %s changed the headers of a response that is already on the wire, which the client never sees; "
    "set them before the response is prepared, or in an on_response_prepare signal"
)


def watch(link: Any, spec: MiddlewareSpec) -> Any:
    """Wrap a middleware so that the log names it when it returns nothing, calls on again, or sets headers too late.

    Args:
        link: the middleware.
        spec: how it takes the rest of the chain.
    """
    name = describe(link)

    async def watched(request: web.Request, handler: Handler) -> Any:
        where = (request.method, request.rel_url.raw_path, name)  # raw: no line breaks get into the log
        has_answered = has_warned = False
        sent: list[tuple[web.StreamResponse, object]] = []

        async def counted(next_request: web.Request) -> web.StreamResponse:
            nonlocal has_answered, has_warned
            if has_answered and not has_warned:  # after an error, to call again is a retry
                logger.warning(_CALLED_TWICE, *where)
                has_warned = True
            response = await handler(next_request)
            has_answered = True
            if isinstance(response, web.StreamResponse) and response.prepared:
                sent.append((response, _copy_headers(response)))
            return response

        pose_as(handler, counted)
        answer = await (link(request, **{spec.keyword: counted}) if spec.keyword else link(request, counted))
        if any(_copy_headers(response) != before for response, before in sent):
            logger.warning(_TOO_LATE, *where)
        if not isinstance(answer, (web.StreamResponse, web.HTTPException)):
            logger.error(_NO_ANSWER, *where, blame(answer))
        return answer  # as it is: what is checked must not run otherwise than what is not

    return watched


def _copy_headers(response: web.StreamResponse) -> object:
    return tuple(response.headers.items()), response.cookies.output()
