"""What a callable must be given: what is read from code is what `inspect` tells, and anything odd is left to it."""

import functools
import inspect
from typing import Any

import pytest

from aiohttp_route_middleware.parameters import Parameters, read_parameters


def ask_inspect(function: Any) -> Parameters:
    parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return Parameters(
        required=tuple(one.name for one in positional if one.default is one.empty),
        positional=len(positional),
        keywords={one.name: one.default is one.empty for one in parameters if one.kind is one.KEYWORD_ONLY},
        any_position=any(one.kind is one.VAR_POSITIONAL for one in parameters),
        any_keyword=any(one.kind is one.VAR_KEYWORD for one in parameters),
    )


class Owner:
    def method(self, a: Any, b: Any = 1, *, c: Any, d: Any = 2, **e: Any) -> None: ...

    def all_default(self, a: Any = 1, b: Any = 2) -> None: ...

    self_with_default = eval("lambda self=None, a=1: None")

    def only_args(*args: Any) -> None: ...

    @classmethod
    def of_class(cls, a: Any, /, b: Any = 1) -> None: ...

    @staticmethod
    def of_nobody(a: Any, b: Any) -> None: ...

    part = functools.partialmethod(method, 1)


def told_otherwise(a: Any, b: Any) -> None: ...


told_otherwise.__signature__ = inspect.Signature()  # type: ignore[attr-defined]  # as some decorators set it


@functools.wraps(told_otherwise)
def wrapped(*args: Any) -> None: ...


SHAPES = {
    "nothing": lambda: None,
    "one": lambda a: None,
    "defaults": lambda a, b=1, c=2: None,
    "all defaults": lambda a=1, b=2: None,
    "position only": eval("lambda a, b, /, c=1: None"),
    "keyword only": eval("lambda a, *, b, c=1: None"),
    "args": lambda *args: None,
    "a and args": lambda a, *args, b=1: None,
    "kwargs": lambda a, **kwargs: None,
    "everything": eval("lambda a, /, b, c=1, *args, d, e=2, **kwargs: None"),
    "method": Owner().method,
    "unbound method": Owner.method,
    "method with defaults": Owner().all_default,
    "method whose self has a default": Owner().self_with_default,
    "method of args alone": Owner().only_args,
    "class method": Owner.of_class,
    "static method": Owner.of_nobody,
    "partial method": Owner().part,
    "another signature": told_otherwise,
    "another signature, wrapped": wrapped,
    "partial": functools.partial(Owner().method, 1),
    "builtin": len,
}


@pytest.mark.parametrize("function", SHAPES.values(), ids=SHAPES.keys())
def test_parameters_are_those_that_inspect_tells(function: Any) -> None:
    assert read_parameters(function) == ask_inspect(function)
