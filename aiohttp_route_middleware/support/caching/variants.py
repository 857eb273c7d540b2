"""What tells the responses to one URL apart (RFC 9111, section 4.1).

Rules kept here: the names in `Vary` count, those too that links around the cache have added; what such a link has
chosen counts by itself. Of those names, two do not: what `compress()` and `cors()` add around a cache they add to each
response anew, and nothing further in depends on it.
"""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy, MultiMapping

from ..content.languages import LANGUAGE
from ..request_keys import read_key
from .freshness import list_vary

__all__ = ("Asked", "asked_by", "list_added", "vary_of")

_ADDED_ANEW = frozenset(("accept-encoding", "origin"))


class Asked(NamedTuple):
    """What a request is told apart from others by.

    Args:
        headers: its fields.
        chosen: the language that a link around has chosen for it; `""` if none has.
    """

    headers: CIMultiDictProxy[str]
    chosen: str = ""

    def read(self, names: frozenset[str]) -> tuple[str, list[tuple[str, list[str]]]]:
        """Return what was chosen, and the values of the fields of these names."""
        found = [(name, [value.strip(" \t") for value in self.headers.getall(name, ())]) for name in sorted(names)]
        return self.chosen, found


def asked_by(request: web.Request) -> Asked:
    """Return what a request is told apart by, as links around have left it; to be called before the handler runs."""
    return Asked(request.headers, read_key(request, LANGUAGE, ""))


def vary_of(headers: MultiMapping[str]) -> frozenset[str]:
    """Return the request fields that a response varies with, in lower case.

    What is encoded varies with `Accept-Encoding`, though it may not say so: others could not read it.
    """
    names = list_vary(headers)
    return names | {"accept-encoding"} if hdrs.CONTENT_ENCODING in headers else names


def list_added(asked: Asked, own: frozenset[str], sent: MultiMapping[str]) -> frozenset[str]:
    """Return the names that links around have added to `Vary`, and that count.

    Args:
        asked: what the request is told apart by.
        own: the names in the response before that.
        sent: the fields of the response as it is sent.
    """
    added = list_vary(sent) - own - _ADDED_ANEW
    return added - {"accept-language"} if asked.chosen else added  # which stands for it
