"""Sessions that stay with the target that has served them first, by a cookie.

Rules kept here:
- The cookie holds the name of a target and nothing else: it tells no address, and who forges it gets no further than
  to a target that is asked anyway.
- A target that may not be asked now is not waited for: another is chosen, and the cookie set anew. Where it does not
  change, it is not set.
- The cookie is between the client and the proxy: it is taken out of what is passed on.

Who has a header to go by, and no cookie, balances by `ConsistentHash.by_header(...)`: nothing needs to be remembered.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from ...option_checks import check_flags
from ...support.cookies import Cookie, check_cookie, read_cookies
from ...support.network.forwarded import is_https
from .targets import Target

__all__ = ("AffinityCookie",)

_BATTERY = "AffinityCookie()"


class AffinityCookie:
    """Keeps clients with one target, by a cookie that tells its name.

    When that target is out, they lose what it alone has kept: this makes caches useful, and replaces no store.

    Args:
        name: of the cookie; each upstream of a site needs its own.
        max_age: seconds after which another target may be chosen; by default when the browser is closed.
        same_site: `"Strict"`, `"Lax"`, the default, or `"None"` for pages in frames of other sites, over https.
        secure: whether it is sent over https only; by default if the client has asked by https, as `client_address()`
            has found out behind proxies.

    Raises:
        ConfigurationError: browsers would not take such a cookie.

    Reads/Sets:
        reads `Cookie`, sets `Set-Cookie`; `HttpOnly`, `Path=/`.

    Source:
        RFC 6265bis, section 4.1.

    Example:
        Upstream("http://a:8001", "http://b:8001", affinity=AffinityCookie("shop_target"))
    """

    def __init__(
        self, name: str, *, max_age: int | None = None, same_site: str = "Lax", secure: bool | None = None
    ) -> None:
        if secure is not None:
            check_flags(_BATTERY, secure=secure)
        is_plain_allowed = not secure
        cookie = Cookie(name=name, max_age=max_age, same_site=same_site, secure=not is_plain_allowed)
        self._over_http = check_cookie(_BATTERY, cookie)
        self._over_https = (
            self._over_http if secure is False else Cookie(name=name, max_age=max_age, same_site=same_site)
        )
        self.name: str = name

    def find(self, incoming: web.Request, candidates: Sequence[Target]) -> Target | None:
        """Return the candidate that the client is to stay with, if there is one."""
        for value in read_cookies(incoming.headers, self.name):
            for target in candidates:
                if target.name == value:
                    return target
        return None

    def write(self, incoming: web.Request, target: Target) -> str | None:
        """Return the value of a `Set-Cookie` that keeps the client with a target; `None` if it has it already."""
        if read_cookies(incoming.headers, self.name) == [target.name]:
            return None
        return (self._over_https if is_https(incoming) else self._over_http).write(target.name)

    def strip(self, field: str) -> str:
        """Take this cookie out of the value of `Cookie`, and leave all others as they were written."""
        if self.name not in field:
            return field
        pairs = field.split(";")
        others = [pair for pair in pairs if not self._is_ours(pair)]
        if len(others) == len(pairs):
            return field
        return ";".join(others).strip(" \t") if any(pair.strip(" \t") for pair in others) else ""

    def _is_ours(self, pair: str) -> bool:
        name, equals, _ = pair.partition("=")
        return bool(equals) and name.strip(" \t") == self.name
