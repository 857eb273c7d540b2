"""Errors that programs can read: each refusal and each failure as problem details, in JSON (RFC 9457).

    setup(app)
    router = UrlDispatcherEx.install(app, problem_details())

    async def buy(request):
        raise problem(403, type="https://shop.example/out-of-credit", title="You have too little credit", balance=30)

answers

    {"type": "https://shop.example/out-of-credit", "title": "You have too little credit", "status": 403, "balance": 30}

Every `HTTPException` with a status from 400 on becomes one, of handlers and of links behind this one; what it says as
its text is the `detail`, and its headers stay: `Allow`, `Retry-After`, `WWW-Authenticate`, cookies; those of the text
that was, such as `ETag` and `Content-Language`, go. One with a content type of its own, such as HTML, or whose body is
a file or comes in pieces, stays as it is. What fails unforeseen is a 500 whose reason is in the log, under the logger
of this module, and not in the answer. An application scope sees the application's own 404 and 405 as well; a router, a
group and a route see what their handlers raise.

It does **not** touch an answer that is returned, nor a refusal of `Expect` before any link runs: with 417, or with 413
by `body_limit()`. What fails once an answer was begun can have no other: the connection is cut, so that nobody takes
half an answer for a whole one, and aiohttp logs what has failed. What an ASGI middleware of `from_asgi()` answers is a
response, and not raised, and so is an `HTTPException` when it has passed one: this link stands behind it,
`from_asgi(...), problem_details(), handler`, to see what is raised there; and before it as well, to see what the ASGI
middleware itself fails with.

It does **not** look whether an exception's text may be shown: what you pass to `HTTPBadRequest(text=...)` was always
sent. With `debug=True` the answer to what fails unforeseen holds the exception and its traceback: never where
strangers can ask.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from aiohttp import web
from aiohttp.payload import Payload

from ..errors import ConfigurationError
from ..naming import describe as name_with_site
from ..option_checks import check_flags, check_function
from ..support.battery import MiddlewareBattery, awaiting, middleware_battery
from ..support.content.problems import JSON_CURE, find_no_json, problem, turn_into_problem
from ..support.sending import break_off, has_begun
from ..typedefs import Handler

__all__ = ("problem", "problem_details")

Members: TypeAlias = Mapping[str, Any]
Describe: TypeAlias = Callable[[web.Request, web.HTTPException], Awaitable[Members]]

_BATTERY = "problem_details()"
_logger = logging.getLogger(__name__)
_NOTHING: Members = {}


def problem_details(
    *, describe: Callable[[web.Request, web.HTTPException], Any] | None = None, debug: bool = False
) -> MiddlewareBattery:
    """Answer errors with problem details.

    Args:
        describe: called with the request and the exception, async or plain; it returns a mapping of members in JSON
            to add or to replace, such as a `type` of your own or the `instance`, or `None`. Not asked of what was made
            by `problem()`. What it raises, or returns besides, is logged and answered as what a handler fails with.
            Default: none.
        debug: whether a 500 tells the exception and its traceback; default no.

    Raises:
        ConfigurationError: an option is wrong.
        RuntimeError: in a request, when an `HTTPException` was raised after the response had begun; the connection is
            cut then.

    Responds:
        what was raised, as `application/problem+json`; 500 to what is no `HTTPException`, 504 to a `TimeoutError`, as
        aiohttp has it.

    Reads/Sets:
        sets `Content-Type`, and takes off the headers of the text that was.

    Source:
        RFC 9457, sections 3 and 4.

    Example:
        problem_details(describe=lambda request, error: {"instance": f"urn:uuid:{request[REQUEST_ID]}"})
    """
    check_flags(_BATTERY, debug=debug)
    ask = _describe_nothing if describe is None else _read_describe(describe)

    @middleware_battery()
    async def problem_details(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as error:
            if has_begun(request):
                break_off(request, error)
                raise
            answer = await _find_answer(request, error, ask, debug)
        raise answer

    return problem_details


async def _find_answer(request: web.Request, error: Exception, ask: Describe, debug: bool) -> web.HTTPException:
    raised, told = (error, _NOTHING) if isinstance(error, web.HTTPException) else _explain(request, error, debug)
    if raised.status < 400 or _has_careful_body(raised):
        return raised
    try:
        return turn_into_problem(raised, {**told, **await ask(request, raised)})
    except Exception as failure:
        return turn_into_problem(*_explain(request, failure, debug))


def _has_careful_body(error: web.HTTPException) -> bool:
    return error.content_type != "text/plain" or isinstance(error.body, Payload)


def _explain(request: web.Request, error: Exception, debug: bool) -> tuple[web.HTTPException, Members]:
    """Log what nobody has foreseen, and make what is answered."""
    _logger.error("%s: %s %s failed", _BATTERY, request.method, request.rel_url.raw_path, exc_info=error)
    is_late = isinstance(error, (TimeoutError, asyncio.TimeoutError))  # one kind from Python 3.11 on
    answer = web.HTTPGatewayTimeout() if is_late else web.HTTPInternalServerError()
    answer.__cause__ = error
    return answer, _show(error) if debug else _NOTHING


def _show(error: Exception) -> Members:
    return {
        "detail": repr(error),
        "traceback": traceback.format_exception(type(error), error, error.__traceback__),
    }


async def _describe_nothing(_: web.Request, __: web.HTTPException) -> Members:
    return _NOTHING


def _read_describe(function: Callable[..., Any]) -> Describe:
    check_function(_BATTERY, "describe", function, takes="request, error")
    ask = awaiting(function)

    async def describe(request: web.Request, error: web.HTTPException) -> Members:
        members: Members | None = await ask(request, error)
        if members is None:
            return _NOTHING
        if fault := _find_fault(members, error.status):
            problem, cure = fault
            raise ConfigurationError(_BATTERY, f"describe={name_with_site(function)} returned {problem}", cure=cure)
        return members

    return describe


def _find_fault(members: Any, status: int) -> tuple[str, str] | None:
    if not isinstance(members, Mapping):
        return type(members).__name__, "return a mapping of members, or None"
    if not all(isinstance(name, str) for name in members):
        return "a member whose name is no text", "return a mapping of texts to what JSON has"
    if members.get("status") not in (None, status):  # RFC 9457, section 3.1.2
        return f"another status than {status}", "leave it out: it is that of the response"
    wrong = find_no_json(members)
    return (f"{', '.join(wrong)}, which is not JSON", JSON_CURE) if wrong else None
