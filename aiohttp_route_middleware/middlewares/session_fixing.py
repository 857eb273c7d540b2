"""A session that stays with the address of the client: a stolen cookie is worth nothing elsewhere.

Stand it behind `sessions()`. A session that comes from another network than it began in is ended, in the store as
well, and the request goes on with a new and empty one.

    async def tell(request, lost, old, new):
        log.warning("the session of %s has moved", lost.get("user"))

    router = UrlDispatcherEx.install(app, sessions(store=store), session_fixing(on_change=tell))

The network is the one IPv4 address, or the /64 of an IPv6 address, whose other half clients change by themselves.
Phones change their network on the way, and some carriers theirs with every connection: use it where logging in again
is a small price, as for administrators.

**Trust boundary:** the address is `request[CLIENT_ADDRESS]` if `client_address()` stands before it, else the peer of
the connection: behind a proxy that is the proxy, for every client, and nothing would be pinned. An address that is not
known is refused.

It does **not** tell clients apart that share an address, such as those behind one router. A session from before this
link was there is pinned when it is next used. With a session in a signed cookie the thief gets nothing from elsewhere,
but the cookie lives on where it began.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from aiohttp import web

from ..errors import ConfigurationError
from ..naming import describe
from ..support.addresses import CLIENT_ADDRESS, Address, canonical, read_peer
from ..support.battery import GuardBattery, call, guard_battery
from ..support.session import session_key
from ..typedefs import Handler

__all__ = ("network_of", "session_fixing")

OnChange: TypeAlias = Callable[[web.Request, Mapping[str, Any], str, str], "object | Awaitable[object]"]

_BATTERY = "session_fixing()"
_PINNED = "_network"  # under which the session holds it


def session_fixing(
    *, on_change: OnChange | None = None, name: str = "session", ipv4_prefix: int = 32, ipv6_prefix: int = 64
) -> GuardBattery:
    """End a session that comes from another network than it began in.

    Args:
        on_change: called with the request, what the ended session has held, its network, and that of the client, async
            or plain, when the new session is in place: it may copy what is harmless, or raise an `HTTPException` to
            refuse the request. Default: nothing.
        name: of the sessions; default `"session"`.
        ipv4_prefix: bits of an IPv4 address that must stay; default 32.
        ipv6_prefix: bits of an IPv6 address that must stay; default 64.

    Raises:
        ConfigurationError: an option is wrong.

    Responds:
        403 if the address of the client is not known.

    Reads/Sets:
        `CLIENT_ADDRESS` if it is set, else the peer of the connection. Requires `SESSION`, or `session_key(name)`; the
        session holds the network under `"_network"`.

    Example:
        session_fixing(on_change=tell)
    """
    key = session_key(name)
    _check(on_change, ipv4_prefix, ipv6_prefix)

    @guard_battery(required=(key,))
    async def session_fixing(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        session = request[key]
        address = request[CLIENT_ADDRESS] if CLIENT_ADDRESS in request else read_peer(request)
        if not isinstance(address, Address):
            raise web.HTTPForbidden(text="The address of the client is not known.")
        network = network_of(address, ipv4_prefix=ipv4_prefix, ipv6_prefix=ipv6_prefix)
        session.attach(_PINNED, network)
        pinned = network if session.is_new else session.get(_PINNED, network)
        if pinned != network:
            lost = dict(session)
            session.invalidate()
            if on_change is not None:
                await call(on_change, request, lost, pinned, network)
        return await handler(request) if handler else None

    return session_fixing


@lru_cache(1024)
def network_of(address: Address, *, ipv4_prefix: int = 32, ipv6_prefix: int = 64) -> str:
    """Return the network that an address belongs to, as `192.0.2.7/32` or `2001:db8::/64`."""
    address = canonical(address)
    prefix = ipv4_prefix if address.version == 4 else ipv6_prefix
    return str(ipaddress.ip_network((int(address).to_bytes(address.max_prefixlen // 8, "big"), prefix), strict=False))


def _check(on_change: object, ipv4_prefix: object, ipv6_prefix: object) -> None:
    if on_change is not None and not callable(on_change):
        raise ConfigurationError(_BATTERY, f"on_change is {describe(on_change)}", cure="pass a function")
    for option, prefix, longest in (("ipv4_prefix", ipv4_prefix, 32), ("ipv6_prefix", ipv6_prefix, 128)):
        if not isinstance(prefix, int) or isinstance(prefix, bool) or not 1 <= prefix <= longest:
            raise ConfigurationError(_BATTERY, f"{option}={prefix!r}", cure=f"pass 1 to {longest}")
