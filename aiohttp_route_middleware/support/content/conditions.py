"""Conditional requests: whether a request is carried out, refused, or answered with "you have it" (RFC 9110).

Rules kept here: `If-Match` compares strongly, `If-None-Match` weakly (sections 13.1.1 and 13.1.2); dates count only
where there are no tags, and a date that cannot be read is none (sections 13.1.3 and 13.1.4); the order in which
conditions are looked at is that of section 13.2.2; what cannot be read in a list of tags equals no tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from aiohttp import ETag, hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy, istr

from .http_dates import read_date

__all__ = (
    "ANY",
    "Decision",
    "Validators",
    "decide",
    "decide_by",
    "drop_representation",
    "has_conditions",
    "parse_tag",
    "read_tags",
    "refuse",
    "validators_of",
    "write_tag",
)

ANY = "*"
_READS = (hdrs.METH_GET, hdrs.METH_HEAD)
_ETAGC = r"[\x21\x23-\x7e\x80-\U0010ffff]"
_TAG = re.compile(rf'(W/)?"({_ETAGC}*)"')
_LISTED = re.compile(rf'[ \t,]*(W/)?"({_ETAGC}*)"[ \t]*(?=,|$)')
# RFC 9110, sections 8.3 to 8.8 and 14, and RFC 9530: they tell of a body, which a 304 does not have
_OF_THE_BODY = (
    hdrs.ACCEPT_RANGES,
    istr("Content-Digest"),
    hdrs.CONTENT_DISPOSITION,
    hdrs.CONTENT_ENCODING,
    hdrs.CONTENT_LANGUAGE,
    hdrs.CONTENT_LENGTH,
    hdrs.CONTENT_RANGE,
    hdrs.CONTENT_TYPE,
    hdrs.DIGEST,
    istr("Repr-Digest"),
    hdrs.TRAILER,
    hdrs.TRANSFER_ENCODING,
)


class Decision(Enum):
    """What becomes of a request."""

    GO_ON = 200
    NOT_MODIFIED = 304
    FAILED = 412


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


def has_conditions(headers: Mapping[str, str]) -> bool:
    """Whether a request has any condition."""
    return (
        hdrs.IF_NONE_MATCH in headers
        or hdrs.IF_MODIFIED_SINCE in headers
        or hdrs.IF_MATCH in headers
        or hdrs.IF_UNMODIFIED_SINCE in headers
    )


def validators_of(headers: CIMultiDict[str] | CIMultiDictProxy[str]) -> Validators:
    """Read the validators of a response."""
    tag, modified = headers.get(hdrs.ETAG), headers.get(hdrs.LAST_MODIFIED)
    return Validators(None if tag is None else parse_tag(tag), None if modified is None else read_date(modified))


def decide(method: str, headers: CIMultiDictProxy[str], known: Validators) -> Decision:
    """Tell what becomes of a request, by its conditions (RFC 9110, section 13.2.2).

    Args:
        method: of the request.
        headers: of the request.
        known: of the representation that it is about.
    """
    if not _is_as_expected(headers, known):  # steps 1 and 2
        return Decision.FAILED
    reads = method in _READS
    if hdrs.IF_NONE_MATCH in headers:  # step 3
        if not _is_listed(headers, known):
            return Decision.GO_ON
        return Decision.NOT_MODIFIED if reads else Decision.FAILED
    if reads and _is_unmodified_since(hdrs.IF_MODIFIED_SINCE, headers, known):  # step 4
        return Decision.NOT_MODIFIED
    return Decision.GO_ON


def decide_by(method: str, headers: CIMultiDictProxy[str], answered: CIMultiDict[str]) -> Decision:
    """Tell what becomes of a request, by the validators of the response to it.

    Args:
        method: of the request.
        headers: of the request.
        answered: the headers of the response.
    """
    tag = answered.get(hdrs.ETAG)
    if tag is not None and method in _READS and _asks_for(tag, headers):
        return Decision.NOT_MODIFIED
    return decide(method, headers, validators_of(answered))


def _asks_for(tag: str, headers: CIMultiDictProxy[str]) -> bool:
    """Whether a client has what bears a tag, and says nothing else: as mostly, and it takes little to see that."""
    return (
        hdrs.IF_MATCH not in headers
        and hdrs.IF_UNMODIFIED_SINCE not in headers
        and headers.getall(hdrs.IF_NONE_MATCH, None) == [tag]
        and _TAG.fullmatch(tag) is not None
    )


def refuse(headers: CIMultiDictProxy[str], known: Validators) -> web.HTTPPreconditionFailed:
    """Make the answer to a request whose conditions do not hold; it says why, where only weakness is the reason.

    Args:
        headers: of the request.
        known: of the representation that it is about.
    """
    tag = known.tag
    listed = [one for one in read_tags(headers.getall(hdrs.IF_MATCH, [])) if isinstance(one, ETag)]
    if tag is None or not any(one.value == tag.value for one in listed):
        return web.HTTPPreconditionFailed()
    whose = "of this representation" if tag.is_weak else "that was sent"
    text = f"If-Match compares strongly (RFC 9110, section 13.1.1), and the entity tag {whose} is weak."
    return web.HTTPPreconditionFailed(text=text)


def drop_representation(headers: CIMultiDict[str]) -> None:
    """Take the fields away that a 304 does not have, in place (RFC 9110, section 15.4.5).

    What it must have stays: `Cache-Control`, `Content-Location`, `Date`, `ETag`, `Expires`, `Vary`; so does what tells
    nothing of the body: `Set-Cookie`, what browsers are told. `Last-Modified` stays where there is no tag.
    """
    for name in _OF_THE_BODY:
        if name in headers:
            headers.popall(name)
    if hdrs.ETAG in headers:
        headers.popall(hdrs.LAST_MODIFIED, None)


def _is_as_expected(headers: CIMultiDictProxy[str], known: Validators) -> bool:
    if hdrs.IF_MATCH not in headers:
        return hdrs.IF_UNMODIFIED_SINCE not in headers or _is_unmodified_since(
            hdrs.IF_UNMODIFIED_SINCE, headers, known, otherwise=True
        )
    tags = read_tags(headers.getall(hdrs.IF_MATCH))
    if tags == ANY:
        return known.exists
    tag = known.tag
    # RFC 9110, section 8.8.3.2: strong comparison, neither of them is weak
    return tag is not None and not tag.is_weak and any(one == tag for one in tags)


def _is_listed(headers: CIMultiDictProxy[str], known: Validators) -> bool:
    tags = read_tags(headers.getall(hdrs.IF_NONE_MATCH))
    if isinstance(tags, str):
        return known.exists
    return known.tag is not None and any(one.value == known.tag.value for one in tags)


def _is_unmodified_since(
    name: str, headers: CIMultiDictProxy[str], known: Validators, *, otherwise: bool = False
) -> bool:
    dates = headers.getall(name, ())
    since = read_date(dates[0]) if len(dates) == 1 else None  # section 13.1.3: more than one is none
    if since is None or known.modified is None:
        return otherwise
    return known.modified <= since
