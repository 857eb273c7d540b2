"""Which types of content are worth compressing.

Rules kept here: what is not known to shrink is left alone, so a type that is missing, malformed or unknown is not
compressed; nor are images, audio, video, archives and fonts that are compressed already. An event stream is, only if
it is listed by its name: proxies and clients in between tend to collect what is compressed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from ...option_checks import refuse_option

__all__ = ("COMPRESSIBLE_TYPES", "Types", "compile_types")

Types: TypeAlias = "Collection[str] | Callable[[str], bool]"

COMPRESSIBLE_TYPES: tuple[str, ...] = (
    "text/*",
    "*+json",
    "*+xml",  # image/svg+xml among them
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-javascript",
    "application/x-ndjson",
    "application/xml",
    "application/yaml",
    "font/otf",
    "font/ttf",
)
_EVENT_STREAM = "text/event-stream"
_NAME = r"[!#$&^_.+a-z0-9-]+"  # restricted-name (RFC 6838, section 4.2), of any length
_PATTERN = re.compile(rf"{_NAME}/(?:\*|{_NAME})|\*\+{_NAME}")
_TYPE = re.compile(rf"[ \t]*({_NAME}/{_NAME})[ \t]*(?:;.*)?", re.IGNORECASE | re.DOTALL)


def compile_types(battery: str, types: Types) -> Callable[[str], bool]:
    """Return what tells of the value of a `Content-Type` whether it is one of these types.

    Args:
        battery: its name, as in errors.
        types: `type/subtype`, `type/*` or `*+suffix`, in lower case; or a function of the type without parameters,
            in lower case.

    Raises:
        ConfigurationError: an entry is none of these.
    """
    is_listed = types if callable(types) else _match_listed(_check_types(battery, types))

    @functools.lru_cache(maxsize=256)
    def is_compressible(field: str) -> bool:
        found = _TYPE.fullmatch(field)
        return found is not None and is_listed(found[1].lower()) is True

    return is_compressible


def _check_types(battery: str, types: Any) -> frozenset[str]:
    if isinstance(types, str) or not isinstance(types, Collection):
        raise refuse_option(battery, "types", types, f"pass a list: types=[{types!r}], or a function")
    for one in types:
        if not isinstance(one, str) or not _PATTERN.fullmatch(one):
            raise refuse_option(battery, "types", one, 'write "text/html", "text/*" or "*+json", in lower case')
    return frozenset(types)


def _match_listed(listed: frozenset[str]) -> Callable[[str], bool]:
    def is_listed(media_type: str) -> bool:
        main = media_type.partition("/")[0]
        _, plus, suffix = media_type.rpartition("+")
        if media_type in listed:
            return True
        return media_type != _EVENT_STREAM and (f"{main}/*" in listed or (bool(plus) and f"*+{suffix}" in listed))

    return is_listed
