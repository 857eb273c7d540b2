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

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from aiohttp import web

from ..errors import ConfigurationError
from ..option_checks import check_count, check_function
from ..support.battery import GuardBattery, awaiting, guard_battery
from ..support.network.addresses import read_client_address
from ..support.network.networks import name_network
from ..support.sessions.session import Session, find_session_key, label_session, state_of
from ..typedefs import Handler

__all__ = ("session_fixing",)

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
        ConfigurationError: an option is wrong; or, in a request, there is no session.

    Responds:
        403 if the address of the client is not known.

    Reads/Sets:
        `CLIENT_ADDRESS` if it is set, else the peer of the connection. Requires `SESSION`, or `session_key(name)`; the
        session holds the network under `"_network"`.

    Source:
        RFC 4291, section 2.5.1: 64 bits of an IPv6 address name a network; RFC 8981: clients change the others.

    Example:
        session_fixing(on_change=tell)
    """
    key = find_session_key(_BATTERY, name)
    check_count(_BATTERY, "ipv4_prefix", ipv4_prefix, unit="bits", at_most=32)
    check_count(_BATTERY, "ipv6_prefix", ipv6_prefix, unit="bits", at_most=128)
    if on_change is not None:
        check_function(_BATTERY, "on_change", on_change, takes="request, lost, old, new")
    tell = None if on_change is None else awaiting(on_change)

    @guard_battery(label_session(_BATTERY, name), required=(key,))
    async def session_fixing(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        session = _find_session(request, key, name)
        address = read_client_address(request)
        if address is None:
            raise web.HTTPForbidden(text="The address of the client is not known.")
        network = name_network(address, ipv4_prefix=ipv4_prefix, ipv6_prefix=ipv6_prefix)
        state = state_of(session)
        state.attach(_PINNED, network)
        pinned = network if state.is_new else session.get(_PINNED, network)
        if pinned != network:
            lost = dict(session)
            session.invalidate()
            if tell is not None:
                await tell(request, lost, pinned, network)
        return await handler(request) if handler else None

    return session_fixing


def _find_session(request: web.Request, key: web.RequestKey[Session], name: str) -> Session:
    try:
        return request[key]
    except KeyError:
        cure = f"put sessions(name={name!r}) before it"
        raise ConfigurationError(_BATTERY, "the request has no session of this name", cure=cure) from None
