"""`Secure` cookies on requests by plain http, which browsers drop in silence: told in the log, once for each battery.

Rules kept here: nothing is told of a loopback host, where browsers keep such cookies by http as well (though other
clients, that of aiohttp among them, do not); what a client sends decides nothing else than whether this is told.
"""

from __future__ import annotations

import logging

from aiohttp import web

from .addresses import parse_address
from .forwarded import is_https
from .hosts import parse_authority

__all__ = ("warn_of_lost_cookie",)

_logger = logging.getLogger(__name__)
_told: set[str] = set()


def warn_of_lost_cookie(request: web.Request, battery: str) -> None:
    """Tell in the log, once, that browsers drop a `Secure` cookie which this request gets.

    Args:
        request: that gets it.
        battery: that sets it, as the log names it.
    """
    if battery in _told or is_https(request) or _is_loopback(request.host):
        return
    _told.add(battery)
    _logger.warning(
        "%s: a Secure cookie was set by plain http, and browsers drop it. Serve https; in development write "
        "secure=False; behind a proxy that ends TLS, put client_address() before it",
        battery,
    )


def _is_loopback(host: str) -> bool:
    read = parse_authority(host)
    if read is None:
        return False
    address = parse_address(read.host.strip("[]"))
    return address.is_loopback if address else read.host == "localhost" or read.host.endswith(".localhost")
