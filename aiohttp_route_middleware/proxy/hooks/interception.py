"""Answers of one's own in place of some that targets give, and in place of none at all.

Rules kept here:
- A failure is seen by the status that it would become: 502, 503, 504, or 403. It is told in the log as one that nobody
  answers, and in the record: a page that looks well must not hide it.
- Nobody waits for the body of the target: a long one is cut off at once, whatever becomes of the page; a short one is
  read to its end beside, so that its connection can be kept.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import web

from ...declarations import named
from ...errors import ConfigurationError
from ...naming import describe
from ...option_checks import check_call, check_statuses
from ..record import log_failure
from ..wire.failures import UpstreamError
from .running import Hook

if TYPE_CHECKING:
    from ..exchange import Exchange

__all__ = ("intercept",)

_BATTERY = "intercept()"
_Answered: TypeAlias = "web.StreamResponse | None"
_Answer: TypeAlias = "Callable[[Exchange], _Answered | Awaitable[_Answered]]"
_LEAST = 200  # an interim answer is none


def intercept(statuses: Collection[int] | Callable[[int], bool], answer: _Answer) -> Hook:
    """Answer in place of the target where its answer has one of these statuses, or where there is none.

    Args:
        statuses: those, as `{404, 503}`; or a function that tells of a status whether it is one. An upstream that has
            failed counts as 502, 503 or 504.
        answer: called with the exchange, returns a response, made anew each time; async or plain. Where the upstream
            has failed, `exchange.has_response` is `False` and `exchange.record.error` tells why; else
            `exchange.response` is the answer of the target, whose fields may be taken over, and whose body
            `exchange.answer.read()` reads. `None`: all stays as it is.

    Raises:
        ConfigurationError: there is no such status, or this is no function. At a request: it has returned something
            else.

    Example:
        proxy(shop, intercept({502, 503, 504}, lambda exchange: web.FileResponse("maintenance.html", status=503)))
    """
    is_chosen = _read_statuses(statuses)
    check_call(_BATTERY, "answer", answer, takes="exchange", is_awaited=True)

    @named("intercept")
    async def intercept_the_answer(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        except UpstreamError as failure:
            if not is_chosen(failure.status):
                raise
            exchange.record.error = failure.proxy_error
            response = await _ask(answer, exchange)
            if response is None:
                raise
            log_failure(exchange.record, failure.problem)
            exchange.response = response
            return
        if is_chosen(exchange.response.status):
            response = await _ask(answer, exchange)
            exchange.response = exchange.response if response is None else response

    return intercept_the_answer


async def _ask(answer: _Answer, exchange: Exchange) -> _Answered:
    try:
        returned = answer(exchange)
        response = await returned if inspect.isawaitable(returned) else returned
    except web.HTTPException as raised:
        return raised
    given: object = response
    if not isinstance(given, (web.StreamResponse, type(None))):
        problem = f"{describe(answer)} returned {type(given).__qualname__}"
        raise ConfigurationError(_BATTERY, problem, cure="return a response, or None to leave all as it is")
    return response


def _read_statuses(statuses: Collection[int] | Callable[[int], bool]) -> Callable[[int], bool]:
    if callable(statuses):
        check_call(_BATTERY, "statuses", statuses, takes="status")
        return statuses
    listed = check_statuses(_BATTERY, "statuses", statuses, least=_LEAST)
    if not listed:
        raise ConfigurationError(_BATTERY, "there are no statuses", cure="list those that are meant: {502, 503, 504}")
    return listed.__contains__
