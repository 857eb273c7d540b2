"""Ways to put links before an endpoint: ours, and those that it is compared with.

The functions are made from source text, so that each has a code object of its own, as in an application:
the interpreter specialises code objects, and a shared one would be slower than it is in real life.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aiohttp_route_middleware import chain

Guard = Callable[[web.Request], Any]
MiddlewareWay = Callable[[Sequence[Middleware], Handler], Handler]
GuardWay = Callable[[Sequence[Guard], Handler, bool], Handler]

_MIDDLEWARE = """\
async def link_{place}(request, handler):
    return await handler(request)
"""

_NAMING = """\
async def link_{place}(request):
    return await link_{following}(request)
"""

_GUARD = """\
{define} link_{place}(request):
    return None
"""

_CALL = """\
    answer = {call} link_{place}(request)
    if answer is not None:
        return answer
"""

_RUN = """\
async def run(request):
{calls}
    return await endpoint(request)
"""

_LOOP = """\
async def loop(request):
    for link in links:
        answer = {call} link(request)
        if answer is not None:
            return answer
    return await endpoint(request)
"""


def make_endpoints(count: int) -> list[Handler]:
    """Make handlers that return one response, made once."""
    response = web.Response()
    source = "async def endpoint(request):\n    return response\n"
    return [_define(source, "endpoint", response=response) for _ in range(count)]


def make_middlewares(count: int) -> list[Middleware]:
    """Make middlewares that pass on and do nothing else."""
    return [web.middleware(_define(_MIDDLEWARE.format(place=n), f"link_{n}")) for n in range(count)]


def make_guards(count: int, *, is_async: bool) -> list[Guard]:
    """Make guards that pass on and do nothing else."""
    define = "async def" if is_async else "def"
    return [_define(_GUARD.format(place=n, define=define), f"link_{n}") for n in range(count)]


def _define(source: str, name: str, **names: Any) -> Any:
    exec(compile(source, "<bench>", "exec", dont_inherit=True), names)
    return names[name]


# ---- middlewares


def chain_links(links: Sequence[Middleware], endpoint: Handler) -> Handler:
    """Ours."""
    return chain(*links, endpoint)


def write_out_middlewares(links: Sequence[Middleware], endpoint: Handler) -> Handler:
    """As many functions as there are links, written out so that each names the next one."""
    source = "".join(_NAMING.format(place=n, following=n + 1) for n in range(len(links)))
    first: Handler = _define(source, "link_0", **{f"link_{len(links)}": endpoint})
    return first


def close_around(links: Sequence[Middleware], endpoint: Handler) -> Handler:
    """A closure around each link, not async itself: the fastest that closures can be."""
    return functools.reduce(_close_around_one, reversed(links), endpoint)


def _close_around_one(handler: Handler, link: Middleware) -> Handler:
    def linked(request: web.Request) -> Awaitable[web.StreamResponse]:
        return link(request, handler)

    return linked


def close_around_async(links: Sequence[Middleware], endpoint: Handler) -> Handler:
    """An async closure around each link."""
    return functools.reduce(_close_around_one_async, reversed(links), endpoint)


def _close_around_one_async(handler: Handler, link: Middleware) -> Handler:
    async def linked(request: web.Request) -> web.StreamResponse:
        return await link(request, handler)

    return linked


def close_around_all(guards: Sequence[Guard], links: Sequence[Middleware], endpoint: Handler) -> Handler:
    """An async closure around each async guard, then one around each middleware."""
    return functools.reduce(_close_around_guard, reversed(guards), close_around_async(links, endpoint))


def _close_around_guard(handler: Handler, guard: Guard) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        answer: web.StreamResponse | None = await guard(request)
        return await handler(request) if answer is None else answer

    return guarded


def wrap_as_aiohttp(links: Sequence[Middleware], endpoint: Handler) -> Handler:
    """What aiohttp makes of app-level middlewares: the lines of `_build_middlewares` in its web_app.py.

    The link that it adds itself, to set `request.app`, is left out here; cliff.py measures the real thing.
    """
    handler = endpoint
    for link in reversed(links):
        handler = functools.update_wrapper(functools.partial(link, handler=handler), handler)
    return handler


# ---- guards


def chain_guards(links: Sequence[Guard], endpoint: Handler, is_async: bool) -> Handler:
    """Ours."""
    return chain(*links, endpoint)


def write_out_guards(links: Sequence[Guard], endpoint: Handler, is_async: bool) -> Handler:
    """One function that names each guard and looks at its answer."""
    call = "await" if is_async else ""
    calls = "".join(_CALL.format(place=n, call=call) for n in range(len(links)))
    names = {link.__name__: link for link in links}
    run: Handler = _define(_RUN.format(calls=calls), "run", endpoint=endpoint, **names)
    return run


def loop_over_guards(links: Sequence[Guard], endpoint: Handler, is_async: bool) -> Handler:
    """One coroutine that goes through the guards in a loop."""
    call = "await" if is_async else ""
    loop: Handler = _define(_LOOP.format(call=call), "loop", links=tuple(links), endpoint=endpoint)
    return loop
