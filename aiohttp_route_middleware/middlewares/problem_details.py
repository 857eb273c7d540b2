"""Errors that programs can read: each refusal and each failure as problem details, in JSON (RFC 9457).

    setup(app)
    router = UrlDispatcherEx.install(app, problem_details())

    async def buy(request):
        raise problem(403, type="https://shop.example/out-of-credit", title="You have too little credit", balance=30)

answers

    {"type": "https://shop.example/out-of-credit", "title": "You have too little credit", "status": 403, "balance": 30}

Every `HTTPException` with a status from 400 on becomes one, of handlers and of links behind this one; what it says as
its text is the `detail`, and its headers stay: `Allow`, `Retry-After`, `WWW-Authenticate`, cookies. One with a content
type of its own, such as HTML, stays as it is. What fails unforeseen is a 500 whose reason is in the log, under the
logger of this module, and not in the answer. An application scope sees the application's own 404 and 405 as well; a
router, a group and a route see what their handlers raise.

It does **not** touch an answer that is returned, nor one that was begun. It does **not** look whether an exception's
text may be shown: what you pass to `HTTPBadRequest(text=...)` was always sent. With `debug=True` the answer to what
fails unforeseen holds the exception and its traceback: never where strangers can ask.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from ..option_checks import check_flags, check_function
from ..support.battery import MiddlewareBattery, awaiting, middleware_battery
from ..support.content.problems import problem, turn_into_problem
from ..typedefs import Handler

__all__ = ("problem", "problem_details")

_BATTERY = "problem_details()"
_logger = logging.getLogger(__name__)
_NOTHING: Mapping[str, Any] = {}


def problem_details(
    *, describe: Callable[[web.Request, web.HTTPException], Any] | None = None, debug: bool = False
) -> MiddlewareBattery:
    """Answer errors with problem details.

    Args:
        describe: called with the request and the exception, async or plain; it returns a mapping of members to add
            or to replace, such as a `type` of your own or the `instance`, or `None`. Not asked of what was made by
            `problem()`. Default: none.
        debug: whether a 500 tells the exception and its traceback; default no.

    Raises:
        ConfigurationError: an option is wrong.

    Responds:
        what was raised, as `application/problem+json`; 500 to what is no `HTTPException`, 504 to a `TimeoutError`, as
        aiohttp has it.

    Source:
        RFC 9457, sections 3 and 4.

    Example:
        problem_details(describe=lambda request, error: {"instance": f"urn:uuid:{request[REQUEST_ID]}"})
    """
    check_flags(_BATTERY, debug=debug)
    if describe is not None:
        check_function(_BATTERY, "describe", describe, takes="request, error")
    ask = None if describe is None else awaiting(describe)

    @middleware_battery()
    async def problem_details(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            raised, told = error, _NOTHING
        except Exception as error:
            if request.writer.output_size > 0:  # an answer was begun: nothing can follow
                raise
            raised, told = _explain(request, error, debug)
        if raised.status < 400 or raised.content_type != "text/plain":  # a redirect, or a body that was made with care
            raise raised
        more: Mapping[str, Any] = (await ask(request, raised) or {}) if ask is not None else {}
        raise turn_into_problem(raised, {**told, **more})

    return problem_details


def _explain(request: web.Request, error: Exception, debug: bool) -> tuple[web.HTTPException, Mapping[str, Any]]:
    """Log what nobody has foreseen, and make what is answered."""
    _logger.error("%s: %s %s failed", _BATTERY, request.method, request.rel_url.raw_path, exc_info=error)
    is_late = isinstance(error, (TimeoutError, asyncio.TimeoutError))  # one kind from Python 3.11 on
    answer = web.HTTPGatewayTimeout() if is_late else web.HTTPInternalServerError()
    answer.__cause__ = error
    shown = {"detail": repr(error), "traceback": traceback.format_exception(type(error), error, error.__traceback__)}
    return answer, shown if debug else _NOTHING
