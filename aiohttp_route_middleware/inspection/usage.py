"""Which links there are, and on which routes each stands: the index of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from .listing import RouteInfo

__all__ = ("Usage", "group_links")


@dataclass
class Usage:
    """A line in the list of links: one link, or all that are written in one place under several names.

    Args:
        name: of the link, or how the names of all begin.
        place: where it is written; its module if no file is known.
        parts: how many links it stands for.
        kinds: what it is on some of its routes.
        routes: the numbers of the routes that it stands on.
        number: by which routes refer to it.
    """

    name: str
    place: str
    parts: int = 1
    kinds: set[str] = field(default_factory=set)
    routes: set[int] = field(default_factory=set)
    number: int = 0


def group_links(routes: Sequence[RouteInfo]) -> list[list[Usage]]:
    """All links and application middlewares by the place where they are written, those on most routes first."""
    places: dict[object, dict[str, Usage]] = {}
    for number, route in enumerate(routes):
        for kind, link in route.stations[:-1]:
            members = places.setdefault((link.module, link.site or link.name), {})
            entry = members.setdefault(link.name, Usage(link.name, str(link.site or link.module)))
            entry.kinds.add("application" if kind == "application" else "link")
            entry.routes.add(number)
    groups = sorted((_head_group(list(members.values())) for members in places.values()), key=_rank_group)
    for number, entry in enumerate(entry for group in groups for entry in group):
        entry.number = number
    return groups


def _head_group(members: list[Usage]) -> list[Usage]:
    """Put a line for all before the members, if they are several."""
    if len(members) == 1:
        return members
    head = Usage(f"{_find_beginning([entry.name for entry in members])}…", members[0].place, len(members))
    for entry in members:
        head.kinds |= entry.kinds
        head.routes |= entry.routes
    return [head, *sorted(members, key=lambda entry: -len(entry.routes))]


def _find_beginning(names: Sequence[str]) -> str:
    pairs = zip(min(names), max(names))  # what these two have in common, all between them have
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _rank_group(group: list[Usage]) -> int:
    return -len(group[0].routes)
