"""Where a set of keys is published, asked with bounds.

Rules kept here: https only, unless told otherwise; no redirect is followed; what is read is bounded in size and in
time; neither an error nor the log holds the query of the URL.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from urllib.parse import urlsplit

import aiohttp

from ...errors import ConfigurationError, RouteMiddlewareError
from ...option_checks import check_count, check_flags, check_function, check_seconds, refuse_option

__all__ = ("KeySource", "UnusableError", "fetch")

_NAME = "KeySource()"
_SHORTEST = 0.001  # seconds; 0 would be no limit for aiohttp


@dataclass(frozen=True)
class KeySource:
    """Where a key set is fetched from, and how often.

    Args:
        url: of the set. Whoever answers there decides who is let in.
        allow_http: take `http://` as well, for tests and within one machine; default no.
        timeout: seconds that a fetch may take; default 5.
        max_bytes: that a set may have; default 262,144.
        max_age: seconds after which the set is fetched again, also for a key that is known; default 3,600.
        max_stale: seconds that the keys are used beyond `max_age` while the set cannot be fetched; then the answer is
            503. Default 86,400, a day; `None` for ever. A key that the issuer has withdrawn lives no longer than both.
        cool_down: seconds between two attempts at least; default 30.
        clock: tells seconds; default `time.monotonic`.

    Raises:
        ConfigurationError: the URL is not one that may be asked, or a number is out of its range.

    Example:
        jwt_auth(jwks_url=KeySource("http://localhost:8080/keys", allow_http=True), algorithms=["RS256"])
    """

    url: str = field(repr=False)
    _: KW_ONLY
    allow_http: bool = False
    timeout: float = 5.0
    max_bytes: int = 262_144
    max_age: float = 3_600.0
    max_stale: float | None = 86_400.0
    cool_down: float = 30.0
    clock: Callable[[], float] = time.monotonic
    shown_url: str = field(init=False)  # as it may be logged: a query may hold a secret

    def __post_init__(self) -> None:
        check_flags(_NAME, allow_http=self.allow_http)
        object.__setattr__(self, "shown_url", _check_url(self.url, self.allow_http))
        for name in ("timeout", "max_age", "cool_down"):
            check_seconds(_NAME, name, getattr(self, name), at_least=_SHORTEST)
        check_count(_NAME, "max_bytes", self.max_bytes, unit="bytes")
        check_function(_NAME, "clock", self.clock, takes="")
        self._check_stale()

    def _check_stale(self) -> None:
        if self.max_stale is None:
            return
        lifetime = self.max_age + check_seconds(_NAME, "max_stale", self.max_stale, at_least=0)
        if self.cool_down > lifetime:  # there would be no keys until it has passed
            raise refuse_option(
                _NAME, "cool_down", self.cool_down, f"pass no more than max_age and max_stale: {lifetime:g}"
            )


class UnusableError(RouteMiddlewareError, ValueError):
    """What came is no key set; the text says why, and may be logged."""


async def fetch(source: KeySource) -> bytes:
    """Return what is published there.

    Raises:
        UnusableError: it is no answer with a set, or too large.
        aiohttp.ClientError: it cannot be reached; as do `OSError` and `asyncio.TimeoutError`.
    """
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
            raise UnusableError(f"status {response.status}")
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > source.max_bytes:
                raise UnusableError(f"it has more than {source.max_bytes} bytes")
        return bytes(body)


def _check_url(url: object, allow_http: bool) -> str:
    """Return the URL without its query; refuse what may not be asked."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # an address or a port that is none
        parts, has_host = urlsplit(""), False
    if not has_host or parts.username is not None or parts.fragment:
        raise ConfigurationError(
            _NAME, "the URL is not complete, or says too much", cure="write https://host/path, without a login"
        )
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise ConfigurationError(
            _NAME,
            f"the URL is {parts.scheme}://",
            cure="write https://, or KeySource(url, allow_http=True) where nobody can stand in between",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
