"""Active health checks: each target is asked now and then whether it is well.

Rules kept here:
- Every target has a loop of its own: whatever goes wrong with one, or hangs, the checks of the others go on.
- The first check of a target decides alone, after that so many in a row: a target that is down when the application
  starts gets no requests for long.
- A change is told in the log once.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections.abc import Awaitable, Callable, Collection
from random import Random

from ...errors import ConfigurationError
from ...option_checks import check_call, check_count, check_seconds, check_share, check_statuses, refuse_option
from ...support.deadlines import Deadline
from ..wire.failures import UpstreamError
from .targets import Target
from .turns import Targets

__all__ = ("Ask", "HealthCheck")

Ask = Callable[[Target, str], Awaitable[int]]

_BATTERY = "HealthCheck()"
_PATH = re.compile(r"/[!-\"$-~]*")  # printable ASCII without `#`: a path, and perhaps a query
_logger = logging.getLogger(__name__)


class HealthCheck:
    """How targets are asked whether they are well: by a GET, now and then.

    Args:
        path: what is asked for, below the path of the target; default `"/health"`.
        interval: seconds between two checks of a target; default 10.
        timeout: seconds that an answer may take; default 2.
        expect: statuses that are well, or a function that tells of a status whether it is; default 200 to 399.
        rises: so many good checks in a row bring a target back; default 2.
        falls: so many bad checks in a row send it out; default 3.
        jitter: the interval is longer or shorter by up to such a share, so that many proxies do not ask at once;
            default 0.1.

    Raises:
        ConfigurationError: an option is wrong.

    Example:
        Upstream("http://a:8001", "http://b:8001", check=HealthCheck("/ready", interval=5.0, expect={200}))
    """

    def __init__(
        self,
        path: str = "/health",
        *,
        interval: float = 10.0,
        timeout: float = 2.0,
        expect: Collection[int] | Callable[[int], bool] = range(200, 400),
        rises: int = 2,
        falls: int = 3,
        jitter: float = 0.1,
    ) -> None:
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            raise refuse_option(_BATTERY, "path", path, 'begin it with a slash, as in "/health"')
        self._path = path
        self._interval = check_seconds(_BATTERY, "interval", interval, at_least=0.1)
        self._timeout = check_seconds(_BATTERY, "timeout", timeout, at_least=0.001)
        self._is_well = _read_expected(expect)
        self._rises = check_count(_BATTERY, "rises", rises, unit="checks")
        self._falls = check_count(_BATTERY, "falls", falls, unit="checks")
        self._jitter = check_share(_BATTERY, "jitter", jitter)
        self._lots = Random()  # noqa: S311  # it spreads a load, and keeps no secret

    async def run(
        self,
        targets: Targets,
        ask: Ask,
        *,
        upstream: str = "upstream",
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Check targets until this is cancelled.

        Args:
            targets: who is told what the checks say.
            ask: called with a target and the path, returns the status of its answer, or raises; it is cancelled when
                time is up.
            upstream: whose targets they are, for the log.
            sleep: waits between checks.
        """
        tell = functools.partial(self._tell, upstream)
        watching = [asyncio.ensure_future(self._watch(targets, target, ask, tell, sleep)) for target in targets]
        try:
            await asyncio.gather(*watching)
        finally:  # each has ended when this does
            for watch in watching:
                watch.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def _watch(
        self,
        targets: Targets,
        target: Target,
        ask: Ask,
        tell: Callable[[Target, str | None], None],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        row, needed = 0, 1
        while True:
            problem = await self._check(target, ask)
            is_well = problem is None
            row = 0 if is_well == target.health.is_answering else row + 1
            if row >= needed:
                targets.note_check(target, is_well)
                tell(target, problem)
                row = 0
            needed = self._falls if target.health.is_answering else self._rises
            await sleep(self._interval * (1 + self._jitter * self._lots.uniform(-1, 1)))

    async def _check(self, target: Target, ask: Ask) -> str | None:
        """Ask a target, and return what is wrong with its answer, or with getting one."""
        try:
            with Deadline(self._timeout):
                status = await ask(target, self._path)
            return None if self._is_well(status) else f"it answers {status}"
        except (Exception, UpstreamError) as error:  # also what is wrong with `ask`, or the check would end unseen
            return f"{type(error).__name__}: {error}".removesuffix(": ")

    def _tell(self, upstream: str, target: Target, problem: str | None) -> None:
        named = (upstream, target.health.label, self._path)
        if problem is None:
            _logger.info("upstream %s: target %s is well again, by GET %s", *named)
        else:
            _logger.warning("upstream %s: target %s is not well: GET %s: %s", *named, problem)


def _read_expected(expect: Collection[int] | Callable[[int], bool]) -> Callable[[int], bool]:
    if callable(expect):
        check_call(_BATTERY, "expect", expect, takes="status")
        return expect
    statuses = check_statuses(_BATTERY, "expect", expect, least=200)
    if not statuses:
        raise ConfigurationError(_BATTERY, "expect is empty", cure="list the statuses that are well: expect={200}")
    return statuses.__contains__
