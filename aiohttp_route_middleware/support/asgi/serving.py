"""A request, answered by an ASGI application.

| what the application does | what becomes of it |
| --- | --- |
| raises before anything is sent | the exception goes on to whoever stands before: 500 |
| raises in the middle of its response | the same, and aiohttp cuts the connection: a half is not taken for a whole |
| raises after its response | a line in the log |
| returns without a response, or with half of one | as if it had raised |
| whatever, when the client has left | nothing: nobody is there to be told |
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiohttp import web

from ..sending import has_gone
from .answer import Answer
from .body import Body
from .messages import AsgiApplication, Scope

__all__ = ("CLIENT_LEFT", "serve_http")

CLIENT_LEFT = 499  # for the access log alone, as others write it: the client does not see it

_logger = logging.getLogger(__name__)


async def serve_http(
    application: AsgiApplication,
    request: web.Request,
    scope: Scope,
    *,
    is_fault: Callable[[Exception], bool] = lambda _: False,
) -> web.StreamResponse:
    """Have an application answer a request, and return the response, which is then on its way.

    Args:
        application: any.
        request: what it answers.
        scope: of the request.
        is_fault: whether what it raises is raised even when the client has left; by default it never is.
    """
    over = asyncio.Event()
    body, answer = Body(request, over), Answer(request, over)
    try:
        await application(scope, body.receive, answer.send)
    except Exception as error:
        if is_fault(error) and not answer.is_complete:
            raise
        if not answer.is_complete:
            return _settle(request, body, answer, error)
        _logger.exception(
            "an ASGI application failed after its response to %s %s", request.method, request.rel_url.raw_path
        )
    if answer.response is None or not answer.is_complete:
        missing = RuntimeError("the ASGI application has returned without a complete response")
        return _settle(request, body, answer, missing)
    return answer.response


def _settle(request: web.Request, body: Body, answer: Answer, error: Exception) -> web.StreamResponse:
    if has_gone(request):
        return answer.response or web.Response(status=CLIENT_LEFT, reason="Client Closed Request")
    if body.is_broken and answer.response is None:
        raise web.HTTPBadRequest(text="The body is malformed.") from error
    raise error
