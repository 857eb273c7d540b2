"""The cookie that keeps the id of CSRF tokens: how it is written, and when what comes back is ours.

Rules kept here: two cookies of the name are none, for one of them was written by somebody else, and nobody can tell
which (RFC 6265, section 8.6); a prefix that browsers hold to what it promises is not promised wrongly (RFC 6265bis,
section 4.1.3).
"""

from __future__ import annotations

import re

from aiohttp import hdrs
from multidict import CIMultiDictProxy

from ..errors import ConfigurationError
from .csrf_tokens import is_id
from .options import check_flags

__all__ = ("CsrfCookie",)

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110, section 5.6.2
_SAME_SITE = ("Lax", "Strict", "None")


class CsrfCookie:
    """A cookie for the whole host and for no other, until the browser is closed, and not for scripts.

    Args:
        name: as in `Set-Cookie`.
        same_site: `Lax`, `Strict` or `None`.
        secure: only over https.
        battery: to name in errors.

    Raises:
        ConfigurationError: browsers would not take such a cookie.
    """

    def __init__(self, name: str, *, same_site: str, secure: bool, battery: str) -> None:
        _check(name, same_site, secure, battery)
        self._name = name
        self._attributes = f"; Path=/{'; Secure' if secure else ''}; HttpOnly; SameSite={same_site}"

    def write(self, identifier: str) -> str:
        """Write the value of `Set-Cookie`."""
        return f"{self._name}={identifier}{self._attributes}"

    def find_id(self, headers: CIMultiDictProxy[str]) -> str | None:
        """The id that a request has brought, if it can be ours."""
        found = [
            value
            for field in headers.getall(hdrs.COOKIE, ())
            if self._name in field
            for pair in field.split(";")
            # spaces and tabs alone: with any other blank before it, `__Host-` is a part of a name that a sibling
            # domain may set
            for name, _, value in [pair.strip(" \t").partition("=")]
            if name == self._name
        ]
        return found[0] if len(found) == 1 and is_id(found[0]) else None


def _check(name: object, same_site: object, secure: object, battery: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(battery, f"cookie={name!r} is no name", cure='write cookie="__Host-csrf"')
    if same_site not in _SAME_SITE:
        raise ConfigurationError(battery, f"same_site={same_site!r}", cure=f"write one of {', '.join(_SAME_SITE)}")
    check_flags(battery, secure=secure)
    if secure:
        return
    if name.lower().startswith(("__host-", "__secure-")):
        cure = 'write cookie="csrf" for http'
        raise ConfigurationError(battery, f"secure=False with cookie={name!r}", cure=cure)
    if same_site == "None":
        raise ConfigurationError(battery, "secure=False with same_site='None'", cure="write same_site='Lax'")
