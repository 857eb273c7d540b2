"""The links of a chain: flattened, and read one by one; the error says which of them is to blame."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .errors import RegistrationError
from .link import LinkError, LinkSpec, check_endpoint, read_link
from .naming import describe

__all__ = ("blame_link", "flatten", "read_links", "read_members")


def flatten(links: Iterable[Any]) -> Iterator[Any]:
    """Yield links in order, those in lists and tuples of any depth included."""
    for link in links:
        if isinstance(link, (list, tuple)) and not callable(link):  # a named tuple may well be a link itself
            yield from flatten(link)
        else:
            yield link


@contextmanager
def blame_link(link: Any, position: int, total: int, route: str) -> Generator[None]:
    """Turn a `LinkError` into a `RegistrationError` that says which link of which route it was."""
    try:
        yield
    except LinkError as error:
        problem = f"link {position} of {total}, {describe(link)}, {error.problem}"
        raise RegistrationError(problem, cure=error.cure, route=route, link=link, position=position) from error


def read_links(links: Sequence[Any], total: int, route: str) -> list[tuple[Any, LinkSpec]]:
    """Tell what each link before the endpoint is.

    Args:
        links: flattened.
        total: how many there are, endpoint included.
        route: its name, for the error message.
    """
    specs: list[tuple[Any, LinkSpec]] = []
    for position, link in enumerate(links, 1):
        with blame_link(link, position, total, route):
            specs.append((link, read_link(link)))
    return specs


def read_members(members: Sequence[Any], route: str) -> list[tuple[Any, LinkSpec]]:
    """Tell what each link before the endpoint is, and check that the last can be one."""
    total = len(members)
    specs = read_links(members[:-1], total, route)
    with blame_link(members[-1], total, total, route):
        check_endpoint(members[-1])
    return specs
