"""Cookies of a target, made to fit the public host: their domain and path, and what browsers shall enforce.

Rules kept here:
- A line is split as browsers split it: at each semicolon, also between quotes (RFC 6265, section 5.2). What is not
  rewritten is kept byte for byte: order, case, blanks, `Expires`, and attributes that nobody knows.
- Each `Set-Cookie` stays a line of its own (RFC 6265, section 3).
- A cookie named `__Host-` keeps path and domain: browsers drop it if it has any but `/` and none (RFC 6265bis,
  section 4.1.3.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import hdrs
from multidict import CIMultiDict

from ...errors import ConfigurationError
from ...option_checks import check_choice, check_flags, refuse_option
from ...support.network.hosts import parse_authority
from .locations import Prefixes, map_prefix, read_prefixes, rewrite_fields

__all__ = ("CookieRewriting", "rewrite_cookies")

_MADE = "rewrite_cookies()"
_ANY = "*"
_SAME_SITE = ("Strict", "Lax", "None")


@dataclass(frozen=True, kw_only=True)
class CookieRewriting:
    """What `rewrite_cookies()` makes.

    Args:
        domains: from domains of the target, in lower case, to public ones; `None` for this host alone.
        paths: from paths of the target to public ones.
        secure: whether each cookie gets `Secure`.
        http_only: whether each cookie gets `HttpOnly`.
        same_site: what each cookie gets as `SameSite`; `None` for what it has.
    """

    domains: Mapping[str, str | None]
    paths: Prefixes
    secure: bool
    http_only: bool
    same_site: str | None

    def apply(self, headers: CIMultiDict[str]) -> None:
        """Rewrite each `Set-Cookie` of a response; all other fields, and the order of all, are kept."""
        if hdrs.SET_COOKIE in headers:
            rewrite_fields(headers, (hdrs.SET_COOKIE,), lambda _, value: self.rewrite(value))

    def rewrite(self, value: str) -> str:
        """Rewrite one value of `Set-Cookie`."""
        cookie, *attributes = value.split(";")
        # browsers compare the prefix in any case, and take white space off the name
        is_host_bound = cookie.lstrip(" \t").lower().startswith("__host-")
        kept = [cookie]
        found = set()
        for attribute in attributes:
            name = attribute.partition("=")[0].strip(" \t").lower()
            found.add(name)
            rewritten = self._rewrite_attribute(name, attribute, is_host_bound)
            if rewritten is not None:
                kept.append(rewritten)
        return ";".join([*kept, *self._add_missing(found)])

    def _rewrite_attribute(self, name: str, attribute: str, is_host_bound: bool) -> str | None:
        if name == "samesite" and self.same_site:
            return _replace_value(attribute, self.same_site)
        if is_host_bound:
            return attribute
        if name == "path" and self.paths:
            return self._rewrite_path(attribute)
        return self._rewrite_domain(attribute) if name == "domain" and self.domains else attribute

    def _rewrite_path(self, attribute: str) -> str:
        path = _read_value(attribute)
        # `/api` fits itself and all below it; `/api/` would not fit itself (RFC 6265, section 5.1.4)
        mapped = map_prefix("" if path == "/" else path, self.paths) if path.startswith("/") else None
        return attribute if mapped is None else _replace_value(attribute, mapped)

    def _rewrite_domain(self, attribute: str) -> str | None:
        domain = _read_value(attribute).removeprefix(".").lower()  # RFC 6265, section 5.2.3
        # an empty one is none for browsers (RFC 6265, section 5.2.3)
        public = self.domains.get(domain, self.domains.get(_ANY, "")) if domain else ""
        if public is None:
            return None
        return _replace_value(attribute, public) if public else attribute

    def _add_missing(self, found: set[str]) -> list[str]:
        added = []
        if self.secure and "secure" not in found:
            added.append(" Secure")
        if self.http_only and "httponly" not in found:
            added.append(" HttpOnly")
        if self.same_site and "samesite" not in found:
            added.append(f" SameSite={self.same_site}")
        return added


def rewrite_cookies(
    *,
    domains: Mapping[str, str | None] | None = None,
    paths: Mapping[str, str] | None = None,
    secure: bool = False,
    http_only: bool = False,
    same_site: str | None = None,
) -> CookieRewriting:
    """Make cookies that a target sets fit the public host; one named `__Host-` keeps domain and path as they are.

    Args:
        domains: which domain is written in the place of another, as `{"internal.example": "shop.example"}`; `None`
            leaves it out, so that the cookie is for the public host alone; `"*"` stands for any other domain. Default:
            they are kept.
        paths: where paths of the target are found by clients, as `{"/": "/api"}` if `/api` is stripped from each
            request; each ends where a segment ends. Default: they are kept.
        secure: whether each cookie gets `Secure`; default no.
        http_only: whether each cookie gets `HttpOnly`; default no.
        same_site: `"Strict"`, `"Lax"` or `"None"`, for each cookie; default what it has.

    Raises:
        ConfigurationError: an option is malformed, or nothing is to be rewritten.

    Reads/Sets:
        reads and sets `Set-Cookie` of the response.

    Source:
        RFC 6265, sections 3 and 5.2; RFC 6265bis, sections 4.1.2.7 and 4.1.3.

    Example:
        proxy(upstream, cookies=rewrite_cookies(domains={"*": None}, paths={"/": "/api"}, secure=True))
    """
    check_flags(_MADE, secure=secure, http_only=http_only)
    if domains is None and paths is None and same_site is None and not secure and not http_only:
        raise ConfigurationError(_MADE, "nothing is to be rewritten", cure='pass domains={"*": None}, for example')
    if same_site is not None and check_choice(_MADE, "same_site", same_site, _SAME_SITE) == "None" and not secure:
        raise refuse_option(_MADE, "same_site", "None", "add secure=True, or browsers drop the cookies")
    return CookieRewriting(
        domains={} if domains is None else _read_domains(domains),
        paths=() if paths is None else _read_paths(paths),
        secure=secure,
        http_only=http_only,
        same_site=same_site,
    )


def _read_domains(value: object) -> dict[str, str | None]:
    if not isinstance(value, Mapping) or not value:
        cure = 'write from which to which, as in domains={"internal.example": "shop.example"}'
        raise ConfigurationError(_MADE, "domains is not a mapping of domains", cure=cure)
    return {
        _ANY if old == _ANY else _read_domain(old).lower(): None if new is None else _read_domain(new)
        for old, new in value.items()
    }


def _read_domain(value: object) -> str:
    authority = parse_authority(value) if isinstance(value, str) else None
    if (
        not isinstance(value, str)
        or authority is None
        or authority.host != value.lower()
        or authority.port is not None
    ):
        raise refuse_option(_MADE, "domains", value, 'write a domain without dot and port, as in "shop.example"')
    return value


def _read_paths(value: object) -> Prefixes:
    pairs = read_prefixes(_MADE, "paths", value)
    for old, new in pairs:
        if ";" in old + new:
            raise refuse_option(_MADE, "paths", {old: new}, "leave out the semicolon, which ends a path in a cookie")
    return pairs


def _read_value(attribute: str) -> str:
    return attribute.partition("=")[2].strip(" \t")


def _replace_value(attribute: str, value: str) -> str:
    name, _, old = attribute.partition("=")
    before = old[: len(old) - len(old.lstrip(" \t"))]
    after = old[len(old.rstrip(" \t")) :] if old.strip(" \t") else ""
    return f"{name}={before}{value}{after}"
