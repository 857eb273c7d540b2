"""`Vary`, merged with what is there already."""

from __future__ import annotations

import functools

from aiohttp import hdrs
from multidict import CIMultiDict

__all__ = ("merge_vary",)


def merge_vary(headers: CIMultiDict[str], *names: str) -> None:
    """Add field names to `Vary`, once each, in whatever case they are there; `*` stays (RFC 9110, section 12.5.5)."""
    if hdrs.VARY not in headers:
        headers[hdrs.VARY] = ", ".join(names)
        return
    headers[hdrs.VARY] = _merge(tuple(headers.getall(hdrs.VARY)), names)


@functools.lru_cache(maxsize=256)  # an application says much the same in all of its responses
def _merge(fields: tuple[str, ...], names: tuple[str, ...]) -> str:
    listed = [name.strip() for value in fields for name in value.split(",") if name.strip()]
    if "*" in listed:
        return "*"
    first: dict[str, str] = {}
    for name in (*listed, *names):
        first.setdefault(name.lower(), name)
    return ", ".join(first.values())
