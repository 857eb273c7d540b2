"""Conditional requests: whether a request is carried out, refused, or answered with "you have it" (RFC 9110).

Rules kept here: `If-Match` compares strongly, `If-None-Match` weakly (sections 13.1.1 and 13.1.2); dates count only
where there are no tags, and a date that cannot be read is none (sections 13.1.3 and 13.1.4); the order in which
conditions are looked at is that of section 13.2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from aiohttp import ETag, hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from ...syntax import READ_METHODS
from .entity_tags import ANY, Validators, parse_tag, read_tags, validators_of
from .field_groups import CONTENT, FRAMING
from .http_dates import read_date

__all__ = ("Decision", "decide", "decide_by", "drop_representation", "has_conditions", "refuse")

# RFC 9110, sections 8.3 to 8.8 and 14: they tell of a body, which a 304 does not have
_OF_THE_BODY = (*CONTENT, *FRAMING, hdrs.ACCEPT_RANGES, hdrs.CONTENT_ENCODING, hdrs.CONTENT_TYPE)


class Decision(Enum):
    """What becomes of a request."""

    GO_ON = 200
    NOT_MODIFIED = 304
    FAILED = 412


def has_conditions(headers: Mapping[str, str]) -> bool:
    """Whether a request has any condition."""
    return (
        hdrs.IF_NONE_MATCH in headers
        or hdrs.IF_MODIFIED_SINCE in headers
        or hdrs.IF_MATCH in headers
        or hdrs.IF_UNMODIFIED_SINCE in headers
    )


def decide(method: str, headers: CIMultiDictProxy[str], known: Validators) -> Decision:
    """Tell what becomes of a request, by its conditions (RFC 9110, section 13.2.2).

    Args:
        method: of the request.
        headers: of the request.
        known: of the representation that it is about.
    """
    if not _is_as_expected(headers, known):  # steps 1 and 2
        return Decision.FAILED
    reads = method in READ_METHODS
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
    if tag is not None and method in READ_METHODS and _asks_for(tag, headers):
        return Decision.NOT_MODIFIED
    return decide(method, headers, validators_of(answered))


def _asks_for(tag: str, headers: CIMultiDictProxy[str]) -> bool:
    """Whether a client has what bears a tag, and says nothing else: as mostly, and it takes little to see that."""
    return (
        hdrs.IF_MATCH not in headers
        and hdrs.IF_UNMODIFIED_SINCE not in headers
        and headers.getall(hdrs.IF_NONE_MATCH, None) == [tag]
        and parse_tag(tag) is not None
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
