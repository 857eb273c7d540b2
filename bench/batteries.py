"""What batteries cost beside the smallest functions written by hand that do the same, in-process.

A call of a chain of one link and an endpoint, less a call of the bare endpoint. The requests are aiohttp's own, made
anew for each call and outside of the measured time, as is each text of their headers. What aiohttp keeps of a request
(`reify`), and what Python keeps of a text (its hash), is as cold as in a server, on both sides: warm are only the
method, the path and the headers, which the router has looked at before any link runs.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from types import FunctionType, SimpleNamespace
from typing import Any

import jwt
from aiohttp import HttpVersion11, web
from aiohttp.http import StreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.typedefs import Handler
from cryptography.hazmat.primitives.asymmetric import rsa
from multidict import CIMultiDict, CIMultiDictProxy, istr
from yarl import URL

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.api_key import api_key
from aiohttp_route_middleware.middlewares.authorise import authorise
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.bearer_auth import bearer_auth
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.cors import cors
from aiohttp_route_middleware.middlewares.csrf import csrf
from aiohttp_route_middleware.middlewares.csrf_token import csrf_token
from aiohttp_route_middleware.middlewares.https_redirect import https_redirect
from aiohttp_route_middleware.middlewares.ip_restriction import ip_restriction
from aiohttp_route_middleware.middlewares.jwt_auth import jwt_auth
from aiohttp_route_middleware.middlewares.secure_headers import CSP_NONCE, DEFAULT_POLICY, NONCE, secure_headers
from aiohttp_route_middleware.middlewares.session_fixing import session_fixing
from aiohttp_route_middleware.middlewares.sessions import SESSION, Session, sessions
from aiohttp_route_middleware.middlewares.trusted_host import trusted_host
from aiohttp_route_middleware.middlewares.trusted_referrer import trusted_referrer
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.middlewares.x_frame_options import x_frame_options
from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.support.access.identity import IDENTITY
from aiohttp_route_middleware.support.csrf.tokens import make_token
from aiohttp_route_middleware.support.headers import apply_registered, register_responses
from aiohttp_route_middleware.support.sessions.state import SessionState

from . import by_hand
from .by_hand import SESSION_BY_HAND, Signal
from .composing import make_endpoints
from .report import Report, Spread, Table, at_most
from .timing import Sample, drive, minima, run_processes

_CALLS = 60
_LIMIT = 1.5
_BARE, _PREPARED = "bare endpoint", "endpoint of a prepared application"
_BATTERY, _BY_HAND = "battery", "by hand"
_PEER = ("10.0.0.1", 40000)

Minima = Mapping[str, float]
Headers = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """One battery, what is written by hand in its place, and the request that both see."""

    battery: Any
    by_hand: Any
    headers: Headers
    _: KW_ONLY
    method: str = "GET"
    signal: Signal | None = None  # by hand; the battery then needs `setup(app)`
    state: Callable[[], dict[Any, Any]] = dict  # what links before have set on the request
    endpoint: Handler | None = None
    endpoint_by_hand: Handler | None = None
    is_tls: bool = False


def run(*, quick: bool) -> Report:
    """Measure in several processes: of each item the fastest sample, of each ratio the median over the processes."""
    starts, rounds = (1, 2) if quick else (9, 80)
    figures = run_processes("bench.batteries", starts, str(rounds))
    return write_report(figures)


def main() -> None:
    """Measure once, and print the fastest sample of each item as JSON."""
    print(json.dumps(minima(dict(_sample_cases(make_cases())), int(sys.argv[1]))))


# ---- the report


def write_report(figures: Sequence[Minima]) -> Report:
    """Judge each battery, and tell how much of it is the preparation that all of an application share."""
    cases = make_cases()
    ratios = {name: _compare(figures, name, _BARE) for name in cases}
    targets = [at_most(f"{name}, battery ÷ by hand", ratio, _LIMIT) for name, ratio in ratios.items()]
    rows = [(name, str(ratios[name]), *_describe(figures, name, case)) for name, case in cases.items()]
    columns = ("", "battery ÷ by hand", "without what `setup()` adds", "more than by hand, in µs", "by hand, in µs")
    return Report(targets, (Table("Batteries", _NOTE, columns, rows),))


_NOTE = (
    "A chain of one link and an endpoint, less the bare endpoint. Both sides see the same request, made anew for each "
    "call with the texts of its headers, not at the expense of either; only what aiohttp's router looks at is cached "
    "in it. What is written by hand makes the same checks and sets the same headers, by a signal of its own where the "
    "battery needs `setup()`; there, the figure includes the middleware and the signal of `setup()`, which an "
    "application has once for all its batteries, and the second column leaves them out. The times are those of this "
    "machine."
)


def _compare(figures: Sequence[Minima], name: str, bare: str) -> Spread:
    return Spread.of(_ours(each, name, bare) / _theirs(each, name) for each in figures)


def _describe(figures: Sequence[Minima], name: str, case: Case) -> tuple[str, str, str]:
    without = str(_compare(figures, name, _PREPARED)) if case.signal else ""
    scale = Spread.of(1e6 * _theirs(each, name) for each in figures).median
    more = (_compare(figures, name, _BARE).median - 1) * scale  # of medians, for processes may run at different speeds
    return without, f"{more:.2f}", f"{scale:.2f}"


def _ours(items: Minima, name: str, bare: str) -> float:
    return items[f"{name}: {_BATTERY}"] - items[bare]


def _theirs(items: Minima, name: str) -> float:
    return items[f"{name}: {_BY_HAND}"] - items[_BARE]


# ---- samples


def _sample_cases(cases: Mapping[str, Case]) -> Iterator[tuple[str, Sample]]:
    endpoint = make_endpoints(1)[0]
    plain = RequestMaker("GET", {})
    yield _BARE, _sample(endpoint, None, plain)
    yield _PREPARED, _sample(_prepare(endpoint), apply_registered, plain)
    for name, case in cases.items():
        make = RequestMaker(case.method, case.headers, case.state, is_tls=case.is_tls)
        ours, theirs = put_before_endpoints(case)
        signal = apply_registered if case.signal else None
        yield f"{name}: {_BATTERY}", _sample(_prepare(ours) if case.signal else ours, signal, make)
        yield f"{name}: {_BY_HAND}", _sample(theirs, case.signal, make)


def put_before_endpoints(case: Case) -> tuple[Handler, Handler]:
    """Make the two chains: with the battery, and with what is written by hand."""
    given = [*case.state()]
    endpoints = make_endpoints(2)
    ours = chain(case.battery, case.endpoint or endpoints[0], given=given)
    theirs = chain(case.by_hand, case.endpoint_by_hand or endpoints[1], given=given)
    return ours, theirs


def _prepare(handler: Handler) -> Handler:
    """Put around a handler what aiohttp puts there after `setup(app)`; the signal is called by the sample."""
    return functools.update_wrapper(functools.partial(register_responses, handler=handler), handler)


def _sample(handler: Handler, signal: Signal | None, make: RequestMaker) -> Sample:
    """Each sample has requests and responses of its own, and a loop that the interpreter specialises for it alone."""
    function = _await_all if signal is None else _await_all_with_signal
    loop = FunctionType(function.__code__.replace(), globals())

    def sample() -> float:
        exchanges = [(make(), web.Response()) for _ in range(_CALLS)]
        return drive(loop(handler, signal, exchanges)) / _CALLS

    return sample


Exchanges = Iterable[tuple[web.Request, web.Response]]


async def _await_all(handler: Handler, signal: None, exchanges: Exchanges) -> None:
    for request, _ in exchanges:
        try:  # noqa: SIM105  # suppress() would be measured, too
            await handler(request)
        except web.HTTPException:
            pass


async def _await_all_with_signal(handler: Handler, signal: Signal, exchanges: Exchanges) -> None:
    for request, response in exchanges:
        await handler(request)
        await signal(request, response)


class RequestMaker:
    """Makes requests as aiohttp's server does: no mocks, whose attributes would be slow."""

    def __init__(
        self, method: str, headers: Headers, state: Callable[[], dict[Any, Any]] = dict, *, is_tls: bool = False
    ) -> None:
        self._method = method
        self._raw = tuple(
            (name.encode(), value.encode()) for name, value in {"Host": "example.com", **headers}.items()
        )
        self._state = state
        ssl_context = object() if is_tls else None
        transport = asyncio.Transport({"peername": _PEER, "sslcontext": ssl_context})
        self._protocol: Any = SimpleNamespace(
            transport=transport, ssl_context=ssl_context, peername=_PEER, sockname=("10.0.0.2", 443)
        )

    def __call__(self) -> web.Request:
        path = "/posts/1?page=2"
        headers = CIMultiDictProxy(CIMultiDict((name.decode(), value.decode()) for name, value in self._raw))
        message = RawRequestMessage(
            self._method, path, HttpVersion11, headers, self._raw, False, None, False, False, URL(path)
        )
        nothing: Any = None
        writer = StreamWriter(self._protocol, nothing)
        request = web.Request(message, EMPTY_PAYLOAD, self._protocol, writer, nothing, nothing, state=self._state())
        _ = request.method, request.rel_url.path_safe, request.headers  # what the router has looked at by then
        return request


# ---- the batteries


def make_cases() -> dict[str, Case]:
    """Make all, anew."""
    makers = (_list_authenticators, _list_tokens, _list_origins, _list_addresses, _list_headers, _list_sessions)
    return dict(itertools.chain.from_iterable(make() for make in (*makers, _list_runners)))


Cases = Iterator[tuple[str, Case]]
_BASIC = {"Authorization": f"Basic {base64.b64encode(b'alice:open sesame').decode()}"}
_BEARER = {"Authorization": "Bearer mF_9.B5f-4.1JqM"}
_API_KEY = {"X-API-Key": "7f9a3b5c6d1e"}


def _list_authenticators() -> Cases:
    yield "basic_auth, verify", Case(basic_auth(by_hand.check_password), by_hand.basic_auth_asking, _BASIC)
    yield "basic_auth, a mapping", Case(basic_auth(by_hand.USERS), by_hand.basic_auth_comparing, _BASIC)
    yield "bearer_auth", Case(bearer_auth(by_hand.check_token), by_hand.bearer_auth, _BEARER)
    yield "api_key", Case(api_key(by_hand.check_token, header="X-API-Key"), by_hand.api_key, _API_KEY)
    known = {IDENTITY: by_hand.IDENTITY_FOUND}
    yield "authorise", Case(authorise(["post:read"]), by_hand.authorise, {}, state=known.copy)


def _list_tokens() -> Cases:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    keys: dict[str, tuple[Any, Any]] = {"HS256": (by_hand.KEY, by_hand.KEY), "RS256": (private, private.public_key())}
    claims = {"sub": "alice", "iss": "shop", "aud": "shop", "exp": int(time.time()) + 3600, "scope": "post:read"}
    for algorithm, (signing, checking) in keys.items():
        battery = jwt_auth(key=checking, algorithms=[algorithm], issuer="shop", audience="shop")
        headers = {"Authorization": f"Bearer {jwt.encode(claims, signing, algorithm)}"}
        yield f"jwt_auth, {algorithm}", Case(battery, by_hand.make_jwt_auth(checking, algorithm), headers)


def _list_origins() -> Cases:
    yield "csrf, GET", Case(csrf(), by_hand.csrf, {"Sec-Fetch-Site": "same-origin"})
    told = {"Sec-Fetch-Site": "same-origin", "Origin": "https://example.com"}
    yield "csrf, POST with Sec-Fetch-Site", Case(csrf(), by_hand.csrf, told, method="POST")
    yield "csrf, POST with Origin only", Case(csrf(), by_hand.csrf, {"Origin": "https://example.com"}, method="POST")
    battery, signal = csrf_token(by_hand.KEY), by_hand.send_csrf_cookie
    cookie = {"Cookie": f"theme=dark; __Host-csrf={by_hand.CSRF_ID}"}
    yield "csrf_token, GET", Case(battery, by_hand.csrf_token, cookie, signal=signal)
    yield "csrf_token, first GET", Case(battery, by_hand.csrf_token, {}, signal=signal)
    sent = {**cookie, "X-CSRF-Token": make_token(by_hand.KEY, by_hand.CSRF_ID, None)}
    yield "csrf_token, POST", Case(battery, by_hand.csrf_token, sent, method="POST", signal=signal)


def _list_addresses() -> Cases:
    hosts = ["example.com", "example.net", "*.example.com"]
    yield "trusted_host", Case(trusted_host(hosts), by_hand.trusted_host, {})
    referrer = {"Referer": "https://www.example.com/posts?page=2"}
    yield "trusted_referrer", Case(trusted_referrer(hosts), by_hand.trusted_referrer, referrer)
    forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    believing = client_address(["10.0.0.0/8"], header="X-Forwarded-For")
    yield "client_address", Case(believing, by_hand.client_address, forwarded)
    restriction = ip_restriction(allow=["10.0.0.0/8", "2001:db8::/32"], deny=["10.0.0.66"])
    yield "ip_restriction", Case(restriction, by_hand.ip_restriction, {})
    yield "https_redirect, by https", Case(https_redirect(), by_hand.https_redirect, {}, is_tls=True)
    yield "https_redirect, by http", Case(https_redirect(), by_hand.https_redirect, {})


def _list_headers() -> Cases:
    allowing = cors(["https://example.com", "https://example.net"], credentials=True)
    origin = {"Origin": "https://example.com"}
    yield "cors, allowed origin", Case(allowing, by_hand.cors, origin, signal=by_hand.send_cors)
    plain = secure_headers()
    signal = by_hand.make_secure_headers_signal(_read_fields(plain))
    yield "secure_headers", Case(plain, by_hand.secure_headers, {}, signal=signal, is_tls=True)
    policy = {**DEFAULT_POLICY, "script-src": ("'self'", NONCE)}
    with_nonce = secure_headers(content_security_policy=policy)
    signal = by_hand.make_nonce_signal(_read_fields(with_nonce), *_read_policy(with_nonce))
    yield "secure_headers, nonce", Case(with_nonce, by_hand.secure_headers_with_nonce, {}, signal=signal, is_tls=True)
    framing = x_frame_options("DENY")
    yield "x_frame_options", Case(framing, by_hand.x_frame_options, {}, signal=by_hand.send_frame_options)


def _list_sessions() -> Cases:
    text, token, created = '{"user":"alice","cart":[1,2,3]}', "A" * 43, int(time.time())
    signed = {"Cookie": f"theme=dark; {by_hand.SESSION_COOKIE}={by_hand.sign_session(token, created, text)}"}
    battery, send = sessions(secret=by_hand.KEY), by_hand.send_session
    reading: dict[str, Any] = {"endpoint": _read_session, "endpoint_by_hand": _read_session_by_hand}
    changing: dict[str, Any] = {"endpoint": _change_session, "endpoint_by_hand": _change_session_by_hand}
    yield "sessions, signed, read", Case(battery, by_hand.signed_session, signed, signal=send, **reading)
    yield "sessions, signed, changed", Case(battery, by_hand.signed_session, signed, signal=send, **changing)
    store = MemoryStore()
    record = f"{created}.{created}.{text}".encode()
    drive(store.set(by_hand.name_session(token), record, ttl=3600))
    stored = {"Cookie": f"theme=dark; {by_hand.SESSION_COOKIE}={token}"}
    battery, link = sessions(store=store), by_hand.make_stored_session(store)
    yield "sessions, MemoryStore, read", Case(battery, link, stored, signal=send, **reading)

    def load() -> dict[Any, Any]:
        return {
            SESSION: Session(
                SessionState(f'{{"_network":"{_PEER[0]}/32"}}', token=token, created=created, now=created)
            )
        }

    yield "session_fixing", Case(session_fixing(), by_hand.session_fixing, {}, state=load)


def _list_runners() -> Cases:
    first, second = api_key(by_hand.check_token, header="X-API-Key"), bearer_auth(by_hand.check_token)
    either, either_by_hand = any_of(first, second), by_hand.ask_either(first, second)
    yield "any_of, the first of two", Case(either, either_by_hand, _API_KEY)
    yield "any_of, the second of two", Case(either, either_by_hand, _BEARER)
    yield "unless", Case(unless(by_hand.is_health, second), by_hand.ask_unless_health(second), _BEARER)


def _read_fields(battery: Any) -> by_hand.Fields:
    """What `secure_headers()` sets, whatever the request is."""
    _, response = _see(battery)
    return tuple((istr(name), value) for name, value in response.headers.items() if "nonce" not in value)


def _read_policy(battery: Any) -> tuple[str, str]:
    """What stands before and behind the nonce."""
    request, response = _see(battery)
    before, _, behind = response.headers["Content-Security-Policy"].partition(request[CSP_NONCE])
    return before, behind


def _see(battery: Any) -> tuple[web.Request, web.Response]:
    request, response = RequestMaker("GET", {})(), web.Response()
    drive(
        _await_all_with_signal(_prepare(chain(battery, make_endpoints(1)[0])), apply_registered, [(request, response)])
    )
    response.headers.popall("Content-Type", None)
    return request, response


_RESPONSE = web.Response()


async def _read_session(request: web.Request) -> web.StreamResponse:
    request[SESSION]["user"]
    return _RESPONSE


async def _read_session_by_hand(request: web.Request) -> web.StreamResponse:
    request[SESSION_BY_HAND].data["user"]
    return _RESPONSE


async def _change_session(request: web.Request) -> web.StreamResponse:
    request[SESSION]["count"] = 1
    return _RESPONSE


async def _change_session_by_hand(request: web.Request) -> web.StreamResponse:
    request[SESSION_BY_HAND].data["count"] = 1
    return _RESPONSE


if __name__ == "__main__":
    main()
