"""What a directive of a Content Security Policy may list: keywords in quotes, nonces, hashes, schemes and hosts.

Rules kept here: whatever the grammar of CSP Level 3 allows (section 2.3.1) passes, and so does what single browsers
read besides. All else they pass over in silence, and tell only the console: it is refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import NamedTuple

from ...option_checks import suggest

__all__ = ("NONCE", "find_mistake")

NONCE = "'nonce-{nonce}'"
"""Stands in a policy for the nonce of each request."""


class Mistake(NamedTuple):
    """What is wrong with a value.

    Args:
        problem: the value, and how browsers would take it.
        cure: what to write instead.
    """

    problem: str
    cure: str


class _Grammar(NamedTuple):
    """What browsers read in a directive: words in quotes, and what matches; where inline code counts, its hashes."""

    words: tuple[str, ...]
    others: re.Pattern[str] | None = None
    has_hashes: bool = False


# schemes, and hosts with or without scheme, port and path; some browsers read an underscore in a host
_SOURCE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:"
    r"|(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)"
    r"(?::(?:[0-9]+|\*))?(?:/[A-Za-z0-9._~!$&'()*+=:@%/-]*)?"
)
_POLICY_NAME = re.compile(r"[A-Za-z0-9#=_/@.%*-]+")  # Trusted Types, section 4.2
_KEYWORDS = (
    *("'none'", "'self'", "'unsafe-inline'", "'unsafe-eval'", "'strict-dynamic'", "'unsafe-hashes'"),
    *("'report-sample'", "'unsafe-allow-redirects'", "'wasm-unsafe-eval'", "'trusted-types-eval'"),
    *("'report-sha256'", "'report-sha384'", "'report-sha512'", "'unsafe-webtransport-hashes'"),
    *("'inline-speculation-rules'", "'strict-dynamic-url'"),  # of Chromium
)
_SOURCES = _Grammar(_KEYWORDS, _SOURCE, has_hashes=True)
_GRAMMARS: Mapping[str, _Grammar] = {
    "frame-ancestors": _Grammar(("'none'", "'self'"), _SOURCE),  # section 6.4.2
    "require-trusted-types-for": _Grammar(("'script'",)),
    "trusted-types": _Grammar(("'none'", "'allow-duplicates'"), _POLICY_NAME),
    "webrtc": _Grammar(("'allow'", "'block'")),
}

_HASH = re.compile(r"'(?:url-|eval-)?(sha256|sha384|sha512)-([^']*)'", re.IGNORECASE)  # the prefixes are Chromium's
_LOOKS_LIKE_HASH = re.compile(r"'(?:url-|eval-)?sha", re.IGNORECASE)
_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64}  # bytes
_URL_SAFE = str.maketrans("-_", "+/")


def find_mistake(directive: str, value: str) -> Mistake | None:
    """Return what is wrong with a value of a directive; nothing, if browsers take it as it is meant.

    Args:
        directive: one that lists sources or words, in lower case.
        value: one of its values.
    """
    grammar, lower = _GRAMMARS.get(directive, _SOURCES), value.lower()
    if lower in grammar.words:
        return None
    if grammar.has_hashes and lower.startswith("'nonce-"):
        return _find_nonce_mistake(value)
    if grammar.has_hashes and _LOOKS_LIKE_HASH.match(value):
        return _find_hash_mistake(value)
    if grammar.has_hashes and value == "NONCE":  # of Python, in plain data
        return Mistake(
            "NONCE, which is a host without quotes", f'write "{NONCE}", which is what NONCE of Python holds'
        )
    if grammar.others is _SOURCE and f"'{lower}'" in grammar.words:
        return Mistake(f"{value}, which is a host without quotes", f"""write "'{lower}'\"""")
    if grammar.others is not None and grammar.others.fullmatch(value):
        return None
    if grammar.others is None or value[0] in "'\"":
        return Mistake(f"{value}, which is no keyword", _suggest(value, grammar))
    return Mistake(
        f"{value}, which is neither a scheme nor a host",
        "write one as in 'https:' or 'https://*.example.com:8443/path', without ? and #",
    )


def _suggest(value: str, grammar: _Grammar) -> str:
    bare = value.strip("'\"")
    if grammar.others is _SOURCE and _SOURCE.fullmatch(bare) and any(one in bare for one in ".:*"):
        return f"write {bare} without quotes"
    return suggest(value.lower(), grammar.words)


def _find_nonce_mistake(value: str) -> Mistake | None:
    if value == NONCE:
        return None
    # "unique value each time it transmits a policy" (CSP Level 3, section 7.1)
    return Mistake("a nonce that never changes", f'write NONCE, or "{NONCE}"')


def _find_hash_mistake(value: str) -> Mistake | None:
    found = _HASH.fullmatch(value)
    if found and _is_digest(found[2], _SIZES[found[1].lower()]):
        return None
    return Mistake(
        f"{value}, which is no digest",
        "write 'sha256-...' with 44 characters of base64, or 'sha384-...' with 64, or 'sha512-...' with 88",
    )


def _is_digest(text: str, size: int) -> bool:
    """Whether it is what a browser writes of a digest, to compare the texts (section 6.7.3.3); `-_` count as `+/`."""
    standard = text.translate(_URL_SAFE)
    try:
        digest = base64.b64decode(standard, validate=True)
    except ValueError:
        return False
    return len(digest) == size and base64.b64encode(digest).decode() == standard
