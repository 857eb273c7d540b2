"""The application that a command names, imported or made."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from aiohttp import web

from ..errors import InspectionError
from ..loading import explain_failure, load_object

__all__ = ("load", "load_app")


def load_app(place: str) -> web.Application:
    """Return the application at `package.module:app`, or what the factory there makes.

    Raises:
        InspectionError: there is none.
    """
    found = load(place)
    if callable(found) and not isinstance(found, web.Application):
        try:
            found = found()
            if inspect.isawaitable(found):
                found = asyncio.run(_await(found))
        except BaseException as error:
            raise InspectionError(explain_failure(f"{place} failed", error)) from error
    if not isinstance(found, web.Application):
        raise InspectionError(f"{place} is {type(found).__qualname__}, neither a web.Application nor what makes one")
    return found


def load(place: str) -> Any:
    """Return what stands at `package.module:attribute`.

    Raises:
        InspectionError: it does not exist, or its module cannot be imported.
    """
    return load_object(place, InspectionError)


async def _await(made: Any) -> Any:
    return await made
