"""Content Security Policies, checked and written; and the nonces that they name.

Rules kept here: what a browser would pass over in silence is refused when the policy is written; a nonce is drawn anew
for each request, and every policy of that request bears the same one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

from aiohttp import web

from ...errors import ConfigurationError
from ...keys import note_key
from ...option_checks import suggest
from .csp_sources import NONCE, find_mistake

__all__ = (
    "CSP_NONCE",
    "DEFAULT_POLICY",
    "NONCE",
    "ContentPolicy",
    "WriteWithNonce",
    "draw_nonce",
    "write_content_policy",
)

ContentPolicy: TypeAlias = str | Mapping[str, str | Sequence[str] | bool]
WriteWithNonce: TypeAlias = Callable[[str], str]  # from the nonce to the policy
_Refuse: TypeAlias = Callable[[str, str], ConfigurationError]  # of the problem and the cure

CSP_NONCE = web.RequestKey("CSP_NONCE", str)
"""The nonce of this request, for `<script nonce="...">`; it needs no escaping in HTML."""
note_key(
    CSP_NONCE,
    "middlewares.secure_headers.CSP_NONCE",
    set_by="secure_headers() with NONCE in its content_security_policy",
)

DEFAULT_POLICY: Mapping[str, Sequence[str] | bool] = MappingProxyType(
    {
        "default-src": ("'self'",),
        "form-action": ("'self'",),
        "base-uri": ("'self'",),
        "object-src": ("'none'",),
        "frame-ancestors": ("'none'",),
        "upgrade-insecure-requests": True,
    }
)
"""What the OWASP Secure Headers Project proposes."""

# CSP Level 3, section 6; the value is a list of sources
_SOURCES = (
    *("base-uri", "child-src", "connect-src", "default-src", "font-src", "form-action", "frame-ancestors"),
    *("frame-src", "img-src", "manifest-src", "media-src", "object-src", "script-src", "script-src-attr"),
    *("script-src-elem", "style-src", "style-src-attr", "style-src-elem", "worker-src"),
    "fenced-frame-src",  # of Chromium
)
_WORDS = ("require-trusted-types-for", "trusted-types", "webrtc")
_VALUES = ("report-to", "report-uri", "sandbox")
_VALUELESS = ("block-all-mixed-content", "upgrade-insecure-requests")
_MAY_BE_EMPTY = ("sandbox", "trusted-types", *_VALUELESS)
_DIRECTIVES = (*_SOURCES, *_WORDS, *_VALUES, *_VALUELESS)
_VALUE = re.compile(r"[!-+\--:<-~]+")  # printable ASCII without `;` and `,` (CSP Level 3, section 2.3)


def write_content_policy(battery: str, option: str, policy: ContentPolicy) -> str | WriteWithNonce:
    """Check a policy and write it out: as text, or as a function of the nonce if it has one.

    Args:
        battery: whose option it is.
        option: its name, for the error message.
        policy: as it is sent, or directives with their values.

    Raises:
        ConfigurationError: a browser would not take it as it is meant.
    """
    refuse = partial(_refuse, battery, option)
    directives = dict(_read(policy, refuse))
    if not directives:
        raise refuse("is empty", "write a directive, or None to send no policy")
    for name, values in directives.items():
        _check_values(name, values, refuse)
    text = "; ".join(" ".join((name, *values)) for name, values in directives.items())
    parts = text.split(NONCE)
    return text if len(parts) == 1 else lambda nonce: f"'nonce-{nonce}'".join(parts)


def draw_nonce(request: MutableMapping[Any, Any]) -> str:
    """Return the nonce of a request, which is drawn when it is first asked for."""
    # to miss a key costs an exception, so that is not asked of a request on which nothing was set
    if len(request) == 0 or CSP_NONCE not in request:
        # at least 128 bits, by a secure generator (CSP Level 3, section 7.1)
        request[CSP_NONCE] = secrets.token_hex(16)
    nonce: str = request[CSP_NONCE]
    return nonce


def _refuse(battery: str, option: str, problem: str, cure: str) -> ConfigurationError:
    return ConfigurationError(battery, f"{option} {problem}", cure=cure)


def _read(policy: object, refuse: _Refuse) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each directive with its values; none comes twice."""
    seen: set[str] = set()
    for written, value in _list_directives(policy, refuse):
        name = _check_name(written, refuse)
        if name in seen:
            # the first one holds (CSP Level 3, section 2.2.1)
            raise refuse(f"has {name} twice, and browsers pass over the second", "write all of its values in one")
        seen.add(name)
        values = _read_values(name, value, refuse)
        if values is not None:
            yield name, values


def _list_directives(policy: object, refuse: _Refuse) -> Iterator[tuple[object, object]]:
    if isinstance(policy, Mapping):
        yield from policy.items()
    elif isinstance(policy, str):
        for directive in policy.split(";"):
            name, *values = _split(directive)
            if name:
                yield name, values
    else:
        raise refuse(f"is {type(policy).__qualname__}", "pass a text, or a mapping of directives")


def _check_name(name: object, refuse: _Refuse) -> str:
    lower = name.lower() if isinstance(name, str) else ""  # names are case-insensitive
    if lower not in _DIRECTIVES:
        raise refuse(f"has {name!r}, which is no directive of CSP Level 3", suggest(lower, _DIRECTIVES))
    return lower


def _read_values(name: str, value: object, refuse: _Refuse) -> tuple[str, ...] | None:
    """Return the values of a directive; `None` if it is switched off."""
    if isinstance(value, bool):
        return () if value else None
    values = _split(value) if isinstance(value, str) else value
    if not isinstance(values, Sequence):
        raise refuse(f"has {name}={value!r}", "pass a list of texts, or True for a directive without values")
    for one in values:
        if not isinstance(one, str) or (one and not _VALUE.fullmatch(one)):
            # `;` would begin a directive, `,` a policy, and a line break a header
            raise refuse(f"has {name} with {one!r}", "write printable ASCII without ; and , (in a URL as %3B and %2C)")
    return tuple(filter(None, values))


def _split(text: str) -> list[str]:
    return re.split("[ \t]+", text.strip(" \t"))  # a line break is no separator here: it shall be found, and refused


def _check_values(name: str, values: tuple[str, ...], refuse: _Refuse) -> None:
    if values and name in _VALUELESS:
        raise refuse(f"has {name} with values", f'write "{name}": True')
    if not values and name not in _MAY_BE_EMPTY:
        cure = """"'none'", if nothing is to be allowed""" if name in _SOURCES else "its value"
        raise refuse(f"has {name} without a value", f"write {cure}")
    if name not in (*_SOURCES, *_WORDS):
        return
    if len(values) > 1 and "'none'" in map(str.lower, values):
        raise refuse(f"has {name} with 'none' beside others, and browsers ignore it", "leave 'none' out, or alone")
    for mistake in filter(None, (find_mistake(name, value) for value in values)):
        raise refuse(f"has {name} with {mistake.problem}", mistake.cure)
