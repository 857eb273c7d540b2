"""The cookie of a session: what it is called, how it is written and deleted, and which of several is meant.

Rules kept here: a name with a prefix keeps what browsers ask of it (RFC 6265bis, section 4.1.3); a cookie that
browsers would drop for its size is refused; deleting bears the same attributes as setting, or browsers ignore it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from aiohttp import hdrs, web

from ..errors import ConfigurationError, SessionError

__all__ = ("SessionCookie", "check_seconds", "check_size")

_LARGEST = 4093  # bytes of a Set-Cookie line that every browser keeps
_MOST_VALUES = 4  # cookies of one name; RFC 6265, section 4.2.2, lets a client send several
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_PATH = re.compile(r"/[!-:<-~]*")  # printable ASCII without the semicolon
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_SAME_SITE = ("Strict", "Lax", "None")


@dataclass(frozen=True, kw_only=True)
class SessionCookie:
    """The attributes of a cookie.

    Args:
        name: as browsers send it.
        path: under which browsers send it.
        domain: whose subdomains it is sent to as well; empty for this host alone.
        max_age: seconds that browsers keep it; `None` until they are closed.
        same_site: `"Strict"`, `"Lax"` or `"None"`.
        secure: whether it is sent over https only.
        http_only: whether scripts cannot read it.

    Raises:
        ConfigurationError: browsers would not take such a cookie.
    """

    name: str
    path: str
    domain: str
    max_age: int | None
    same_site: str
    secure: bool
    http_only: bool

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _TOKEN.fullmatch(self.name):
            raise _refuse(f"cookie={self.name!r}", "use letters, digits, - and _")
        if not isinstance(self.path, str) or not _PATH.fullmatch(self.path):
            raise _refuse(f"path={self.path!r}", 'begin it with a slash, as in "/admin"')
        if not isinstance(self.domain, str) or (self.domain and not _DOMAIN.fullmatch(self.domain)):
            raise _refuse(f"domain={self.domain!r}", 'write it as in "example.com", or leave it out for this host')
        if self.same_site not in _SAME_SITE:
            raise _refuse(f"same_site={self.same_site!r}", 'write "Strict", "Lax" or "None"')
        if self.same_site == "None" and not self.secure:
            raise _refuse('same_site="None" without secure', "add secure=True: browsers drop it otherwise")
        if self.max_age is not None and check_seconds("max_age", self.max_age) != int(self.max_age):
            raise _refuse(f"max_age={self.max_age!r}", "use whole seconds")
        self._check_prefix()

    def write(self, value: str, *, lifetime: int) -> str:
        """Write a `Set-Cookie` line.

        Args:
            value: in characters that cookies may hold.
            lifetime: seconds that the session has left; browsers keep it no longer.

        Raises:
            SessionError: browsers would drop it for its size.
        """
        max_age = "" if self.max_age is None else f"; Max-Age={min(self.max_age, lifetime)}"
        return check_size(f"{self.name}={value}{max_age}{self._attributes()}")

    def expire(self) -> str:
        """Write a `Set-Cookie` line that deletes it."""
        return f"{self.name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT{self._attributes()}"

    def read(self, request: web.Request) -> list[str]:
        """Return the values that a client has sent, each once; none if they are too many to be meant."""
        found: dict[str, None] = {}
        for line in request.headers.getall(hdrs.COOKIE, ()):
            for pair in line.split(";"):
                name, _, value = pair.partition("=")
                # spaces and tabs alone (RFC 6265bis, section 5.6): with any other blank before it, `__Host-` is a
                # part of a name that a sibling domain may set
                if name.strip(" \t") == self.name and value:
                    found[value.strip(" \t")] = None
        return list(found) if len(found) <= _MOST_VALUES else []

    def _attributes(self) -> str:
        domain = f"; Domain={self.domain}" if self.domain else ""
        flags = ("; HttpOnly" if self.http_only else "") + ("; Secure" if self.secure else "")
        return f"{domain}; Path={self.path}{flags}; SameSite={self.same_site}"

    def _check_prefix(self) -> None:
        prefix = self.name.lower()  # browsers compare it in any case
        if prefix.startswith(("__host-", "__secure-")) and not self.secure:
            raise _refuse(f"cookie={self.name!r} without secure", "add secure=True, or name it without the prefix")
        if prefix.startswith("__host-") and (self.path != "/" or self.domain):
            raise _refuse(
                f"cookie={self.name!r} with a path or a domain", f'name it "__Secure-{self.name[len("__host-") :]}"'
            )


def check_size(line: str) -> str:
    """Return a `Set-Cookie` line that browsers keep.

    Raises:
        SessionError: they would drop it for its size.
    """
    size = len(line.encode())
    if size > _LARGEST:
        raise SessionError(
            f"the cookie of the session would take {size} bytes, and browsers keep {_LARGEST}; keep less in it, "
            "or keep it in a store: sessions(store=...)"
        )
    return line


def check_seconds(option: str, value: object) -> float:
    """Return a number of seconds that time can take."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 1:
        raise _refuse(f"{option}={value!r}", "pass seconds, one at least")
    return value


def _refuse(problem: str, cure: str) -> ConfigurationError:
    return ConfigurationError("sessions()", problem, cure=cure)
