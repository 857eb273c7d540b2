"""An ASGI middleware, made of an application and options; or why it cannot be: it is none, or takes other options."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import ConfigurationError
from ...option_checks import suggest
from ...uncalled import find_call, find_tongue
from .messages import AsgiApplication

__all__ = ("check_maker", "make_middleware")

_CURE = "pass the options that it takes"
# Python 3.14 evaluates annotations when asked; names that only type checkers import must not make that fail
_OPTIONS: dict[str, Any] = {}
if sys.version_info >= (3, 14):
    from annotationlib import Format

    _OPTIONS["annotation_format"] = Format.FORWARDREF


def check_maker(battery: str, make: Callable[..., Any], name: str, misplaced: Sequence[object]) -> None:
    """Refuse what makes no middleware since it is one, or an application, and options without names.

    Args:
        battery: as in errors.
        make: what was passed as a class.
        name: of that.
        misplaced: options that were passed by position.
    """
    if misplaced:
        cure = f"write from_asgi({name}, option=value), or **options"
        raise ConfigurationError(battery, "options are passed by name", cure=cure)
    if find_tongue(make) is None:
        return
    if find_call(type(make)) is not None:
        cure = f"pass the class: from_asgi({type(make).__name__}, ...)"
        raise ConfigurationError(battery, f"{name} is an instance, made already", cure=cure)
    problem, cure = find_call(make) or ("", "")
    raise ConfigurationError(battery, f"{name} {problem}", cure=cure)


def make_middleware(
    battery: str, make: Callable[..., Any], name: str, app: AsgiApplication, options: Mapping[str, Any]
) -> Any:
    """Make an ASGI middleware.

    Args:
        battery: as in errors.
        make: its class, or what else makes it.
        name: of that.
        app: what it is built around.
        options: by their names.

    Raises:
        ConfigurationError: it refuses them; the text tells no values, which may be secrets.
    """
    try:
        return make(app, **options)
    except Exception as error:
        problem, cure = _find_mistake(make, name, options) if isinstance(error, TypeError) else ("", "")
        problem = problem or f"{name} raised {type(error).__name__} when it was made"
        raise ConfigurationError(battery, problem, cure=cure or _CURE) from error


def _find_mistake(make: Callable[..., Any], name: str, options: Mapping[str, Any]) -> tuple[str, str]:
    try:
        app, *rest = inspect.signature(make, **_OPTIONS).parameters.values()
    except (TypeError, ValueError):  # it has none to read, or takes nothing
        return "", ""
    if app.kind in (app.KEYWORD_ONLY, app.VAR_KEYWORD):
        return f"{name} takes no application", "pass the class of an ASGI middleware"
    taken = [one for one in rest if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    names = [one.name for one in taken]
    unknown = [] if any(one.kind is one.VAR_KEYWORD for one in rest) else [one for one in options if one not in names]
    if unknown and not names:
        return f"{name} takes no options", f"leave out {', '.join(unknown)}"
    if unknown:
        return f"{name} takes {', '.join(names)}, but not {', '.join(unknown)}", suggest(unknown[0], names)
    missing = [one.name for one in taken if one.default is one.empty and one.name not in options]
    if missing:
        return f"{name} takes {', '.join(names)}, of which {', '.join(missing)} must be given", f"pass {missing[0]}"
    return "", ""
