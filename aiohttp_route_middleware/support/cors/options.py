"""The options of a CORS policy, checked and compiled (Fetch, "CORS protocol").

Rules kept here: a star stands alone; with credentials it would be no star but a name, and is refused (Fetch, "CORS
protocol and credentials").
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TypeAlias

from aiohttp import hdrs
from multidict import istr

from ...errors import ConfigurationError
from ...option_checks import check_count, check_flags, check_list
from ...syntax import is_token
from .allowed_origins import ANY, AllowedOrigins
from .origin_patterns import read_origin_pattern
from .policy import CorsPolicy

__all__ = ("REQUEST_PRIVATE_NETWORK", "compile_cors_policy")

REQUEST_PRIVATE_NETWORK = istr("Access-Control-Request-Private-Network")

_Texts: TypeAlias = str | Collection[str]
_Fields: TypeAlias = tuple[tuple[str, str], ...]

# What a page may send anyway, as long as its values are simple (Fetch, "CORS-safelisted request-header").
_SAFELISTED = frozenset({"accept", "accept-language", "content-language", "content-type"})


def compile_cors_policy(
    battery: str,
    *,
    origins: _Texts,
    methods: _Texts,
    headers: _Texts,
    credentials: bool,
    expose: _Texts,
    max_age: int | None,
    origin_regex: str | re.Pattern[str] | None,
    private_network: bool,
) -> CorsPolicy:
    """Read the options of `cors()`.

    Raises:
        ConfigurationError: one is not as the battery says; `battery` is named.
    """
    pattern = None if origin_regex is None else read_origin_pattern(battery, "origin_regex", origin_regex)
    allowed = AllowedOrigins(battery, _list(battery, "origins", origins, example="https://example.com"), pattern)
    exposed = _read_names(battery, "expose", expose, example="X-Total")
    check_flags(battery, credentials=credentials, private_network=private_network)
    if credentials:
        _check_stars(battery, allowed, exposed)
    sent_along = ((hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),) if credentials else ()
    return CorsPolicy(
        origins=allowed,
        methods=_read_methods(battery, methods),
        headers=_read_headers(battery, headers),
        always=sent_along + _write_exposed(exposed),
        beforehand=sent_along + _write_max_age(battery, max_age),
        private_network=private_network,
        vary=_write_vary(private_network),
    )


def _list(battery: str, option: str, value: object, *, example: str) -> tuple[object, ...]:
    return (value,) if isinstance(value, str) else check_list(battery, option, value, example=example)


def _read_names(battery: str, option: str, value: object, *, example: str) -> frozenset[str] | None:
    """Return what is listed, `None` for all."""
    listed = _list(battery, option, value, example=example)
    if listed == (ANY,):
        return None
    for one in listed:
        if not isinstance(one, str) or one == ANY or not is_token(one):
            cure = f'list the names, as in {option}=["…", "…"], or write "*" alone'
            raise ConfigurationError(battery, f"{option} has {one!r}", cure=cure)
    return frozenset(map(str, listed))


def _read_methods(battery: str, value: object) -> frozenset[str] | None:
    methods = _read_names(battery, "methods", value, example="GET")
    if methods is not None and not methods:
        raise ConfigurationError(battery, "there are no methods", cure="list some, or leave methods= out for all")
    return methods and frozenset(map(str.upper, methods))  # as aiohttp writes those of routes


def _read_headers(battery: str, value: object) -> frozenset[str] | None:
    names = _read_names(battery, "headers", value, example="X-Token")
    return None if names is None else _SAFELISTED.union(map(str.lower, names))


def _check_stars(battery: str, origins: AllowedOrigins, exposed: frozenset[str] | None) -> None:
    if origins.is_any:
        raise ConfigurationError(battery, "origins='*' with credentials", cure="list the origins that are trusted")
    if exposed is None:
        raise ConfigurationError(battery, "expose='*' with credentials", cure="list the names of the headers")


def _write_exposed(names: frozenset[str] | None) -> _Fields:
    value = ANY if names is None else ", ".join(sorted(names))
    return ((hdrs.ACCESS_CONTROL_EXPOSE_HEADERS, value),) if value else ()


def _write_max_age(battery: str, seconds: object) -> _Fields:
    if seconds is None:
        return ()
    checked = check_count(battery, "max_age", seconds, unit="seconds", at_least=0)
    return ((hdrs.ACCESS_CONTROL_MAX_AGE, str(checked)),)


def _write_vary(private_network: bool) -> str:
    read = [hdrs.ORIGIN, hdrs.ACCESS_CONTROL_REQUEST_METHOD, hdrs.ACCESS_CONTROL_REQUEST_HEADERS]
    return ", ".join([*read, REQUEST_PRIVATE_NETWORK] if private_network else read)
