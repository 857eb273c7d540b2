"""What HTTP itself says: how words are written, and which methods are safe."""

from __future__ import annotations

import re

from aiohttp import hdrs

__all__ = ("READ_METHODS", "SAFE_METHODS", "TOKEN", "is_field_value", "is_token", "quote", "unquote")

READ_METHODS = frozenset((hdrs.METH_GET, hdrs.METH_HEAD))
"""Methods that ask for a representation: what is said of one is said to them (RFC 9110, section 9.3)."""

SAFE_METHODS = frozenset((hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS))
"""Methods that must not change anything (RFC 9110, section 9.2.1); TRACE, which is safe as well, is for no handler."""

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  # grammar, and no secret
"""An expression for what names a header, a method, a parameter or a cookie (RFC 9110, section 5.6.2)."""

_TOKEN = re.compile(TOKEN)
_NO_FIELD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")  # the latter cannot be encoded
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def is_token(text: str) -> bool:
    """Whether this may name a header, a method, or a cookie (RFC 9110, section 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def is_field_value(text: str) -> bool:
    """Whether this may be the value of a header, or a reason phrase (RFC 9110, section 5.5)."""
    return _NO_FIELD_VALUE.search(text) is None


def quote(text: str) -> str:
    r"""Write a quoted-string: `"` and `\` are escaped (RFC 9110, section 5.6.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquote(quoted: str) -> str:
    """Read what stands between the quotes of a quoted-string."""
    return _ESCAPED.sub(r"\1", quoted[1:-1])
