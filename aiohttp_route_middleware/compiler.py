"""How links become one coroutine function, at registration.

Two shapes are enough, and both are functions whose last parameters are already filled in:

- A *run* calls guards one after the other and then the next function, in one coroutine written out for just
  that sequence of guards. The first and the last function of a chain are runs (of no guards, if there are none),
  because a run also looks at what comes back: a returned `HTTPException` is raised, a wrong answer is named.
- A *bound middleware* is its own code with the next function as the default of its handler parameter,
  so a link costs one coroutine and nothing else.

    guard_a, guard_b, middleware_c, h   ->   run(guard_a, guard_b, middleware_c(run(h)))
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from types import CodeType, FunctionType, MethodType
from typing import Any, cast

from aiohttp import web

from .errors import AnswerError
from .link import GuardSpec, LinkSpec, MiddlewareSpec, is_chained
from .naming import describe, name_link

__all__ = ("compile_chain", "settle")

Call = Callable[[web.Request], Any]


Dress = Callable[[FunctionType], None]


def compile_chain(links: Sequence[tuple[Any, LinkSpec]], endpoint: Call, dress: Dress) -> FunctionType:
    """Compile links and an endpoint to one coroutine function, from the last link to the first.

    Args:
        links: each link with what it is.
        endpoint: called last; what it returns is awaited.
        dress: called with each function that is made, to give it its name and attributes.
    """
    call = endpoint
    guards: list[tuple[Any, GuardSpec]] = []
    for link, spec in reversed(links):
        if isinstance(spec, GuardSpec):
            guards.insert(0, (link, spec))
            continue
        if guards or call is endpoint:
            call = _bind_run(guards, call, dress)
            guards = []
        call = _bind_middleware(link, spec, call, dress)
    return _bind_run(guards, call, dress)


def settle(answer: Any, link: Any, request: web.Request) -> web.StreamResponse:
    """Return `answer` if it is a response; raise it if it is an `HTTPException`; else say who returned what."""
    if isinstance(answer, web.HTTPException):
        raise answer
    if isinstance(answer, web.StreamResponse):
        return answer
    # The type, never the value: what a guard returned by mistake may be a secret.
    raise AnswerError(
        f"{_name_chain(request)}: {_name_culprit(link)} returned {_name_answer(answer)} instead of a response; "
        f"{_advise(answer)}"
    )


# ---- runs

_RUN = """\
async def run(request, {parameters}):
{guards}
    answer = await call(request)
    if type(answer) is not Response:
        settle(answer, call, request)
    return answer
"""

_ASYNC_GUARD = """\
    answer = await {guard}(request)
    if answer is not None:
        return settle(answer, {guard}, request)
"""

_PLAIN_GUARD = """\
    answer = {guard}(request)
    if answer is not None:
        answer = await awaited(answer)
        if answer is not None:
            return settle(answer, {guard}, request)
"""


def _bind_run(guards: list[tuple[Any, GuardSpec]], call: Call, dress: Dress) -> FunctionType:
    code = _copy_run(tuple(spec.is_async for _, spec in guards), tuple(id(link) for link, _ in guards))
    run = FunctionType(code, _RUN_GLOBALS, "run", (*(link for link, _ in guards), call))
    dress(run)
    return run


@lru_cache(maxsize=4096)
def _copy_run(guards: tuple[bool, ...], identities: tuple[int, ...]) -> CodeType:
    """A copy of the run for each sequence of guards: CPython specialises each call in it to the guard called there.

    Routes with the same guards share a copy. An identity that was used again costs nothing but speed.
    """
    return _write_run(guards).replace()


@cache
def _write_run(guards: tuple[bool, ...]) -> CodeType:
    """Write out a run for one sequence of async (true) and plain (false) guards; no text of a caller gets in here."""
    names = [f"guard_{place}" for place in range(1, len(guards) + 1)]
    templates = (_ASYNC_GUARD if is_async else _PLAIN_GUARD for is_async in guards)
    source = _RUN.format(
        parameters=", ".join([*names, "call"]),
        guards="".join(template.format(guard=name) for template, name in zip(templates, names)),
    )
    module = compile(source, "<route chain>", "exec", dont_inherit=True)
    return next(constant for constant in module.co_consts if isinstance(constant, CodeType))


async def _awaited(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


_RUN_GLOBALS = {"Response": web.Response, "settle": settle, "awaited": _awaited}


# ---- middlewares


def _bind_middleware(link: Any, spec: MiddlewareSpec, call: Call, dress: Dress) -> Call:
    function, instance = _find_function(link)
    place = 1 if instance is None else 2  # of the handler parameter: after `request`, and after `self` in a method
    if function is None or spec.keyword is not None or function.__code__.co_argcount <= place:
        wrapped = _wrap_middleware(link, spec, call)
        dress(wrapped)
        return wrapped
    after = function.__code__.co_argcount - place - 1
    defaults = (call, *(function.__defaults__ or ())[-after:]) if after else (call,)
    bound = FunctionType(function.__code__, function.__globals__, function.__name__, defaults, function.__closure__)
    bound.__kwdefaults__ = function.__kwdefaults__
    dress(bound)
    return bound if instance is None else MethodType(bound, instance)


def _find_function(link: Any) -> tuple[FunctionType | None, Any]:
    """The plain coroutine function that runs when `link` is called, and its instance if it is a method.

    Exact types only: a proxy may claim to be a function (wrapt does), and what it adds must not be passed over.
    """
    function, instance = link, None
    if type(link) is MethodType:
        function, instance = link.__func__, link.__self__
    elif type(link) is not FunctionType:
        function, instance = inspect.getattr_static(type(link), "__call__"), link
    is_plain = type(function) is FunctionType and function.__code__.co_flags & inspect.CO_COROUTINE
    return (function, instance) if is_plain else (None, None)


def _wrap_middleware(link: Any, spec: MiddlewareSpec, call: Call) -> FunctionType:
    by_keyword = {} if spec.keyword is None else {spec.keyword: call}
    by_position = (call,) if spec.keyword is None else ()

    def wrapped(request: web.Request) -> Any:
        return link(request, *by_position, **by_keyword)

    return cast(FunctionType, wrapped)


# ---- what an AnswerError says


def _name_chain(request: web.Request) -> str:
    try:
        route = request.match_info.route
        path = route.resource.canonical if route.resource is not None else request.path
        links = getattr(route.handler, "__links__", ())
    except (AssertionError, AttributeError):  # a request that no router has resolved, as in a unit test
        return f"{request.method} {request.path}"
    names = " -> ".join(name_link(link) for link in links)
    return f"{request.method} {path} ({names})" if names else f"{request.method} {path}"


def _name_culprit(link: Any) -> str:
    if hasattr(link, "__links__") and not is_chained(
        link
    ):  # a compiled part: what came back may be from any behind it
        return "a middleware (`python -X dev` tells which)"
    return describe(link)


def _name_answer(answer: Any) -> str:
    if isinstance(answer, type):
        return f"the class {answer.__qualname__}"
    return "None" if answer is None else f"an object of type {type(answer).__qualname__}"


def _advise(answer: Any) -> str:
    if answer is None:
        return "is a `return` missing? (only a guard may return None, and only before the end)"
    if inspect.isawaitable(answer):
        return "is an `await` missing?"
    if isinstance(answer, BaseException) or (isinstance(answer, type) and issubclass(answer, BaseException)):
        return "raise it"
    if callable(answer):
        return "was a factory registered without being called?"
    return "return a web.Response; a guard may return None to pass on"
