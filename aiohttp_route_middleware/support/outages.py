"""Stores that do not answer: told when it begins and when it ends, once each, not for every request."""

from __future__ import annotations

import logging

from ..errors import StoreError

__all__ = ("Outage",)

_logger = logging.getLogger(__name__)


class Outage:
    """Writes down when a store ceases to answer, and when it answers again.

    Args:
        label: of the battery.
        meanwhile: what becomes of requests, as "requests are refused".
    """

    def __init__(self, label: str, meanwhile: str) -> None:
        self._label = label
        self._meanwhile = meanwhile
        self._lasts = False

    def begin(self, error: StoreError) -> None:
        """The store has not answered."""
        if not self._lasts:
            self._lasts = True
            _logger.error("%s: the store does not answer (%s); %s", self._label, error, self._meanwhile)

    def end(self) -> None:
        """The store has answered."""
        if self._lasts:
            self._lasts = False
            _logger.warning("%s: the store answers again", self._label)
