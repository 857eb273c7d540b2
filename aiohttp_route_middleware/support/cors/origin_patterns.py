"""Expressions that match origins: compiled, and refused if surely none ever will.

An expression that matches nothing lets nobody in, and nobody is told. What happens is a scheme that was left out, a
slash at the end, a path, an upper-case letter. So an outline is read of each alternative: the letters that every match
has, in their order, and gaps between them.

Rules kept here: only what no origin can match is refused. Whatever is not a letter that must be there is a gap, in
which anything may be; an expression of which a part is not understood is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from ...errors import ConfigurationError
from ...option_checks import refuse_option
from ..network.origins import parse_origin

__all__ = ("read_origin_pattern",)

# Letters that follow each other, once for each stretch between two gaps: `https?://.+\.example` has the stretches
# `http`, `://` and `.example`. The first is empty if a gap comes first, and so is the last.
_Outline: TypeAlias = list[str]

_PARTS = re.compile(
    r"""
    (?P<place>[\^$]|\\[AZzbB])
    |(?P<repeat>(?:[*+?]|\{[0-9]*,?[0-9]*\})[?+]?)
    |(?P<narrow>\\[dw]|\[(?:a-z|A-Z|0-9|\\[dw.-]|[a-zA-Z0-9_.](?!-[^\]])|-(?=\]))+\])  # which has no slash in it
    |(?P<wide>\.|\\[DsSW]|\[\^?\]?(?:\\.|[^\\\]])*\])
    |(?P<open>\((?:\?:|\?P<\w+>)?(?!\?))
    |(?P<close>\))
    |(?P<bar>\|)
    |(?P<letter>\\[^a-zA-Z0-9]|[^\\\[(])
    """,
    re.VERBOSE | re.DOTALL,
)
_BEGINNING = re.compile(r"(?:[a-z][a-z0-9+.-]*(?::(?:/(?:/[^/]*)?)?)?)?")  # of an origin, up to anywhere
_LETTERS = re.compile(r"[a-z0-9+._:/\[\]-]*")  # of an origin as browsers write it


def read_origin_pattern(battery: str, option: str, value: object) -> re.Pattern[str]:
    """Compile an expression.

    Raises:
        ConfigurationError: it is none, or no origin can match it.
    """
    try:
        pattern = re.compile(value) if isinstance(value, str) else value
    except (re.error, OverflowError, RecursionError) as error:  # of too many repetitions, or brackets
        raise ConfigurationError(battery, f"{option}={value!r}: {error}", cure="correct it") from error
    if not isinstance(pattern, re.Pattern) or not isinstance(pattern.pattern, str):
        raise refuse_option(battery, option, value, "write it as text, or re.compile() a text")
    if not _may_match(pattern):
        problem = f"{option}={pattern.pattern!r} matches no origin as a browser writes it"
        cure = r"write scheme and host in lower case and nothing behind them: r'https://([a-z0-9-]+\.)?example\.com'"
        raise ConfigurationError(battery, problem, cure=cure)
    return pattern


def _may_match(pattern: re.Pattern[str]) -> bool:
    is_any_case = bool(pattern.flags & re.IGNORECASE)
    written = pattern.pattern.removeprefix("(?i)")
    parts = [*_PARTS.finditer(written)]
    if pattern.flags & re.VERBOSE or "".join(part[0] for part in parts) != written:
        return True  # it is not understood
    if not any(part.lastgroup == "wide" or part[0] in ("/", "\\/") for part in parts):
        return False
    return any(_may_be_origin(outline) for outline in _outline(parts, is_any_case))


def _outline(parts: Sequence[re.Match[str]], is_any_case: bool) -> list[_Outline]:
    """Outline each alternative."""
    outlines: list[_Outline] = [[""]]
    depth = 0
    for part in parts:
        kind, letter = part.lastgroup, part[0][-1]
        depth += (kind == "open") - (kind == "close")
        stretches = outlines[-1]
        if depth or kind == "place":
            continue
        if kind == "bar":
            outlines.append([""])
        elif kind == "letter" and (letter.isascii() or not is_any_case):  # some others are ASCII in another case
            stretches[-1] += letter.lower() if is_any_case else letter
        else:
            if kind == "repeat" and not part[0].startswith("+"):  # what is before it may be missing
                stretches[-1] = stretches[-1][:-1]
            stretches.append("")
    return outlines


def _may_be_origin(outline: _Outline) -> bool:
    letters = "".join(outline)
    if len(outline) == 1:  # no gap
        origin = parse_origin(letters)
        return origin is not None and str(origin) == letters
    if not _LETTERS.fullmatch(letters) or letters.count("/") > 2:
        return False
    return _BEGINNING.fullmatch(outline[0]) is not None and not outline[-1].endswith(("/", ":"))
