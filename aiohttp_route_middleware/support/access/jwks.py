"""A set of keys that another server publishes (RFC 7517, section 5): kept, and fetched again.

Rules kept here:
- a key id that is not known has the set fetched again, by one request for all that wait, and not before a cool-down
  has passed since the last attempt: whoever makes up key ids cannot make us ask more often;
- a set that was fetched replaces all keys, so that a key which is no longer published is no longer accepted;
- the last good keys are kept when a fetch fails, but not for ever: a key that was withdrawn must end although somebody
  keeps us from the set.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import aiohttp

from ...errors import RouteMiddlewareError
from .key_source import KeySource, UnusableError, fetch

__all__ = ("KeySet", "KeysUnavailableError", "read_set")

_logger = logging.getLogger(__name__)
_K = TypeVar("_K")
_NEVER = -math.inf


class KeysUnavailableError(RouteMiddlewareError):
    """A key id is not known, or all keys are too old, and the set could not be fetched.

    Args:
        retry_after: whole seconds until the set is fetched again, at least 1.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__("the key set could not be fetched")
        self.retry_after = retry_after


class KeySet(Generic[_K]):
    """The keys of one source, by their ids.

    Args:
        source: where they are fetched from.
        read: makes a key of a JSON object, or `None` if it is of no use.
    """

    def __init__(self, source: KeySource, read: Callable[[Mapping[str, Any]], _K | None]) -> None:
        self._source = source
        self._read = read
        self._keys: tuple[tuple[object, _K], ...] = ()  # ids, which need not be unique, and keys
        self._fetching: asyncio.Task[None] | None = None  # for all who wait for it
        self._fresh_until = _NEVER
        self._good_until = _NEVER
        self._next_attempt = _NEVER
        self._has_failed = False

    async def find(self, kid: str | None) -> Sequence[_K]:
        """Return the keys with an id, or all keys for none; fetch the set if that may help.

        Raises:
            KeysUnavailableError: there is no such key, or it is too old, and the last fetch has failed.
        """
        found, now = self._get(kid), self._source.clock()
        if found and (now < self._fresh_until or (self._fetching is not None and now < self._good_until)):
            return found  # what is stale is good while another request fetches
        if self._fetching is None and self._is_due(kid):
            self._fetching = asyncio.create_task(self._refresh())
        if self._fetching is not None:  # a client that leaves neither ends it nor makes us ask again
            await asyncio.shield(self._fetching)
        found, now = self._get(kid), self._source.clock()
        if now >= self._good_until or (not found and self._has_failed):
            raise KeysUnavailableError(max(1, math.ceil(self._next_attempt - now)))
        return found

    def _get(self, kid: str | None) -> Sequence[_K]:
        return [key for known, key in self._keys if kid is None or known == kid]

    def _is_due(self, kid: str | None) -> bool:
        now = self._source.clock()
        return now >= self._next_attempt and (now >= self._fresh_until or not self._get(kid))

    async def _refresh(self) -> None:
        try:
            self._keys = read_set(await fetch(self._source), self._read)
        # JSON that is none, or nested without end, is a ValueError or a RecursionError
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError, RecursionError) as error:
            self._has_failed = True
            reason = error if isinstance(error, UnusableError) else type(error).__name__  # a text may hold the URL
            _logger.warning("The key set of %s could not be fetched: %s", self._source.shown_url, reason)
        else:
            self._has_failed = False
            self._fresh_until = self._source.clock() + self._source.max_age
            max_stale = self._source.max_stale
            self._good_until = math.inf if max_stale is None else self._fresh_until + max_stale
        finally:
            self._next_attempt = self._source.clock() + self._source.cool_down
            self._fetching = None


def read_set(body: bytes, read: Callable[[Mapping[str, Any]], _K | None]) -> tuple[tuple[object, _K], ...]:
    """Read a key set: ids, which need not be unique, and keys.

    Args:
        body: as it was published.
        read: makes a key of a JSON object, or `None` if it is of no use.

    Raises:
        UnusableError: there is no list of keys.
        ValueError: it is no JSON; nested without end, it is a `RecursionError`.
    """
    document = json.loads(body)
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise UnusableError("there is no list of keys")
    # RFC 7517, section 5: keys that are not understood, or lack what they need, are ignored
    keys = [(member.get("kid"), read(member)) for member in members if isinstance(member, dict)]
    return tuple((kid, key) for kid, key in keys if key is not None)
