"""Options that batteries check in the same way, so that each kind of mistake has one answer."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from .errors import ConfigurationError
from .marks import unwrap_partial
from .naming import describe
from .parameters import read_parameters
from .syntax import is_token

__all__ = (
    "check_call",
    "check_choice",
    "check_count",
    "check_flags",
    "check_function",
    "check_list",
    "check_name",
    "check_seconds",
    "check_share",
    "check_statuses",
    "check_text",
    "check_texts",
    "in_order",
    "refuse_option",
    "refuse_returned",
    "suggest",
)

_T = TypeVar("_T")
# more than anybody means, and few enough to be added to the time, as float or int, by Python, C and any store
_MOST_SECONDS = 10**10
_MOST_COUNT = 2**63 - 1  # what any other language counts to, and `sys.maxsize`
_NO_LISTS = (str, bytes, bytearray, memoryview, Mapping)


def refuse_option(battery: str, option: str, value: object, cure: str) -> ConfigurationError:
    """Make the error for an option whose value is no secret."""
    return ConfigurationError(battery, f"{option}={value!r}", cure=cure)


def refuse_returned(battery: str, option: str, value: object, cure: str) -> ConfigurationError:
    """Make the error for what a function of the application has returned, which may be a secret: its type is told.

    Args:
        battery: its name, as in errors.
        option: the name of the function's option.
        value: what it has returned.
        cure: what it should return instead, as "return a text".
    """
    told = repr(value) if value is None or type(value) in (bool, int, float) else type(value).__qualname__
    return ConfigurationError(battery, f"{option}() returned {told}", cure=cure)


def check_flags(battery: str, **flags: object) -> None:
    """Refuse what is not `True` or `False`: a text such as "no", from a file, would be true."""
    for option, value in flags.items():
        if not isinstance(value, bool):
            raise refuse_option(battery, option, value, "write True or False")


def check_seconds(battery: str, option: str, value: object, *, at_least: float = 1) -> float:
    """Return a number of seconds, of three centuries at most."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not at_least <= value < math.inf:
        raise refuse_option(battery, option, value, f"pass a number of seconds, {at_least:g} or more")
    if value > _MOST_SECONDS:
        raise ConfigurationError(
            battery, f"{option} is too large", cure=f"pass a number of seconds, {_MOST_SECONDS} or less"
        )
    return value


def check_count(
    battery: str, option: str, value: object, *, unit: str, at_least: int = 1, at_most: int | None = None
) -> int:
    """Return a whole number of something."""
    if at_most is None and type(value) is int and value > _MOST_COUNT:
        raise ConfigurationError(battery, f"{option} is too large", cure=f"pass a number of {unit} below 2**63")
    if type(value) is not int or value < at_least or (at_most is not None and value > at_most):
        allowed = f"{at_least} or more" if at_most is None else f"{at_least} to {at_most}"
        raise refuse_option(battery, option, value, f"pass a number of {unit}, {allowed}")
    return value


def check_choice(battery: str, option: str, value: object, choices: Collection[str]) -> str:
    """Return one of several words; who has nearly written one is told so."""
    if isinstance(value, str) and value in choices:
        return value
    raise refuse_option(battery, option, value, suggest(value, choices))


def check_text(battery: str, option: str, value: object) -> str:
    """Return a text that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise refuse_option(battery, option, value, "pass a text that is not empty")


def check_texts(battery: str, option: str, value: object) -> tuple[str, ...]:
    """Return one text, or several, as a tuple.

    Nothing is none of them: what was forgotten must not be taken for "any".
    """
    if isinstance(value, (list, tuple, set, frozenset)) and value:
        return tuple(check_text(battery, option, one) for one in in_order(value))
    return (check_text(battery, option, value),)


def check_list(battery: str, option: str, value: object, *, example: str) -> tuple[object, ...]:
    """Return what is listed, a set in order; it may be nothing.

    A text is refused, which would be taken for its letters, and so are a mapping and what can be read only once.

    Args:
        battery: its name, as in errors.
        option: its name.
        value: what was passed.
        example: one entry, for the error message.
    """
    if isinstance(value, Collection) and not isinstance(value, _NO_LISTS):
        return tuple(in_order(value))
    raise refuse_option(battery, option, value, f"pass a list: {option}=[{example!r}]")


def check_name(battery: str, option: str, value: object, *, example: str) -> str:
    """Return the name of a header or a cookie."""
    if isinstance(value, str) and is_token(value):
        return value
    raise refuse_option(battery, option, value, f"write a name, as in {option}={example!r}")


def check_function(battery: str, option: str, value: object, *, takes: str) -> None:
    """Refuse what cannot be called.

    Args:
        battery: its name, as in errors.
        option: its name.
        value: what was passed.
        takes: the parameters it should have, for the error message.
    """
    if not callable(value):
        raise ConfigurationError(battery, f"{option} is {describe(value)}", cure=f"pass a function ({takes})")


def check_call(battery: str, option: str, value: object, *, takes: str, is_awaited: bool = False) -> None:
    """Refuse what cannot be called with so many arguments, or would come to nothing, for nobody awaits or iterates it.

    Args:
        battery: its name, as in errors.
        option: its name.
        value: what was passed.
        takes: the arguments it is called with, by position, as in `"exchange, message"`.
        is_awaited: whether it may be async.
    """
    check_function(battery, option, value, takes=takes)
    function: Any = value
    if _is_made_by(inspect.isgeneratorfunction, function) or _is_made_by(inspect.isasyncgenfunction, function):
        raise ConfigurationError(battery, f"{option} is {describe(value)}, which yields", cure="let it return")
    if not is_awaited and _is_made_by(inspect.iscoroutinefunction, function):
        cure = "write it with `def`: nobody awaits it"
        raise ConfigurationError(battery, f"{option} is {describe(value)}, which is async", cure=cure)
    parameters, count = read_parameters(function), takes.count(",") + 1
    if parameters is None:
        return
    is_enough = parameters.any_position or parameters.positional >= count
    if not is_enough or len(parameters.required) > count or parameters.required_keywords:
        problem = f"{option} is {describe(value)}, with {parameters}"
        raise ConfigurationError(battery, problem, cure=f"let it take ({takes})")


def check_share(battery: str, option: str, value: object) -> float:
    """Return a share: a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise refuse_option(battery, option, value, "pass a share, from 0 to 1")
    return value


def check_statuses(battery: str, option: str, value: Any, *, least: int = 400) -> frozenset[int]:
    """Return statuses of answers; there may be none.

    Args:
        battery: its name, as in errors.
        option: its name.
        value: what was passed.
        least: the first that makes sense; default 400, for those that say that something is wrong.
    """
    is_list = isinstance(value, Collection) and not isinstance(value, _NO_LISTS)
    listed: list[Any] = [*value] if is_list else [None]
    if all(type(status) is int and least <= status <= 599 for status in listed):
        return frozenset(listed)
    example = 503 if least >= 400 else least
    raise refuse_option(battery, option, value, f"list statuses from {least} to 599, as in {{{example}}}")


def suggest(value: object, words: Iterable[str]) -> str:
    """Write what to do about a word that is none of these."""
    listed = {word.lower(): word for word in sorted(words)}
    close = difflib.get_close_matches(str(value).lower(), listed, n=1)
    return f"write {listed[close[0]]!r}" if close else f"write one of {', '.join(map(repr, listed.values()))}"


def in_order(entries: Collection[_T]) -> Collection[_T]:
    """Return a set sorted, so that a link is named alike in each run; a list as it is."""
    return sorted(entries, key=str) if isinstance(entries, (set, frozenset)) else entries


def _is_made_by(is_kind: Callable[[Any], bool], function: Any) -> bool:
    """Whether a function, or that in a partial, or the `__call__` of its class, is of a kind."""
    plain = unwrap_partial(function)
    return is_kind(plain) or is_kind(type(plain).__call__)
