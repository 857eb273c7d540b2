"""How chains are compiled, said once for a router, a group or a chain."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, replace

from .errors import RegistrationError
from .marks import is_same
from .typedefs import Key, Trace

__all__ = ("Settings",)


@dataclass(frozen=True, slots=True)
class Settings:
    """How chains are compiled.

    Args:
        checked: log what links do wrong; `None` means under `python -X dev` only.
        traces: called as each link starts and ends.
        given: request keys that the middlewares of the application provide.
    """

    checked: bool | None = None
    traces: tuple[Trace, ...] = ()
    given: tuple[Key, ...] = ()

    @classmethod
    def read(cls, checked: bool | None, trace: Trace | None, given: tuple[Key, ...]) -> Settings:
        """Read what a router, a group or `chain()` was told."""
        if trace is not None and (not callable(trace) or _gives_no_function(trace)):
            problem = "which cannot be called" if not callable(trace) else "whose call gives no function"
            raise RegistrationError(
                f"trace= got {type(trace).__qualname__}, {problem}",
                cure="pass a function (request, link), not async, that returns a function (outcome)",
            )
        return cls(checked, () if trace is None else (trace,), given)

    @property
    def is_checked(self) -> bool:
        """Whether chains are to be checked."""
        return sys.flags.dev_mode if self.checked is None else self.checked

    def give(self, given: tuple[Key, ...]) -> Settings:
        """Return these settings with more keys given."""
        return replace(self, given=(*self.given, *given)) if given else self

    def keep(self, given: tuple[Key, ...]) -> Settings:
        """Return these settings with just these keys given; as a rule the very same, which many routes share."""
        return self if self.given == given else replace(self, given=given)

    def must_recompile(self, chained: Settings | None) -> bool:
        """Tell whether a single handler must be compiled for these settings: a finished chain, or a bare endpoint."""
        if chained is None:
            return bool(self.traces)
        if self.is_checked != chained.is_checked or len(self.traces) != len(chained.traces):
            return True
        return not all(map(is_same, self.traces, chained.traces))

    def join(self, inner: Settings) -> Settings:
        """Return these settings for what has settings of its own, a finished chain or a group, which keeps them."""
        more = tuple(trace for trace in inner.traces if not any(is_same(trace, one) for one in self.traces))
        return Settings(
            checked=self.is_checked or inner.is_checked,
            traces=self.traces + more,
            given=(*self.given, *inner.given),
        )


def _gives_no_function(trace: object) -> bool:
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return any(is_kind(trace) for is_kind in kinds)
