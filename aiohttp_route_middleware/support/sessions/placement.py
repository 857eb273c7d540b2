"""Where sessions may not stand: inside a link that forgets what was done before a refusal.

A refused alternative of `any_of()` leaves no header behind, so that the cookie of what it has saved would be lost: an
entry in a store that nobody finds again, or, after `rotate()`, a visitor who is logged out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...errors import ConfigurationError
from ...marks import read_mark, set_mark

__all__ = ("check_no_session", "declare_session", "has_session")

_MARK = "__keeps_session__"


def declare_session(link: Any) -> None:
    """Let a link be known as one that keeps a session."""
    set_mark(link, _MARK, True)


def has_session(links: Iterable[Any]) -> bool:
    """Whether one of the links keeps a session, itself or by one that it runs."""
    return any(read_mark(getattr(link, "__stands_for__", link), _MARK) for link in links)


def check_no_session(battery: str, links: Iterable[Any]) -> None:
    """Refuse a link that keeps a session inside another one, which would lose its cookie.

    Raises:
        ConfigurationError: there is one.
    """
    if has_session(links):
        raise ConfigurationError(
            battery,
            "there is a session in it, whose cookie a refusal would lose",
            cure=f"put sessions() before {battery}, and what reads the session into it",
        )
