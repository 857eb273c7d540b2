"""Deadlines: what takes longer is cancelled.

As `asyncio.timeout()`, which Python 3.10 has not, and which cannot be asked at the end whether it still applies.

Rules kept here: a cancellation from elsewhere stays one; deadlines may stand in one another, and each ends its own
block; a `TimeoutError` that is raised inside is none of ours. On Python 3.10 a task cannot tell how many have
cancelled it: where somebody else does in the very moment in which time is up, the deadline wins.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, cast

from ..errors import RouteMiddlewareError

__all__ = ("Deadline", "TimeIsUpError")


class TimeIsUpError(RouteMiddlewareError):
    """The block of a deadline was cancelled by it."""


class Deadline:
    """A block that is cancelled after some time; `TimeIsUpError` comes out of it then.

    Args:
        seconds: how long it may take.
        applies: asked when time is up; the block goes on, without a deadline, unless it says yes. Default: yes.
    """

    def __init__(self, seconds: float, applies: Callable[[], bool] | None = None) -> None:
        self._seconds = seconds
        self._applies = applies
        self._has_cancelled = False

    def __enter__(self) -> None:
        self._task = cast(Any, asyncio.current_task())
        self._cancelled_before = _count_cancellations(self._task)
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if not self._has_cancelled:
            return
        if sys.version_info >= (3, 11):
            self._task.uncancel()
        if kind is asyncio.CancelledError and _count_cancellations(self._task) <= self._cancelled_before:
            raise TimeIsUpError from error

    def _end(self) -> None:
        if self._applies is None or self._applies():
            self._has_cancelled = True
            self._task.cancel()


def _count_cancellations(task: Any) -> int:
    count: int = task.cancelling() if sys.version_info >= (3, 11) else 0
    return count
