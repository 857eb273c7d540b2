"""What is answered to exceptions of one kind: `on_error({PostNotFound: answer_not_found})`.

    async def answer_not_found(request, error):
        return web.json_response({"error": f"there is no post {error.number}"}, status=404)

    router = UrlDispatcherEx.install(app, on_error({PostNotFound: answer_not_found, 403: show_refusal}))

A number stands for each `HTTPException` of that status. Of several that fit, the nearest class decides, as in
`except`, and a status before any class. Nested, the innermost is asked first; what its function raises goes on to the
next one around. An application scope sees the application's own 404 and 405 as well.

It does **not** see a response that is returned, whatever its status, nor what fails once an answer was begun: the
connection is cut then, and aiohttp logs what has failed. What is answered here is **not** logged any more: let the
function do it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from aiohttp import web

from ..errors import ConfigurationError
from ..naming import describe
from ..option_checks import check_function
from ..support.battery import MiddlewareBattery, awaiting, middleware_battery
from ..support.sending import break_off, has_begun
from ..typedefs import Handler

__all__ = ("on_error",)

_BATTERY = "on_error()"

Answer: TypeAlias = Callable[[web.Request, Exception], Awaitable[Any]]


def on_error(answers: Mapping[type[Exception] | int, Callable[..., Any]]) -> MiddlewareBattery:
    """Answer exceptions of some kinds.

    Args:
        answers: functions by classes of exceptions, or by statuses from 300 to 599. Each is called with the request
            and the exception, async or plain; it returns a response, or `None` to let the exception go on.

    Raises:
        ConfigurationError: there are none, or one is for what cannot be raised.
        RuntimeError: in a request, when an `HTTPException` was raised after the response had begun; the connection is
            cut then.

    Responds:
        what the function returns.

    Reads/Sets:
        nothing of its own.

    Example:
        on_error({asyncpg.PostgresError: answer_unavailable, 404: show_not_found})
    """
    by_status, by_class = _read_answers(answers)

    @middleware_battery(f"on_error({', '.join(map(_name, answers))})")
    async def on_error(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as error:
            answer = None if has_begun(request) else _find_answer(error, by_status, by_class)
            try:
                response: web.StreamResponse | None = None if answer is None else await answer(request, error)
            except Exception as failure:
                _break_off_if_begun(request, failure)
                raise
            if response is not None:
                return response
            _break_off_if_begun(request, error)
            raise

    return on_error


def _find_answer(
    error: Exception, by_status: Mapping[int, Answer], by_class: Mapping[type[Exception], Answer]
) -> Answer | None:
    if by_status and isinstance(error, web.HTTPException) and error.status in by_status:
        return by_status[error.status]
    for kind in type(error).__mro__:
        if kind in by_class:
            return by_class[kind]
    return None


def _break_off_if_begun(request: web.Request, error: Exception) -> None:
    if has_begun(request):
        break_off(request, error)


def _read_answers(answers: object) -> tuple[dict[int, Answer], dict[type[Exception], Answer]]:
    if not isinstance(answers, Mapping) or not answers:
        raise ConfigurationError(_BATTERY, f"answers is {describe(answers)}", cure="pass {SomeError: function}")
    by_status: dict[int, Answer] = {}
    by_class: dict[type[Exception], Answer] = {}
    for kind, function in answers.items():
        check_function(_BATTERY, f"the answer to {_name(kind)}", function, takes="request, error")
        if isinstance(kind, type) and issubclass(kind, Exception):
            by_class[kind] = awaiting(function)
        elif type(kind) is int and 300 <= kind <= 599:
            by_status[kind] = awaiting(function)
        else:
            cure = "name classes that derive from Exception, or statuses from 300 to 599"
            raise ConfigurationError(_BATTERY, f"there is an answer to {kind!r}", cure=cure)
    return by_status, by_class


def _name(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) else repr(kind)
