"""Compression of what is sent: zstd, br, gzip or deflate, as the client likes it.

It compresses what shrinks, of 1024 bytes or more: texts, JSON, XML, SVG, scripts, WebAssembly and some fonts. Streams
are compressed piece by piece, and each piece leaves when the handler has written it; large pieces are compressed in a
thread. A file that has a `.br` or `.gz` file beside it is sent from there by aiohttp, and any other goes through
memory piece by piece, no longer by `sendfile`. Left alone is what

- has a `Content-Encoding`, also by aiohttp's `enable_compression()`, or `Cache-Control: no-transform`, which a request
  may ask for as well;
- is a part of the content (206), was asked for as a part (`Range`), or has no body: to HEAD the headers are those of
  the GET, without a length, which nobody knows;
- is an event stream, an image, audio, video, an archive, or of a type that is missing or unknown;
- bears a digest of its bytes (`Content-Digest`, `Repr-Digest`), which would no longer be true.

Whatever might have been compressed has `Vary: Accept-Encoding`, also when it was not. A strong `ETag` becomes weak,
since the bytes are others: `If-None-Match` goes on giving 304, if it is compared weakly as `request.if_none_match` and
`FileResponse` do, but `If-Match` will not match any more (RFC 9110, section 13.1.1). Where clients send it, put no
`compress()`. All codings of a page have this one weak tag: a cache in front must choose by `Accept-Encoding` before it
asks whether what it has is still good. One that asks about its gzip for a client that does not take gzip gets 304.

gzip and deflate are always there; zstd and br come with the extra `compress`. Without their libraries they are left
out, unless they are asked for by name: then the application does not start. The innermost `compress()` decides:
`compress(encodings=[])` on one route sends everything there as it is.

It does **not** protect secrets from being guessed by the length of what is sent (BREACH): if a page holds a secret
and, beside it, something that an attacker can choose (a search term, a name), then a right guess of a part of the
secret compresses better, and whoever sees the lengths learns the secret bit by bit, through TLS. The tokens of
`csrf_token()` are masked anew for each page and stay safe. For pages with other secrets, say
`Cache-Control: no-transform` in the handler, which keeps proxies from compressing as well, or `compress(encodings=[])`
on their routes. It does not unpack the bodies of requests.

    setup(app)
    router = UrlDispatcherEx.install(app, compress())
    router.add_get("/account", compress(encodings=[]), authenticate, show_account)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from aiohttp import hdrs, web
from multidict import CIMultiDict, MultiMapping

from ..option_checks import check_count
from ..support.battery import GuardBattery, guard_battery
from ..support.content.cache_directives import read_directives
from ..support.content.compressed_body import compress_body
from ..support.content.compressible import COMPRESSIBLE_TYPES, Types, compile_types
from ..support.content.compressors import Coding, read_codings
from ..support.content.encodings import PLAIN, Choice, choose_coding
from ..support.content.entity_tags import weaken_tag
from ..support.content.field_groups import DIGESTS
from ..support.content.remembered import remember
from ..support.responses import Apply, on_response
from ..support.sending import has_body
from ..support.vary import merge_vary
from ..typedefs import Handler

__all__ = ("COMPRESSIBLE_TYPES", "compress")

_BATTERY = "compress()"


def compress(
    *,
    encodings: Sequence[str] | None = None,
    minimum_size: int = 1024,
    levels: Mapping[str, int] | None = None,
    types: Types = COMPRESSIBLE_TYPES,
) -> GuardBattery:
    """Compress what is sent, as the client likes it.

    Args:
        encodings: of `"zstd"`, `"br"`, `"gzip"` and `"deflate"`, the one first that is taken if a client likes several
            equally; by default all that are installed, in this order; none to send everything as it is.
        minimum_size: bytes under which a body is not worth it; default 1024. A body of which nobody knows the length
            is compressed.
        levels: how hard each tries: `"zstd"` 1 to 19, by default 3, `"br"` 0 to 11, by default 4, `"gzip"` and
            `"deflate"` 1 to 9, by default 6.
        types: what is worth it: `"type/subtype"`, `"type/*"` without event streams, or `"*+suffix"`; or a function
            that is called with the type, in lower case without parameters, and counts if it returns `True`. By default
            what is known to shrink.

    Raises:
        ConfigurationError: an encoding is unknown, or another option is wrong.
        MissingDependencyError: the library of an encoding that was named is not installed.

    Responds:
        Nothing of its own.

    Reads/Sets:
        reads `Accept-Encoding`, `If-None-Match`, `Range` and `Cache-Control` of the request. Sets `Content-Encoding`,
        `Vary`, `Content-Length` and `ETag`, and takes off `Accept-Ranges`. Needs `setup(app)`.

    Source:
        RFC 9110, sections 8.4, 8.8.3 and 12.5.3; RFC 9111, section 5.2.2.6; RFC 8878 and RFC 9659; RFC 7932.

    Example:
        compress(encodings=["br", "gzip"], levels={"br": 5}, types=[*COMPRESSIBLE_TYPES, "application/x-tar"])
    """
    codings = read_codings(_BATTERY, encodings, levels)
    check_count(_BATTERY, "minimum_size", minimum_size, unit="bytes", at_least=0)
    apply = _make_apply(codings, minimum_size, compile_types(_BATTERY, types))

    @guard_battery(f"compress({', '.join(codings)})")
    async def compress(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        on_response(request, "compress", apply)
        return await handler(request) if handler else None

    return compress


def _make_apply(codings: Mapping[str, Coding], minimum: int, is_compressible: Callable[[str], bool]) -> Apply:
    choose = remember(partial(choose_coding, offered=tuple(codings)))

    def apply(request: web.Request, response: web.StreamResponse) -> Awaitable[None] | None:
        headers = response.headers
        if hdrs.CONTENT_ENCODING in headers:
            if response.compression:  # by aiohttp, which has asked the client, and does not say so
                merge_vary(headers, hdrs.ACCEPT_ENCODING)
            return None
        if not codings or not _is_worth_it(request, response, is_compressible):
            return None
        choice = choose(request.headers.getall(hdrs.ACCEPT_ENCODING, ()))
        if response.status != 304 and _is_too_small(response, minimum, choice):
            return None
        merge_vary(headers, hdrs.ACCEPT_ENCODING)
        if choice.coding == PLAIN:
            return None
        if response.status == 304:
            _repeat_tag(request, headers)
            return None
        if not _may_change(request, response):
            return None
        _describe(headers, choice.coding)
        if request.method == hdrs.METH_HEAD:
            headers.popall(hdrs.CONTENT_LENGTH, None)  # it would have to be that of the GET (RFC 9110, section 8.6)
            return None
        return compress_body(request, response, codings[choice.coding])

    return apply


def _is_worth_it(request: web.Request, response: web.StreamResponse, is_compressible: Callable[[str], bool]) -> bool:
    """Whether a response like this is compressed for anybody; if so, what is sent depends on `Accept-Encoding`."""
    headers = response.headers
    if response.status == 304:  # bears the `Vary` and the `ETag` of the 200, but need not bear its type
        return is_compressible(headers.get(hdrs.CONTENT_TYPE, "text/plain"))
    if not has_body(request, response) and (request.method != hdrs.METH_HEAD or response.status in (204, 205)):
        return False
    return is_compressible(headers.get(hdrs.CONTENT_TYPE, "")) and not _forbids_change(headers)


def _is_too_small(response: web.StreamResponse, minimum: int, choice: Choice) -> bool:
    length = response.content_length
    if length is None or response.status == 206:  # of which the length is that of a part
        return False
    return length == 0 or (length < minimum and not choice.refuses_plain)


def _may_change(request: web.Request, response: web.StreamResponse) -> bool:
    headers = response.headers
    if response.status == 206 or hdrs.CONTENT_RANGE in headers or hdrs.RANGE in request.headers:
        return False  # a range is one of the content as it is (RFC 9110, section 14.2)
    return not _forbids_change(request.headers) and not any(name in headers for name in DIGESTS)


def _forbids_change(headers: MultiMapping[str]) -> bool:
    return hdrs.CACHE_CONTROL in headers and "no-transform" in read_directives(headers.getall(hdrs.CACHE_CONTROL))


def _describe(headers: CIMultiDict[str], coding: str) -> None:
    headers[hdrs.CONTENT_ENCODING] = coding
    headers.popall(hdrs.ACCEPT_RANGES, None)  # there are no ranges of what is compressed anew each time
    if hdrs.ETAG in headers:
        headers[hdrs.ETAG] = weaken_tag(headers[hdrs.ETAG])


def _repeat_tag(request: web.Request, headers: CIMultiDict[str]) -> None:
    """Say of a 304 the tag of the 200 that the client has, or a cache cannot use it (RFC 9111, section 4.3.4)."""
    weak = weaken_tag(headers.get(hdrs.ETAG, ""))
    if weak and any(weak in field for field in request.headers.getall(hdrs.IF_NONE_MATCH, ())):
        headers[hdrs.ETAG] = weak
