"""Addresses that may come in, and addresses that may not.

`deny` is asked first; then, if there is an `allow`, an address must be in it. An IPv4-mapped IPv6 address is the IPv4
address, a zone id is not looked at, and it does not matter how an address is written. So `::/0` is all of IPv6 and
nothing of IPv4: to name everybody, write `["0.0.0.0/0", "::/0"]`.

**Trust boundary:** the address is `request[CLIENT_ADDRESS]` if `client_address()` stands before it, else the peer of
the connection: behind a proxy that is the proxy, for every client. A `client_address()` that comes after it refuses
to go on: every request is then 500. No header is read here, and `request.remote`, which other links may have replaced,
is not looked at either. An address that is not known is refused, also if there is only a `deny`: `unknown` in
`Forwarded`, or a peer that has come through a Unix socket. With `by_peer=True` it is always the peer, wherever this
stands: so that nobody but your proxies may connect.

When a trusted proxy sends no header, `client_address()` takes the proxy for the client: do not allow the addresses of
your proxies, unless they shall come in themselves.

It does **not** see preflights, which `setup()` answers for `cors()`. It does **not** tell who is asking, and an
address is no secret: use it besides authentication, not instead of it.

    router.group("/admin", ip_restriction(allow=["10.0.0.0/8", "2001:db8::/32"], deny=["10.0.0.66"]))
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

from aiohttp import web

from ..errors import ConfigurationError
from ..option_checks import check_flags, in_order
from ..support.battery import GuardBattery, guard_battery
from ..support.network.addresses import Address, read_client_address, read_peer
from ..support.network.networks import EVERYBODY, Network, Networks, are_within, read_networks
from ..typedefs import Handler

__all__ = ("ip_restriction", "may_come_in")

_BATTERY = "ip_restriction()"
_SHOWN = 4  # networks in the name of the link, in errors and listings


def ip_restriction(
    *,
    allow: Collection[str | Address | Network] | None = None,
    deny: Collection[str | Address | Network] = (),
    by_peer: bool = False,
) -> GuardBattery:
    """Let a request pass by the address that it comes from.

    Args:
        allow: addresses and networks that may come in; by default all that are not denied.
        deny: addresses and networks that may not, even if they are allowed; by default none.
        by_peer: whether the peer of the connection is judged, whatever `client_address()` finds, so that only proxies
            may connect; default not.

    Raises:
        ConfigurationError: there is neither, `allow` is empty, all that is allowed is denied, or an entry is not a
            network.

    Responds:
        403 if the address is denied, not allowed, or not known.

    Reads/Sets:
        reads `CLIENT_ADDRESS` if it is set, else the peer of the connection.

    Example:
        ip_restriction(allow=["10.0.0.0/8", "::1"], deny=["10.0.0.66"])
    """
    check_flags(_BATTERY, by_peer=by_peer)
    allowed, denied = _parse(allow, deny)
    read_address = read_peer if by_peer else read_client_address

    @guard_battery(_name(allow, deny, by_peer=by_peer))
    async def ip_restriction(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        if not may_come_in(read_address(request), allowed, denied):
            raise web.HTTPForbidden(text="Requests from this address are not allowed.")
        return await handler(request) if handler else None

    return ip_restriction


def may_come_in(address: Address | str | None, allowed: Networks | None, denied: Networks) -> bool:
    """Whether an address may come in: it is known, not denied, and, if there is a list of allowed ones, in it.

    Args:
        address: in canonical form, as `read_client_address()` has it; of what is none, nothing is let in.
        allowed: `None` for all.
        denied: asked first.
    """
    if address is None or isinstance(address, str) or address in denied:
        return False
    return allowed is None or address in allowed


def _parse(
    allow: Collection[str | Address | Network] | None, deny: Collection[str | Address | Network]
) -> tuple[Networks | None, Networks]:
    allowed = None if allow is None else read_networks(_BATTERY, "allow", allow)
    denied = read_networks(_BATTERY, "deny", deny)
    if allowed is None and not denied:
        raise ConfigurationError(_BATTERY, "everybody may come in", cure="pass allow=[...] or deny=[...]")
    if allowed is not None and not allowed:
        raise ConfigurationError(_BATTERY, "allow is empty: nobody could come in", cure="list who may")
    if are_within(EVERYBODY if allowed is None else allowed, denied):
        problem = "all who may come in are denied: nobody could come in"
        raise ConfigurationError(_BATTERY, problem, cure="deny fewer, for deny is asked first")
    return None if allowed is None else Networks(allowed), Networks(denied)


def _name(allow: Collection[object] | None, deny: Collection[object], *, by_peer: bool) -> str:
    parts = [f"{kind}: {_summarise(entries)}" for kind, entries in (("allow", allow), ("deny", deny)) if entries]
    return f"ip_restriction({'; '.join([*parts, *(['by peer'] if by_peer else [])])})"


def _summarise(entries: Collection[object]) -> str:
    listed = ", ".join(map(str, in_order(entries)))
    if len(entries) <= _SHOWN:
        return listed
    digest = sha256(listed.encode()).hexdigest()[:8]  # so that a lock sees when one changes
    return f"{len(entries)} networks, SHA-256 {digest}"
