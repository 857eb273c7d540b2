"""A request on its way: target after target, until one answers, or nothing more may be tried."""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import HttpVersion11, hdrs

from ..support.departure import Departure
from .choice.retries import FailedAttempt
from .choice.targets import Target
from .choice.turns import Turn
from .exchange import Exchange
from .message.framing import Framing
from .message.paths import join_path
from .mirror.mirroring import Mirror, Mirrored
from .open_upstream import OpenUpstream
from .record import ExchangeOutcome, ExchangeRecord
from .response import AnswerReplacedError, BodyCutOffError, End, ProxyResponse
from .websockets.messages import MessageRelay, RelayResponse
from .websockets.tunnel import SWITCHED, SWITCHING, EndTunnel, TunnelResponse, check_agreement, may_become_tunnel
from .wire.attempt import Answer, Attempt
from .wire.bodies import Body, choose_body
from .wire.failures import ClientGoneError, NoTargetError, UpstreamError
from .wire.outgoing import write_head

__all__ = ("pass_on",)

_EXPECT = "Expect: 100-continue\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def pass_on(
    upstream: OpenUpstream,
    exchange: Exchange,
    framing: Framing,
    messages: MessageRelay | None = None,
    mirror: Mirror | None = None,
) -> Target:
    """Send the request of an exchange, set its response, and return the target that has given it.

    Raises:
        UpstreamError: there is none.
        ClientGoneError: nobody waits for it.
        ClientSilentError: the client did not send all of its body.
    """
    return await _Passing(upstream, exchange, framing, messages, mirror).send()


class _Passing:
    """One exchange, until its response is there."""

    def __init__(
        self,
        upstream: OpenUpstream,
        exchange: Exchange,
        framing: Framing,
        messages: MessageRelay | None,
        mirror: Mirror | None,
    ) -> None:
        self._upstream = upstream
        self._exchange = exchange
        self._incoming = exchange.incoming
        self._record = exchange.record
        self._messages = messages
        self._body = choose_body(exchange.request.body, exchange.incoming, framing)
        self._mirrored = None if mirror is None else mirror.begin(exchange, self._body)
        if self._mirrored is not None:
            self._body = self._mirrored.body
        self._under_way = _UnderWay()
        self._departure = Departure(exchange.incoming, self._under_way.leave)

    async def send(self) -> Target:
        try:
            turn, answer = await self._try_targets()
        except BaseException as error:
            self._departure.forget()
            self._record.bytes_up = self._under_way.sent
            if self._mirrored is not None:
                self._mirrored.end_original(error)
            raise
        if self._mirrored is not None:
            self._mirrored.watch(answer)
        passed = _Passed(self._upstream, self._record, turn, self._under_way, self._departure, self._mirrored)
        if answer.message.code == SWITCHED:
            self._departure.forget()  # what the client has sent last still reaches the target
            self._exchange.take_answer(self._make_tunnel(answer, passed.close))
        else:
            self._exchange.take_answer(self._make_response(answer, passed.end))
        return turn.target

    def _make_response(self, answer: Answer, end: End) -> ProxyResponse:
        response = ProxyResponse(answer, self._departure, self._upstream.waits.idle, end)
        if self._exchange.request.method == hdrs.METH_HEAD and self._incoming.method != hdrs.METH_HEAD:
            response.headers.popall(hdrs.CONTENT_LENGTH, None)  # of a body that does not come
        return response

    def _make_tunnel(self, answer: Answer, end: EndTunnel) -> TunnelResponse:
        patience = self._upstream.waits.idle
        if self._messages is None:
            return TunnelResponse(answer, end, patience)
        return RelayResponse(answer, end, patience, self._exchange, self._messages)

    async def _try_targets(self) -> tuple[Turn, Answer]:
        tried: list[Target] = []
        while True:
            if self._under_way.has_left:
                raise ClientGoneError
            turn = self._upstream.targets.take(self._incoming, besides=tried)
            if turn is None:
                raise NoTargetError("no target may be asked now")
            tried.append(turn.target)
            try:
                answer = await self._ask(turn)
            except UpstreamError as failure:
                turn.end("failure" if failure.is_of_target else "abandoned")
                if not self._may_retry(failure.was_sent, None):
                    raise
                continue
            except BaseException:
                turn.end()
                raise
            status = answer.message.code
            if not self._upstream.is_retried(status) or not self._may_retry(True, status):
                turn.answered(status, answer.seconds)
                return turn, answer
            answer.abandon()
            turn.end("failure")

    async def _ask(self, turn: Turn) -> Answer:
        upstream, record, outgoing = self._upstream, self._record, self._exchange.request
        place = upstream.places[turn.target]
        body, headers = self._body, outgoing.headers
        invite = self._invite if self._is_expecting(body) else None
        may_switch = may_become_tunnel(self._incoming, outgoing, body)
        framing = SWITCHING if may_switch else body.framing if invite is None else f"{_EXPECT}{body.framing}"
        if may_switch and self._messages is not None:  # they are read here, where no extension is known
            headers.popall(hdrs.SEC_WEBSOCKET_EXTENSIONS, None)
        path = join_path(place.base_path, outgoing.path)
        head = write_head(outgoing.method, path, place.host, headers, framing)
        record.attempts += 1
        record.status = record.connect_seconds = record.first_byte_seconds = None  # of the attempt before
        record.target = place.origin
        record.target_name = turn.target.label
        self._exchange.target = turn.target
        self._under_way.attempt = attempt = Attempt(body, upstream.waits, invite, may_switch=may_switch)
        answer = await attempt.send(place.connector, head, outgoing.method)
        if answer.message.code == SWITCHED:
            check_agreement(answer, outgoing)
        record.connect_seconds = attempt.connect_seconds
        record.status = answer.message.code
        record.first_byte_seconds = record.since_start()
        return answer

    def _is_expecting(self, body: Body) -> bool:
        """Whether the client waits to be asked for its body (RFC 9110, section 10.1.1)."""
        return (
            hdrs.EXPECT in self._incoming.headers
            and self._incoming.version >= HttpVersion11
            and self._exchange.request.body is None
            and body.read_whole() is None
        )

    def _invite(self) -> None:
        transport = self._incoming.transport
        if transport is not None:
            transport.write(_CONTINUE)

    def _may_retry(self, was_sent: bool, status: int | None) -> bool:
        retries = self._upstream.retries
        if retries is None:
            return False
        outgoing = self._exchange.request
        failed = FailedAttempt(
            method=outgoing.method,
            was_sent=was_sent,
            is_body_consumed=self._body.is_consumed,
            status=status,
            has_key="Idempotency-Key" in outgoing.headers,
        )
        return retries.allow(self._record.attempts, failed)


class _UnderWay:
    """The attempt that is under way; it knows nothing of the exchange, so that no cycle keeps that."""

    attempt: Attempt | None = None
    has_left: bool = False

    @property
    def sent(self) -> int:
        """Bytes of the body that were sent in it."""
        return 0 if self.attempt is None else self.attempt.sent

    def leave(self) -> None:
        """End it: the client has left."""
        self.has_left = True
        if self.attempt is not None:
            self.attempt.end(ClientGoneError())


class _Passed(NamedTuple):
    """What is left to do when a response was sent."""

    upstream: OpenUpstream
    record: ExchangeRecord
    turn: Turn
    under_way: _UnderWay
    departure: Departure
    mirrored: Mirrored | None

    def end(self, count: int, error: BaseException | None) -> None:
        """Tell how it has ended."""
        self.close(self.under_way.sent, count, error)

    def close(self, up: int, down: int, error: BaseException | None) -> None:
        """Tell how it has ended, and how much has gone either way."""
        self.departure.forget()
        self.under_way.attempt = None
        record = self.record
        record.bytes_up = up
        record.bytes_down = down
        if error is None:
            self.turn.end("success")
            self.upstream.close_record(record, "answered")
        elif isinstance(error, BodyCutOffError):
            record.error = "http_response_incomplete"
            self.turn.end("failure" if error.is_of_target else "abandoned")
            self.upstream.close_record(record, "cut_off")
        else:
            self.turn.end("abandoned")
            outcome: ExchangeOutcome = "replaced" if isinstance(error, AnswerReplacedError) else "client_gone"
            self.upstream.close_record(record, outcome)
        if self.mirrored is not None:
            self.mirrored.end_original(error)
