"""Requests that are sent to a second upstream as well, off the path: a new version sees what the old one is asked.

Rules kept here:
- The original waits for nothing here, and nothing that goes wrong here is seen there: no failure, no retry.
- A body is copied piece by piece as it passes, up to a bound, and is mirrored when the original has taken all of it:
  so a client is not read faster for it, and the mirror gets the whole or nothing.
- What is under way is bounded, in number, size and time; what would be more is left out, and counted.
- What is mirrored says so in `X-Mirrored`. Anybody can send that field, so it proves nothing.
- WebSockets are not mirrored.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection
from random import Random
from typing import TypeAlias

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from ...errors import ConfigurationError
from ...naming import describe
from ...option_checks import check_call, check_count, check_seconds, check_share, check_texts, refuse_option
from ...support.deadlines import Deadline, TimeIsUpError
from ...support.network.websockets import is_websocket
from ...support.telemetry.telling import tell_safely
from ...syntax import is_token
from ..choice.turns import Turn
from ..exchange import Exchange
from ..message.paths import join_path
from ..open_upstream import OpenUpstream
from ..record import ExchangeRecord
from ..upstream import Upstream
from ..wire.attempt import Answer, Attempt
from ..wire.bodies import Body, GivenBody
from ..wire.failures import ClientGoneError, DisconnectedError, NoTargetError, ResponseTimeoutError, UpstreamError
from ..wire.outgoing import write_head
from .copies import AnswerCopy, CopiedBody, KeptBytes, OriginalAnswer

__all__ = ("Mirror", "Mirrored")

_BATTERY = "Mirror()"
_FIELD = "X-Mirrored"
_logger = logging.getLogger(__name__)


Compare: TypeAlias = Callable[[ExchangeRecord, AnswerCopy, "AnswerCopy | None"], None]


class Mirror:
    """Sends requests to a second upstream as well; what that answers is read and dropped.

    Args:
        upstream: the second one; its own `run_with()` ties it to the application, and its `on_exchange` is told of
            what was mirrored.
        share: of the requests that are mirrored, by lot; default 1, all of them.
        methods: that are mirrored; default `GET` and `HEAD`, which change nothing. `"*"` is all: then the second
            upstream must not share a database with the first.
        max_body: bytes of a body that are kept, for each direction; default 1 MiB. A request with more is left out; of
            a longer answer the rest is read and dropped.
        limit: how many are under way at most; default 100. What would be more is left out.
        timeout: seconds for one mirrored request as a whole, and again for the end of the original, if they are to be
            compared; default 30.
        compare: called with the `ExchangeRecord`, the answer of the original and that of the mirror, each an
            `AnswerCopy`; the latter is `None` if there was none. Plain, and quick: it runs in the event loop. Where
            the original has come to no end, it is not called. By default answers are not kept.

    Attributes:
        counts: how many were `"sent"`, and of these `"answered"`, `"failed"` or `"not_compared"`; how many were left
            out: for they were `"busy"`, `"too_large"` or `"not_read"` by the original to their end, or the second
            upstream was `"closed"`.

    Raises:
        ConfigurationError: an option is wrong.

    Reads/Sets:
        sets `X-Mirrored: 1` in what is mirrored.

    Example:
        proxy(shop, mirror=Mirror(Upstream("http://localhost:9001", name="next"), share=0.1))
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        share: float = 1.0,
        methods: str | Collection[str] = ("GET", "HEAD"),
        max_body: int = 2**20,
        limit: int = 100,
        timeout: float = 30.0,
        compare: Compare | None = None,
    ) -> None:
        _check_upstream(upstream)
        if compare is not None:
            check_call(_BATTERY, "compare", compare, takes="record, original, mirrored")
        self.counts: Counter[str] = Counter()
        self.max_body: int = check_count(_BATTERY, "max_body", max_body, unit="bytes", at_least=0)
        self.timeout: float = check_seconds(_BATTERY, "timeout", timeout, at_least=0.001)
        self.compare: Compare | None = compare
        self._upstream = upstream
        self._share = check_share(_BATTERY, "share", share)
        self._methods = _read_methods(methods)
        self._limit = check_count(_BATTERY, "limit", limit, unit="requests")
        self._under_way = 0
        self._lots = Random()  # noqa: S311  # it spreads a load, and keeps no secret

    def begin(self, exchange: Exchange, body: Body) -> Mirrored | None:
        """Begin to mirror a request that is about to be sent; `None` if it is not mirrored.

        Args:
            exchange: whose request it is.
            body: that is sent.
        """
        method = exchange.request.method
        is_meant = self._methods is None or method in self._methods
        if not is_meant or is_websocket(exchange.incoming) or self._lots.random() >= self._share:
            return None
        if self._under_way >= self._limit:
            self.counts["busy"] += 1
            return None
        try:
            opened = self._upstream.opened
        except ConfigurationError:  # at the end of the application; or nobody has thought of run_with()
            if not self.counts["closed"]:
                _logger.warning("nothing is mirrored: the upstream %s is not open", self._upstream.name)
            self.counts["closed"] += 1
            return None
        self._under_way += 1
        return Mirrored(self, opened, exchange, body)

    def check_run(self, app: web.Application) -> None:
        """Refuse an application with which the second upstream does not run.

        Raises:
            ConfigurationError: its `run_with()` was forgotten.
        """
        self._upstream.check_run(app)

    def end(self) -> None:
        """Make room for another."""
        self._under_way -= 1


class Mirrored:
    """One request that is mirrored, from before the original is sent. It does not know the response of that.

    Args:
        mirror: whose options count.
        opened: the second upstream.
        exchange: of the original.
        body: of the original.

    Attributes:
        body: to be sent as that of the original.
    """

    def __init__(self, mirror: Mirror, opened: OpenUpstream, exchange: Exchange, body: Body) -> None:
        outgoing = exchange.request
        self.body: Body = CopiedBody(body, mirror.max_body, self._take_body)
        self._mirror = mirror
        self._opened = opened
        self._incoming = exchange.incoming
        self._method, self._path = outgoing.method, outgoing.path
        self._headers: CIMultiDict[str] = outgoing.headers.copy()
        self._headers[_FIELD] = "1"
        self._record = exchange.record
        self._is_waiting = True  # for the body
        self._original: OriginalAnswer | None = None if mirror.compare is None else OriginalAnswer(mirror.max_body)

    def watch(self, answer: Answer) -> None:
        """See what the original is answered."""
        if self._original is not None:
            self._original.watch(answer)

    def end_original(self, error: BaseException | None) -> None:
        """Note how the original has ended."""
        if self._is_waiting:
            self._leave_out("not_read")
        if self._original is not None:
            self._original.end(error)

    def _take_body(self, framing: str, whole: bytes | None) -> None:
        """Send it, in the background: its body is there."""
        if not self._is_waiting:  # a retry has asked for the body again
            return
        if whole is None:
            self._leave_out("too_large")
            return
        self._is_waiting = False
        self._mirror.counts["sent"] += 1
        self._opened.run_beside(self._run(framing, whole))

    def _leave_out(self, why: str) -> None:
        self._is_waiting = False
        self._mirror.counts[why] += 1
        self._mirror.end()

    async def _run(self, framing: str, whole: bytes) -> None:
        mirror = self._mirror
        try:
            mirrored = await self._ask_safely(framing, whole)
            mirror.counts["failed" if mirrored is None else "answered"] += 1
            if self._original is not None and mirror.compare is not None:
                with Deadline(mirror.timeout):
                    original = await self._original.copy
                if original is not None:
                    tell_safely("Mirror", mirror.compare, self._record, original, mirrored)
        except TimeIsUpError:
            mirror.counts["not_compared"] += 1
        finally:
            mirror.end()

    async def _ask_safely(self, framing: str, whole: bytes) -> AnswerCopy | None:
        """Return the answer; `None` if there is none, which is told in the log."""
        record = ExchangeRecord(self._opened.name, self._method, self._path.partition("?")[0])
        try:
            with Deadline(self._mirror.timeout):
                copy = await self._ask(record, framing, whole)
        except (Exception, UpstreamError) as error:  # nobody else would see it
            failure = ResponseTimeoutError("it took too long") if isinstance(error, TimeIsUpError) else error
            record.error = failure.proxy_error if isinstance(failure, UpstreamError) else "proxy_internal_error"
            self._opened.close_record(record, "failed" if record.status is None else "cut_off")
            _logger.info("%s %s: mirror %s: %s", record.method, record.path, record.upstream, failure)
            return None
        self._opened.close_record(record, "answered")
        return copy

    async def _ask(self, record: ExchangeRecord, framing: str, whole: bytes) -> AnswerCopy:
        turn = self._opened.targets.take(self._incoming)
        if turn is None:
            raise NoTargetError("no target may be asked now")
        place = self._opened.places[turn.target]
        body = GivenBody(whole, framing)
        attempt = Attempt(body, self._opened.waits)
        record.attempts, record.target, record.bytes_up = 1, place.origin, len(whole)
        record.target_name = turn.target.label
        try:
            path = join_path(place.base_path, self._path)
            head = write_head(self._method, path, place.host, self._headers, body.framing)
            answer = await attempt.send(place.connector, head, self._method)
            record.connect_seconds = attempt.connect_seconds
            return await self._take(record, turn, answer)
        except UpstreamError as failure:
            turn.end("failure" if failure.is_of_target else "abandoned")
            raise
        finally:
            turn.end()
            attempt.end(ClientGoneError())  # unless it was given back

    async def _take(self, record: ExchangeRecord, turn: Turn, answer: Answer) -> AnswerCopy:
        message = answer.message
        record.status = message.code
        record.first_byte_seconds = record.since_start()
        turn.answered(message.code, answer.seconds)
        kept = KeptBytes(0 if self._original is None else self._mirror.max_body)
        try:
            while piece := await answer.content.readany():  # to its end: a target would log that it was broken off
                record.bytes_down += len(piece)
                kept.add(piece)
            if (broken := answer.content.exception()) is not None:  # by a reset, which aiohttp takes for the end
                raise broken
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            raise DisconnectedError("the target has broken off its answer") from error
        turn.end("success")
        answer.finish()
        return AnswerCopy(message.code, message.headers, kept.join(), not kept.is_too_much)


def _check_upstream(upstream: object) -> None:
    if not isinstance(upstream, Upstream):
        cure = 'pass an Upstream, as in Mirror(Upstream("http://localhost:9001"))'
        raise ConfigurationError(_BATTERY, f"upstream is {describe(upstream)}", cure=cure)


def _read_methods(methods: object) -> frozenset[str] | None:
    """Return the methods; `None` for all."""
    listed = check_texts(_BATTERY, "methods", methods)
    if not all(map(is_token, listed)):
        raise refuse_option(_BATTERY, "methods", methods, 'list methods, as in methods=["GET", "POST"]')
    return None if "*" in listed else frozenset(listed)
