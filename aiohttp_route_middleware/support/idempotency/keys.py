"""The key in `Idempotency-Key`: a string of a structured field, or what clients send that have never heard of those.

draft-ietf-httpapi-idempotency-key-header-07, section 2.1: an Item (RFC 9651, section 3.3) whose value is a String;
once in a request. Parameters mean nothing and are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ("LONGEST_KEY", "read_idempotency_key")

LONGEST_KEY = 255
_CHARACTERS = r'(?:[ !#-\[\]-~]|\\["\\])*'  # RFC 9651, section 3.3.3
_VALUE = rf'(?:"{_CHARACTERS}"|[A-Za-z*][!#$%&\'*+.^_`|~0-9A-Za-z:/-]*|-?[0-9]{{1,15}}|\?[01])'
_PARAMETERS = rf"(?:; *[a-z*][a-z0-9_.*-]*(?:={_VALUE})?)*"  # RFC 9651, section 3.1.2; of the values the usual
_STRING = re.compile(rf'"({_CHARACTERS})"{_PARAMETERS}')
_BARE = re.compile(r"[!#-+\--:<-\[\]-~]+")  # no blank, quote, comma, semicolon or backslash: it is one value
_ESCAPED = re.compile(r"\\(.)")


def read_idempotency_key(fields: Sequence[str], *, is_bare_allowed: bool) -> str | None:
    """Return the key of a request, unquoted; `None` if it is none, too long, or not the only one.

    Args:
        fields: the values of all fields of that name.
        is_bare_allowed: whether a key without quotes is one, too.
    """
    if len(fields) != 1:
        return None
    field = fields[0].strip(" ")
    match = _STRING.fullmatch(field)
    if match is not None:
        key = _ESCAPED.sub(r"\1", match[1])
    else:
        key = field if is_bare_allowed and _BARE.fullmatch(field) else ""
    return key if 0 < len(key) <= LONGEST_KEY else None
