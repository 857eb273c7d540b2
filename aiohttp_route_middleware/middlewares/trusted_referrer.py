"""Pages that may lead here: the host in `Referer` must be listed.

For pages whose query is shown or acted upon, so that links from elsewhere cannot put words into them; and against
pages of others that embed your files. With `refuse=False` nothing is refused, and a handler asks
`request[REFERRER_IS_TRUSTED]`: it may then show a warning, or ignore the query.

Hosts are listed as for `trusted_host()`: `*.example.com` is every name below, not `example.com` itself; case, port and
trailing dot do not matter. Only `http` and `https` have a host; a `Referer` that is malformed, relative, has a user
before the host, or is there twice is not trusted.

**Trust boundary:** `Referer` is what a client says. A browser says it truly, or, at the wish of the page that the link
stands on (`Referrer-Policy: no-referrer`), not at all: `allow_missing=True` lets every page pass that asks for this.
A client that is no browser writes what it likes.

It does **not** protect from forged requests: use `csrf()`. It does not tell who is asking. A shared cache that has a
response gives it to others without asking: send `Cache-Control: private`, or `Vary: Referer`.

    router.add_get("/search", trusted_referrer(["example.com"], allow_missing=True), search)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from aiohttp import hdrs, web

from ..errors import ConfigurationError
from ..keys import note_key
from ..option_checks import check_flags, in_order
from ..support.battery import GuardBattery, guard_battery
from ..support.network.host_patterns import read_host_patterns
from ..support.network.hosts import Authority, parse_authority, read_authorities
from ..typedefs import Handler

__all__ = ("REFERRER_IS_TRUSTED", "trusted_referrer")

_BATTERY = "trusted_referrer()"

REFERRER_IS_TRUSTED = web.RequestKey("REFERRER_IS_TRUSTED", bool)
note_key(REFERRER_IS_TRUSTED, "middlewares.trusted_referrer.REFERRER_IS_TRUSTED", set_by=_BATTERY)

_REFERRER = re.compile(r"(https?)://([^/?#]*)", re.IGNORECASE)  # absolute-URI (RFC 9110, section 10.1.3)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def trusted_referrer(
    hosts: Collection[str] = (), *, same_host: bool = False, allow_missing: bool = False, refuse: bool = True
) -> GuardBattery:
    """Let a request pass if the page that it comes from is on a host that is listed.

    Args:
        hosts: names and addresses without port; `*.` before a name for all names below it.
        same_host: whether the host and port that the request is for are trusted as well, by default not; then stand
            behind `trusted_host()`.
        allow_missing: whether a request without `Referer` is trusted, by default not.
        refuse: whether a request that is not trusted is refused, which is the default, or only marked.

    Raises:
        ConfigurationError: there are no hosts, one is not a host, or a flag is neither `True` nor `False`.

    Responds:
        403 if the referrer is not trusted, unless `refuse=False`.

    Reads/Sets:
        reads `Referer`, with `same_host` also the target and `Host`; sets `REFERRER_IS_TRUSTED`.

    Source:
        RFC 9110, section 10.1.3.

    Example:
        trusted_referrer(["example.com", "*.example.com"], allow_missing=True)
    """
    check_flags(_BATTERY, same_host=same_host, allow_missing=allow_missing, refuse=refuse)
    patterns = read_host_patterns(_BATTERY, hosts)
    if not hosts and not same_host:
        cure = 'list them: ["example.com"], or pass same_host=True'
        raise ConfigurationError(_BATTERY, "there are no hosts", cure=cure)

    def is_trusted(request: web.Request) -> bool:
        referrers = request.headers.getall(hdrs.REFERER, ())
        if len(referrers) != 1:
            return allow_missing and not referrers
        referrer = parse_referrer(referrers[0])
        if referrer is None:
            return False
        return referrer.host in patterns or (same_host and is_same_host(referrer, read_authorities(request)))

    told = [*in_order(hosts), *(["same host"] if same_host else []), *([] if refuse else ["not refused"])]

    @guard_battery(f"trusted_referrer({', '.join(told)})", provided=(REFERRER_IS_TRUSTED,))
    async def trusted_referrer(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        trusted = request[REFERRER_IS_TRUSTED] = is_trusted(request)
        if refuse and not trusted:
            raise web.HTTPForbidden(text="This page may not be reached from where the request comes from.")
        return await handler(request) if handler else None

    return trusted_referrer


def parse_referrer(value: str) -> Authority | None:
    """Read host and port, which is `None` for that of the scheme; nothing if there is no host."""
    found = _REFERRER.match(value)
    authority = parse_authority(found[2]) if found else None
    if found and authority and authority.port and authority.port == _DEFAULT_PORTS[found[1].lower()]:
        return Authority(authority.host, None)
    return authority


def is_same_host(referrer: Authority, asked: Sequence[Authority]) -> bool:
    """Whether a referrer is where the request goes to; the scheme is not known behind a proxy."""
    return bool(asked) and all(
        one.host == referrer.host and (None if one.port in _DEFAULT_PORTS.values() else one.port) == referrer.port
        for one in asked
    )
