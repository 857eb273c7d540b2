"""Whose turn it is: the targets of an upstream, and one attempt at one of them.

Rules kept here:
- Nothing here waits, so that in one event loop a target is chosen, admitted and counted in one step.
- A turn ends once, however often it is told so, and frees what it has taken: `finally: turn.end()` is all it needs.
- A target that was tried for the same request is chosen only if no other may be asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

from aiohttp import web

from ...errors import ConfigurationError
from ...naming import describe
from .affinity import AffinityCookie
from .balancing import ConsistentHash, read_balance
from .health import Ejection, Judge
from .targets import Target, TargetLike, read_targets

__all__ = ("Outcome", "Targets", "Turn")

Outcome: TypeAlias = Literal["success", "failure", "abandoned"]


class Turn:
    """One attempt at a target, from when it was chosen until it is over.

    Attributes:
        target: that was chosen.
    """

    __slots__ = ("_epoch", "_is_failed", "_is_over", "_judge", "_row", "target")

    def __init__(self, target: Target, judge: Judge) -> None:
        self.target: Target = target
        self._judge = judge
        self._epoch = judge.admit(target.health)
        self._row: int | None = None  # failures there were before the answer; `None` until there is one
        self._is_failed = False
        self._is_over = False
        target.in_flight += 1

    def answered(self, status: int, seconds: float) -> None:
        """Note that the answer has begun: a half-open target is back by that, however long the rest takes.

        An answer that is not passed on, for there may be a better one, is a failure: `end("failure")` is all it needs.

        Args:
            status: of the answer.
            seconds: that the target has taken for it; not what the client has taken to send its body, or clients could
                send targets out.
        """
        if self._is_over or self._row is not None:
            return
        health = self.target.health
        self._row = health.failures
        self._is_failed = self._judge.is_failure(status, seconds)
        (self._judge.fail if self._is_failed else self._judge.succeed)(health, self._epoch)

    def end(self, outcome: Outcome = "abandoned") -> None:
        """End the turn; if it has ended, nothing happens.

        Args:
            outcome: `"failure"` if the target could not be reached, was too slow, or has broken off, also in the midst
                of an answer; `"success"`; `"abandoned"` if something else has ended it, such as the client.
        """
        if self._is_over:
            return
        self._is_over = True
        self.target.in_flight -= 1
        health, epoch = self.target.health, self._epoch
        if outcome == "failure" and not self._is_failed:
            self._judge.fail(health, epoch, row=self._row or 0)
        elif self._row is None:
            (self._judge.succeed if outcome == "success" else self._judge.abandon)(health, epoch)


class Targets:
    """The targets of one upstream.

    Args:
        targets: targets, or their URLs.
        balance: `"round_robin"`, the default, `"least_connections"`, `"random_of_two"`, or a `ConsistentHash`.
        ejection: when a target that fails is asked no more; `None` for never.
        affinity: the cookie by which clients stay with a target; by default they do not.
        clock: tells seconds.
        battery: what the upstream is called in errors.

    Raises:
        ConfigurationError: an option is wrong.
    """

    def __init__(
        self,
        targets: Iterable[TargetLike],
        *,
        balance: str | ConsistentHash = "round_robin",
        ejection: Ejection | None = None,
        affinity: AffinityCookie | None = None,
        clock: Callable[[], float] = time.monotonic,
        battery: str = "Upstream()",
    ) -> None:
        if not isinstance(ejection, (Ejection, type(None))):
            raise ConfigurationError(
                battery, f"ejection is {describe(ejection)}", cure="write Ejection(failures=5), True or False"
            )
        if not isinstance(affinity, (AffinityCookie, type(None))):
            raise ConfigurationError(
                battery, f"affinity is {describe(affinity)}", cure='write AffinityCookie("name"), or None'
            )
        self._balance = read_balance(battery, balance)
        self._affinity = affinity
        self._clock = clock
        self._targets = read_targets(battery, targets)
        self._only = self._targets[0] if len(self._targets) == 1 else None
        self._judge = Judge(ejection, [target.health for target in self._targets], clock)

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets)

    def take(self, incoming: web.Request, *, besides: Collection[Target] = ()) -> Turn | None:
        """Choose a target, and begin a turn at it; `None` if none may be asked now.

        Args:
            incoming: the request that is to be passed on.
            besides: targets that were tried for it; one of them is chosen only if no other may be asked.
        """
        target = self._only if self._judge.all_in else None
        if target is None:
            target = self._choose(incoming, self._find_candidates(besides))
        return None if target is None else Turn(target, self._judge)

    def note_check(self, target: Target, is_answering: bool) -> None:
        """Note what active checks say of a target."""
        self._judge.note_check(target.health, is_answering)

    def _find_candidates(self, besides: Collection[Target]) -> Sequence[Target]:
        candidates: Sequence[Target] = self._targets
        if not self._judge.all_in:
            now = self._clock()
            candidates = [target for target in candidates if target.health.is_open(now)]
        return [target for target in candidates if target not in besides] or candidates if besides else candidates

    def _choose(self, incoming: web.Request, candidates: Sequence[Target]) -> Target | None:
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        kept = None if self._affinity is None else self._affinity.find(incoming, candidates)
        return self._balance.choose(candidates, incoming) if kept is None else kept
