"""One field of a form, read from a body that stays as it was for whoever reads it next.

aiohttp gives a body once: who has taken it with `request.post()` leaves nothing for `request.multipart()`. So the
bytes are read here, and put back. They are looked through for one field only, which is known to be short and to be
of ASCII; nothing else is decoded, no file is written.

Rules kept here: no more is read than the limit, nothing if `Content-Length` is over it; whatever is malformed holds
no field, and no error comes out of it.
"""

from __future__ import annotations

import re
import warnings
from urllib.parse import unquote_to_bytes

from aiohttp import StreamReader, hdrs, web
from aiohttp.http import HttpProcessingError

from ..syntax import TOKEN, unquote

__all__ = ("find_in_form", "find_in_multipart", "find_parameter", "read_field")

_MULTIPART = "multipart/form-data"
_URLENCODED = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1000  # as many as aiohttp takes
_LONGEST_HEAD = 8190  # of a part, as aiohttp takes of a request
_LONGEST_VALUE = 300  # a token, with each of its letters escaped
# broken chunks, or what does not decompress, in either parser of aiohttp; and a client that is gone
_BROKEN_OFF = (web.RequestPayloadError, HttpProcessingError, ConnectionError)
_PARAMETER = re.compile(rf';[ \t;]*({TOKEN})=("(?:[^"\\]|\\.)*"|[^;"\s]+)[ \t]*', re.DOTALL)


async def read_field(request: web.Request, name: str, limit: int) -> str | None:
    """Read a field of a form; `None` if it is not there exactly once, or the body is no form, malformed or too long.

    Args:
        request: whose body is put back.
        name: of the field, in letters that forms do not escape.
        limit: of the body, in bytes.
    """
    if request.content_type not in (_URLENCODED, _MULTIPART):
        return None
    try:
        body = await _peek(request, limit)
    except _BROKEN_OFF:
        return None
    if request.content_type == _URLENCODED:
        found = find_in_form(body, name.encode())
    elif body:
        found = find_in_multipart(body, request.headers[hdrs.CONTENT_TYPE], name)
    else:
        found = await _find_in_posted(request, name)
    return found[0] if len(found) == 1 else None


def find_in_form(body: bytes, name: bytes) -> list[str]:
    """Find the values of a field in `a=1&b=2` (WHATWG URL, section 5.1)."""
    pairs = body.split(b"&", _MOST_FIELDS)
    if len(pairs) > _MOST_FIELDS:
        return []
    split = (pair.partition(b"=") for pair in pairs)
    return [_unescape(value) for key, _, value in split if key == name]


def find_in_multipart(body: bytes, content_type: str, name: str) -> list[str]:
    """Find the values of a field in a `multipart/form-data` body (RFC 7578; RFC 2046, section 5.1.1)."""
    boundary = find_parameter(content_type, "boundary")
    if not boundary or len(boundary) > 70:
        return []
    delimiter = b"\r\n--" + boundary.encode("utf-8", "replace")
    parts = (b"\r\n" + body).split(delimiter, _MOST_FIELDS + 2)[1:]
    found: list[str] = []
    for part in parts:
        if part.startswith(b"--"):
            return found
        rest, _, content = part.partition(b"\r\n\r\n")
        padding, _, head = rest.partition(b"\r\n")
        if padding.strip(b" \t"):  # a line that only begins as the delimiter does
            return []
        if len(head) <= _LONGEST_HEAD and _find_name(head.decode("utf-8", "replace")) == name:
            found.append(content[:_LONGEST_VALUE].decode("ascii", "replace"))
    return []  # it does not end, or never does


def find_parameter(header: str, name: str) -> str | None:
    """Find a parameter of a header, its name in any case and its value as it is (RFC 9110, section 5.6.6).

    Args:
        header: as `multipart/form-data; boundary="a;b"`.
        name: in lower case.
    """
    position = header.find(";")
    while position >= 0 and (match := _PARAMETER.match(header, position)):
        key, value = match.groups()
        if key.lower() == name:
            return unquote(value) if value.startswith('"') else value
        position = match.end()
    return None


def _find_name(head: str) -> str | None:
    """The name of a part that is no file."""
    for line in head.split("\r\n"):
        key, _, value = line.partition(":")
        if key.lower() == "content-disposition" and find_parameter(value, "filename") is None:
            return find_parameter(value, "name")
    return None


def _unescape(value: bytes) -> str:
    return unquote_to_bytes(value[:_LONGEST_VALUE]).decode("ascii", "replace")


async def _peek(request: web.Request, limit: int) -> bytes:
    """The body, or nothing if it is over the limit; what was read is put back in either case."""
    content = request.content
    if content.at_eof():  # there is none, or a link before has read it, and aiohttp remembers
        body = await request.read()
        return body if len(body) <= limit else b""
    if (request.content_length or 0) > limit:
        return b""
    chunks: list[bytes] = []
    size = 0
    try:
        while size <= limit and (chunk := await content.readany()):
            chunks.append(chunk)
            size += len(chunk)
    finally:
        body = b"".join(chunks)
        _put_back(content, body)
    return body if size <= limit else b""


def _put_back(content: StreamReader, body: bytes) -> None:
    """Put bytes before all that is still to be read; there is no other way, and aiohttp itself goes it as well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        content.unread_data(body)


async def _find_in_posted(request: web.Request, name: str) -> list[str]:
    """A link before has taken the form with `request.post()`, which aiohttp remembers; else there is none."""
    if not request.content.at_eof():  # over the limit
        return []
    try:
        posted = await request.post()
    except ValueError:
        return []
    return [value for value in posted.getall(name, ()) if isinstance(value, str)]
