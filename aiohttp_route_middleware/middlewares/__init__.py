"""The batteries: each is one file, one factory of the same name, imported from there.

    from aiohttp_route_middleware.middlewares import setup
    from aiohttp_route_middleware.middlewares.cors import cors

Here is only what all of those need that set headers.
"""

from ..support.setup import setup

__all__ = ("setup",)
