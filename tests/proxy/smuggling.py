"""Requests that two servers may frame differently, and what may become of each.

Send `raw` and `NEXT` over one connection. `PASSED`: exactly one request is passed on, with `body`, and `NEXT` is the
next one. `REFUSED`: the first answer is one of `REFUSALS`, there is no other, and the connection is closed. `HELD`: no
request is complete, and there is no answer; the connection may be closed. A request for `/smuggled` is never seen.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ("HELD", "NEXT", "PASSED", "PAYLOADS", "REFUSALS", "REFUSED", "Payload")

PASSED, REFUSED, HELD = "passed", "refused", "held"
REFUSALS = frozenset((400, 413, 415, 431, 501, 505))
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

_HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
_SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"


class Payload(NamedTuple):
    """One request.

    Args:
        name: what is strange about it.
        raw: its bytes.
        outcomes: what may become of it; several, where parsers are free, or versions of aiohttp differ.
        body: what is passed on, if it is.
    """

    name: str
    raw: bytes
    outcomes: tuple[str, ...] = (REFUSED,)
    body: bytes = b"abc"


def _coded(name: str, value: bytes, *outcomes: str) -> Payload:
    """Frame by a line of Transfer-Encoding; behind the chunks is a request."""
    return Payload(name, _HEAD + b"Transfer-Encoding:" + value + b"\r\n\r\n" + _CHUNKS, outcomes or (REFUSED,))


def _lined(name: str, lines: bytes, rest: bytes = _SMUGGLED, *outcomes: str) -> Payload:
    """Frame by these lines; what follows them is a request, if they do not frame it."""
    return Payload(name, _HEAD + lines + b"\r\n\r\n" + rest, outcomes or (REFUSED,))


def _sized(name: str, value: bytes, *outcomes: str) -> Payload:
    return _lined(f"a length of {name}", b"Content-Length:" + value, b"abc", *outcomes)


def _chunked(name: str, chunks: bytes, *outcomes: str) -> Payload:
    return Payload(f"chunks: {name}", _HEAD + _CHUNKED + b"\r\n" + chunks, outcomes or (REFUSED,))


_LENGTH_OF_ALL = b"Content-Length: %d" % len(b"0\r\n\r\n" + _SMUGGLED)

PAYLOADS = (
    # what is right
    Payload("a length", _HEAD + b"Content-Length: 3\r\n\r\nabc", (PASSED,)),
    Payload("a length of 0", _HEAD + b"Content-Length: 0\r\n\r\n", (PASSED,), b""),
    Payload("neither", _HEAD + b"\r\n", (PASSED,), b""),
    Payload("a GET with a length", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", (PASSED,)),
    Payload("a GET in chunks", b"GET / HTTP/1.1\r\nHost: a\r\n" + _CHUNKED + b"\r\n" + _CHUNKS, (PASSED,)),
    Payload(
        "a request in a body", _HEAD + b"Content-Length: 38\r\n\r\nabc" + _SMUGGLED, (PASSED,), b"abc" + _SMUGGLED
    ),
    _coded("chunked", b" chunked", PASSED),
    _coded("chunked after a tab", b"\tchunked", PASSED),
    _coded("chunked in capitals", b" CHUNKED", PASSED),
    _coded("chunked and white space", b" chunked \t", PASSED, REFUSED),
    # both, in either order
    _lined("a length of all, then chunks", _LENGTH_OF_ALL + b"\r\n" + _CHUNKED[:-2], b"0\r\n\r\n" + _SMUGGLED),
    _lined("chunks, then a length of all", _CHUNKED + _LENGTH_OF_ALL, b"0\r\n\r\n" + _SMUGGLED),
    _lined("a length of 0, then chunks", b"Content-Length: 0\r\n" + _CHUNKED[:-2], _CHUNKS),
    _lined("a length that ends before the chunks", b"Content-Length: 4\r\n" + _CHUNKED[:-2], b"5c\r\n" + _SMUGGLED),
    # Transfer-Encoding, other than chunked
    _coded("gzip, chunked", b" gzip, chunked"),
    _coded("identity", b" identity"),
    _coded("chunked, identity", b" chunked, identity"),
    _coded("chunked, chunked", b" chunked, chunked"),
    _coded("an empty element before", b" ,chunked"),
    _coded("an empty element behind", b" chunked,"),
    _coded("no coding", b""),
    _coded("two lines", b" chunked\r\nTransfer-Encoding: chunked"),
    _coded("identity, then chunked", b" identity\r\nTransfer-Encoding: chunked"),
    _coded("chunked, then identity", b" chunked\r\nTransfer-Encoding: identity"),
    _coded("quoted", b' "chunked"'),
    _coded("with a parameter", b" chunked;q=1"),
    _coded("xchunked", b" xchunked"),
    _coded("chunkedx", b" chunkedx"),
    _coded("a vertical tab", b" \x0bchunked"),
    _coded("a form feed", b" chunked\x0c"),
    _coded("a zero byte", b" chunked\x00"),
    _coded("a no-break space", b" \xc2\xa0chunked"),
    _coded("a Kelvin sign for k", " chun\u212aed".encode()),
    _coded("a byte above ASCII", b" chunked\xff"),
    _coded("a folded line", b"\r\n chunked"),
    _coded("folded after", b" chunked\r\n , identity"),
    _coded("a bare CR before", b" \rchunked"),
    _coded("a bare LF before", b" x\nTransfer-Encoding: chunked"),
    _lined("a space before the colon of Transfer-Encoding", b"Transfer-Encoding : chunked", _CHUNKS),
    _lined("a tab before the colon of Transfer-Encoding", b"Transfer-Encoding\t: chunked", _CHUNKS),
    _lined("a space before the name", b" Transfer-Encoding: chunked", _CHUNKS),
    _lined("a zero byte in the name", b"Transfer\x00-Encoding: chunked", _CHUNKS),
    _lined("a bracket in the name", b"Transfer-Encoding[: chunked", _CHUNKS),
    _lined("no name", b": chunked", _CHUNKS),
    _lined("no colon", b"Transfer-Encoding", _CHUNKS),
    Payload("HTTP/1.0 in chunks", b"POST / HTTP/1.0\r\nHost: a\r\n" + _CHUNKED + b"\r\n" + _CHUNKS),
    Payload(
        "HTTP/1.0 in chunks, kept alive",
        b"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n" + _CHUNKED + b"\r\n" + _CHUNKS,
    ),
    # Content-Length, other than one number
    _sized("3, twice", b" 3\r\nContent-Length: 3", PASSED, REFUSED),
    _sized("3 and 4", b" 3\r\nContent-Length: 4"),
    _sized("3 and 0", b" 3\r\nContent-Length: 0"),
    _sized("a list", b" 3, 3"),
    _sized("a list of different ones", b" 3, 4"),
    _sized("+3", b" +3"),
    _sized("-3", b" -3"),
    _sized("1_0", b" 1_0"),
    _sized("0x3", b" 0x3"),
    _sized("03", b" 03", PASSED),
    _sized("3 before white space", b" 3 \t", PASSED, REFUSED),
    _sized("3 3", b" 3 3"),
    _sized("nothing", b""),
    _sized("an Arabic digit", " \u0663".encode()),
    _sized("a superscript digit", " \u00b3".encode()),
    _sized("3;", b" 3;"),
    _sized("3.0", b" 3.0"),
    _sized("3 after a vertical tab", b" \x0b3"),
    _sized("3 and a zero byte", b" 3\x00"),
    _sized("a folded 3", b"\r\n 3"),
    _sized("more than 64 bits", b" 99999999999999999999999"),
    _sized("all of 64 bits", b" 18446744073709551615"),
    _sized("2**63", b" 9223372036854775808"),
    _sized("5000 digits", b" " + b"9" * 5000, REFUSED, HELD),
    _lined("a space before the colon of Content-Length", b"Content-Length : 3", b"abc"),
    _lined("a CR in a value hides a length", b"X: a\rContent-Length: %d" % len(_SMUGGLED)),
    _lined("a LF in a value hides a length", b"X: a\nContent-Length: %d" % len(_SMUGGLED)),
    _lined("a folded line hides a length", b"X: a\r\n Content-Length: %d" % len(_SMUGGLED)),
    _lined("a zero byte hides a length", b"X: a\x00\r\nContent-Length: 3", b"abc"),
    # lines
    Payload("LF alone ends lines", b"POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc"),
    Payload("LF alone ends the head", _HEAD + b"Content-Length: 3\r\n\nabc"),
    Payload("HTTP/0.9", b"GET /\r\n\r\n"),
    Payload("two spaces in the request line", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", (PASSED, REFUSED), b""),
    Payload(
        "a tunnel", b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + _SMUGGLED, (REFUSED, HELD)
    ),
    # chunks
    _chunked("an extension", b"3;a=b\r\nabc\r\n0\r\n\r\n", PASSED),
    _chunked("zeros before a size", b"00000000000000000003\r\nabc\r\n0\r\n\r\n", PASSED, REFUSED),
    _chunked("a LF in an extension", b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    _chunked("a CR in an extension", b"3;a\rb\r\nabc\r\n0\r\n\r\n", PASSED, REFUSED),
    _chunked("0x3", b"0x3\r\nabc\r\n0\r\n\r\n"),
    _chunked("+3", b"+3\r\nabc\r\n0\r\n\r\n"),
    _chunked("-3", b"-3\r\nabc\r\n0\r\n\r\n"),
    _chunked("1_0", b"1_0\r\nabc\r\n0\r\n\r\n"),
    _chunked("a space behind a size", b"3 \r\nabc\r\n0\r\n\r\n", PASSED, REFUSED),
    _chunked("a space before a size", b" 3\r\nabc\r\n0\r\n\r\n"),
    _chunked("no size", b"\r\nabc\r\n0\r\n\r\n"),
    _chunked("a size of more than 64 bits", b"10000000000000003\r\nabc\r\n0\r\n\r\n", REFUSED, HELD),
    _chunked("a size that ends with LF", b"3\nabc\r\n0\r\n\r\n"),
    _chunked("a size that ends with CR", b"3\rabc\r\n0\r\n\r\n"),
    _chunked("data that end with LF", b"3\r\nabc\n0\r\n\r\n"),
    _chunked("data that are longer than their size", b"2\r\nabc\r\n0\r\n\r\n"),
    _chunked("data that are shorter than their size", b"4\r\nabc\r\n0\r\n\r\n"),
    _chunked("a last chunk that ends with LF", b"3\r\nabc\r\n0\n\n" + _SMUGGLED),
    _chunked("no last chunk", b"3\r\nabc\r\n"),
    _chunked("no end behind the last one", b"3\r\nabc\r\n0\r\n"),
    _chunked("a trailer", b"3\r\nabc\r\n0\r\nX: y\r\n\r\n", PASSED, REFUSED),
    _chunked("a trailer that names a length", b"3\r\nabc\r\n0\r\nContent-Length: 50\r\n\r\n", PASSED, REFUSED),
    _chunked("a trailer without colon", b"3\r\nabc\r\n0\r\nX y\r\n\r\n"),
    _chunked("a request for a trailer", b"3\r\nabc\r\n0\r\n" + _SMUGGLED),
)
