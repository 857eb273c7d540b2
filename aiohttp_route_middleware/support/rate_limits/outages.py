"""Storages that do not answer: told when it begins and when it ends, once each, not for every request."""

from __future__ import annotations

import logging

from ...errors import StoreError

__all__ = ("Outage",)

_logger = logging.getLogger(__name__)


class Outage:
    """Writes down when a storage ceases to answer, and when it answers again.

    Args:
        label: of the battery.
        fail_open: whether requests pass in the meantime.
    """

    def __init__(self, label: str, *, fail_open: bool) -> None:
        self._label = label
        self.fail_open = fail_open
        self._lasts = False

    def begin(self, error: StoreError) -> None:
        """The storage has not answered."""
        if not self._lasts:
            self._lasts = True
            what = "pass uncounted" if self.fail_open else "are refused"
            _logger.error("%s: the storage does not answer (%s); requests %s", self._label, error, what)

    def end(self) -> None:
        """The storage has answered."""
        if self._lasts:
            self._lasts = False
            _logger.warning("%s: the storage answers again", self._label)
