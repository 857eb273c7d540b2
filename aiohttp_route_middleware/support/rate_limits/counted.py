"""Requests, each counted against its limits, or refused: for whom, as what, and how much it costs.

Rules kept here: what a function of the application says is believed only if it is what it must be; a caller is never
given back what it has used; without the storage nobody passes, unless it was said so.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import hdrs, web

from ...errors import StoreError
from ...option_checks import refuse_returned
from ...syntax import SAFE_METHODS
from ..meant_methods import find_meant
from ..outages import Outage
from ..route_identity import identify_route
from ..traffic.callers import read_caller
from .buckets import hash_key
from .fields import seconds_until
from .meter import Meter
from .policies import Policies

__all__ = ("Ask", "CountedRequests")

Ask: TypeAlias = Callable[[web.Request], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountedRequests:
    """How requests are counted: the options of one battery, read.

    Args:
        battery: to name in errors.
        meter: what counts.
        outage: tells when the storage is down.
        fail_open: whether requests pass then.
        bucket: the name of what is counted together; empty for each route by itself.
        find_key: returns the name of who is counted; `None` for the caller.
        cost: how much a request counts.
        find_cost: returns that; `None` if it is always the same.
        label: of the link, for the header fields; empty if nothing is told.
    """

    battery: str
    meter: Meter
    outage: Outage
    fail_open: bool
    bucket: str
    find_key: Ask | None
    cost: int
    find_cost: Ask | None
    label: str

    async def count(self, request: web.Request, policies: Policies) -> None:
        """Count a request.

        Raises:
            HTTPTooManyRequests: it exceeds a limit.
            HTTPServiceUnavailable: the storage does not answer.
        """
        bucket = f"name {self.bucket}" if self.bucket else await _name_route(request)
        caller = read_caller(request) if self.find_key is None else await self._name_caller(request, self.find_key)
        key = hash_key(bucket, caller)
        cost = self.cost if self.find_cost is None else self._check_cost(await self.find_cost(request))
        try:
            verdict = await self.meter.count(policies.limits, key, cost)
        except StoreError as error:
            self.outage.begin(error)
            if self.fail_open:
                return
            raise web.HTTPServiceUnavailable from error
        self.outage.end()
        if self.label:
            policies.tell(request, self, self.label, verdict.readings)
        if verdict.resumes_at is not None:
            raise _refuse(verdict.resumes_at)

    async def _name_caller(self, request: web.Request, find_key: Ask) -> str:
        found = await find_key(request)
        if found is None:
            return read_caller(request)
        if isinstance(found, str):
            return f"key:{found}"
        raise refuse_returned(self.battery, "key", found, "return a text, or None")

    def _check_cost(self, found: Any) -> int:
        if type(found) is int and found >= 0:  # less would give to the caller what it has used
            return found
        raise refuse_returned(self.battery, "cost", found, "return a whole number, 0 or more")


async def _name_route(request: web.Request) -> str:
    """Name the route that a request means: else who overrides the method would have the limit twice."""
    if request.method in SAFE_METHODS:  # no link takes those for another, and most requests have one
        return identify_route(request)
    return identify_route(await find_meant(request) or request)


def _refuse(resumes_at: float) -> web.HTTPTooManyRequests:
    seconds = max(1, seconds_until(resumes_at, time.time()))
    # RFC 6585, section 4: a cache must not store it; RFC 9110, section 10.2.3: whole seconds
    headers = {hdrs.RETRY_AFTER: str(seconds), hdrs.CACHE_CONTROL: "no-store"}
    return web.HTTPTooManyRequests(headers=headers, text="Too many requests. Come again later.")
