"""`package.module:attribute`, imported; whatever goes wrong is said in one line."""

from __future__ import annotations

import difflib
import importlib
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .naming import escape_unprintable
from .places import Site

__all__ = ("explain_failure", "load_object", "name_failure")


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
            raise refuse(escape_unprintable(f"{module_name} has no {attributes}{_suggest(name, found)}")) from error
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


def name_failure(error: BaseException) -> str:
    """Say what kind of failure it was, and on which line; its text may quote a secret.

    Raises:
        KeyboardInterrupt: it was one.
    """
    if isinstance(error, KeyboardInterrupt):
        raise error
    kind = escape_unprintable(type(error).__name__)
    for frame, line in [*traceback.walk_tb(error.__traceback__)][-1:]:
        return f"{kind} at {Site(frame.f_code.co_filename, line)}"
    return kind


def _suggest(name: str, found: object) -> str:
    known = map(str, vars(found)) if isinstance(found, (ModuleType, type)) else ()
    return "".join(f" (did you mean {close}?)" for close in difflib.get_close_matches(name, known, n=1))
