"""How links become one coroutine function, at registration.

Two kinds of function are enough:

- A *run* calls guards one after the other and then the next function, in one coroutine written out for just
  that sequence of guards. The first and the last function of a chain are runs (of no guards, if there are none),
  because a run also looks at what comes back: a returned `HTTPException` is raised, a wrong answer is named.
- A *bound middleware* is its own code with the next function as the default of its handler parameter,
  so a link costs one coroutine and nothing else.

    guard_a, guard_b, middleware_c, h   ->   run(guard_a, guard_b, middleware_c(run(h)))
"""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from textwrap import indent
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any, cast

from aiohttp import web

from .answer import settle
from .link import GuardSpec, LinkSpec, MiddlewareSpec

__all__ = ("compile_chain",)

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
            call = _bind_run(guards, call, dress, Shape(is_head=False, is_last=call is endpoint))
            guards = []
        call = _bind_middleware(link, spec, call, dress)
    return _bind_run(guards, call, dress, Shape(is_head=True, is_last=call is endpoint))


# ---- runs

_RUN = """\
async def run(request{parameters}):
{guards}
    answer = await call(request)
    if type(answer) is not Response:
        settle(answer, {culprit}, request)
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


@dataclass(frozen=True)
class Shape:
    """Where a run stands.

    Args:
        is_head: it is what aiohttp calls. What it calls is then held in a closure, where no caller can replace it:
            who passes a second argument gets an error, not a chain without its guards.
        is_last: it calls the endpoint, which can be named if it answers wrongly.
    """

    is_head: bool
    is_last: bool


def _bind_run(guards: list[tuple[Any, GuardSpec]], call: Call, dress: Dress, shape: Shape) -> FunctionType:
    bound = {f"guard_{place}": link for place, (link, _) in enumerate(guards, 1)} | {"call": call}
    code = _copy_run(tuple(spec.is_async for _, spec in guards), shape, tuple(id(link) for link, _ in guards))
    defaults = None if shape.is_head else tuple(bound.values())
    closure = tuple(CellType(bound[name]) for name in code.co_freevars)
    run = FunctionType(code, _RUN_GLOBALS, "run", defaults, closure)
    dress(run)
    return run


@lru_cache(maxsize=4096)
def _copy_run(guards: tuple[bool, ...], shape: Shape, identities: tuple[int, ...]) -> CodeType:
    """A copy of the run for each sequence of guards: CPython specialises each call in it to the guard called there.

    Routes with the same guards share a copy. An identity that was used again costs nothing but speed.
    """
    return _write_run(guards, shape).replace()


@cache
def _write_run(guards: tuple[bool, ...], shape: Shape) -> CodeType:
    """Write out a run for one sequence of async (true) and plain (false) guards; no text of a caller gets in here."""
    names = [f"guard_{place}" for place in range(1, len(guards) + 1)]
    bound = ", ".join([*names, "call"])
    templates = (_ASYNC_GUARD if is_async else _PLAIN_GUARD for is_async in guards)
    run = _RUN.format(
        parameters="" if shape.is_head else f", {bound}",
        guards="".join(template.format(guard=name) for template, name in zip(templates, names)),
        culprit="call" if shape.is_last else "None",
    )
    source = f"def bind({bound}):\n{indent(run, '    ')}    return run" if shape.is_head else run
    namespace: dict[str, Any] = {}
    exec(compile(source, "<route chain>", "exec", dont_inherit=True), namespace)  # noqa: S102  # written just above
    run_function = namespace["bind"](*[None] * (len(names) + 1)) if shape.is_head else namespace["run"]
    code: CodeType = run_function.__code__
    return code


async def _awaited(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


# With `__builtins__`: what compiled code imports, and what a forgotten `await` warns, is looked up in these globals.
_RUN_GLOBALS = {
    "__builtins__": builtins,
    "__name__": __name__,
    "Response": web.Response,
    "settle": settle,
    "awaited": _awaited,
}


# ---- middlewares


def _bind_middleware(link: Any, spec: MiddlewareSpec, call: Call, dress: Dress) -> Call:
    function, instance = _find_function(link)
    place = 1 if instance is None else 2  # of the handler parameter: after `request`, and after `self` in a method
    if function is None or spec.keyword is not None or function.__code__.co_argcount <= place:
        wrapped = _wrap_middleware(link, spec, call)
        dress(wrapped)
        return wrapped
    after = function.__code__.co_argcount - place - 1  # parameters behind it, which have defaults
    old = function.__defaults__ or ()
    defaults = (call, *old[len(old) - after :])
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
