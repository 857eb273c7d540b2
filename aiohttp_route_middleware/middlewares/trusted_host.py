"""Hosts that the application answers for: a request for any other host is refused.

A client writes into `Host` whatever it likes. Links in mails, redirects and cache keys that are made of it lead to
where the client wants, and a page of an attacker whose name has been turned to the address of an internal server (DNS
rebinding) reaches that server. Put it first, for the whole application.

- `example.com` is that name and no other; `*.example.com` is every name below it, at any depth, not `example.com`.
  Nothing else is a pattern. Case, a trailing dot and the port do not matter; `bücher.example` is its A-label.
- A malformed `Host` is 400, as RFC 9112, section 3.2, demands: with `/`, `?`, `@`, a bad port, empty, or twice; also
  a missing one of HTTP/1.0. aiohttp lets most of these pass.
- A host that is not listed is 421: the server is not the one for it (RFC 9110, sections 7.4 and 15.5.20). It is not
  400, for the request is well formed.
- With a target in absolute-form (`GET http://example.com/`), the target and `Host` must both be listed.

**Trust boundary:** nothing but the request line and `Host` is read, and what an outer link has put in their place with
`request.clone(host=...)`. `X-Forwarded-Host` is never looked at: behind a proxy that replaces `Host`, list the name
that the proxy sends.

It does **not** see preflights, which `setup()` answers for `cors()`. It does **not** protect from a client that writes
a listed host, which any client can; it says nothing about who is asking. It does not check the port, nor that a
certificate was meant for this host.

    app = web.Application(middlewares=[trusted_host(["example.com", "*.example.com"])])
"""

from __future__ import annotations

import functools
from collections.abc import Collection

from aiohttp import hdrs, web

from ..errors import ConfigurationError
from ..option_checks import in_order
from ..support.battery import GuardBattery, guard_battery
from ..support.network.host_patterns import HostPatterns, read_host_patterns
from ..support.network.hosts import LONGEST_AUTHORITY, parse_authority, read_authorities
from ..typedefs import Handler

__all__ = ("trusted_host",)

_BATTERY = "trusted_host()"


def trusted_host(hosts: Collection[str]) -> GuardBattery:
    """Let a request pass if it is for a host that is listed.

    Args:
        hosts: names and addresses without port; `*.` before a name for all names below it. IPv6 with or without
            brackets.

    Raises:
        ConfigurationError: there are no hosts, or one is not a host.

    Responds:
        400 for a malformed `Host`, 421 for a host that is not listed.

    Reads/Sets:
        reads the target and `Host`.

    Source:
        RFC 9110, sections 7.2, 7.4 and 15.5.20; RFC 9112, section 3.2.

    Example:
        trusted_host(["example.com", "*.example.com", "127.0.0.1", "[::1]"])
    """
    patterns = read_host_patterns(_BATTERY, hosts)
    if not hosts:
        raise ConfigurationError(_BATTERY, "there are no hosts", cure='list them: ["example.com"]')

    @functools.lru_cache(maxsize=256)  # of short texts, so that nobody fills the memory
    def is_listed(text: str) -> bool:
        authority = parse_authority(text)
        return authority is not None and authority.host in patterns

    def is_plainly_listed(request: web.Request) -> bool:
        """Whether nothing but one `Host` field names a host, and it is a listed one, as mostly."""
        fields = request.headers.getall(hdrs.HOST, ())
        if len(fields) != 1 or len(fields[0]) > LONGEST_AUTHORITY or not is_listed(fields[0]):
            return False
        return request.host == fields[0] and request.raw_path.startswith("/")

    @guard_battery(f"trusted_host({', '.join(in_order(hosts))})")
    async def trusted_host(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        if not is_plainly_listed(request):
            _check(request, patterns)
        return await handler(request) if handler else None

    return trusted_host


def _check(request: web.Request, patterns: HostPatterns) -> None:
    authorities = read_authorities(request)
    if not authorities:
        raise web.HTTPBadRequest(text="The host of this request is malformed.")
    for authority in authorities:
        if authority.host not in patterns:
            raise web.HTTPMisdirectedRequest(text="This server does not answer for this host.")
