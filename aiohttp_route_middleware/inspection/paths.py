"""The path of a resource as it was registered: with the expressions of its variables, which decide what it answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import zip_longest

from aiohttp import web

__all__ = ("write_path",)

_VARIABLE = re.compile(r"\{([_a-zA-Z][_a-zA-Z0-9]*)\}")
_PLAIN = "[^{}/]+"  # what aiohttp makes of a variable without an expression


def write_path(resource: web.AbstractResource) -> str:
    r"""Return the path with all prefixes, and with the expressions of its variables: `/posts/{id:\d+}`."""
    pattern = resource.get_info().get("pattern")
    literals, names = _split(resource.canonical)
    groups = (rf"\(\?P<{name}>(.*)\)" for name in names)
    template = _weave((re.escape(re.escape(literal)) for literal in literals), groups)
    found = re.fullmatch(template, pattern.pattern, re.DOTALL) if isinstance(pattern, re.Pattern) else None
    if found is None:  # not a path of aiohttp's making
        return resource.canonical
    variables = (_write_variable(name, expression) for name, expression in zip(names, found.groups()))
    return _weave(literals, variables)


def _split(canonical: str) -> tuple[list[str], list[str]]:
    pieces = _VARIABLE.split(canonical)
    return pieces[::2], pieces[1::2]


def _weave(literals: Iterable[str], variables: Iterable[str]) -> str:
    """Put literals and variables together by turns; it begins and ends with a literal."""
    return "".join(literal + variable for literal, variable in zip_longest(literals, variables, fillvalue=""))


def _write_variable(name: str, expression: str) -> str:
    return f"{{{name}}}" if expression == _PLAIN else f"{{{name}:{expression}}}"
