"""`ETag`, and conditions: what a client has already is not sent again, what has changed is not overwritten.

    setup(app)
    router = UrlDispatcherEx.install(app, etag())
    router.add_get("/posts/{id}", show_post)

The tag is computed over the body that the handler returns for a GET or HEAD with 200; a client that has it, and says
so with `If-None-Match`, gets 304 without a body. The handler runs nonetheless: this saves bytes, not work.

An `ETag` or `Last-Modified` that the handler sets itself is used instead, and is the only way for what it streams: the
stream is then broken off before its first byte. `FileResponse` answers conditions itself, and is left alone. Only what
batteries around this one do to the body is not seen: stand it inside of `compress()`, which knows what to do.

Before a change the tag must be known beforehand, from `current`: it is asked before the handler runs. An `If-Match`
that names another tag, or an `If-None-Match: *` for what exists, is then refused with 412, so that of two who edit
one post the second does not overwrite what he has not seen.

    async def tag_of_post(request):
        version = await read_version(request.match_info["id"])
        return None if version is None else str(version)

    router.add_put("/posts/{id}", etag(tag_of_post), save_post)
    router.add_get("/posts/{id}", etag(tag_of_post), show_post)

It does **not** look at the conditions of a change without `current` or `modified`: `If-Match` is passed on, and the
handler must look at it. It does **not** lock: between the question and what the handler writes, another may write; let
the database compare versions once more. It does **not** require conditions of those who send none. Stand it behind all
that may refuse: an outsider must not learn the tag of what he may not see (RFC 9110, section 13.2.1).

**`If-Match` never holds for a weak tag**: it compares strongly (RFC 9110, section 13.1.1), so that 412 answers a weak
tag that was sent, and any that is sent where the tag is weak itself; its text says so where that alone is the reason.
`weak=True` makes tags weak, and so does `compress()`: where clients send `If-Match`, put `compress(encodings=[])` on
the route that they have the tag from.
"""

from __future__ import annotations

from aiohttp import hdrs, web
from aiohttp.payload import Payload

from ..option_checks import check_flags
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.content.body_tags import tag_body
from ..support.content.conditions import Decision, decide_by, drop_representation, has_conditions, refuse
from ..support.content.entity_tags import Validators, validators_of, write_tag
from ..support.content.validator_sources import Current, Modified, ValidatorSources
from ..support.responses import on_response
from ..syntax import READ_METHODS
from ..typedefs import Handler

__all__ = ("etag",)

_BATTERY = "etag()"
_UNKNOWN = Validators(exists=False)


def etag(current: Current | None = None, *, modified: Modified | None = None, weak: bool = False) -> MiddlewareBattery:
    """Tag what is sent, and answer requests with conditions.

    Args:
        current: called with the request, async or plain: the tag of what the request is about, as text or as
            `aiohttp.ETag`, or `None` if that does not exist. Default: the tag is computed over the body.
        modified: called with the request, async or plain: when that has changed last, as a `datetime` with a time
            zone, or `None` if it is not known. Default: only the `Last-Modified` of a handler is used.
        weak: whether tags that are computed are weak: bodies of one tag mean the same, though their bytes may differ;
            default no.

    Raises:
        ConfigurationError: an option is wrong; or, in a request, what `current` or `modified` has returned.

    Responds:
        304 to a GET or HEAD whose client has the response; 412 if a condition does not hold, as `If-Match` with a weak
        tag, of which the text tells.

    Reads/Sets:
        `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`. Sets `ETag`, and with `modified`
        `Last-Modified`, unless the handler has. Needs `setup(app)`.

    Source:
        RFC 9110, sections 8.8.3 and 13.

    Example:
        etag(tag_of_post)
    """
    check_flags(_BATTERY, weak=weak)
    sources = ValidatorSources(current, modified)
    asks = current is not None or modified is not None

    @middleware_battery("etag")
    async def etag(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in READ_METHODS:
            await sources.allow_change(request)
            return await handler(request)
        watch = _Watch(await sources.ask(request) if asks else _UNKNOWN)
        on_response(request, "etag", watch.apply)
        try:
            response = await handler(request)
        finally:
            watch.handler_runs = False
        if response.prepared or isinstance(response, web.FileResponse):
            return response
        if current is None:
            await tag_body(request, response, weak=weak)
        _tell(response, watch.known)
        outcome = _decide(request, response)
        return response if outcome is Decision.GO_ON else await _answer(request, response, outcome)

    return etag


class _Watch:
    """Looks at what a handler prepares by itself, before its headers are sent."""

    __slots__ = ("handler_runs", "known")

    def __init__(self, known: Validators) -> None:
        self.known = known
        self.handler_runs = True

    def apply(self, request: web.Request, response: web.StreamResponse) -> None:
        # what is returned is looked at when it is returned: nothing may be raised when aiohttp prepares it
        if not self.handler_runs:
            return
        _tell(response, self.known)
        outcome = _decide(request, response)
        if outcome is Decision.NOT_MODIFIED:
            headers = response.headers.copy()
            drop_representation(headers)
            raise web.HTTPNotModified(headers=headers)
        if outcome is Decision.FAILED:
            raise refuse(request.headers, validators_of(response.headers))


def _tell(response: web.StreamResponse, known: Validators) -> None:
    if response.status != 200:
        return
    if known.tag is not None:
        response.headers.setdefault(hdrs.ETAG, write_tag(known.tag))
    if known.modified is not None and hdrs.LAST_MODIFIED not in response.headers:
        response.last_modified = known.modified


def _decide(request: web.Request, response: web.StreamResponse) -> Decision:
    # RFC 9110, section 13.2.1: conditions are ignored where without them there were no success
    if not 200 <= response.status < 300 or not has_conditions(request.headers):
        return Decision.GO_ON
    if hdrs.ETAG not in response.headers and hdrs.LAST_MODIFIED not in response.headers:
        return Decision.GO_ON  # nothing is known of it
    return decide_by(request.method, request.headers, response.headers)


async def _answer(request: web.Request, response: web.StreamResponse, outcome: Decision) -> web.StreamResponse:
    if isinstance(response, web.Response):
        if isinstance(response.body, Payload):
            await response.body.close()
        response.body = None
    if outcome is Decision.FAILED:
        raise refuse(request.headers, validators_of(response.headers))
    response.set_status(304)
    if response.compression:
        response.enable_compression(web.ContentCoding.identity)  # of no body
    drop_representation(response.headers)
    return response
