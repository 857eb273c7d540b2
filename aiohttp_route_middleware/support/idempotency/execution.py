"""One run of a handler whose response is kept for those who repeat its request.

Rules kept here: a response is kept as it leaves the battery, with all that inner links have set and nothing that outer
ones add, before its end is sent; what an outer link sends instead, or makes of it, is not kept, but what the handler
has answered; a request that was carried out is never free again, even if its response cannot be kept; one that was
not, is. Cookies are not kept: they are secrets, and of one moment; nor is `Date`, which tells when a message was made
(RFC 9110, section 6.6.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from aiohttp import hdrs, web
from multidict import CIMultiDict

from ...errors import ConfigurationError
from ...typedefs import Handler
from ..access.identity import IDENTITY
from ..content.captured_bodies import capture_body
from ..content.stored_responses import StoredResponse, dump_response, lasting_headers
from ..request_keys import read_key
from ..responses import on_response
from ..without_client import start_in_background, write_anyway
from .lease import Lease
from .records import write_done
from .returned import Returned

__all__ = ("Execution", "is_final")

_NOT_KEPT = frozenset(("date", "set-cookie"))
# RFC 9110, section 15.5; RFC 4918, section 11.3; RFC 8470, section 5.2; RFC 6585, section 4: sent again as it is, or
# with the credentials that were missing, the same request may go well
_TRY_AGAIN = frozenset((401, 407, 408, 421, 423, 425, 429))


def is_final(status: int, headers: Mapping[str, str], *, keeps_errors: bool) -> bool:
    """Whether a response is what became of a request, or says that it was not carried out.

    Args:
        status: its status code.
        headers: its fields.
        keeps_errors: whether errors of the client are final.
    """
    if 400 <= status < 500:
        return keeps_errors and status not in _TRY_AGAIN and hdrs.RETRY_AFTER not in headers
    return 200 <= status < 400


class Execution:
    """One run of a handler.

    Args:
        battery: to name in errors.
        request: that the handler answers.
        lease: the right to do so.
        fingerprint: of the request.
        limit: bytes that the body of a response may have.
        keeps_errors: whether errors of the client are kept.
        is_anonymous: whether the key is that of an address, for nobody had said who is asking.
    """

    def __init__(
        self,
        battery: str,
        request: web.Request,
        lease: Lease,
        fingerprint: bytes,
        *,
        limit: int,
        keeps_errors: bool,
        is_anonymous: bool,
    ) -> None:
        self._battery = battery
        self._request = request
        self._lease = lease
        self._fingerprint = fingerprint
        self._limit = limit
        self._keeps_errors = keeps_errors
        self._is_anonymous = is_anonymous
        self._returned: Returned | None = None
        self._was_raised = False
        self._taken: Callable[..., StoredResponse] | None = None  # all but its body
        self._is_too_large = False
        # a response that is never sent, as when the client has gone while an outer link had it
        cast("asyncio.Task[Any]", asyncio.current_task()).add_done_callback(self._close)

    async def answer(self, handler: Handler) -> web.StreamResponse:
        """Run the handler."""
        try:
            on_response(self._request, "idempotency", self.apply)
            write_anyway(self._request, self._is_wanted)
            response = await handler(self._request)
        except web.HTTPException as error:
            if self._taken is not None:  # another one was begun, and is cut off
                await self._lease.release()
            await self._see(error, was_raised=True)
            raise
        except BaseException:
            await self._lease.release()
            raise
        await self._see(response, was_raised=False)
        return response

    async def finish(self) -> None:
        """Keep what the handler has answered, whatever is sent: a link around has the request answered once more."""
        if self._returned is not None:
            await self._settle(self._returned, self._returned.headers)

    async def apply(self, request: web.Request, response: web.StreamResponse) -> None:
        """Keep what is sent; for `on_response()`."""
        if not self._lease.is_held or self._lease.is_settled:
            return
        await self._refuse_to_be_outside()
        returned = self._returned
        headers = response.headers if returned is None else returned.choose_headers(response.headers)
        if returned is not None and not returned.is_sent:
            await self._settle(returned, headers)
        elif self._is_final(response.status, headers):
            await self._take(request, response, headers)
        elif returned is not None:  # an inner link has just said: come again
            await self._lease.release()

    async def _take(self, request: web.Request, response: web.StreamResponse, headers: CIMultiDict[str]) -> None:
        self._taken = _take_head(response.status, response.reason, headers)
        body = None if self._returned is None else _find_whole_body(response)
        if body is None:
            capture_body(request, response, self._keep, limit=self._limit)
        else:  # the handler is done, and no piece of it has to be awaited
            await self._keep(body if len(body) <= self._limit else None)

    async def _see(self, response: web.StreamResponse, *, was_raised: bool) -> None:
        await self._refuse_to_be_outside()
        self._returned, self._was_raised = Returned(response), was_raised
        on_response(self._request, "idempotency(), as returned", self._returned.compare)
        if not self._is_final(response.status, response.headers):
            await self._lease.release()
        elif self._is_too_large:
            await self._put(None)

    async def _refuse_to_be_outside(self) -> None:
        """Keep nothing of somebody under a key that is everybody's."""
        if self._is_anonymous and read_key(self._request, IDENTITY) is not None:
            await self._lease.release()
            problem = "a link behind it has found out who is asking, and others could get that answer"
            raise ConfigurationError(self._battery, problem, cure="put it behind the authenticator")

    async def _keep(self, body: bytes | None) -> None:
        if self._taken is None or body is None:
            self._is_too_large = True
            if self._returned is not None:
                await self._put(None)
        else:
            await self._put(self._taken(body=body))

    async def _settle(self, returned: Returned, headers: CIMultiDict[str]) -> None:
        """Keep what the handler has answered although it is not what is sent."""
        is_whole = returned.body is not None and len(returned.body) <= self._limit
        taken = _take_head(returned.status, returned.reason, headers)
        await self._put(taken(body=returned.body) if is_whole else None)

    async def _put(self, response: StoredResponse | None) -> None:
        dumped = None if response is None else dump_response(response)
        await self._lease.settle(write_done(self._fingerprint, dumped, was_raised=self._was_raised))

    def _is_final(self, status: int, headers: Mapping[str, str]) -> bool:
        return is_final(status, headers, keeps_errors=self._keeps_errors)

    def _is_wanted(self) -> bool:
        if self._is_too_large or not (self._lease.is_held or self._lease.is_settled):
            return False
        return self._returned is None or not self._lease.is_settled

    def _close(self, _: Any) -> None:
        if self._lease.is_held and not self._lease.is_settled:
            start_in_background(self._lease.release() if self._returned is None else self.finish())


def _take_head(status: int, reason: str, headers: CIMultiDict[str]) -> Callable[..., StoredResponse]:
    """Take all of a response but its body, with which it is called."""
    kept = tuple(field for field in lasting_headers(headers) if field[0].lower() not in _NOT_KEPT)
    return partial(StoredResponse, status=status, reason=reason, headers=kept)


def _find_whole_body(response: web.StreamResponse) -> bytes | None:
    """The body of what is about to be sent as it is; `None` if it may become another, or is not there as bytes."""
    if not isinstance(response, web.Response) or response.compression:
        return None  # a response whose body goes through a filter says that it is compressed, too
    body = response.body
    if isinstance(body, bytes) and response.headers.get(hdrs.CONTENT_LENGTH) == str(len(body)):
        return body
    return None
