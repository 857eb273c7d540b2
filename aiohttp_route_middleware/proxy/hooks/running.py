"""Functions of users around an exchange, in three forms.

    async def around(exchange):         # an async generator: before its yield, and after it
        begun = time.monotonic()
        yield  # what is further inside
        exchange.response.headers["X-Took"] = str(time.monotonic() - begun)

    def before(exchange): ...           # a function: changes exchange.request; async or plain

    @after
    def change(exchange): ...           # changes exchange.response; async or plain

Rules kept here: they run in their order before the request is sent, and in reverse order after it, so that the first
is the outermost. What fails further inside comes out of the `yield`; a hook that sets `exchange.response` there has
answered, one that ends without has not: what failed goes on outwards, and the response that was there before is gone.
A hook that sets `exchange.response` before its `yield` answers in place of the upstream, and no hook behind it runs.
What a hook returns would go unseen, and might be a refusal: it has to return nothing.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ...errors import ConfigurationError
from ...marks import read_mark, set_mark, unwrap_partial
from ...naming import describe
from ..wire.failures import ClientGoneError, ClientSilentError
from ..wire.outgoing import OutgoingRequestError

if TYPE_CHECKING:
    from ..exchange import Exchange

__all__ = ("Hook", "after", "run_hooks")

Hook: TypeAlias = "Callable[[Exchange], Awaitable[None] | AsyncIterator[None] | None]"
"""A function around an exchange, in one of the three forms."""
_Opened: TypeAlias = "tuple[Hook, AsyncGenerator[None, None] | None]"
_F = TypeVar("_F", bound="Callable[..., Any]")
_AFTER = "__runs_after__"
# nobody waits for the answer: hooks are closed
_ENDS = (asyncio.CancelledError, ClientGoneError, ClientSilentError)


def after(function: _F) -> _F:
    """Have a function run when the answer is there, not before the request is sent.

    Args:
        function: takes the exchange, and changes its `response`; async or plain. It does not run without an answer.

    Raises:
        ConfigurationError: this is no such function.

    Example:
        @after
        def hide_version(exchange: Exchange) -> None:
            exchange.response.headers.popall("X-Powered-By", None)
    """
    if not callable(function) or isinstance(function, type) or inspect.isasyncgenfunction(unwrap_partial(function)):
        cure = "pass a function; an async generator has its part behind the yield for this"
        raise ConfigurationError("after()", f"got {describe(function)}", cure=cure)
    try:
        set_mark(function, _AFTER, True)
    except AttributeError:  # from None: a bound method takes no marks
        cure = "write @after above the method in its class"
        raise ConfigurationError("after()", f"{describe(function)} takes no marks", cure=cure) from None
    return function


async def run_hooks(hooks: Sequence[Hook], exchange: Exchange, send: Callable[[], Awaitable[None]]) -> None:
    """Run what stands before, send the request, and run what stands after.

    Args:
        hooks: in their order.
        exchange: what they see.
        send: sends the request, and sets the response.
    """
    opened: list[_Opened] = []
    failure: BaseException | None = None
    try:
        for hook in hooks:
            await _enter(hook, exchange, opened)
            if exchange.has_response:
                break
        else:
            await _send(hooks, send)
    except BaseException as error:
        failure = error
    try:
        while opened:
            if failure is not None:
                exchange.forget_response()
            try:
                failure = await _leave(opened.pop(), exchange, failure)
            except BaseException as error:
                failure = error
        if failure is not None:
            raise failure
    finally:
        del failure  # it knows this frame, which would keep all that is known here until the garbage is collected


async def _enter(hook: Hook, exchange: Exchange, opened: list[_Opened]) -> None:
    if read_mark(hook, _AFTER):
        opened.append((hook, None))
        return
    result = hook(exchange)
    if isinstance(result, AsyncGenerator):
        try:
            await result.__anext__()
        except StopAsyncIteration:
            cure = "yield once on each way; to answer, set exchange.response before the yield, or raise"
            raise RuntimeError(f"the hook {describe(hook)} has not yielded; {cure}") from None
        opened.append((hook, result))
    else:
        await _finish(hook, result)


async def _finish(hook: Hook, result: object) -> None:
    """Wait for a function, and see that it has returned nothing."""
    if inspect.isawaitable(result):
        result = await result
    if result is not None:
        cure = "return nothing; to answer, set exchange.response; a lambda returns what it calls: write `def`"
        kind = type(result).__qualname__  # what was returned may be a secret
        raise ConfigurationError("proxy()", f"the hook {describe(hook)} returned {kind}", cure=cure)


async def _leave(opened: _Opened, exchange: Exchange, failure: BaseException | None) -> BaseException | None:
    """Run what stands after; return what has failed and was not answered."""
    hook, generator = opened
    if generator is None:
        if failure is None:
            await _finish(hook, hook(exchange))
        return failure
    if isinstance(failure, _ENDS):
        await generator.aclose()
        return failure
    try:
        await (generator.__anext__() if failure is None else generator.athrow(failure))
    except StopAsyncIteration:
        return None if exchange.has_response else failure
    await generator.aclose()
    problem = f"the hook {describe(hook)} has yielded twice; yield once on each way"  # as a context manager must
    raise RuntimeError(problem) from failure


async def _send(hooks: Sequence[Hook], send: Callable[[], Awaitable[None]]) -> None:
    """Send the request; where hooks have written what is none, tell which there are."""
    try:
        await send()
    except OutgoingRequestError as error:  # seen when all have run: to look behind each would cost each request
        written = [describe(hook) for hook in hooks if not read_mark(hook, _AFTER)]
        raise error.tell_hooks(written) from None
