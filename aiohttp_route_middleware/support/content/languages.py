"""Languages: which of those that there are comes nearest to what is asked for (RFC 4647).

Rules kept here: ranges are tried in order of their weights (RFC 9110, section 12.5.4), each by lookup, which takes
subtags off its end until a language has just that tag (RFC 4647, section 3.4); if that finds nothing, by filtering,
which takes the first language that begins with the whole range (section 3.3.1); `*` says nothing of which (section
3.4); a weight of 0 excludes what its range matches, but for what is asked for by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from aiohttp import web

from ...keys import note_key
from ...option_checks import refuse_option, suggest
from .preferences import read_preferences

__all__ = ("LANGUAGE", "find_language", "look_up", "matches", "read_languages")

LANGUAGE = note_key(web.RequestKey("LANGUAGE", str), "middlewares.language.LANGUAGE", set_by="language()")

_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")  # RFC 4647, section 2.1, without the star
_LONGEST_RANGE = 100


def find_language(fields: Iterable[str], available: Sequence[str], default: str) -> str:
    """Find the language for an `Accept-Language`.

    Args:
        fields: the values of all its fields.
        available: tags, the one first that is taken if several match equally.
        default: if none is asked for.

    Example:
        find_language(["de-CH, fr;q=0.8"], ["en", "fr", "de"], "en")  # "de"
    """
    weights = read_preferences(fields)
    left = [tag for tag in available if not _is_excluded(tag, weights)]
    for asked in sorted((one for one in weights if weights[one] and one != "*"), key=lambda one: -weights[one]):
        found = look_up(asked, left)
        if found is not None:
            return found
    if default not in left and left and weights.get("*"):  # anything but the default
        return left[0]
    return default


def look_up(asked: str, available: Sequence[str]) -> str | None:
    """Find the language for one range: by lookup, else by filtering.

    Args:
        asked: such as `de-CH`; untrusted.
        available: tags.

    Example:
        look_up("zh-Hant-TW", ["zh-Hans", "zh-Hant"])  # "zh-Hant"
    """
    if len(asked) > _LONGEST_RANGE or not _TAG.fullmatch(asked):
        return None
    by_lower = {tag.lower(): tag for tag in available}
    subtags = asked.lower().split("-")
    while subtags:
        found = by_lower.get("-".join(subtags))
        if found is not None:
            return found
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # a single letter goes with what it introduces (RFC 4647, section 3.4)
            subtags.pop()
    return next((tag for tag in available if matches(asked, tag)), None)


def matches(asked: str, tag: str) -> bool:
    """Whether a range matches a tag in basic filtering (RFC 4647, section 3.3.1)."""
    return f"{tag}-".lower().startswith(f"{asked}-".lower())


def read_languages(battery: str, available: Any, default: str | None) -> tuple[tuple[str, ...], str]:
    """Return the languages that there are, and the one if none is asked for: by default the first.

    Raises:
        ConfigurationError: there are none, one is no language tag, or the default is none of them.
    """
    if not isinstance(available, (list, tuple)) or not available:  # in order: a set has none
        raise refuse_option(battery, "available", available, 'list the languages: ["en", "de-CH"]')
    for tag in available:
        if not isinstance(tag, str) or not _TAG.fullmatch(tag) or len(tag) > _LONGEST_RANGE:
            raise refuse_option(battery, "available", tag, 'write a language tag, with hyphens: "en", "de-CH"')
    if len({tag.lower() for tag in available}) < len(available):
        raise refuse_option(battery, "available", available, "list each language once")
    if default is not None and default not in available:
        raise refuse_option(battery, "default", default, suggest(default, available))
    return tuple(available), available[0] if default is None else default


def _is_excluded(tag: str, weights: Mapping[str, float]) -> bool:
    """Whether the longest of the ranges that match a tag has a weight of 0."""
    found: Collection[str] = [one for one in weights if one != "*" and matches(one, tag)]
    return weights[max(found, key=len)] == 0 if found else weights.get("*") == 0
