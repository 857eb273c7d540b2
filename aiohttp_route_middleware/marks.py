"""What a link declares of itself, and what a finished chain tells: attributes that any room may read."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from .places import Site
from .settings import Settings

__all__ = ("ChainRecord", "read_mark", "read_record", "set_mark", "set_record", "unwrap_partial")


@dataclass(slots=True, eq=False)
class ChainRecord:
    """What is known of a finished chain.

    Args:
        links: flattened, endpoint included.
        inherited: how many of them, from the first, come from a router, groups or a table.
        settings: how it was compiled.
        site: where `chain()` was called for it.
        handler: the finished chain itself; who has copied its attributes is not one.
    """

    links: tuple[Any, ...]
    inherited: int
    settings: Settings
    site: Site | None = None
    handler: Any = None


def set_record(handler: Any, record: ChainRecord) -> None:
    """Make a finished chain of `handler`."""
    handler.__chain__ = record
    record.handler = handler


def read_record(handler: Any) -> ChainRecord | None:
    """Return what is known of a finished chain; `None` for anything else, wrappers of a chain included."""
    record = getattr(handler, "__chain__", None)
    return record if isinstance(record, ChainRecord) and record.handler is handler else None


def set_mark(link: Any, mark: str, value: object) -> None:
    """Let a link declare something.

    Raises:
        AttributeError: it takes no attributes, as a bound method.
    """
    setattr(link, mark, value)


def read_mark(link: Any, mark: str) -> Any:
    """Return what a link declares, itself or by what is called with it; `None` if it does not."""
    if type(link) is FunctionType:
        return getattr(link, mark, None)
    for holder in (link, unwrap_partial(link), getattr(type(link), "__call__", None)):  # noqa: B004  # for its mark
        value = getattr(holder, mark, None)
        if value is not None:
            return value
    return None


def unwrap_partial(link: Any) -> Any:
    """Return the callable inside any `functools.partial`."""
    while isinstance(link, functools.partial):
        link = link.func
    return link
