"""Addresses that may come in, and addresses that may not.

`deny` is asked first; then, if there is an `allow`, an address must be in it. An IPv4-mapped IPv6 address is the IPv4
address, a zone id is not looked at, and it does not matter how an address is written. So `::/0` is all of IPv6 and
nothing of IPv4: to name everybody, write `["0.0.0.0/0", "::/0"]`.

**Trust boundary:** the address is `request[CLIENT_ADDRESS]` if `client_address()` stands before it, else the peer of
the connection: behind a proxy that is the proxy, for every client. No header is read here, and `request.remote`, which
other links may have replaced, is not looked at either. An address that is not known is refused, also if there is only
a `deny`: `unknown` in `Forwarded`, or a peer that has come through a Unix socket.

When a trusted proxy sends no header, `client_address()` takes the proxy for the client: do not allow the addresses of
your proxies, unless they shall come in themselves.

It does **not** see preflights, which `setup()` answers for `cors()`. It does **not** tell who is asking, and an
address is no secret: use it besides authentication, not instead of it.

    router.group("/admin", ip_restriction(allow=["10.0.0.0/8", "2001:db8::/32"], deny=["10.0.0.66"]))
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from aiohttp import web

from ..errors import ConfigurationError
from ..support.addresses import CLIENT_ADDRESS, Address, Network, Networks, canonical, parse_networks, read_peer
from ..support.battery import GuardBattery, guard_battery
from ..support.options import in_order
from ..typedefs import Handler

__all__ = ("ip_restriction", "is_allowed")

_SHOWN = 4  # networks in the name of the link, in errors and listings


def ip_restriction(
    *,
    allow: Sequence[str | Address | Network] | None = None,
    deny: Sequence[str | Address | Network] = (),
) -> GuardBattery:
    """Let a request pass by the address that it comes from.

    Args:
        allow: addresses and networks that may come in; by default all that are not denied.
        deny: addresses and networks that may not, even if they are allowed; by default none.

    Raises:
        ConfigurationError: there is neither, `allow` is empty, or an entry is not a network.

    Responds:
        403 if the address is denied, not allowed, or not known.

    Reads:
        `CLIENT_ADDRESS` if it is set, else the peer of the connection.

    Example:
        ip_restriction(allow=["10.0.0.0/8", "::1"], deny=["10.0.0.66"])
    """
    allowed = None if allow is None else Networks(parse_networks(allow, "ip_restriction()", "allow"))
    denied = Networks(parse_networks(deny, "ip_restriction()", "deny"))
    if allowed is not None and not allowed:
        raise ConfigurationError("ip_restriction()", "allow is empty: nobody could come in", cure="list who may")
    if allowed is None and not denied:
        raise ConfigurationError("ip_restriction()", "everybody may come in", cure="pass allow=[...] or deny=[...]")

    @guard_battery(_name(allow, deny))
    async def ip_restriction(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        address = request[CLIENT_ADDRESS] if CLIENT_ADDRESS in request else read_peer(request)
        if not is_allowed(address, allowed, denied):
            raise web.HTTPForbidden(text="Requests from this address are not allowed.")
        return await handler(request) if handler else None

    return ip_restriction


def is_allowed(address: object, allowed: Networks | None, denied: Networks) -> bool:
    """Whether an address may come in: it is known, not denied, and, if there is a list of allowed ones, in it."""
    if not isinstance(address, Address):
        return False
    address = canonical(address)
    return address not in denied and (allowed is None or address in allowed)


def _name(allow: Sequence[object] | None, deny: Sequence[object]) -> str:
    parts = [f"{kind}: {_summarise(entries)}" for kind, entries in (("allow", allow), ("deny", deny)) if entries]
    return f"ip_restriction({'; '.join(parts)})"


def _summarise(entries: Sequence[object]) -> str:
    listed = ", ".join(map(str, in_order(entries)))
    if len(entries) <= _SHOWN:
        return listed
    digest = sha256(listed.encode()).hexdigest()[:8]  # so that a lock sees when one changes
    return f"{len(entries)} networks, SHA-256 {digest}"
