"""Leading links: what a router, a group or a table puts before the links of each of its routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import RegistrationError
from .marks import is_same
from .members import flatten, read_links
from .naming import describe, name_link

__all__ = ("leave_out", "read_leading", "subtract")


def read_leading(links: Sequence[Any], place: str) -> tuple[Any, ...]:
    """Flatten and validate links that many routes will inherit.

    Args:
        links: guards and middlewares; no endpoint.
        place: where they stand, for the error message.
    """
    members = tuple(flatten(links))
    read_links(members, len(members), place)
    return members


def leave_out(inherited: tuple[Any, ...], without: Any, place: str) -> tuple[Any, ...]:
    """Return `inherited` less the links in `without`, by identity.

    Args:
        inherited: what comes from the router and from the groups around.
        without: the links to leave out, one or a list.
        place: where it was asked for, for the error message.
    """
    unwanted = tuple(flatten((without,)))
    for link in subtract(unwanted, inherited):
        names = ", ".join(name_link(one) for one in inherited) or "no links at all"
        raise RegistrationError(
            f"without= names {describe(link)}, which is none of the links inherited here: {names}",
            cure="pass the very object that was registered; a factory makes a new one at each call",
            route=place,
            link=link,
        )
    return subtract(inherited, unwanted)


def subtract(links: tuple[Any, ...], unwanted: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return `links` less those that are themselves in `unwanted`; that they equal one does not count."""
    return tuple(link for link in links if not any(is_same(link, one) for one in unwanted))
