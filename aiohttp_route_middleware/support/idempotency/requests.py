"""Requests with an idempotency key: one of them runs, the others get what it has got, or are refused.

Rules kept here: a key is that of one caller, for one route (draft-ietf-httpapi-idempotency-key-header-07, section 6);
which request it was sent with is looked at first, then how far that is (section 2.6); nothing runs, and nothing is
shown, because of a record that cannot be read, or of another request.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import hdrs, web

from ...errors import StoreError
from ...option_checks import refuse_returned
from ...typedefs import Handler
from ..access.identity import IDENTITY
from ..request_keys import read_key
from ..route_identity import identify_route
from ..traffic.callers import read_caller
from ..without_client import run_anyway
from .execution import Execution
from .fingerprints import take_fingerprint
from .lease import Lease, LeaseTerms
from .records import Running, UnreadableRecordError, name_record, read_record
from .refusals import Refusals
from .replay import replay

__all__ = ("IdempotentRequests",)

_MOST_TRIES = 3
_EARLIER: web.RequestKey[Execution] = web.RequestKey("idempotency_earlier", Execution)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class IdempotentRequests:
    """How requests with a key are answered: the options of one battery, read.

    Args:
        battery: to name in errors.
        terms: of the leases.
        refusals: what is answered instead.
        find_caller: returns whose key it is; `None` for the default.
        headers: names of fields that make it another request.
        limit: bytes that the body of a response may have.
        keeps_errors: whether errors of the client are kept.
        fail_open: whether handlers run while the store is down.
        marker: the field that marks what is sent again.
    """

    battery: str
    terms: LeaseTerms
    refusals: Refusals
    find_caller: Callable[[web.Request], Awaitable[object]] | None
    headers: tuple[str, ...]
    limit: int
    keeps_errors: bool
    fail_open: bool
    marker: str

    async def answer(self, request: web.Request, handler: Handler, key: str, meant: web.Request) -> web.StreamResponse:
        """Run the handler, or answer as it has answered before.

        Args:
            request: as the battery has got it.
            handler: that answers it.
            key: that was sent with it.
            meant: the request as its endpoint will see it.
        """
        earlier = read_key(request, _EARLIER)
        if earlier is not None:  # a link around has got an answer, and asks once more
            await earlier.finish()
        route = identify_route(meant)
        # who asks without an identity may tell the handler who it is
        is_unknown = self.find_caller is None and read_key(request, IDENTITY) is None
        names = (*self.headers, hdrs.AUTHORIZATION, hdrs.COOKIE) if is_unknown else self.headers
        fingerprint = await take_fingerprint(self.battery, request, meant.method, route, names)
        name = name_record(await self._name_caller(request), route, key)
        lease = Lease(self.terms, name, fingerprint)
        run = request[_EARLIER] = Execution(
            self.battery,
            request,
            lease,
            fingerprint,
            limit=self.limit,
            keeps_errors=self.keeps_errors,
            is_anonymous=is_unknown,
        )

        async def answer() -> web.StreamResponse:
            try:
                answered = await self._begin(lease, name, fingerprint)
            except StoreError as error:
                self.terms.outage.begin(error)
                if self.fail_open:
                    return await handler(request)
                raise self.refusals.unavailable() from error
            self.terms.outage.end()
            return await run.answer(handler) if answered is None else answered

        return await run_anyway(request, answer)

    async def _name_caller(self, request: web.Request) -> str:
        if self.find_caller is None:
            return read_caller(request)
        found = await self.find_caller(request)
        if isinstance(found, str) and found:
            return f"caller:{found}"
        raise refuse_returned(self.battery, "caller", found, "return a text that is not empty")

    async def _begin(self, lease: Lease, name: str, fingerprint: bytes) -> web.StreamResponse | None:
        """Get the lease, or find what became of the request."""
        for _ in range(_MOST_TRIES):
            if await lease.begin():
                return None
            stored = await self.terms.store.get(name)
            if stored is not None:
                return self._answer_again(stored, fingerprint)
        raise self.refusals.running()  # each time it was free again a moment later, and somebody else was faster

    def _answer_again(self, stored: bytes, fingerprint: bytes) -> web.StreamResponse:
        try:
            record = read_record(stored, limit=self.limit)
        except UnreadableRecordError:
            text = "%s: what the store holds for a key cannot be read; the handler does not run"
            _logger.error(text, self.battery)
            raise self.refusals.not_kept() from None
        if record.fingerprint != fingerprint:
            raise self.refusals.reused()
        if isinstance(record, Running):
            raise self.refusals.running()
        if record.response is None:
            raise self.refusals.not_kept()
        return replay(record, record.response, self.marker)
