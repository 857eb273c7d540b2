"""A set of keys that another server publishes (RFC 7517, section 5): fetched, kept, and fetched again.

Rules kept here:
- https only, unless told otherwise; no redirect is followed; what is read is bounded in size and in time;
- a key id that is not known has the set fetched again, by one request for all that wait, and not before a cool-down
  has passed since the last attempt: whoever makes up key ids cannot make us ask more often;
- the last good keys are kept when a fetch fails; a set that was fetched replaces all of them, so that a key which is
  no longer published is no longer accepted.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import aiohttp

from ..errors import ConfigurationError
from .options import check_flags

__all__ = ("KeySet", "KeySource", "KeysUnavailableError")

_log = logging.getLogger(__name__)
_K = TypeVar("_K")
_NEVER = -math.inf


class KeysUnavailableError(Exception):
    """A key id is not known, and the set could not be fetched to look for it.

    Args:
        retry_after: whole seconds until the set is fetched again, at least 1.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__("the key set could not be fetched")
        self.retry_after = retry_after


@dataclass(frozen=True)
class KeySource:
    """Where a key set is fetched from, and how often.

    Args:
        url: of the set. Whoever answers there decides who is let in.
        allow_http: take `http://` as well, for tests and within one machine; default no.
        timeout: seconds that a fetch may take; default 5.
        max_bytes: that a set may have; default 262,144.
        max_age: seconds after which the set is fetched again, also for a key that is known; default 3,600.
        cool_down: seconds between two attempts at least; default 30.
        clock: tells seconds; default `time.monotonic`.

    Raises:
        ConfigurationError: the URL is not one that may be asked, or a number is not positive.

    Example:
        jwt_auth(jwks_url=KeySource("http://localhost:8080/keys", allow_http=True), algorithms=["RS256"])
    """

    url: str = field(repr=False)
    _: KW_ONLY
    allow_http: bool = False
    timeout: float = 5.0
    max_bytes: int = 262_144
    max_age: float = 3_600.0
    cool_down: float = 30.0
    clock: Callable[[], float] = time.monotonic
    place: str = field(init=False)  # the URL as it may be logged: a query may hold a secret

    def __post_init__(self) -> None:
        check_flags("KeySource()", allow_http=self.allow_http)
        object.__setattr__(self, "place", _check_url(self.url, self.allow_http))
        for name in ("timeout", "max_bytes", "max_age", "cool_down"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
                raise ConfigurationError("KeySource()", f"{name}={value!r}", cure="pass a positive number")


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
        self._next_attempt = _NEVER
        self._has_failed = False

    async def find(self, kid: str | None) -> Sequence[_K]:
        """Return the keys with an id, or all keys for none; fetch the set if that may help.

        Raises:
            KeysUnavailableError: there is no such key, and the last fetch has failed.
        """
        found = self._get(kid)
        if found and (self._source.clock() < self._fresh_until or self._fetching is not None):
            return found  # what is stale is good while another request fetches
        if self._fetching is None and self._is_due(kid):
            self._fetching = asyncio.create_task(self._refresh())
        if self._fetching is not None:  # a client that leaves neither ends it nor makes us ask again
            await asyncio.shield(self._fetching)
        found = self._get(kid)
        if not found and self._has_failed:
            raise KeysUnavailableError(max(1, math.ceil(self._next_attempt - self._source.clock())))
        return found

    def _get(self, kid: str | None) -> Sequence[_K]:
        return [key for known, key in self._keys if kid is None or known == kid]

    def _is_due(self, kid: str | None) -> bool:
        now = self._source.clock()
        return now >= self._next_attempt and (now >= self._fresh_until or not self._get(kid))

    async def _refresh(self) -> None:
        try:
            self._keys = _read_set(await _fetch(self._source), self._read)
        # JSON that is none, or nested without end, is a ValueError or a RecursionError
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError, RecursionError) as error:
            self._has_failed = True
            reason = error if isinstance(error, _UnusableError) else type(error).__name__  # a text may hold the URL
            _log.warning("The key set of %s could not be fetched: %s", self._source.place, reason)
        else:
            self._has_failed = False
            self._fresh_until = self._source.clock() + self._source.max_age
        finally:
            self._next_attempt = self._source.clock() + self._source.cool_down
            self._fetching = None


class _UnusableError(ValueError):
    """What came is no key set; the text says why, and may be logged."""


async def _fetch(source: KeySource) -> bytes:
    async with (
        aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=source.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            # what is compressed may be small on its way, and huge here
            headers={"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"},
            auto_decompress=False,
        ) as session,
        session.get(source.url, allow_redirects=False) as response,
    ):
        if response.status != 200:
            raise _UnusableError(f"status {response.status}")
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > source.max_bytes:
                raise _UnusableError(f"it has more than {source.max_bytes} bytes")
        return bytes(body)


def _read_set(body: bytes, read: Callable[[Mapping[str, Any]], _K | None]) -> tuple[tuple[object, _K], ...]:
    document = json.loads(body)
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise _UnusableError("there is no list of keys")
    # RFC 7517, section 5: keys that are not understood, or lack what they need, are ignored
    keys = [(member.get("kid"), read(member)) for member in members if isinstance(member, dict)]
    return tuple((kid, key) for kid, key in keys if key is not None)


def _check_url(url: object, allow_http: bool) -> str:
    """Return the URL without its query; refuse what may not be asked."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # an address or a port that is none
        parts, has_host = urlsplit(""), False
    if not has_host or parts.username is not None or parts.fragment:
        raise ConfigurationError(
            "KeySource()", "the URL is not complete, or says too much", cure="write https://host/path, without a login"
        )
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise ConfigurationError(
            "KeySource()",
            f"the URL is {parts.scheme}://",
            cure="write https://, or KeySource(url, allow_http=True) where nobody can stand in between",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
