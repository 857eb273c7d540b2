"""Route tables that grow: four kinds of routes, and the paths that are asked of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

TENANT = "tenant"
_SERIALS = itertools.count()


@dataclass(frozen=True)
class Kind:
    """Routes that differ in one literal segment.

    Args:
        name: what the tables of the report call it.
        route: how aiohttp writes such a route, where `#` is the route's number.
        asked: what it answers, where `*` differs each time.
    """

    name: str
    route: str
    asked: str

    @property
    def is_open(self) -> bool:
        """Whether a variable comes first: aiohttp's router then has no literal to find the routes by."""
        return self.route.startswith("/{")

    def write_route(self, number: int) -> str:
        """Write the route with that number, to register it."""
        return self.route.replace("#", str(number))

    def write_path(self, number: int) -> str:
        """Write a path for the route with that number; no string made before is used again."""
        return self.asked.replace("#", str(number)).replace("*", str(next(_SERIALS)))


KINDS = {
    kind.name: kind
    for kind in (
        Kind("static", "/res#/list", "/res#/list"),
        Kind("prefix", "/res#/{id}", "/res#/*"),
        Kind(TENANT, "/{tenant}/res#/{id}", "/tenant*/res#/*"),
        Kind("tail", "/{tenant}/res#/{tail:.*}", "/tenant*/res#/one/*"),
    )
}
_SMALL, _MIDDLE, _LARGE = 10, 1_000, 10_000


def choose_sizes(*, quick: bool) -> tuple[int, int, int]:
    """How many routes the three tables of a kind have."""
    return (_SMALL, 50, 100) if quick else (_SMALL, _MIDDLE, _LARGE)


def spread(size: int) -> list[int]:
    """Ten routes of a table, from the first to the last, evenly."""
    return [place * (size - 1) // (_SMALL - 1) for place in range(_SMALL)]


def describe_kinds() -> str:
    """Say what the kinds are."""
    kinds = ", ".join(f"{kind.name} `{kind.write_route(0)}`" for kind in KINDS.values())
    return f"Kinds of routes: {kinds}, then `res1` and so on."


def write_sizes(sizes: Sequence[int]) -> list[str]:
    """Name the columns of the tables."""
    return [f"{size:,} routes" for size in sizes]
