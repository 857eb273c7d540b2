"""Content Security Policies, checked and written; and the option that they have replaced, X-Frame-Options.

Rules kept here: what a browser would pass over in silence is refused when the policy is written; a nonce is drawn anew
for each request, and every policy of that request bears the same one.
"""

from __future__ import annotations

import difflib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from aiohttp import web

from ..errors import ConfigurationError

__all__ = (
    "CSP_NONCE",
    "DEFAULT_POLICY",
    "NONCE",
    "Policy",
    "PolicyWriter",
    "check_frame_options",
    "check_word",
    "compile_policy",
    "draw_nonce",
)

Policy: TypeAlias = str | Mapping[str, str | Sequence[str] | bool]
PolicyWriter: TypeAlias = Callable[[str], str]  # from the nonce to the policy

CSP_NONCE = web.RequestKey("CSP_NONCE", str)
"""The nonce of this request, for `<script nonce="...">`; it needs no escaping in HTML."""

NONCE = "'nonce-{nonce}'"
"""Stands in a policy for the nonce of each request."""

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
)
_VALUES = ("report-to", "report-uri", "require-trusted-types-for", "webrtc")
_OPTIONAL_VALUES = ("sandbox", "trusted-types")
_VALUELESS = ("block-all-mixed-content", "upgrade-insecure-requests")
_DIRECTIVES = (*_SOURCES, *_VALUES, *_OPTIONAL_VALUES, *_VALUELESS)
_KEYWORDS = (
    *("none", "self", "report-sample", "strict-dynamic", "trusted-types-eval", "unsafe-eval", "unsafe-hashes"),
    *("unsafe-inline", "wasm-unsafe-eval"),
)
_VALUE = re.compile(r"[!-+\--:<-~]+")  # printable ASCII without `;` and `,` (CSP Level 3, section 2.3)


def compile_policy(policy: Policy, option: str, battery: str) -> str | PolicyWriter:
    """Check a policy and write it out: as text, or as a function of the nonce if it has one.

    Args:
        policy: as it is sent, or directives with their values.
        option: its name, for the error message.
        battery: whose option it is.

    Raises:
        ConfigurationError: a browser would not take it as it is meant.
    """
    refuse = _Refusal(option, battery)
    directives = dict(_read(policy, refuse))
    if not directives:
        raise refuse("is empty", "write a directive, or None to send no policy")
    for name, values in directives.items():
        _check_values(name, values, refuse)
    text = "; ".join(" ".join((name, *values)) for name, values in directives.items())
    before, *after = text.split(NONCE)
    return _write_with_nonce((before, *after)) if after else text


def draw_nonce(request: MutableMapping[Any, Any]) -> str:
    """Return the nonce of a request, which is drawn when it is first asked for."""
    nonce: str | None = request.get(CSP_NONCE)
    if nonce is None:
        # at least 128 bits, by a secure generator (CSP Level 3, section 7.1); 144 of them need no padding in base64
        nonce = request[CSP_NONCE] = secrets.token_urlsafe(18)
    return nonce


def check_frame_options(value: object, option: str, battery: str) -> str:
    """Return `DENY` or `SAMEORIGIN`; what else was once defined is ignored by browsers (HTML, X-Frame-Options)."""
    if isinstance(value, str) and value.upper().startswith("ALLOW-FROM"):
        raise ConfigurationError(
            battery,
            f"{option}={value!r}: browsers ignore ALLOW-FROM",
            cure='name the origins in a Content-Security-Policy: {"frame-ancestors": ["https://example.com"]}',
        )
    return check_word(value.upper() if isinstance(value, str) else value, ("DENY", "SAMEORIGIN"), option, battery)


def check_word(value: object, words: Sequence[str], option: str, battery: str) -> str:
    """Return the word that an option was given, if it is one of those."""
    if isinstance(value, str) and value in words:
        return value
    raise ConfigurationError(battery, f"{option}={value!r}", cure=_suggest(value, words))


class _Refusal:
    """Makes the errors of one policy."""

    def __init__(self, option: str, battery: str) -> None:
        self._option = option
        self._battery = battery

    def __call__(self, problem: str, cure: str) -> ConfigurationError:
        return ConfigurationError(self._battery, f"{self._option} {problem}", cure=cure)


def _suggest(value: object, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(value), words, n=1)
    return f"write {close[0]!r}" if close else f"write one of {', '.join(words)}"


def _read(policy: object, refuse: _Refusal) -> Iterator[tuple[str, tuple[str, ...]]]:
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


def _list_directives(policy: object, refuse: _Refusal) -> Iterator[tuple[object, object]]:
    if isinstance(policy, Mapping):
        yield from policy.items()
    elif isinstance(policy, str):
        for directive in policy.split(";"):
            name, *values = _split(directive)
            if name:
                yield name, values
    else:
        raise refuse(f"is {type(policy).__qualname__}", "pass a text, or a mapping of directives")


def _check_name(name: object, refuse: _Refusal) -> str:
    lower = name.lower() if isinstance(name, str) else ""  # names are case-insensitive
    if lower not in _DIRECTIVES:
        raise refuse(f"has {name!r}, which is no directive of CSP Level 3", _suggest(lower, _DIRECTIVES))
    return lower


def _read_values(name: str, value: object, refuse: _Refusal) -> tuple[str, ...] | None:
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


def _check_values(name: str, values: tuple[str, ...], refuse: _Refusal) -> None:
    if values and name in _VALUELESS:
        raise refuse(f"has {name} with values", f'write "{name}": True')
    if not values and name not in (*_VALUELESS, *_OPTIONAL_VALUES):
        cure = """"'none'", if nothing is to be allowed""" if name in _SOURCES else "its value"
        raise refuse(f"has {name} without a value", f"write {cure}")
    if name in _SOURCES:
        for source in values:
            _check_source(name, source, values, refuse)


def _check_source(name: str, source: str, values: tuple[str, ...], refuse: _Refusal) -> None:
    lower = source.lower()
    if lower in _KEYWORDS:
        raise refuse(f"has {name} with {source}, which is a host without quotes", f"""write "'{lower}'\"""")
    if lower == "'none'" and len(values) > 1:
        raise refuse(f"has {name} with 'none' beside others, and browsers ignore it", "leave 'none' out, or alone")
    if lower.startswith("'nonce-") and source != NONCE:
        # "unique value each time it transmits a policy" (CSP Level 3, section 7.1)
        raise refuse(f"has {name} with a nonce that never changes", f'write NONCE, or "{NONCE}"')


def _write_with_nonce(parts: Sequence[str]) -> PolicyWriter:
    def write(nonce: str) -> str:
        return f"'nonce-{nonce}'".join(parts)

    return write
