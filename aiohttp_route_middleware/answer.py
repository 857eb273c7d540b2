"""What becomes of what a link returned, and what is said of a wrong answer."""

from __future__ import annotations

import inspect
from typing import Any

from aiohttp import web

from .errors import AnswerError
from .naming import describe, name_link
from .record import read_record

__all__ = ("blame", "settle")


def settle(answer: Any, link: Any, request: web.Request) -> web.StreamResponse:
    """Return `answer` if it is a response; raise it if it is an `HTTPException`; else say who returned what.

    Args:
        answer: what came back.
        link: who returned it; `None` for one of several middlewares.
        request: names the chain.
    """
    if isinstance(answer, web.HTTPException):
        raise answer.with_traceback(None)  # one shared by many requests would hold on to all of them
    if isinstance(answer, web.StreamResponse):
        return answer
    # The type, never the value: what a guard returned by mistake may be a secret.
    culprit = "a middleware (`python -X dev` tells which)" if link is None else describe(link)
    raise AnswerError(f"{_name_chain(request)}: {culprit} {blame(answer)}")


def blame(answer: Any) -> str:
    """Say what was returned in place of a response, and what the likely mistake is."""
    return f"returned {_name_answer(answer)} instead of a response; {_advise(answer)}"


def _name_chain(request: web.Request) -> str:
    path = request.rel_url.raw_path  # raw: no line breaks get into the log
    try:
        route = request.match_info.route
    except (AssertionError, AttributeError):  # a request that no router has resolved, as in a unit test
        return f"{request.method} {path}"
    path = getattr(route.resource, "canonical", path)
    record = read_record(route.handler)
    names = " -> ".join(name_link(link) for link in record.links) if record else ""
    return f"{request.method} {path} ({names})" if names else f"{request.method} {path}"


def _name_answer(answer: Any) -> str:
    if isinstance(answer, type):
        return f"the class {answer.__qualname__}"
    return "None" if answer is None else f"an object of type {type(answer).__qualname__}"


def _advise(answer: Any) -> str:
    if answer is None:
        return (
            "is a `return` missing? or is the endpoint missing? "
            "(only a guard may return None, and only before the end)"
        )
    if inspect.isawaitable(answer):
        return "is an `await` missing?"
    if isinstance(answer, BaseException) or (isinstance(answer, type) and issubclass(answer, BaseException)):
        return "raise it"
    if callable(answer):
        return "was a factory registered without being called?"
    return "return a web.Response; a guard may return None to pass on"
