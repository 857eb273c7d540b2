"""Whether a target may be asked: by what attempts have found, and by what active checks have.

Rules kept here:
- These are two judges, and a target is asked only if neither is against it.
- Failures in a row send a target out, for a time that doubles if it fails again soon. When that time is over it is
  half-open: exactly one attempt at a time gets through, which brings it back, or sends it out for longer. An attempt
  that is abandoned makes room for another, and says nothing.
- An attempt says something only about the state in which it was let through: one that began before its target went
  out neither brings it back nor sends it out again.
- At most a share of the targets is out: where all fail, mostly something fails that they share, and to send the whole
  load to the last that is in would be its end. So the only target is never out, unless that is asked for.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Sequence

from ...option_checks import check_count, check_seconds, check_share, check_statuses

__all__ = ("Ejection", "Health", "Judge")

_BATTERY = "Ejection()"
_logger = logging.getLogger(__name__)


class Ejection:
    """When a target that fails is asked no more, and for how long.

    Args:
        failures: so many in a row; default 5.
        period: seconds that it is out at first, default 10; twice as many each time that it fails again at once.
        longest: seconds that it is out at most; default 300.
        slow: an answer that begins after more than so many seconds is a failure; by default none is.
        statuses: an answer with one of these is a failure, as `{502, 503}`; by default none is. What clients can bring
            about does not belong here, for they could send targets out.
        share: of the targets, at most such a share is out at a time, rounded down; default a half. With 1 all may be,
            and who asks then is told so at once.

    Raises:
        ConfigurationError: an option is wrong.

    Example:
        Upstream("http://a:8001", "http://b:8001", ejection=Ejection(failures=3, slow=2.0))
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        period: float = 10.0,
        longest: float = 300.0,
        slow: float | None = None,
        statuses: Collection[int] = (),
        share: float = 0.5,
    ) -> None:
        self.failures: int = check_count(_BATTERY, "failures", failures, unit="failures")
        self.period: float = check_seconds(_BATTERY, "period", period, at_least=0.001)
        self.longest: float = check_seconds(_BATTERY, "longest", longest, at_least=period)
        self.slow: float = math.inf if slow is None else check_seconds(_BATTERY, "slow", slow, at_least=0.001)
        self.statuses: frozenset[int] = check_statuses(_BATTERY, "statuses", statuses)
        self.share: float = check_share(_BATTERY, "share", share)


class Health:
    """What is known of one target.

    Args:
        label: what it is called in the log.

    Attributes:
        is_answering: what active checks say; yes, where there are none.
        out_until: when one attempt may try it again; `None` if it is in.
        is_tried: whether that attempt is under way.
        epoch: how often it has gone out and come back.
        failures: how many in a row.
        period: seconds that it was out last.
        back_at: when it has come back last.
    """

    __slots__ = ("back_at", "epoch", "failures", "is_answering", "is_tried", "label", "out_until", "period")

    def __init__(self, label: str) -> None:
        self.label: str = label
        self.is_answering: bool = True
        self.out_until: float | None = None
        self.is_tried: bool = False
        self.epoch: int = 0
        self.failures: int = 0
        self.period: float = 0.0
        self.back_at: float = -math.inf

    @property
    def is_in(self) -> bool:
        """Whether both judges say so."""
        return self.is_answering and self.out_until is None

    def is_open(self, now: float) -> bool:
        """Whether an attempt may be sent: to one that is in, or one that is half-open and not tried already."""
        if self.out_until is None:
            return self.is_answering
        return self.is_answering and not self.is_tried and now >= self.out_until


class Judge:
    """Who is in, and who is out, of the targets of one upstream.

    Args:
        ejection: when a target goes out; `None` for never.
        healths: of all its targets.
        clock: tells seconds.

    Attributes:
        all_in: whether every target is in, so that nobody has to look at each.
    """

    def __init__(self, ejection: Ejection | None, healths: Sequence[Health], clock: Callable[[], float]) -> None:
        self.all_in: bool = all(health.is_in for health in healths)
        self._ejection = ejection
        self._healths = healths
        self._clock = clock
        # a little more, for 0.29 * 100 is less than 29
        self._most_out = 0 if ejection is None else int(ejection.share * len(healths) + 1e-9)

    def admit(self, health: Health) -> int:
        """Let an attempt through to a target that is open, and return the epoch in which it begins."""
        if health.out_until is not None:
            health.is_tried = True
        return health.epoch

    def is_failure(self, status: int, seconds: float) -> bool:
        """Whether an answer with this status, that began after so many seconds, counts as none."""
        ejection = self._ejection
        return ejection is not None and (seconds > ejection.slow or status in ejection.statuses)

    def succeed(self, health: Health, epoch: int) -> None:
        """Note that an attempt has got an answer."""
        if epoch != health.epoch:
            return
        health.failures = 0
        if health.out_until is not None:
            health.out_until = None
            health.back_at = self._clock()
            self._change(health)
            _logger.info("target %s is back", health.label)

    def fail(self, health: Health, epoch: int, *, row: int = 0) -> None:
        """Note that an attempt has got no answer, or a bad one.

        Args:
            health: of its target.
            epoch: in which it began.
            row: how many failures there were in a row before the answer that has failed after all.
        """
        if self._ejection is None or epoch != health.epoch:
            return
        health.failures = max(health.failures, row) + 1
        if health.out_until is not None or self._is_enough(health, self._ejection.failures):
            self._eject(health, self._ejection)

    def abandon(self, health: Health, epoch: int) -> None:
        """Note that nobody has waited for what becomes of an attempt."""
        if epoch == health.epoch:
            health.is_tried = False

    def note_check(self, health: Health, is_answering: bool) -> None:
        """Note what active checks say."""
        health.is_answering = is_answering
        self._count()

    def _is_enough(self, health: Health, failures: int) -> bool:
        if health.failures < failures:
            return False
        return sum(not other.is_in for other in self._healths if other is not health) < self._most_out

    def _eject(self, health: Health, ejection: Ejection) -> None:
        now = self._clock()
        # again: as long as it was out last time, it has not been in since
        is_again = health.out_until is not None or now < health.back_at + health.period
        health.period = min(2 * health.period, ejection.longest) if is_again else ejection.period
        health.out_until = now + health.period
        _logger.warning("target %s fails, and is out for %g s", health.label, health.period)
        self._change(health)

    def _change(self, health: Health) -> None:
        health.epoch += 1
        health.failures = 0
        health.is_tried = False
        self._count()

    def _count(self) -> None:
        self.all_in = all(health.is_in for health in self._healths)
