"""What was chosen for a header is remembered: clients send much the same, and reading weights takes longer than that.

Rules kept here: what is remembered is bounded, in number and in length, so that nobody fills the memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ("remember",)

_T = TypeVar("_T")
_MOST = 256
_LONGEST = 256  # characters; what browsers send is shorter


def remember(choose: Callable[[Sequence[str]], _T]) -> Callable[[Sequence[str]], _T]:
    """Return a function that chooses in the same way, and remembers what it has chosen.

    Args:
        choose: called with the values of all fields of one name; what it returns depends on nothing else, and is not
            changed by anybody.
    """

    @functools.lru_cache(maxsize=_MOST)
    def choose_once(field: str) -> _T:
        return choose((field,))

    def choose_again(fields: Sequence[str]) -> _T:
        return choose_once(fields[0]) if len(fields) == 1 and len(fields[0]) <= _LONGEST else choose(fields)

    return choose_again
