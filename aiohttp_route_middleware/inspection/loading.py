"""`package.module:attribute`, imported; whatever goes wrong is said in one line."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from typing import Any

from aiohttp import web

from ..errors import InspectionError
from ..naming import escape_unprintable

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
            raise _explain(f"{place} failed", error) from error
    if not isinstance(found, web.Application):
        raise InspectionError(f"{place} is {type(found).__qualname__}, neither a web.Application nor what makes one")
    return found


def load(place: str) -> Any:
    """Return what stands at `package.module:attribute`, or deeper at `package.module:attribute.attribute`.

    Raises:
        InspectionError: it does not exist, or its module cannot be imported.
    """
    module_name, colon, attributes = place.partition(":")
    if not (module_name and colon and attributes):
        raise InspectionError(f"{place!r} is not written as package.module:attribute")
    try:
        found: Any = importlib.import_module(module_name)
    except BaseException as error:
        raise _explain(f"importing {module_name} failed", error) from error
    for name in attributes.split("."):
        try:
            found = getattr(found, name)
        except AttributeError as error:
            raise InspectionError(escape_unprintable(f"{module_name} has no {attributes}")) from error
        except BaseException as error:
            raise _explain(f"{place} failed", error) from error
    return found


def _explain(what: str, error: BaseException) -> InspectionError:
    if isinstance(error, KeyboardInterrupt):
        raise error
    line = " ".join(str(error).split())  # an error may take several lines
    return InspectionError(escape_unprintable(f"{what}: {type(error).__name__}{f': {line}' if line else ''}"))


async def _await(made: Any) -> Any:
    return await made
