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

from collections.abc import Sequence

from aiohttp import web

from ..errors import ConfigurationError
from ..support.battery import GuardBattery, guard_battery
from ..support.hosts import parse_patterns, read_authorities
from ..support.options import in_order
from ..typedefs import Handler

__all__ = ("trusted_host",)


def trusted_host(hosts: Sequence[str]) -> GuardBattery:
    """Let a request pass if it is for a host that is listed.

    Args:
        hosts: names and addresses without port; `*.` before a name for all names below it. IPv6 with or without
            brackets.

    Raises:
        ConfigurationError: there are no hosts, or one is not a host.

    Responds:
        400 for a malformed `Host`, 421 for a host that is not listed.

    Reads:
        the target, `Host`; RFC 9110, section 7.2; RFC 9112, section 3.2.

    Example:
        trusted_host(["example.com", "*.example.com", "127.0.0.1", "[::1]"])
    """
    patterns = parse_patterns(hosts, "trusted_host()")
    if not hosts:
        raise ConfigurationError("trusted_host()", "there are no hosts", cure='list them: ["example.com"]')

    @guard_battery(f"trusted_host({', '.join(in_order(hosts))})")
    async def trusted_host(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        authorities = read_authorities(request)
        if not authorities:
            raise web.HTTPBadRequest(text="The host of this request is malformed.")
        for authority in authorities:
            if authority.host not in patterns:
                raise web.HTTPMisdirectedRequest(text="This server does not answer for this host.")
        return await handler(request) if handler else None

    return trusted_host
