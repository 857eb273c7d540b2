"""Whether a request that has failed at one target may be sent again.

Rules kept here:
- Never when something of an answer was passed on, or of the body taken from the client: neither can be undone.
- A request of which no target has seen a byte may be sent by any method; else only one that may be repeated: "A proxy
  MUST NOT automatically retry non-idempotent requests" (RFC 9110, section 9.2.2).
- Retries are a share of the requests: where everything fails, to send everything twice would keep it from recovering.
  The budget is asked last, so that it pays for what is sent and nothing else.
- An attempt is one wherever it has failed, also one over a kept connection that the target has closed meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import NamedTuple

from aiohttp import hdrs

from ...errors import ConfigurationError
from ...option_checks import check_count, check_flags, check_list, check_seconds, check_share, check_statuses
from ...syntax import SAFE_METHODS, is_token

__all__ = ("IDEMPOTENT_METHODS", "FailedAttempt", "Retries", "RetryBudget")

IDEMPOTENT_METHODS = SAFE_METHODS | {hdrs.METH_TRACE, hdrs.METH_PUT, hdrs.METH_DELETE}
"""Methods that may be repeated (RFC 9110, section 9.2.2)."""

_BATTERY = "Retries()"
_BUDGET = "RetryBudget()"


class FailedAttempt(NamedTuple):
    """What is left of an attempt that has failed.

    Args:
        method: of the request.
        was_sent: whether the target may have seen a byte of it; no, if the connection could not be made. Over a kept
            connection that has closed without an answer it was, as soon as a byte was written.
        is_body_consumed: whether a byte of the body was taken from the client, and is not kept to be sent again.
        status: of the answer, if it is one that is not passed on yet.
        has_key: whether the request has an `Idempotency-Key`.
    """

    method: str
    was_sent: bool
    is_body_consumed: bool
    status: int | None = None
    has_key: bool = False


class RetryBudget:
    """How many retries there may be: a share of the requests, and some for those who have few.

    Args:
        share: of the requests; default 0.2.
        per_second: retries that are allowed besides; default 10.
        most: what may be saved up while all is well; default 100.
        clock: tells seconds.

    Raises:
        ConfigurationError: an option is wrong.

    Source:
        Finagle's `RetryBudget`, from which the numbers are; here what is saved up has a bound, and no age.

    Example:
        Retries(budget=RetryBudget(share=0.1, per_second=1))
    """

    def __init__(
        self,
        *,
        share: float = 0.2,
        per_second: float = 10.0,
        most: int = 100,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share = check_share(_BUDGET, "share", share)
        self._per_second = check_seconds(_BUDGET, "per_second", per_second, at_least=0)
        if not share and not per_second:
            raise ConfigurationError(_BUDGET, "it never grows", cure="for no retries, write retries=False")
        self._most = check_count(_BUDGET, "most", most, unit="retries")
        self._clock = clock
        self._saved = float(most)
        self._looked = clock()
        self.granted: int = 0
        """How many retries it has paid for."""
        self.refused: int = 0
        """How many it has not."""

    def note_request(self) -> None:
        """Note a request that has come in: once, however often it is sent."""
        self._saved = min(self._most, self._saved + self._share)

    def take(self) -> bool:
        """Pay for one retry, if that can be afforded."""
        now = self._clock()
        self._saved = min(self._most, self._saved + self._per_second * (now - self._looked))
        self._looked = now
        if self._saved < 1:
            self.refused += 1
            return False
        self._saved -= 1
        self.granted += 1
        return True


class Retries:
    """When a request that has failed is sent again, to another target if there is one.

    Args:
        attempts: how often a request is sent at most, the first time counted; default 2.
        statuses: answers that count as failed, as `{502, 503, 504}`; by default none.
        methods: of requests that may be sent again though a target may have seen them; by default those that are
            idempotent. To add another is to promise that every target can take its requests twice.
        idempotency_key: whether a request with an `Idempotency-Key` may be, too; by default not, for it is for the
            targets to keep what the key promises.
        budget: how many retries there may be of all requests; by default a share of 0.2, and 10 a second.

    Raises:
        ConfigurationError: an option is wrong.

    Source:
        RFC 9110, section 9.2.2.

    Example:
        Upstream("http://a:8001", "http://b:8001", retries=Retries(attempts=3, statuses={502, 503}))
    """

    def __init__(
        self,
        *,
        attempts: int = 2,
        statuses: Collection[int] = (),
        methods: Collection[str] = IDEMPOTENT_METHODS,
        idempotency_key: bool = False,
        budget: RetryBudget | None = None,
    ) -> None:
        check_flags(_BATTERY, idempotency_key=idempotency_key)
        if not isinstance(budget, (RetryBudget, type(None))):
            raise ConfigurationError(_BATTERY, "budget is no RetryBudget", cure="write RetryBudget(share=0.2)")
        self.attempts: int = check_count(_BATTERY, "attempts", attempts, unit="attempts", at_least=2, at_most=10)
        self.statuses: frozenset[int] = check_statuses(_BATTERY, "statuses", statuses)
        self.budget: RetryBudget = RetryBudget() if budget is None else budget
        self._methods = _read_methods(methods)
        self._with_key = idempotency_key

    def note_request(self) -> None:
        """Note a request that has come in: once, however often it is sent."""
        self.budget.note_request()

    def allow(self, made: int, failed: FailedAttempt) -> bool:
        """Whether there may be another attempt, which the budget has paid for then.

        Args:
            made: attempts at this request, the one that has failed counted.
            failed: what is left of that.
        """
        return made < self.attempts and self.is_safe(failed) and self.budget.take()

    def is_safe(self, failed: FailedAttempt) -> bool:
        """Whether to send it again can do no harm."""
        if failed.is_body_consumed:
            return False
        if failed.status is not None and failed.status not in self.statuses:
            return False
        if failed.status is None and not failed.was_sent:
            return True
        return failed.method in self._methods or (self._with_key and failed.has_key)


def _read_methods(methods: object) -> frozenset[str]:
    for method in (listed := check_list(_BATTERY, "methods", methods, example="GET")):
        if not isinstance(method, str) or not is_token(method) or method != method.upper():
            # methods are case-sensitive (RFC 9110, section 9.1)
            raise ConfigurationError(_BATTERY, f"methods has {method!r}", cure='list methods, as in methods=["GET"]')
    return frozenset(map(str, listed))
