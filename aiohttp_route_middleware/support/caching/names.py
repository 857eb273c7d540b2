"""What responses are kept under, and which of it a change makes untrue (RFC 9111, sections 2 and 4.4).

Rules kept here: the key is made of scheme, host, path and query as they were sent, and of what the application adds;
a change speaks for its own URL, and for those of its own origin that its response names. The last 256 keys are
remembered.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from ...errors import ConfigurationError

__all__ = ("FindKey", "list_changed", "name_request", "name_resource")

FindKey = Callable[[web.Request], Awaitable[object]]

_PREFIX = "response:"
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


@functools.lru_cache(maxsize=256)  # aiohttp bounds their length: 8190 bytes for a line
def name_resource(scheme: str, host: str, target: str, key: str = "") -> str:
    """Return the key of a resource.

    Args:
        scheme: `http` or `https`.
        host: as in `Host`; its case and the default port do not matter.
        target: path and query, as they were sent.
        key: what the application adds.
    """
    host = host.lower().removesuffix(_DEFAULT_PORT.get(scheme, ":"))
    return _PREFIX + hashlib.sha256(json.dumps((scheme, host, target, key)).encode()).hexdigest()


async def name_request(request: web.Request, find_key: FindKey | None, url: URL | None = None) -> str:
    """Return the key of what a request is about, or of another URL for the same client.

    Args:
        request: that is asked about.
        find_key: asks what the application adds; `None` for nothing.
        url: default: that of the request.

    Raises:
        ConfigurationError: what the application adds is no text.
    """
    key = "" if find_key is None else await find_key(request)
    if not isinstance(key, str):
        problem = f"key() returned {type(key).__qualname__}"
        raise ConfigurationError("response_cache()", problem, cure="return a text, which may be empty")
    if url is None:
        return name_resource(request.scheme, request.host, request.raw_path, key)
    return name_resource(url.scheme, url.host_port_subcomponent or "", url.raw_path_qs, key)


def list_changed(request: web.Request, headers: CIMultiDict[str]) -> Iterator[URL | None]:
    """List what a change that went well speaks for: itself as `None`, and what its response names."""
    yield None
    for name in (hdrs.LOCATION, hdrs.CONTENT_LOCATION):
        url = _find_url(request, headers.get(name))
        if url is not None:
            yield url


def _find_url(request: web.Request, location: str | None) -> URL | None:
    """Only of this origin: nobody may have others forget what is not his (RFC 9111, section 4.4)."""
    if location is None:
        return None
    try:
        url = request.url.join(URL(location))
        return url if url.origin() == request.url.origin() else None
    except ValueError:
        return None
