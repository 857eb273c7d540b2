"""How the body of an incoming request is framed, and what is refused because others may frame it differently.

Whoever takes another end of a message than we do, reads a request out of the body of another (request smuggling).
aiohttp refuses most of what makes that possible. The rest is refused here.

Rules kept here:
- A body is there if and only if the request frames one, whatever its method (RFC 9112, section 6.3).
- It is passed on with a length or in chunks, never both, and never with the words of the client: with what was read.
- Transfer-Encoding is `chunked` and nothing else: we undo no other (RFC 9112, section 6.1).
- After a refusal nothing more is read from the connection (RFC 9112, section 11.2).
"""

from __future__ import annotations

import inspect
import re
from typing import Any, NamedTuple, cast

from aiohttp import HttpVersion11, hdrs, web

__all__ = ("Framing", "read_framing")

_LONGEST = 2**63 - 1  # bytes; aiohttp's C parser takes a length of 2**64 - 1 for no body
_MOST_DIGITS = 32  # with leading zeros, which are allowed (RFC 9110, section 8.6)
# in any case (RFC 9112, section 7); aiohttp 3.14.0 leaves white space behind values
_CHUNKED_CODING = re.compile(r"chunked[ \t]*", re.ASCII | re.IGNORECASE)
_KNOWN_OPTIONS = frozenset(inspect.signature(web.RequestHandler).parameters)


class Framing(NamedTuple):
    """How a body is to be passed on.

    Args:
        length: bytes; 0 if the client has said so; `None` if there is no body, or if its length is not known.
        is_chunked: whether there is a body whose length is not known.
        is_decoded: whether aiohttp undoes the Content-Encoding, so that `Content-Encoding` is not true any more.
    """

    length: int | None
    is_chunked: bool = False
    is_decoded: bool = False

    @property
    def has_body(self) -> bool:
        """Whether there is at least one byte to pass on, as far as the head of the request tells."""
        return self.is_chunked or bool(self.length)


_NO_BODY = Framing(None)
_EMPTY = Framing(0)
_CHUNKED = Framing(None, is_chunked=True)
_DECODED = Framing(None, is_chunked=True, is_decoded=True)


def read_framing(request: web.Request) -> Framing:
    """Tell how the body of a request is to be passed on.

    Raises:
        HTTPBadRequest: it is not clear where the body ends: Transfer-Encoding in HTTP/1.0 or beside Content-Length,
            several lengths, one that is no number or larger than any body, or a body that aiohttp has not seen.
        HTTPNotImplemented: a Transfer-Encoding other than `chunked`, or a CONNECT, whose body is a tunnel.
        HTTPUnsupportedMediaType: of several Content-Encoding lines aiohttp undoes one, so that nobody knows what is
            left.

    Source:
        RFC 9112, sections 6.1 to 6.3; RFC 9110, sections 8.6 and 9.3.6.
    """
    headers = request.headers
    if request.method == hdrs.METH_CONNECT:  # aiohttp's parsers do not agree where it ends
        raise _close_after(request, web.HTTPNotImplemented(text="This server opens no tunnels."))
    lengths = headers.getall(hdrs.CONTENT_LENGTH, ())
    codings = headers.getall(hdrs.TRANSFER_ENCODING, ())
    if codings:
        _check_coding(request, codings, lengths)
        framing = _CHUNKED
    elif lengths:
        framing = _read_length(request, lengths)
    else:  # a link may have taken its length away
        framing = _CHUNKED if request.body_exists else _NO_BODY
    if framing.has_body and not request.body_exists:  # of HEAD, aiohttp 3.14.0 takes the body for another request
        raise _refuse(request, "The body of this request cannot be read.")
    if framing.has_body and cast(Any, request)._message.compression is not None and _is_decompressing(request):
        return _check_decoded(request)
    return framing


def _check_coding(request: web.Request, codings: list[str], lengths: object) -> None:
    if lengths:  # RFC 9112, section 6.3, of which aiohttp lets none through; a link may have added one
        raise _refuse(request, "This request has both Transfer-Encoding and Content-Length.")
    if request.version < HttpVersion11:  # its framing is faulty (RFC 9112, section 6.1)
        raise _refuse(request, "HTTP/1.0 has no Transfer-Encoding.")
    if len(codings) > 1 or (codings[0] != "chunked" and not _CHUNKED_CODING.fullmatch(codings[0])):
        text = "This server understands no Transfer-Encoding but chunked."
        raise _close_after(request, web.HTTPNotImplemented(text=text))


def _read_length(request: web.Request, lengths: list[str]) -> Framing:
    text = lengths[0].rstrip(" \t")  # which aiohttp 3.14.0 leaves there
    if len(lengths) > 1 or not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise _refuse(request, "The Content-Length of this request is malformed.")
    length = int(text)
    if length > _LONGEST:
        raise _refuse(request, "The Content-Length of this request is too large.")
    return Framing(length) if length else _EMPTY


def _is_decompressing(request: web.Request) -> bool:
    """Whether the server undoes Content-Encoding, as it does by default: its option `auto_decompress`."""
    manager: Any = cast(Any, request.protocol)._manager
    options: dict[str, object] = {} if manager is None else manager._kwargs
    if not options.keys() <= _KNOWN_OPTIONS:  # then aiohttp makes its protocol without any options
        return True
    return bool(options.get("auto_decompress", True))


def _check_decoded(request: web.Request) -> Framing:
    # of several, aiohttp's C parser undoes the last one, its Python parser the first
    if len(request.headers.getall(hdrs.CONTENT_ENCODING, ())) > 1:
        text = "Several lines of Content-Encoding are not supported."
        raise _close_after(request, web.HTTPUnsupportedMediaType(text=text))
    return _DECODED


def _refuse(request: web.Request, text: str) -> web.HTTPException:
    return _close_after(request, web.HTTPBadRequest(text=text))


def _close_after(request: web.Request, refusal: web.HTTPException) -> web.HTTPException:
    """Close the connection after this response, or after what a link around sends in its place."""
    refusal.force_close()
    request.protocol.close()  # from here on nothing that arrives is read as a request
    return refusal
