"""Those who are told of requests must not harm them: what they raise is reported, and all goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ("tell_safely",)


def tell_safely(name: str, tell: Callable[..., None], *told: Any) -> None:
    """Call somebody; an exception goes to the exception handler of the event loop, which logs it.

    Args:
        name: of the battery, for the report.
        tell: who is called.
        told: with what.
    """
    try:
        tell(*told)
    except Exception as error:
        report = {"message": f"{name}() could not tell of a request", "exception": error}
        with suppress(Exception):  # the log may be what is broken, and there may be no loop
            asyncio.get_running_loop().call_exception_handler(report)
