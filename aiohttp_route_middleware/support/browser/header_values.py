"""The headers that make browsers careful, written from options; what browsers would pass over is refused.

Each option is named as its header, in lower case and with underscores.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TypeAlias

from multidict import istr

from ...errors import ConfigurationError
from ...option_checks import check_choice, refuse_option
from .csp import ContentPolicy, WriteWithNonce, write_content_policy
from .permissions_policy import write_permissions

__all__ = ("Fields", "Writers", "check_frame_options", "write_fields", "write_policies")

Fields: TypeAlias = tuple[tuple[istr, str], ...]
Writers: TypeAlias = tuple[tuple[istr, WriteWithNonce], ...]
Check: TypeAlias = Callable[[str, str, object], str]  # of the battery, the option, and its value

_REFERRER = (
    *("no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin"),
    *("strict-origin", "strict-origin-when-cross-origin", "unsafe-url"),
)
_EMBEDDER = ("require-corp", "credentialless", "unsafe-none")
_OPENER = ("same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none")
_RESOURCE = ("same-origin", "same-site", "cross-origin")
_CROSS_DOMAIN = ("none", "none-this-response", "master-only", "by-content-type", "by-ftp-filename", "all")
_REPORT_TO = re.compile(r' *report-to="[ !#-\[\]-~]+"')
_MAX_AGE = re.compile(r'max-age=(\d+|"\d+")', re.ASCII)


def write_policies(battery: str, **options: ContentPolicy | None) -> tuple[Fields, Writers]:
    """Check content policies, of those that are not `None`; tell those with a nonce from the others.

    Raises:
        ConfigurationError: browsers would not take one as it is meant.
    """
    fields: Fields = ()
    writers: Writers = ()
    for option, policy in options.items():
        written = None if policy is None else write_content_policy(battery, option, policy)
        if isinstance(written, str):
            fields += ((_name_header(option), written),)
        elif written is not None:
            writers += ((_name_header(option), written),)
    return fields, writers


def write_fields(battery: str, **options: object) -> Fields:
    """Check the values of other headers, of those that are not `None`, and pair each with its name.

    Raises:
        ConfigurationError: browsers would not take one as it is meant.
    """
    return tuple(
        (_name_header(option), _CHECKS[option](battery, option, value))
        for option, value in options.items()
        if value is not None
    )


def check_frame_options(battery: str, option: str, value: object) -> str:
    """Return `DENY` or `SAMEORIGIN`; what else was once defined is ignored by browsers (HTML, X-Frame-Options)."""
    upper = value.upper() if isinstance(value, str) else value
    if isinstance(upper, str) and upper.startswith("ALLOW-FROM"):
        raise ConfigurationError(
            battery,
            f"{option}={value!r}: browsers ignore ALLOW-FROM",
            cure='name the origins in a Content-Security-Policy: {"frame-ancestors": ["https://example.com"]}',
        )
    return check_choice(battery, option, upper, ("DENY", "SAMEORIGIN"))


def _name_header(option: str) -> istr:
    return istr(option.replace("_", "-").title().replace("-Dns-", "-DNS-"))


def _check_transport(battery: str, option: str, value: object) -> str:
    """Return a policy that RFC 6797, section 6.1, allows: each directive once, `max-age` among them."""
    directives = [one.strip(" \t").lower() for one in value.split(";")] if isinstance(value, str) else []
    ages = [one for one in directives if _MAX_AGE.fullmatch(one)]
    others = [one for one in directives if one and one not in ages]
    if len(ages) != 1 or len(set(others)) != len(others) or not set(others) <= {"includesubdomains", "preload"}:
        raise refuse_option(battery, option, value, "write 'max-age=SECONDS', with '; includeSubDomains' if you like")
    return str(value)


def _check_referrer(battery: str, option: str, value: object) -> str:
    for word in value.split(",") if isinstance(value, str) else (value,):
        check_choice(battery, option, word.strip(" \t") if isinstance(word, str) else word, _REFERRER)
    return str(value)


def _check_reported(battery: str, option: str, value: object, *, words: Collection[str]) -> str:
    """Return a word that may be followed by where to report to (HTML, cross-origin opener and embedder policies)."""
    word, found, report = value.partition(";") if isinstance(value, str) else (value, "", "")
    check_choice(battery, option, word, words)
    if found and not _REPORT_TO.fullmatch(report):
        raise refuse_option(battery, option, value, f"write '{word}; report-to=\"name\"'")
    return str(value)


_CHECKS: Mapping[str, Check] = {
    "cross_origin_embedder_policy": partial(_check_reported, words=_EMBEDDER),
    "cross_origin_opener_policy": partial(_check_reported, words=_OPENER),
    "cross_origin_resource_policy": partial(check_choice, choices=_RESOURCE),
    "permissions_policy": write_permissions,
    "referrer_policy": _check_referrer,
    "strict_transport_security": _check_transport,
    "x_content_type_options": partial(check_choice, choices=("nosniff",)),
    "x_dns_prefetch_control": partial(check_choice, choices=("on", "off")),
    "x_frame_options": check_frame_options,
    "x_permitted_cross_domain_policies": partial(check_choice, choices=_CROSS_DOMAIN),
}
