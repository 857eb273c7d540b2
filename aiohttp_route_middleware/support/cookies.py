"""Cookies: what they are called, how they are written, deleted, and read.

Rules kept here: a name with a prefix keeps what browsers ask of it (RFC 6265bis, section 4.1.3); deleting bears the
same attributes as setting, or browsers ignore it; spaces and tabs alone are taken off a name that comes back (section
5.6): with any other blank before it, `__Host-` is a part of a name that a sibling domain may set.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from aiohttp import hdrs
from multidict import MultiMapping

from ..option_checks import check_choice, check_count, check_flags, check_name, refuse_option

__all__ = ("Cookie", "check_cookie", "read_cookies")

_PATH = re.compile(r"/[!-:<-~]*")  # printable ASCII without the semicolon
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_SAME_SITE = ("Strict", "Lax", "None")


@dataclass(frozen=True, kw_only=True)
class Cookie:
    """The name and the attributes of a cookie.

    Args:
        name: as browsers send it.
        path: under which browsers send it; default `"/"`.
        domain: whose subdomains it is sent to as well; default this host alone.
        max_age: seconds that browsers keep it; default until they are closed.
        same_site: `"Strict"`, `"Lax"`, the default, or `"None"`.
        secure: whether it is sent over https only; default yes.
        http_only: whether scripts cannot read it; default yes.
    """

    name: str
    path: str = "/"
    domain: str = ""
    max_age: int | None = None
    same_site: str = "Lax"
    secure: bool = True
    http_only: bool = True

    def write(self, value: str, *, lifetime: int | None = None) -> str:
        """Write the value of `Set-Cookie`.

        Args:
            value: in characters that cookies may hold.
            lifetime: seconds that what it stands for has left, if browsers shall not keep it longer.
        """
        max_age = self.max_age if lifetime is None or self.max_age is None else min(self.max_age, lifetime)
        return f"{self.name}={value}{'' if max_age is None else f'; Max-Age={max_age}'}{self._attributes}"

    def expire(self) -> str:
        """Write the value of a `Set-Cookie` that deletes it."""
        return f"{self.name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT{self._attributes}"

    @functools.cached_property
    def _attributes(self) -> str:
        domain = f"; Domain={self.domain}" if self.domain else ""
        flags = ("; HttpOnly" if self.http_only else "") + ("; Secure" if self.secure else "")
        return f"{domain}; Path={self.path}{flags}; SameSite={self.same_site}"


def check_cookie(battery: str, cookie: Cookie) -> Cookie:
    """Return a cookie that browsers take.

    Raises:
        ConfigurationError: they would not; the option of its name is called `cookie`.
    """
    check_flags(battery, secure=cookie.secure, http_only=cookie.http_only)
    check_name(battery, "cookie", cookie.name, example="__Host-name")
    if not isinstance(cookie.path, str) or not _PATH.fullmatch(cookie.path):
        raise refuse_option(battery, "path", cookie.path, 'begin it with a slash, as in "/admin"')
    if not isinstance(cookie.domain, str) or (cookie.domain and not _DOMAIN.fullmatch(cookie.domain)):
        cure = 'write it as in "example.com", or leave it out for this host'
        raise refuse_option(battery, "domain", cookie.domain, cure)
    if cookie.max_age is not None:
        check_count(battery, "max_age", cookie.max_age, unit="seconds")  # browsers pass over "60.0"
    if check_choice(battery, "same_site", cookie.same_site, _SAME_SITE) == "None" and not cookie.secure:
        raise refuse_option(battery, "same_site", "None", "add secure=True, or browsers drop it")
    _check_prefix(battery, cookie)
    return cookie


def read_cookies(headers: MultiMapping[str], name: str) -> list[str]:
    """Return the values of all cookies of a name, as a client has sent them."""
    return [
        value.strip(" \t")
        for line in headers.getall(hdrs.COOKIE, ())
        if name in line
        for pair in line.split(";")
        if name in pair  # which costs less than to take it apart
        for found, equals, value in [pair.partition("=")]
        if equals and found.strip(" \t") == name
    ]


def _check_prefix(battery: str, cookie: Cookie) -> None:
    prefix = cookie.name.lower()  # browsers compare it in any case
    if prefix.startswith(("__host-", "__secure-")) and not cookie.secure:
        cure = "add secure=True, or name it without the prefix: browsers drop it"
        raise refuse_option(battery, "cookie", cookie.name, cure)
    if prefix.startswith("__host-") and (cookie.path != "/" or cookie.domain):
        cure = f'name it "__Secure-{cookie.name[len("__host-") :]}", as it has a path or a domain'
        raise refuse_option(battery, "cookie", cookie.name, cure)
