r"""Path and query of an incoming request: as they were sent, refused, or put behind the base path of a target.

Rules kept here:
- What passes is passed on byte for byte: nothing is decoded, encoded, merged or sorted, so `%2F`, `//`, `;`, `?a&a`
  and an empty query arrive as they were sent. Both parsers of aiohttp keep these bytes in `raw_path`.
- The host in a target of absolute-form is dropped: it never chooses where a request goes.
- Dot segments are refused in each spelling that some server reads as one: `%2e`, with parameters as `..;`, beside a
  backslash or an encoded slash, before an encoded `?` or `#`, with encoded blanks and controls behind the dots, which
  some take away, and overlong (RFC 3629, section 10), also with a wrong byte at the end, of which some decoders read
  six bits. What is encoded twice, `%252e`, is plain text.
- A path that servers read differently is refused: with a malformed percent code, or with `%00`, where some cut it off.
  A query is the application's own text, in which both pass.
- Refused as well: `#`, which no client sends; controls and blanks, which split a request line; and what is not ASCII,
  which RFC 3986 does not know, and which one parser of aiohttp refuses itself, and the other does not. So the same
  requests pass with either of them, and what passes is ASCII.
"""

from __future__ import annotations

import re

from aiohttp import hdrs, web
from yarl import URL

from ...errors import ConfigurationError

__all__ = ("SERVER_ITSELF", "find_fault", "has_dot_segment", "join_path", "read_base_path", "read_path_and_query")

SERVER_ITSELF = "*"
"""What stands for path and query if a request is about the server as a whole (RFC 9112, section 3.2.4)."""

# most paths: printable ASCII without `#`, and in the path no percent code and no backslash
_PLAIN = re.compile(r"/[!\"$&->@-\[\]-~]*(?:\?[!\"$-~]*)?")
_UNFIT = re.compile(r"[^!\"$-~]")
_BAD_CODE = re.compile("%(?![0-9A-Fa-f]{2})|%00")  # RFC 3986, section 2.1
# what letters up to `?`, and those of the next 64, begin with in two to six bytes, of which one is enough
_OVERLONG = "(?:%[cC]0|%[eE]0%80|%[fF]0%80%80|%[fF]8%80%80%80|%[fF][cC]%80%80%80%80)"
_OVERLONG_NEXT = "(?:%[cC]1|%[eE]0%81|%[fF]0%80%81|%[fF]8%80%80%81|%[fF][cC]%80%80%80%81)"
_DOT = rf"(?:\.|%2[eE]|{_OVERLONG}(?:\.|%[26aAeE][eE]))"
_SLASH = rf"(?:[/\\]|%2[fF]|%5[cC]|{_OVERLONG}%[26aAeE][fF]|{_OVERLONG_NEXT}%[159dD][cC])"
_BLANK = "(?:%[01][0-9a-fA-F]|%20|%7[fF])"
# RFC 3986, section 3.3; with parameters (`..;x`), which Tomcat takes away before it looks for them
_DOT_SEGMENT = re.compile(rf"{_SLASH}(?:{_DOT}{_BLANK}*){{1,2}}(?=;|%3[bBfF]|%23|{_SLASH}|\Z)")
_ABSOLUTE = re.compile(
    r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#\\]+(?![^/?#])"
)  # the host must not be empty (RFC 9110, section 4.2.1)


def read_path_and_query(incoming: web.BaseRequest, *, allow_dot_segments: bool = False) -> str:
    """Read what a client asks for, as it was sent: path and query, or `*`.

    What an outer link has put in its place with `request.clone(rel_url=...)` counts as sent.

    Args:
        incoming: the request of the client.
        allow_dot_segments: whether a path with `.` or `..` passes; default no.

    Raises:
        web.HTTPBadRequest: it is malformed, or its path has a dot segment.
        web.HTTPNotImplemented: it asks for a tunnel.

    Source:
        RFC 9112, section 3.2; RFC 9110, sections 4.2 and 9.3.6; RFC 3986, sections 2.1 and 3.3.
    """
    sent = incoming.raw_path
    method = incoming.method
    if method == hdrs.METH_CONNECT:
        raise web.HTTPNotImplemented(text="This server opens no tunnels.")
    if "/." not in sent and _PLAIN.fullmatch(sent):  # as mostly
        return sent
    if not sent.startswith("/"):
        sent = _read_other_form(sent, method)
    if sent == SERVER_ITSELF:
        return sent
    fault = find_fault(sent, allow_dot_segments=allow_dot_segments)
    if fault:
        raise web.HTTPBadRequest(text=f"What this request asks for {fault}.")
    return sent


def find_fault(path_and_query: str, *, allow_dot_segments: bool = False) -> str:
    """Tell what is wrong with path and query, as the end of a sentence; nothing if they may be sent to a target."""
    if "/." not in path_and_query and _PLAIN.fullmatch(path_and_query):
        return ""
    if not path_and_query.startswith("/"):
        return "does not begin with a slash"
    if _UNFIT.search(path_and_query):
        return "has a blank, a control character, '#', or a letter that is not ASCII"
    if _BAD_CODE.search(path_and_query.partition("?")[0]):
        return "has a malformed percent code, or %00, in its path"
    if not allow_dot_segments and has_dot_segment(path_and_query):
        return "has a '.' or '..' segment in its path"
    return ""


def has_dot_segment(path_and_query: str) -> bool:
    """Whether some server would find a `.` or `..` segment in the path."""
    return _DOT_SEGMENT.search(path_and_query.partition("?")[0]) is not None


def read_base_path(made: str, url: URL) -> str:
    """Read the path that a target has before each of its paths, without a slash at the end; nothing for `/`.

    Raises:
        ConfigurationError: there is a query or a fragment, or the path may not be sent.
    """
    if url.raw_query_string or url.raw_fragment:  # neither is shown: a query may hold a key
        problem = "the URL of a target has a query or a fragment"
        raise ConfigurationError(made, problem, cure="end it with its path; a hook may add a query")
    fault = find_fault(url.raw_path)
    if fault:
        raise ConfigurationError(made, f"the path of a target {fault}", cure='write it as in "http://host:8001/base"')
    return url.raw_path.rstrip("/")


def join_path(base: str, path_and_query: str) -> str:
    """Put the base path of a target, as `read_base_path()` gives it, before path and query."""
    return path_and_query if path_and_query == SERVER_ITSELF else base + path_and_query


def _read_other_form(sent: str, method: str) -> str:
    is_options = method == hdrs.METH_OPTIONS
    if sent == SERVER_ITSELF and is_options:
        return sent
    found = _ABSOLUTE.match(sent)
    if found is None:
        raise web.HTTPBadRequest(text="What this request asks for is neither a path nor a URL.")
    rest = sent[found.end() :]
    if not rest and is_options:  # the server as a whole (RFC 9112, section 3.2.4)
        return SERVER_ITSELF
    return rest if rest.startswith("/") else f"/{rest}"  # an empty path is `/` (section 3.2.1)
