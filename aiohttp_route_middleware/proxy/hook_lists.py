"""Hooks as they are passed to `proxy()`: lists of them opened, rewritings of paths wrapped, what is none refused.

What is refused is told what to write instead: most often it is an option of something, or a link.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from ..errors import ConfigurationError
from ..marks import read_mark, unwrap_partial
from ..naming import describe
from ..parameters import read_parameters
from .choice.affinity import AffinityCookie
from .choice.balancing import ConsistentHash
from .choice.health import Ejection
from .choice.probes import HealthCheck
from .choice.retries import Retries
from .choice.targets import Target
from .hooks.edits import rewrite_path
from .hooks.running import Hook
from .message.cookies import CookieRewriting
from .message.forwarding import Forwarding
from .message.locations import LocationRewriting
from .message.path_rewriting import is_rewriting
from .mirror.mirroring import Mirror
from .upstream import Upstream
from .websockets.messages import MessageRelay

__all__ = ("read_hooks",)

_OPTIONS: dict[type, str] = {
    Forwarding: "pass it as forwarding=",
    LocationRewriting: "pass it as locations=",
    CookieRewriting: "pass it as cookies=",
    MessageRelay: "pass it as messages=",
    Mirror: "pass it as mirror=",
    Upstream: "pass one upstream; one may have several targets",
    Target: "pass it to Upstream()",
    ConsistentHash: "pass it to Upstream(), as balance=",
    AffinityCookie: "pass it to Upstream(), as affinity=",
    Ejection: "pass it to Upstream(), as ejection=",
    HealthCheck: "pass it to Upstream(), as check=",
    Retries: "pass it to Upstream(), as retries=",
}


# what these make of any function is a plain one of theirs, which has the same code each time
_MAKERS: tuple[Any, ...] = (asynccontextmanager, contextmanager)
_MANAGERS = tuple(make(len).__code__ for make in _MAKERS)


def read_hooks(passed: Iterable[object]) -> tuple[Hook, ...]:
    """Return hooks in their order.

    Args:
        passed: hooks, rewritings of paths, and lists of both.

    Raises:
        ConfigurationError: one is no hook; it cannot be called with an exchange.
    """
    hooks = list[Hook]()
    for position, hook in enumerate(_flatten(passed), 1):
        cure = _find_fault(hook)
        if cure or not callable(hook):
            raise ConfigurationError("proxy()", f"hook {position} is {describe(hook)}", cure=cure)
        function: Any = hook
        hooks.append(rewrite_path(function) if is_rewriting(function) else function)
    return tuple(hooks)


def _flatten(passed: Iterable[object]) -> Iterator[object]:
    for one in passed:
        if isinstance(one, (list, tuple)):
            yield from _flatten(one)
        else:
            yield one


def _find_fault(hook: object) -> str:
    """Tell what to do about what is no hook; nothing if it is one."""
    for kind, cure in _OPTIONS.items():
        if isinstance(hook, kind):
            return cure
    if hook is None or inspect.isawaitable(hook) or isinstance(hook, (AsyncIterator, Iterator)):
        return "pass the function itself, without calling it"
    if not callable(hook) or isinstance(hook, type):
        return "pass a function, or an async generator function"
    if getattr(unwrap_partial(hook), "__code__", None) in _MANAGERS:
        return "leave out @asynccontextmanager: a hook that yields is an async generator"
    if read_mark(hook, "__link_kind__"):
        return "put it into the chain, before proxy(): it takes a request, and a hook an exchange"
    if inspect.isgeneratorfunction(unwrap_partial(hook)):
        return "write it as `async def`: a hook that yields is an async generator"
    parameters = read_parameters(hook)
    if parameters is not None and not parameters.take_request_alone:
        return "a hook is called with the exchange alone"
    return ""
