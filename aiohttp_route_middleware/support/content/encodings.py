"""Which coding of its content a client gets, of those that a server has (RFC 9110, section 12.5.3).

Rules kept here: a client that says nothing gets the content as it is, and so does one that sends an empty list; a
weight of 0 forbids a coding; `*` stands for all that are not listed; content as it is, if not listed, is acceptable
but comes last; of codings with the same weight, the server's first is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .preferences import read_preferences

__all__ = ("PLAIN", "Choice", "choose_coding")

PLAIN = "identity"
_ALIASES = {"gzip": "x-gzip"}  # RFC 9110, section 8.4.1.3


class Choice(NamedTuple):
    """What a client gets.

    Args:
        coding: the name of one; `"identity"` for the content as it is.
        refuses_plain: whether the client has said that it does not take the content as it is.
    """

    coding: str
    refuses_plain: bool = False


def choose_coding(fields: Sequence[str], offered: Sequence[str]) -> Choice:
    """Choose a coding for a client.

    Args:
        fields: the values of its `Accept-Encoding` fields.
        offered: the codings that there are, the best first, in lower case, without `"identity"`.

    Example:
        choose_coding(["gzip, br;q=0.8"], ["br", "gzip"])  # Choice("gzip")
    """
    weights = read_preferences(fields)
    rest = weights.get("*")
    plain = weights.get(PLAIN, rest)
    best, highest = PLAIN, 0.0
    for coding in offered:
        weight = weights.get(coding, weights.get(_ALIASES.get(coding, coding), rest)) or 0.0
        if weight > highest:
            best, highest = coding, weight
    return Choice(PLAIN if plain is not None and plain > highest else best, plain == 0)
