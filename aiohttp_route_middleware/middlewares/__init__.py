"""The batteries: each is one file, one factory of the same name, imported from there.

    from aiohttp_route_middleware.middlewares import IDENTITY, setup
    from aiohttp_route_middleware.middlewares.cors import cors

Here is only what several of them need: `setup()` for those that set headers; who is asking, as authenticators have
found out and `authorise()` and handlers read; and `define()` and `load_links()`, which name links instead of importing
them.
"""

from ..definitions import define, load_links
from ..support.access.identity import IDENTITY, Identity
from ..support.setup import setup

__all__ = ("IDENTITY", "Identity", "define", "load_links", "setup")
