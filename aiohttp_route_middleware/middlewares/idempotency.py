"""A request that may be sent again: with the same key it is carried out once, and answered as it was the first time.

A client that has sent an order and got no answer does not know whether to send it again. With a key it may: the draft
of the `Idempotency-Key` header, as Stripe and others have had it for long.

    setup(app)
    store = RedisStore.from_url("redis://localhost:6379/0")
    router.add_post("/payments", bearer_auth(find_token), idempotency(store=store), pay)

    Idempotency-Key: "8e03978e-40d5-43e8-bc93-6894a57f9324"

| the request | what happens |
| --- | --- |
| is new | the handler runs, and its response is kept for 24 hours (`keep`) |
| comes again | the response that was kept, byte for byte, with `Idempotency-Replayed: true` |
| comes again while the first one runs | 409 with `Retry-After` |
| is another one with the same key | 422 |
| has no key, or what is none | 400; with `required=False` it passes without a key |

**The same request** has the same method, route, path and query as sent, host, content type and body; what else
matters, name in `headers`. JSON in another order is another body. The boundary of a form with files does not count.

**What is kept:** 2xx, 3xx and, with `errors=True`, 4xx, as the draft has it and Stripe does it. Not those that say
"come again": 401, 407, 408, 421, 423, 425, 429, and whatever has a `Retry-After`. With 5xx, an exception, or a
cancellation the request counts as not carried out, and may run again: **let the handler undo what it has half done**,
by a transaction. An exception that is answered with 4xx by a link further out is one as well. A link around that
tries once more is treated as a client that does. What links around write on a response, or send instead, is not kept.

**What is not sent again:** `Date` is new each time; headers of the connection are made anew; `Set-Cookie` is never
kept: a cookie is a secret that should not lie in a store for a day, and sending it again would bring back a session
that has ended since. Use no key for what logs in.

**If the client goes** the handler runs on, even where the server has `handler_cancellation`, and what it writes to a
stream is thrown away; its response is kept for when the client comes back. An outer `timeout()`, or the end of the
server, still cancels it. Where aiohttp sends a file after the handler, `handler_cancellation` cuts it off.

**What cannot be kept:** a body over `max_body`, a stream that aiohttp itself compresses, headers over 64 KiB. Such a
request is not carried out again: who repeats it gets a 409 that says so. An endless stream ends, for a client that
has gone, when it is over `max_body`. Behind `from_asgi()`, or where a link around sends something else, only what is
returned as text or bytes is kept.

**A process that dies** frees its keys after `lock` seconds. While a handler runs, its lock is renewed, however long
that takes; stand `timeout()` inside to bound it. A process that stood still for so long looks whether the key is
still its own; if not, the request ran twice, and that is logged.

**If the store is down** requests with a key get 503, for nobody knows whether they were carried out; `fail_open=True`
lets them run unguarded. If it goes down while a handler runs, the client gets its response, and for ten times `lock`
the battery tries to keep it. That is logged when it begins and when it ends. What the store has forgotten may run
again: Redis without persistence forgets when it restarts, and `MemoryStore()` when it is full, and it knows one
process only.

**Whose key it is:** the same key of another caller, or on another route, is another one. The caller is the subject of
`IDENTITY` if an authenticator stands before this link; else the address, behind `client_address()` that of the client,
and then `Authorization` and `Cookie` belong to the request: who repeats it with other cookies gets 422.
**Trust boundary:** behind a proxy without either, all clients are one; then only a key that cannot be guessed keeps
one from the response of another.

**The store holds what was answered, with the data of customers,** for `keep` seconds, in clear: guard it, or pass a
`Store` that encrypts. Keys are kept as hashes.

Stand it behind all that refuses, authenticators above all: what somebody gets whom a link behind it has found out is a
500, for it would be kept under a key of everybody's. Stand it inside of `compress()`, `cors()` and
`secure_headers()`: what stands further in does not run again, and its headers are sent as they were. Of several in one
chain, the outermost works alone. It reads the whole body first, up to `client_max_size` of the application. Before
`method_override()` the method is the one that is meant; where `field` says it, stand behind: the POST counts before.

Each key is a value in the store: `rate_limit()` before this link bounds how many one caller can fill it with.

It does **not** make safe what a handler does elsewhere: if it dies between the charge and the answer, the charge is
made and the key is free again. Pass the key on to those services.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from aiohttp import web
from multidict import istr

from ..errors import ConfigurationError
from ..option_checks import check_count, check_flags, check_function, check_list, check_name, check_seconds
from ..stores.protocol import Store, check_store
from ..support.battery import MiddlewareBattery, middleware_battery, read_function
from ..support.idempotency.keys import LONGEST_KEY, read_idempotency_key
from ..support.idempotency.lease import LeaseTerms
from ..support.idempotency.refusals import Refusals
from ..support.idempotency.requests import IdempotentRequests
from ..support.meant_methods import find_meant
from ..support.outages import Outage
from ..support.request_keys import read_key
from ..syntax import SAFE_METHODS
from ..typedefs import Handler

__all__ = ("idempotency",)

Caller: TypeAlias = Callable[[web.Request], "str | Awaitable[str]"]

_BATTERY = "idempotency()"
_FAILING_OPEN = "requests with a key run unguarded, and what is done now may run again"
_FAILING_CLOSED = "requests with a key are refused, and what is done now may run again"
_KEY_MATTERS: web.RequestKey[bool] = web.RequestKey("idempotency", bool)  # while the outermost sees to it


def idempotency(
    *,
    store: Store,
    required: bool = True,
    methods: tuple[str, ...] | list[str] = ("POST", "PATCH"),
    headers: tuple[str, ...] | list[str] = (),
    caller: Caller | None = None,
    errors: bool = True,
    keep: float = 86_400,
    lock: float = 30,
    max_body: int = 1_048_576,
    bare: bool = True,
    fail_open: bool = False,
    header: str = "Idempotency-Key",
    replayed: str = "Idempotency-Replayed",
    docs: str = "",
    retry_after: int = 1,
    clock: Callable[[], float] = time.monotonic,
) -> MiddlewareBattery:
    """Carry out a request once, however often it is sent.

    Args:
        store: where responses are kept: `RedisStore(...)`, `MemoryStore()` for one process, or another `Store`.
        required: whether a request without a key is refused; default yes.
        methods: those that need a key; the others pass. Default POST and PATCH; safe ones are refused.
        headers: names of request fields that make it another request; default none.
        caller: called with the request, async or plain; returns whose key it is, a text that is not empty. Default:
            the subject of `IDENTITY`, or the address.
        errors: whether 4xx are kept; default yes. With `False` such a request may be sent again, corrected, with the
            same key.
        keep: seconds for which a response is kept; default a day. Tell it to your clients.
        lock: seconds after which a key is free when a process has died; default 30, 0.1 or more.
        max_body: bytes of a response that are kept at most; default 1 MiB.
        bare: whether a key without quotes is accepted, as most clients send it; default yes.
        fail_open: whether handlers run while the store is down; default no.
        header: the field that holds the key; default `"Idempotency-Key"`.
        replayed: the field that marks what is sent again; default `"Idempotency-Replayed"`; Stripe's is
            `"Idempotent-Replayed"`.
        docs: the URL of a page that tells your clients all this; it is linked in refusals. Default none.
        retry_after: seconds that are told with 409 and 503; default 1.
        clock: tells seconds; default `time.monotonic`.

    Raises:
        ConfigurationError: an option is wrong; or, in a request, what `caller` has returned, or the body was taken
            away by a link before.

    Responds:
        What was kept. 400 without a key, or with two, or what is none; 409 if the request is running, or was carried
        out and its response could not be kept; 422 if the key belongs to another request; 503 if the store is down;
        413 if the body is over `client_max_size`. As problem details.

    Reads/Sets:
        `Idempotency-Key`, the body, `Host`, `Content-Type`, what `headers` names, `IDENTITY`, `CLIENT_ADDRESS`, the
        peer, `Authorization` and `Cookie` if nobody has set `IDENTITY`. Sets `Idempotency-Replayed`. Needs
        `setup(app)`.

    Source:
        draft-ietf-httpapi-idempotency-key-header-07; RFC 9651, section 3.3.3; RFC 9457.

    Example:
        idempotency(store=RedisStore.from_url("redis://localhost:6379/0"), docs="https://shop.example/docs/retries")
    """
    check_flags(_BATTERY, required=required, errors=errors, bare=bare, fail_open=fail_open)
    seconds = check_count(_BATTERY, "retry_after", retry_after, unit="seconds", at_least=0)
    name = check_name(_BATTERY, "header", header, example="Idempotency-Key")
    guarded = _read_methods(methods)
    once = IdempotentRequests(
        battery=_BATTERY,
        terms=_read_terms(store, lock, keep, clock, _FAILING_OPEN if fail_open else _FAILING_CLOSED),
        refusals=Refusals(header=name, docs=_read_docs(docs), retry_after=seconds),
        find_caller=read_function(_BATTERY, "caller", caller),
        headers=_read_names(headers),
        limit=check_count(_BATTERY, "max_body", max_body, unit="bytes"),
        keeps_errors=errors,
        fail_open=fail_open,
        marker=check_name(_BATTERY, "replayed", replayed, example="Idempotency-Replayed"),
    )

    @middleware_battery("idempotency")
    async def idempotency(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method in SAFE_METHODS or read_key(request, _KEY_MATTERS):  # a link around this one sees to it
            return await handler(request)
        meant = await find_meant(request)
        if not _is_guarded(meant, request, guarded):
            return await handler(request)
        fields = request.headers.getall(name, ())
        if not fields and not required:
            return await handler(request)
        if not fields:
            raise once.refusals.missing()
        key = read_idempotency_key(fields, is_bare_allowed=bare)
        if key is None:
            raise once.refusals.malformed(LONGEST_KEY)
        request[_KEY_MATTERS] = True
        try:
            return await once.answer(request, handler, key, meant or request)
        finally:  # else a link around that tries once more would run the handler with nobody to see to the key
            request[_KEY_MATTERS] = False

    return idempotency


def _read_terms(store: Any, lock: Any, keep: Any, clock: Any, meanwhile: str) -> LeaseTerms:
    check_function(_BATTERY, "clock", clock, takes="")
    return LeaseTerms(
        store=check_store(_BATTERY, store),
        lock=check_seconds(_BATTERY, "lock", lock, at_least=0.1),
        keep=check_seconds(_BATTERY, "keep", keep),
        clock=clock,
        battery=_BATTERY,
        outage=Outage(_BATTERY, meanwhile),
    )


def _is_guarded(meant: web.Request | None, request: web.Request, methods: frozenset[str]) -> bool:
    """Whether a request needs a key; where its body may tell what it means, a route may be found later on.

    Args:
        meant: the request as its endpoint will see it, if that is known.
        request: as it is.
        methods: that need one.
    """
    if meant is None:
        return request.method in methods
    return meant.method in methods and meant.match_info.http_exception is None


def _read_methods(methods: object) -> frozenset[str]:
    listed = check_list(_BATTERY, "methods", methods, example="POST")
    names = frozenset(check_name(_BATTERY, "methods", method, example="POST") for method in listed)
    for method in sorted(names):
        if method in SAFE_METHODS or method != method.upper():
            cure = "write methods that change something, in capitals: POST, PATCH, PUT, DELETE"
            raise ConfigurationError(_BATTERY, f"methods has {method!r}", cure=cure)
    if not names:
        raise ConfigurationError(_BATTERY, "methods is empty", cure='write methods=["POST"]')
    return names


def _read_names(headers: object) -> tuple[str, ...]:
    listed = check_list(_BATTERY, "headers", headers, example="Accept")
    return tuple(istr(check_name(_BATTERY, "headers", name, example="Accept").lower()) for name in listed)


def _read_docs(docs: object) -> str:
    if isinstance(docs, str) and docs.isascii() and docs.isprintable() and not set(docs) & set(' <>"'):
        return docs
    raise ConfigurationError(_BATTERY, f"docs={docs!r}", cure='write a URL: docs="https://example.com/docs"')
