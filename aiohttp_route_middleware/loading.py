"""`package.module:attribute`, imported; whatever goes wrong is said in one line."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from .naming import escape_unprintable

__all__ = ("explain_failure", "load_object")


def load_object(place: str, refuse: Callable[[str], Exception]) -> Any:
    """Return what stands at `package.module:attribute`, or deeper at `package.module:attribute.attribute`.

    Args:
        place: where it stands.
        refuse: makes the exception to be raised if it does not exist, or its module cannot be imported.
    """
    module_name, colon, attributes = place.partition(":")
    if not (module_name and colon and attributes):
        raise refuse(f"{place!r} is not written as package.module:attribute")
    try:
        found: Any = importlib.import_module(module_name)
    except BaseException as error:
        raise refuse(explain_failure(f"importing {module_name} failed", error)) from error
    for name in attributes.split("."):
        try:
            found = getattr(found, name)
        except AttributeError as error:
            raise refuse(escape_unprintable(f"{module_name} has no {attributes}")) from error
        except BaseException as error:
            raise refuse(explain_failure(f"{place} failed", error)) from error
    return found


def explain_failure(what: str, error: BaseException) -> str:
    """Say in one line what went wrong; an interrupt by the user is none of it.

    Raises:
        KeyboardInterrupt: it was one.
    """
    if isinstance(error, KeyboardInterrupt):
        raise error
    try:
        line = " ".join(str(error).split())  # an error may take several lines
    except Exception:  # nor need it have a text
        line = ""
    return escape_unprintable(f"{what}: {type(error).__name__}{f': {line}' if line else ''}")
