"""The batteries: each is one file, one factory of the same name, imported from there.

    from aiohttp_route_middleware.middlewares import IDENTITY, setup
    from aiohttp_route_middleware.middlewares.cors import cors

Here is only what several of them need: `setup()` for those that set headers, and who is asking, as authenticators
have found out and `authorise()` and handlers read.
"""

from ..support.access.identity import IDENTITY, Identity
from ..support.setup import setup

__all__ = ("IDENTITY", "Identity", "setup")
