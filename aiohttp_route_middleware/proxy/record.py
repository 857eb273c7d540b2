"""What is told of one exchange: which target, how many attempts, how long each part took, how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from aiohttp import web

from ..keys import note_key

__all__ = ("EXCHANGE", "ExchangeOutcome", "ExchangeRecord", "Tell", "log_failure")

_logger = logging.getLogger(__name__)

ExchangeOutcome: TypeAlias = Literal["answered", "failed", "cut_off", "client_gone", "replaced", "refused"]


@dataclass
class ExchangeRecord:
    """What became of one incoming request; complete when its response was sent, or could not be.

    Args:
        upstream: the name of the upstream.
        method: of the incoming request.
        path: of the incoming request, without its query.
        target: scheme, host and port of the target that was asked last; `None` if none was.
        target_name: the name of that `Target`; the same as `target` if it was given none.
        attempts: how many requests were sent, or tried to be.
        status: of the response that the target has given; `None` if it gave none.
        outcome: `"answered"`: all of the answer was passed on; `"failed"`: there was none; `"cut_off"`: the target has
            broken it off; `"client_gone"`: the client did not wait for it, or has stopped or broken off its own body;
            `"replaced"`: a hook or a link has put another response in its place, or has failed behind it;
            `"refused"`: the client's request was not sent, a link has refused its body, or a hook has answered it;
            `None` while it goes on.
        error: why it has failed, by the words of RFC 9209, section 2.3; `None` if it has not.
        connect_seconds: until there was a connection, in the last attempt.
        first_byte_seconds: from the start until the head of the answer was there.
        seconds: from the start to the end.
        bytes_up: of the body that was sent, in the last attempt; with chunk sizes, if it was sent in one piece.
        bytes_down: of the body of the answer that were passed on.
    """

    upstream: str
    method: str
    path: str
    target: str | None = None
    target_name: str | None = None
    attempts: int = 0
    status: int | None = None
    outcome: ExchangeOutcome | None = None
    error: str | None = None
    connect_seconds: float | None = None
    first_byte_seconds: float | None = None
    seconds: float | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    started: float = field(default_factory=time.monotonic, repr=False)
    """By a clock that never goes back."""

    def since_start(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started


def log_failure(record: ExchangeRecord, problem: str) -> None:
    """Log that there was no answer, and why; clients are not told."""
    _logger.warning("%s %s: upstream %s: %s", record.method, record.path, record.upstream, problem)


Tell: TypeAlias = Callable[[ExchangeRecord], None]

EXCHANGE = web.RequestKey[ExchangeRecord]("EXCHANGE")
"""On a request that was passed on: what is told of its exchange; complete when that is over."""
note_key(EXCHANGE, "proxy.EXCHANGE", set_by="proxy()")
