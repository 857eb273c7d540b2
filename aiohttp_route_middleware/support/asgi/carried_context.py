"""Context variables that are set behind an ASGI middleware, which may run what is behind it in a task of its own.

What such a task sets would be gone with it. It is carried to the task of the request, as if there were one task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any

__all__ = ("CarriedContext",)


class CarriedContext:
    """What is set behind, for one request; made in its task."""

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._set: dict[ContextVar[Any], Any] = {}

    @contextmanager
    def watch(self) -> Generator[None]:
        """Remember what is set in here, if that is another task."""
        if asyncio.current_task() is self._task:
            yield
            return
        before = copy_context()
        try:
            yield
        finally:
            after = copy_context().items()
            self._set = {variable: value for variable, value in after if before.get(variable, self) is not value}

    def carry_out(self) -> None:
        """Set in the task of the request what was set behind."""
        for variable, value in self._set.items():
            variable.set(value)
