"""Switches that operators turn while the application runs: a file, an event, or a question of your own.

Rules kept here: an answer that is neither `True` nor `False` is an error, since either guess could be wrong; so is a
file system that cannot be asked.
"""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from aiohttp import web

from ...naming import name_link
from ...option_checks import check_function, check_text, refuse_option, refuse_returned

__all__ = ("FileSwitch", "Switch", "name_switch", "read_switch", "settle_switch")

_LOOKS_AGAIN = 1.0  # seconds; the file system is not asked for each request


@runtime_checkable
class HasState(Protocol):
    """As `asyncio.Event` and `threading.Event` are."""

    def is_set(self) -> bool:
        """Whether it is on."""
        ...


Switch: TypeAlias = (
    bool | str | os.PathLike[str] | HasState | Callable[[web.Request], bool] | Callable[[web.Request], Awaitable[bool]]
)


class FileSwitch:
    """On while a file is there.

    Args:
        path: of the file.
        clock: tells seconds.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._next_look = float("-inf")
        self._is_on = False

    def __call__(self, request: object) -> bool:
        """Tell whether it is on; the file system is asked once a second at most."""
        now = self._clock()
        if now >= self._next_look:
            self._is_on = _exists(self._path)
            self._next_look = now + _LOOKS_AGAIN
        return self._is_on


async def settle_switch(battery: str, option: str, answer: Any) -> bool:
    """Whether a switch is on by what it has said, or will say.

    Raises:
        ConfigurationError: that is neither `True` nor `False`.
    """
    if inspect.isawaitable(answer):
        answer = await answer
    if answer is True or answer is False:
        return answer
    raise refuse_returned(battery, option, answer, "return True or False")


def read_switch(battery: str, option: str, switch: Any) -> Callable[[web.Request], Any]:
    """Return what asks a switch; its answer is for `settle_switch()`.

    Raises:
        ConfigurationError: it is no switch.
    """
    if isinstance(switch, bool):
        return lambda _: switch
    if isinstance(switch, (str, os.PathLike)):
        return FileSwitch(_check_path(battery, option, switch))
    if isinstance(switch, HasState):
        return lambda _: switch.is_set()
    check_function(battery, option, switch, takes="request")
    function: Callable[[web.Request], Any] = switch
    return function


def name_switch(switch: object) -> str:
    """Name a switch, for the name of a link."""
    if isinstance(switch, bool):
        return str(switch)
    if isinstance(switch, (str, os.PathLike)):
        return os.fsdecode(switch)
    return type(switch).__name__ if isinstance(switch, HasState) else name_link(switch)


def _check_path(battery: str, option: str, path: str | os.PathLike[str]) -> str:
    text = check_text(battery, option, os.fspath(path))
    if not Path(text).absolute().parent.is_dir():  # it would never be on, and nobody would know why
        raise refuse_option(battery, option, text, "name a file in a folder that exists")
    return text


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):  # any other error is not "no": who may not look cannot tell
        return False
    return True
