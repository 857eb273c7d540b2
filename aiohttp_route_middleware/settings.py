"""How chains are compiled, said once for a router, a group or a chain."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from .typedefs import Key, Trace

__all__ = ("Settings",)


@dataclass(frozen=True, slots=True)
class Settings:
    """How chains are compiled.

    Args:
        checked: log what links do wrong; `None` means under `python -X dev` only.
        trace: called as each link starts and ends.
        given: request keys that the middlewares of the application provide.
    """

    checked: bool | None = None
    trace: Trace | None = None
    given: tuple[Key, ...] = ()

    @property
    def is_checked(self) -> bool:
        """Whether chains are to be checked."""
        return sys.flags.dev_mode if self.checked is None else self.checked

    def give(self, given: tuple[Key, ...]) -> Settings:
        """Return these settings with more keys given."""
        return replace(self, given=(*self.given, *given)) if given else self

    def changes(self, chained: Settings | None) -> bool:
        """Tell whether a single handler must be compiled for these settings: a finished chain, or a bare endpoint."""
        if chained is None:
            return self.trace is not None
        return (self.is_checked, self.trace) != (chained.is_checked, chained.trace)

    def join(self, chained: Settings) -> Settings:
        """Return these settings for a finished chain, which keeps what it was compiled with besides."""
        return Settings(
            checked=self.is_checked or chained.is_checked,
            trace=chained.trace if self.trace is None else self.trace,
            given=(*self.given, *chained.given),
        )
