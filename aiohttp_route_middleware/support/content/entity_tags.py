"""Entity tags: read, written, weakened, and known beside dates (RFC 9110, section 8.8).

Rules kept here: what cannot be read is no tag; of a list, what follows garbage is passed over as well.
"""

from __future__ import annotations

import re

from aiohttp import ETag, hdrs
from multidict import MultiMapping

from .http_dates import read_date

__all__ = ("ANY", "Validators", "parse_tag", "read_tags", "validators_of", "weaken_tag", "write_tag")

ANY = "*"
_ETAGC = r"[\x21\x23-\x7e\x80-\U0010ffff]"
_TAG = re.compile(rf'(W/)?"({_ETAGC}*)"')
_LISTED = re.compile(rf'[ \t,]*(W/)?"({_ETAGC}*)"[ \t]*(?=,|$)')


class Validators:
    """What is known of a representation, to compare conditions with.

    Args:
        tag: its entity tag, or `None`.
        modified: seconds since 1970, or `None`.
        exists: whether there is one at all.
    """

    __slots__ = ("exists", "modified", "tag")

    def __init__(self, tag: ETag | None = None, modified: int | None = None, *, exists: bool = True) -> None:
        self.tag: ETag | None = tag
        self.modified: int | None = modified
        self.exists: bool = exists


def validators_of(headers: MultiMapping[str]) -> Validators:
    """Read the validators of a response."""
    tag, modified = headers.get(hdrs.ETAG), headers.get(hdrs.LAST_MODIFIED)
    return Validators(None if tag is None else parse_tag(tag), None if modified is None else read_date(modified))


def parse_tag(text: str) -> ETag | None:
    """Read one entity tag; `None` for what is none (RFC 9110, section 8.8.3)."""
    found = _TAG.fullmatch(text.strip(" \t"))
    return ETag(value=found[2], is_weak=found[1] is not None) if found else None


def write_tag(tag: ETag) -> str:
    """Write an entity tag as the value of a field."""
    return f'W/"{tag.value}"' if tag.is_weak else f'"{tag.value}"'


def read_tags(fields: list[str]) -> tuple[ETag, ...] | str:
    """Return the tags of a list, or `ANY`; what is no tag is passed over, with all that follows it.

    Args:
        fields: the values of all fields of one name. A tag may hold commas.
    """
    text = ",".join(fields)
    if text.strip(" \t") == ANY:
        return ANY
    tags: list[ETag] = []
    found = _LISTED.match(text)
    while found is not None:
        tags.append(ETag(value=found[2], is_weak=found[1] is not None))
        found = _LISTED.match(text, found.end())
    return tuple(tags)


def weaken_tag(tag: str) -> str:
    """Make a strong entity tag weak: what is coded differs byte by byte, and means the same (RFC 9110, section 8.8.1).

    What is weak already, or is no entity tag, stays as it is.
    """
    return f"W/{tag}" if tag.startswith('"') else tag
