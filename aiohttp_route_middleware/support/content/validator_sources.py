"""What an application tells of its resources: their tags, and when they have changed (RFC 9110, section 8.8).

Rules kept here: it is asked before the handler runs; a change is refused only by what is known of what it changes; a
tag or a date that is none is a mistake of the application, not of the client.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import ETag, hdrs, web

from ...errors import ConfigurationError
from ...option_checks import check_function
from ..battery import awaiting
from .conditions import Decision, decide, has_conditions, refuse
from .entity_tags import Validators, parse_tag

__all__ = ("Current", "Modified", "ValidatorSources")

Current: TypeAlias = Callable[[web.Request], "str | ETag | Awaitable[str | ETag | None] | None"]
Modified: TypeAlias = Callable[[web.Request], "dt.datetime | Awaitable[dt.datetime | None] | None"]

_BATTERY = "etag()"
_WITHOUT_CONDITIONS = frozenset((hdrs.METH_CONNECT, hdrs.METH_OPTIONS, hdrs.METH_TRACE))  # RFC 9110, section 13.2.1


class ValidatorSources:
    """What the application tells of its resources.

    Args:
        current: tells the tag of what a request is about; `None` if that is not known here.
        modified: tells when that has changed last; `None` likewise.

    Raises:
        ConfigurationError: one of them is no function.
    """

    def __init__(self, current: Current | None, modified: Modified | None) -> None:
        if current is not None:
            check_function(_BATTERY, "current", current, takes="request")
        if modified is not None:
            check_function(_BATTERY, "modified", modified, takes="request")
        self._current = None if current is None else awaiting(current)
        self._modified = None if modified is None else awaiting(modified)

    async def ask(self, request: web.Request) -> Validators:
        """Before the handler runs: a tag that is older than the body is asked for again, a newer one would stay."""
        known = Validators()
        if self._current is not None:
            known.tag = _read_tag(await self._current(request))
        known.exists = known.tag is not None
        if self._modified is not None:
            known.modified = _read_moment(await self._modified(request))
        return known

    async def allow_change(self, request: web.Request) -> None:
        """Refuse a change whose conditions do not hold, as far as anything is known."""
        if request.method in _WITHOUT_CONDITIONS or not has_conditions(request.headers):
            return
        if self._current is None and (self._modified is None or hdrs.IF_MATCH in request.headers):
            return  # a tag outweighs a date (section 13.2.2), and the tag is not known here
        known = await self.ask(request)
        if decide(request.method, request.headers, known) is Decision.FAILED:
            raise refuse(request.headers, known)


def _read_tag(found: object) -> ETag | None:
    if found is None or isinstance(found, ETag):
        return found
    if isinstance(found, str):
        tag = parse_tag(found) or parse_tag(f'"{found}"')
        if tag is not None:
            return tag
    cure = "return text without quotation marks, an aiohttp.ETag, or None if nothing is there"
    raise ConfigurationError(_BATTERY, f"current() returned {found!r}", cure=cure)


def _read_moment(found: object) -> int | None:
    if found is None:
        return None
    if isinstance(found, dt.datetime) and found.tzinfo is not None:
        return int(found.timestamp())
    cure = "return a datetime with a time zone, or None"
    raise ConfigurationError(_BATTERY, f"modified() returned {found!r}", cure=cure)
