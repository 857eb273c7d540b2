"""Whether the response to a request is for one client alone, whatever its header says.

Who puts something into a request that a page may show, as a session or a token, lets it tell whether that was done; a
cache that others share looks at this before it keeps a response.
"""

from __future__ import annotations

from aiohttp import web

__all__ = ("Personal", "is_personal")


class Personal:
    """A value in a request that a response may depend on; the name of its question stands in nobody's way."""

    __slots__ = ()

    @property
    def __is_personal__(self) -> bool:
        """Whether the response depends on who asks; fails closed where nothing else is said."""
        return True


def is_personal(request: web.Request) -> bool:
    """Whether anything in a request tells that its response is for this client alone."""
    return any(isinstance(known, Personal) and known.__is_personal__ for known in request.values())
