"""Where responses point to: what names a target in `Location` and its like names the public host instead.

Rules kept here:
- Only what names the target itself is rewritten: the same scheme, host and port, and below its base path. Other hosts,
  references relative to the page, and what is malformed stay as they are, byte for byte.
- What leads to a path that the proxy does not serve stays as it is, too: among public paths it would be another one.
- No path becomes a host: one that begins with two slashes is never written without a host before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from ...errors import ConfigurationError
from ...option_checks import check_flags, refuse_option
from ...support.network.origins import Origin, parse_origin, read_origin
from .path_rewriting import check_prefix

__all__ = (
    "LocationRewriting",
    "Prefixes",
    "map_prefix",
    "read_prefixes",
    "rewrite_fields",
    "rewrite_locations",
)

Prefixes: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of a prefix on the target and the one in its place, the longest first; nothing stands for `/`."""

_REFRESH = "Refresh"
_NAMES = (hdrs.LOCATION, hdrs.CONTENT_LOCATION, _REFRESH)
_REFERENCE = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//([^/?#\\]*)([^?#]*)(.*)", re.DOTALL)
_PATH = re.compile(
    r"(/(?![/\\])[^?#\x00-\x20]*)((?:[?#].*)?)", re.DOTALL
)  # of this host: one slash, also for browsers
_LIKE_A_HOST = re.compile(r"/[\x00-\x20]*[/\\]")  # browsers take tabs out, and read a backslash as a slash
_WHERE = re.compile(
    r"([^;,]*[;,][ \t]*(?:url[ \t]*=[ \t]*)?)(?:([\"'])(.*?)(\2.*)|([^\"'].*))", re.DOTALL | re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class LocationRewriting:
    """What `rewrite_locations()` makes.

    Args:
        public: where clients find what the targets serve; `None` for where each has asked.
        prefixes: from paths of the target, below its base path, to public ones.
        map_paths: whether a path without a host is mapped as well.
    """

    public: Origin | None
    prefixes: Prefixes
    map_paths: bool

    def apply(self, headers: CIMultiDict[str], *, target: URL, public: str) -> None:
        """Rewrite the fields of a response; all others, and the order of all, are kept.

        Args:
            headers: of the response.
            target: the server that has sent it, with its base path.
            public: scheme and host that the client has used, as `https://shop.example`.
        """
        if hdrs.LOCATION in headers or hdrs.CONTENT_LOCATION in headers or _REFRESH in headers:
            rewrite_fields(headers, _NAMES, lambda name, value: self._rewrite(name, value, target, public))

    def rewrite(self, value: str, *, target: URL, public: str) -> str:
        """Rewrite one reference; one that does not point to the target is returned as it is."""
        found = _REFERENCE.fullmatch(value)
        if found is None:
            return self._rewrite_path(value, target)
        scheme, authority, path, rest = found.groups()
        # `//host` has the scheme of the request that it answers (RFC 3986, section 4.2); an empty port is the default
        # one (RFC 9110, section 4.2.3)
        named = parse_origin(f"{scheme or target.scheme}://{authority.removesuffix(':')}")
        mapped = self._map(path or "/", target)
        if mapped is None or named is None or named != parse_origin(str(target.origin())):
            return value
        origin = self.public or parse_origin(
            public
        )  # a client may have sent a malformed `Host`, which is not repeated
        return f"{origin}{mapped}{rest}" if origin else f"{_keep_local(mapped)}{rest}"

    def _rewrite(self, name: str, value: str, target: URL, public: str) -> str:
        if name.lower() != "refresh":
            return self.rewrite(value, target=target, public=public)
        found = _WHERE.fullmatch(value)
        if found is None:
            return value
        before, quote, quoted, after, bare = found.groups()
        where = quoted if quote else bare
        return f"{before}{quote or ''}{self.rewrite(where, target=target, public=public)}{after or ''}"

    def _rewrite_path(self, value: str, target: URL) -> str:
        found = _PATH.fullmatch(value) if self.map_paths else None
        mapped = self._map(found[1], target) if found else None
        return value if found is None or mapped is None else f"{_keep_local(mapped)}{found[2]}"

    def _map(self, path: str, target: URL) -> str | None:
        below = map_prefix(path, ((target.raw_path.rstrip("/"), ""),))
        return None if below is None else map_prefix(below, self.prefixes)


def rewrite_locations(
    *, public: str | None = None, prefixes: Mapping[str, str] | None = None, map_paths: bool | None = None
) -> LocationRewriting:
    """Make redirects of a target lead back to the proxy: `http://localhost:8001/x` becomes `https://shop.example/x`.

    A response is looked at in `Location`, `Content-Location` and `Refresh`. The base path of the target is taken off.

    Args:
        public: scheme, host and port that clients use, as `"https://shop.example"`; default those that the client of
            each request has used, which is what it says in `Host`.
        prefixes: where paths of the target are found by clients, as `{"/": "/api"}` if `/api` is stripped from each
            request, or `{"/v1": "/"}` if `/v1` is added; default the same path. What none of them fits is not
            rewritten.
        map_paths: whether `/login`, a path without a host, is mapped as well, as most frameworks redirect by one;
            default yes if there are `prefixes`. `False` is for targets that write public paths themselves.

    Raises:
        ConfigurationError: an option is malformed.

    Reads/Sets:
        reads and sets `Location`, `Content-Location` and `Refresh` of the response.

    Source:
        RFC 9110, sections 8.7 and 10.2.2; RFC 3986, section 4.2; `Refresh` as in HTML, section "shared declarative
        refresh steps".

    Example:
        proxy(upstream, rewrite_path(strip_prefix("/api")), locations=rewrite_locations(prefixes={"/": "/api"}))
    """
    made = "rewrite_locations()"
    is_mapped = prefixes is not None if map_paths is None else map_paths
    check_flags(made, map_paths=is_mapped)
    origin = None if public is None else read_origin(made, "public", public)
    pairs = read_prefixes(made, "prefixes", {"/": "/"} if prefixes is None else prefixes)
    return LocationRewriting(public=origin, prefixes=pairs, map_paths=is_mapped)


def read_prefixes(made: str, option: str, value: object) -> Prefixes:
    """Read a mapping of prefixes, the longest first.

    Raises:
        ConfigurationError: it is not a mapping, or one is not a prefix.
    """
    if not isinstance(value, Mapping) or not value:
        cure = f'write from which to which, as in {option}={{"/v1": "/api"}}'
        raise ConfigurationError(made, f"{option} is not a mapping of prefixes", cure=cure)
    pairs = [(_read_prefix(made, option, old), _read_prefix(made, option, new)) for old, new in value.items()]
    return tuple(sorted(pairs, key=lambda pair: len(pair[0]), reverse=True))


def map_prefix(path: str, prefixes: Prefixes) -> str | None:
    """Put another prefix in the place of that of a path; nothing if it has none of them."""
    for old, new in prefixes:
        if path == old or path.startswith(f"{old}/"):
            return f"{new}{path[len(old) :]}" or "/"
    return None


def rewrite_fields(headers: CIMultiDict[str], names: Collection[str], rewrite: Callable[[str, str], str]) -> None:
    """Rewrite the values of some fields in place; order and names of all are kept.

    Args:
        headers: of a response.
        names: of the fields that are rewritten.
        rewrite: from name and value to the value in its place.
    """
    wanted = {name.lower() for name in names}
    before = list(headers.items())
    after = [(name, rewrite(name, value) if name.lower() in wanted else value) for name, value in before]
    if after != before:
        headers.clear()
        headers.extend(after)


def _read_prefix(made: str, option: str, value: object) -> str:
    prefix = "" if value == "/" else check_prefix(made, option, value)
    if prefix.startswith("//"):  # which alone would name a host
        raise refuse_option(made, option, value, "begin it with one slash")
    return prefix


def _keep_local(path: str) -> str:
    """Keep a path from being read as a host, as browsers write such a path."""
    return f"/.{path}" if _LIKE_A_HOST.match(path) else path
