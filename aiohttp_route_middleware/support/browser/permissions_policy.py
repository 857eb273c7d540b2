"""Permissions Policies, checked and written: which features of a browser a page and its frames may use.

Rules kept here: the header is a dictionary of structured fields (Permissions Policy, section 5.2; RFC 9651). A browser
that cannot read one member passes over all of them, and of a feature that is named twice it takes the last: neither is
written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from ...errors import ConfigurationError
from ...syntax import quote

__all__ = ("DEFAULT_PERMISSIONS", "Permissions", "write_permissions")

Permissions: TypeAlias = str | Mapping[str, str | Sequence[str]]

_FORBIDDEN = (
    *("accelerometer", "autoplay", "camera", "cross-origin-isolated", "display-capture", "encrypted-media"),
    *("fullscreen", "geolocation", "gyroscope", "keyboard-map", "magnetometer", "microphone", "midi", "payment"),
    *("picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "usb", "web-share"),
    *("xr-spatial-tracking", "clipboard-read", "clipboard-write", "gamepad", "hid", "idle-detection"),
    *("interest-cohort", "serial", "unload"),
)
DEFAULT_PERMISSIONS: Mapping[str, Sequence[str]] = MappingProxyType(
    dict.fromkeys(_FORBIDDEN, ()) | {"sync-xhr": ("self",)}
)
"""What the OWASP Secure Headers Project proposes."""

_FEATURE = r"[a-z*][a-z0-9_.*-]*"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|(?:\*\.)?[A-Za-z0-9._-]+)"
_ORIGIN = rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{_HOST}(?::(?:[0-9]+|\*))?)?"  # or a scheme alone
_STRING = r'"[ !#-\[\]-~]+"'
_ALLOWED = rf'(?:\*|self|"{_ORIGIN}")'
_MEMBER = re.compile(
    rf"({_FEATURE})=(?:{_ALLOWED}|\( *(?:{_ALLOWED}(?: +{_ALLOWED})*)? *\))"
    rf"(?:; *report-to=(?:{_STRING}|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*))?"  # a token (RFC 9651, section 3.3.4)
)
_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*\Z)')  # between members: as many quotes follow as close
_CURE = """write {"camera": [], "geolocation": ["self", "https://example.com"]}, or camera=(), ..."""


def write_permissions(battery: str, option: str, policy: object) -> str:
    """Check a policy and write it out.

    Args:
        battery: whose option it is.
        option: its name, for the error message.
        policy: as it is sent, or features with who may use them.

    Raises:
        ConfigurationError: a browser would not take it as it is meant.
    """
    if isinstance(policy, Mapping):
        members = [f"{feature}={_write_allowed(battery, option, allowed)}" for feature, allowed in policy.items()]
    elif isinstance(policy, str):
        members = [member.strip(" \t") for member in _COMMA.split(policy)]  # RFC 9651, section 3.2: OWS
    else:
        problem = f"{option} is {type(policy).__qualname__}"
        raise ConfigurationError(battery, problem, cure="pass a text, or a mapping of features")
    if not members:
        raise ConfigurationError(battery, f"{option} is empty", cure="write a feature, or None to send no policy")
    _check_members(battery, option, members)
    return ", ".join(members)


def _write_allowed(battery: str, option: str, allowed: object) -> str:
    if allowed == "*":
        return "*"
    if isinstance(allowed, str) or not isinstance(allowed, Sequence):
        cure = 'write "*" for all, or a list of "self" and origins'
        raise ConfigurationError(battery, f"{option} has {allowed!r}", cure=cure)
    return f"({' '.join(one if one in ('self', '*') else quote(str(one)) for one in allowed)})"


def _check_members(battery: str, option: str, members: Iterable[str]) -> None:
    seen: set[str] = set()
    for member in members:
        found = _MEMBER.fullmatch(member)
        if not found:
            raise ConfigurationError(battery, f"{option} has {member!r}", cure=_CURE)
        if found[1] in seen:
            problem = f"{option} has {found[1]} twice, and browsers take the last alone"  # RFC 9651, section 3.2
            raise ConfigurationError(battery, problem, cure="list all who may use it in one")
        seen.add(found[1])
