"""The headers that trusted proxies write: which one says what.

A name that cannot say what it is asked for would be read as "nobody has said anything", for every request.
"""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import hdrs
from multidict import istr

from ...errors import ConfigurationError
from ...option_checks import check_name

__all__ = ("HeaderNames", "read_header_names", "read_scheme_header_name")

_ADDRESSES, _SCHEME, _HOST, _OTHER = "addresses", "a scheme", "a host", "something else"
_SAYS = {
    "x-forwarded-for": _ADDRESSES,
    "x-real-ip": _ADDRESSES,
    "x-client-ip": _ADDRESSES,
    "x-cluster-client-ip": _ADDRESSES,
    "true-client-ip": _ADDRESSES,
    "cf-connecting-ip": _ADDRESSES,
    "cf-connecting-ipv6": _ADDRESSES,
    "fastly-client-ip": _ADDRESSES,
    "x-forwarded-proto": _SCHEME,
    "x-forwarded-protocol": _SCHEME,
    "x-forwarded-scheme": _SCHEME,
    "x-scheme": _SCHEME,
    "x-url-scheme": _SCHEME,
    "cloudfront-forwarded-proto": _SCHEME,
    "host": _HOST,
    "x-forwarded-host": _HOST,
    "x-original-host": _HOST,
    "x-forwarded-port": _OTHER,
    "x-forwarded-prefix": _OTHER,
    "x-forwarded-server": _OTHER,
    "x-forwarded-ssl": _OTHER,  # on, off
    "front-end-https": _OTHER,  # on, off
    "via": _OTHER,
}
_INSTEAD = {_ADDRESSES: "X-Forwarded-For", _SCHEME: "X-Forwarded-Proto", _HOST: "X-Forwarded-Host"}


class HeaderNames(NamedTuple):
    """Which headers the trusted proxies write.

    Args:
        header: `hdrs.FORWARDED`, or a list of addresses such as `X-Forwarded-For`.
        scheme: beside a list of addresses; `None` for none.
        host: beside a list of addresses; `None` for none.
    """

    header: str
    scheme: str | None = None
    host: str | None = None


def read_header_names(battery: str, header: str, scheme_header: str | None, host_header: str | None) -> HeaderNames:
    """Return the names of headers with addresses, scheme and host.

    Raises:
        ConfigurationError: one is no name, or cannot say what it is asked for; or two of them are the same.
    """
    name = _check_header(battery, "header", header, _ADDRESSES)
    scheme = _check_beside(battery, name, "scheme_header", scheme_header, _SCHEME)
    host = _check_beside(battery, name, "host_header", host_header, _HOST)
    names = [one.lower() for one in (name, scheme, host) if one]
    if len(set(names)) < len(names):
        raise ConfigurationError(battery, "one header stands for two things", cure="name another for each")
    return HeaderNames(name, scheme, host)


def read_scheme_header_name(battery: str, option: str, value: str) -> HeaderNames:
    """Return the name of the header with the scheme alone, which may be `Forwarded`.

    Raises:
        ConfigurationError: it is no name, or says something else.
    """
    name = _check_header(battery, option, value, _SCHEME)
    return HeaderNames(name, scheme=name)


def _check_beside(battery: str, header: str, option: str, value: str | None, says: str) -> str | None:
    if value is None:
        return None
    if header == hdrs.FORWARDED:
        cure = "leave it out: Forwarded says all at once"
        raise ConfigurationError(battery, f"{option}={value!r} beside Forwarded", cure=cure)
    name = _check_header(battery, option, value, says)
    if name == hdrs.FORWARDED:
        cure = 'pass header="Forwarded" alone, which says all at once'
        raise ConfigurationError(battery, f"{option}={value!r} beside header={str(header)!r}", cure=cure)
    return name


def _check_header(battery: str, option: str, value: str, says: str) -> str:
    name = istr(check_name(battery, option, value, example=_INSTEAD[says]))  # which is found faster than a plain text
    if name.lower() == hdrs.FORWARDED.lower():
        return hdrs.FORWARDED
    said = _SAYS.get(name.lower(), says)
    if said != says:
        cure = f"name the header with {says}, such as {_INSTEAD[says]!r}"
        raise ConfigurationError(battery, f"{option}={value!r}, which says {said}", cure=cure)
    return name
