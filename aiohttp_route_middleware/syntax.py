"""What the grammar of HTTP allows."""

from __future__ import annotations

import re

__all__ = ("is_token",)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def is_token(text: str) -> bool:
    """Whether this may name a header, a method, or a cookie (RFC 9110, section 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None
