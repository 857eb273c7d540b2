"""The batteries: each is one file, one factory of the same name, imported from there.

    from aiohttp_route_middleware.middlewares import IDENTITY, setup
    from aiohttp_route_middleware.middlewares.cors import cors

Here is only what several of them need: `setup()` for those that set headers, and `on_response()`, by which links of
your own set theirs on every response; who is asking, as authenticators have found out and `authorise()` and handlers
read; `define()` and `load_links()`, which name links instead of importing them; and the types of batteries.
"""

from ..definitions import define, load_links
from ..support.access.identity import IDENTITY, Identity
from ..support.battery import GuardBattery, MiddlewareBattery
from ..support.own_responses import on_response
from ..support.setup import setup

__all__ = (
    "IDENTITY",
    "GuardBattery",
    "Identity",
    "MiddlewareBattery",
    "define",
    "load_links",
    "on_response",
    "setup",
)
