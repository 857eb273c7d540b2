"""Hooks run around an exchange in their order, see failures as one family, and leave nothing open behind them."""

import asyncio
import functools
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
from aiohttp import web
from aiohttp.web_log import AccessLogger
from yarl import URL

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.api_key import api_key
from aiohttp_route_middleware.proxy import (
    ConnectError,
    ConnectTimeoutError,
    DisconnectedError,
    Exchange,
    Hook,
    NoTargetError,
    ResponseTimeoutError,
    Upstream,
    UpstreamError,
    after,
    proxy,
)

from ..raw import OK, Between, Message, bounded

GET = b"GET /posts?page=1 HTTP/1.1\r\nHost: shop.example\r\n\r\n"
POST = b"POST /posts HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nfirst"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegun"
SECRET = "key-that-nobody-may-see"


async def answer_of(between: Between, *hooks: Hook, raw: bytes = GET, answer: bytes = OK) -> Message:
    """Ask once, the upstream answers at once; return what the client gets."""
    between.upstream.answer = answer
    await between.serve(*hooks)
    client = await between.send(raw)
    return await client.read_response(raw.partition(b" ")[0].decode())


async def request_of(between: Between, hook: Hook, raw: bytes = GET) -> Message:
    """Ask once; return what the upstream gets."""
    response = await answer_of(between, hook, raw=raw)
    assert response.status == 200
    return between.upstream.requests[0]


def note(names: list[str], name: str) -> Hook:
    async def note(exchange: Exchange) -> AsyncGenerator[None, None]:
        names.append(f"before {name}")
        yield
        names.append(f"after {name}")

    return note


async def test_the_first_hook_is_the_outermost_and_each_form_has_its_moment(between: Between) -> None:
    names: list[str] = []

    def plain(exchange: Exchange) -> None:
        names.append("plain")

    async def awaited(exchange: Exchange) -> None:
        names.append("awaited")

    @after
    def plain_after(exchange: Exchange) -> None:
        names.append("plain after")

    @after
    async def awaited_after(exchange: Exchange) -> None:
        names.append("awaited after")

    hooks = (note(names, "a"), plain, plain_after, awaited, awaited_after, note(names, "b"))
    await answer_of(between, *hooks)
    before = ["before a", "plain", "awaited", "before b"]
    assert names == [*before, "after b", "awaited after", "plain after", "after a"]


async def test_state_is_that_of_one_exchange(between: Between) -> None:
    seen: list[dict[str, Any]] = []

    def write(exchange: Exchange) -> None:
        seen.append(dict(exchange.state))
        exchange.state["path"] = exchange.request.path

    between.upstream.answer = OK
    await between.serve(write)
    client = await between.send(GET)
    await client.read_response()
    await client.send(GET)
    await client.read_response()
    assert seen == [{}, {}]


class Callable_:
    """An object that is a hook."""

    async def __call__(self, exchange: Exchange) -> None:
        exchange.request.headers["X-Hook"] = "yes"

    async def method(self, exchange: Exchange) -> AsyncGenerator[None, None]:
        exchange.request.headers["X-Hook"] = "yes"
        yield


async def _set(value: str, exchange: Exchange) -> AsyncGenerator[None, None]:
    exchange.request.headers["X-Hook"] = value
    yield


HOOKS: dict[str, Hook] = {
    "an object": Callable_(),
    "a bound method": Callable_().method,
    "a partial": functools.partial(_set, "yes"),
    "a lambda": lambda exchange: exchange.request.headers.update({"X-Hook": "yes"}),
}


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
async def test_whatever_can_be_called_with_an_exchange_is_a_hook(between: Between, hook: Hook) -> None:
    request = await request_of(between, hook)
    assert request.values("X-Hook") == [b"yes"]


async def test_the_method_of_an_object_may_run_after_the_answer(between: Between) -> None:
    class Marker:
        @after
        def mark(self, exchange: Exchange) -> None:
            exchange.response.headers["X-Hook"] = "yes"

    response = await answer_of(between, Marker().mark, functools.partial(after(_mark), "no"))
    assert response.values("X-Hook") == [b"yes"]


def _mark(value: str, exchange: Exchange) -> None:
    exchange.response.headers["X-Hook"] = value


async def _pass(exchange: Exchange) -> None:
    """Nothing."""


def _generate(exchange: Exchange) -> Iterator[None]:
    yield


_managed = asynccontextmanager(functools.partial(_set, "yes"))
_managed_plainly = contextmanager(_generate)


WRONG: dict[str, tuple[object, str]] = {
    "a class": (Exchange, "hook 1 is Exchange .*; pass a function"),
    "a text": ("X-API-Key", "hook 1 is str; pass a function"),
    "a sync generator": (_generate, "hook 1 is _generate .*; write it as `async def`"),
    "a partial of one": (functools.partial(_generate), "write it as `async def`"),
    "two parameters": (lambda request, handler: None, "a hook is called with the exchange alone"),
    "no parameter": (lambda: None, "a hook is called with the exchange alone"),
    "a hook that was called": (_set("", None), "pass the function itself, without calling it"),  # type: ignore[arg-type]  # it does not run
    "what one has returned": (None, "hook 1 is NoneType; pass the function itself, without calling it"),
    "a context manager": (_managed, "leave out @asynccontextmanager: a hook that yields is an async generator"),
    "a plain context manager": (functools.partial(_managed_plainly), "leave out @asynccontextmanager"),
    "a guard": (api_key(lambda key: None, header="X-Key"), "hook 1 is api_key.*; put it into the chain, before proxy"),
}


@pytest.mark.parametrize(("hook", "problem"), WRONG.values(), ids=WRONG)
def test_what_is_no_hook_is_refused_when_the_proxy_is_made(hook: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"proxy\(\): .*{problem}"):
        proxy(Upstream("http://localhost"), hook)


def test_a_coroutine_is_no_hook() -> None:
    coroutine: Any = _pass(None)  # type: ignore[arg-type]  # it does not run
    with pytest.raises(
        ConfigurationError, match=r"hook 1 is (coroutine|_pass).*; pass the function itself, without calling it"
    ):
        proxy(Upstream("http://localhost"), coroutine)
    coroutine.close()


def test_a_hook_without_a_signature_to_read_is_taken() -> None:
    proxy(Upstream("http://localhost"), _pass, dict.__getitem__.__get__({}))


AFTER: dict[str, tuple[object, str]] = {
    "a text": ("X-API-Key", "got str"),
    "a class": (Exchange, "got Exchange"),
    "an async generator": (_set, "got _set"),
    "a partial of one": (functools.partial(_set, "yes"), "got _set"),
    "a bound method": (Callable_().__call__, "write @after above the method in its class"),
}


@pytest.mark.parametrize(("function", "problem"), AFTER.values(), ids=AFTER)
def test_what_cannot_run_after_is_refused(function: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"after\(\): .*{problem}"):
        after(function)


# what a hook answers


async def test_who_answers_before_the_yield_is_the_last_that_runs(between: Between) -> None:
    names: list[str] = []

    async def answer(exchange: Exchange) -> AsyncGenerator[None, None]:
        exchange.response = web.Response(status=418, text="no")
        yield
        names.append("after answer")

    response = await answer_of(between, note(names, "a"), answer, note(names, "b"))
    assert (response.status, response.body) == (418, b"no")
    assert names == ["before a", "after answer", "after a"]
    assert between.upstream.wires == []


async def test_a_plain_hook_may_answer_as_well(between: Between) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.response = web.HTTPTooManyRequests(text="slowly")

    response = await answer_of(between, answer)
    assert (response.status, response.body) == (429, b"slowly")


async def test_a_hook_may_raise_a_refusal(between: Between) -> None:
    def refuse(exchange: Exchange) -> None:
        raise web.HTTPForbidden(text="no")

    response = await answer_of(between, refuse)
    assert (response.status, response.body) == (403, b"no")
    assert between.upstream.wires == []


async def _replace_by_text(exchange: Exchange) -> None:
    exchange.response = web.Response(text="ours")


async def _replace_by_stream(exchange: Exchange) -> None:
    response = web.StreamResponse()
    await response.prepare(exchange.incoming)
    await response.write(b"our")
    await response.write_eof(b"s")
    exchange.response = response


@pytest.mark.parametrize("replace", [_replace_by_text, _replace_by_stream])
async def test_a_response_may_be_replaced_and_the_connection_of_the_old_one_is_freed(
    between: Between, replace: Hook
) -> None:
    await between.serve(after(functools.partial(replace)))
    client = await between.send(GET)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(LONG)
    assert (await client.read_response()).body == b"ours"
    assert await target.read_rest() == b""


async def test_the_same_response_may_be_set_again(between: Between) -> None:
    @after
    def keep(exchange: Exchange) -> None:
        exchange.response = exchange.response

    assert (await answer_of(between, keep)).body == b"ok"


CHANGED = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: "1"\r\nContent-Encoding: x\r\nContent-Type: text/a\r\n\r\nok'


async def test_a_body_that_was_read_may_be_replaced_and_its_fields_are_right(between: Between) -> None:
    @after
    async def double(exchange: Exchange) -> None:
        body = await exchange.answer.read()
        exchange.answer.replace_body(body * 2)

    response = await answer_of(between, double, answer=CHANGED)
    assert response.body == b"okok"
    assert response.values("Content-Length") == [b"4"]
    assert response.values("ETag") == response.values("Content-Encoding") == []
    assert response.values("Content-Type") == [b"text/a"]


async def test_a_body_that_was_only_read_stays_as_it_is(between: Between) -> None:
    bodies: list[bytes] = []

    @after
    async def look(exchange: Exchange) -> None:
        bodies.extend([await exchange.answer.read(), await exchange.answer.read()])

    response = await answer_of(between, look, answer=CHANGED)
    assert bodies == [b"ok", b"ok"]
    assert response.body == b"ok"
    assert response.values("ETag") == [b'"1"']
    assert response.values("Content-Encoding") == [b"x"]


async def test_the_status_of_an_answer_may_be_changed(between: Between) -> None:
    @after
    def hide(exchange: Exchange) -> None:
        exchange.response.set_status(404, "Not Found")

    response = await answer_of(between, hide)
    assert (response.line, response.body) == (b"HTTP/1.1 404 Not Found", b"ok")


# what fails


async def test_what_the_upstream_fails_with_is_no_exception_of_the_hook(between: Between) -> None:
    async def authenticate(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        except Exception as error:  # meant for what this hook does itself
            raise web.HTTPUnauthorized from error

    await between.upstream.close()
    assert (await answer_of(between, authenticate)).status == 502


async def test_who_wants_to_answers_a_failure_of_the_upstream(between: Between) -> None:
    async def excuse(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        except UpstreamError as error:
            exchange.response = web.Response(status=error.status, text="later")

    await between.upstream.close()
    response = await answer_of(between, excuse)
    assert (response.status, response.body) == (502, b"later")


async def test_who_wants_to_raises_a_refusal_for_a_failure(between: Between) -> None:
    seen: list[str] = []

    async def outer(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        except web.HTTPNotFound as error:
            seen.append(error.reason)
            raise

    async def hide(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        except UpstreamError as error:
            raise web.HTTPNotFound from error

    await between.upstream.close()
    assert (await answer_of(between, outer, hide)).status == 404
    assert seen == ["Not Found"]


async def test_who_swallows_a_failure_and_sets_no_response_has_not_answered(between: Between) -> None:
    async def swallow(exchange: Exchange) -> AsyncGenerator[None, None]:
        with suppress(UpstreamError):
            yield

    await between.upstream.close()
    assert (await answer_of(between, swallow)).status == 502


async def test_an_answer_is_not_sent_that_an_inner_hook_did_not_let_pass(between: Between) -> None:
    async def swallow(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        except ValueError:
            assert not exchange.has_response

    @after
    def check(exchange: Exchange) -> None:
        raise ValueError("its signature is wrong")

    assert (await answer_of(between, swallow, check)).status == 500


async def test_after_a_failure_functions_of_the_third_form_do_not_run(between: Between) -> None:
    names: list[str] = []

    @after
    def note_after(exchange: Exchange) -> None:
        names.append("after")

    await between.upstream.close()
    await answer_of(between, note_after)
    assert names == []


async def _break_connection(between: Between) -> None:
    target = await between.upstream.accept()
    await target.read_request()
    target.close()


async def _stay_silent(between: Between) -> None:
    await between.upstream.accept()


async def _close(between: Between) -> None:
    await between.upstream.close()


FAILURES: dict[str, tuple[Any, type[UpstreamError], int]] = {
    "disconnected": (_break_connection, DisconnectedError, 502),
    "too slow": (_stay_silent, ResponseTimeoutError, 504),
}


@pytest.mark.parametrize(("fail", "kind", "status"), FAILURES.values(), ids=FAILURES)
async def test_failures_of_an_upstream_are_one_family(
    between: Between, fail: Any, kind: type[UpstreamError], status: int
) -> None:
    seen: list[UpstreamError] = []

    async def look(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        except UpstreamError as error:
            seen.append(error)
            raise

    await between.serve(look, to={"response_timeout": 0.05, "retries": False})
    client = await between.send(GET)
    await fail(between)
    assert (await client.read_response()).status == status
    assert [type(error) for error in seen] == [kind]


def test_the_family_is_a_tree_that_no_exception_of_a_hook_belongs_to() -> None:
    for kind in (NoTargetError, ConnectError, ConnectTimeoutError, DisconnectedError, ResponseTimeoutError):
        assert issubclass(kind, UpstreamError)
        assert not issubclass(kind, Exception)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("place", ["outer", "inner"])
async def test_wherever_a_hook_fails_those_around_it_see_it(between: Between, place: str, moment: str) -> None:
    names: list[str] = []

    async def fail(exchange: Exchange) -> AsyncGenerator[None, None]:
        if moment == "before":
            raise ValueError("oh")
        yield
        raise ValueError("oh")

    async def around(exchange: Exchange) -> AsyncGenerator[None, None]:
        names.append("before")
        try:
            yield
        except ValueError:
            names.append("failure")
            raise
        names.append("after")

    hooks = (fail, around) if place == "outer" else (around, fail)
    assert (await answer_of(between, *hooks)).status == 500
    expected = {
        ("outer", "before"): [],
        ("outer", "after"): ["before", "after"],
        ("inner", "before"): ["before", "failure"],
        ("inner", "after"): ["before", "failure"],
    }
    assert names == expected[place, moment]


async def test_the_connection_is_freed_if_a_hook_fails_after_the_answer(between: Between) -> None:
    @after
    def fail(exchange: Exchange) -> None:
        raise web.HTTPConflict

    await between.serve(fail)
    client = await between.send(GET)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(LONG)
    assert (await client.read_response()).status == 409
    assert await target.read_rest() == b""


# what a hook does wrong


async def _yield_twice(exchange: Exchange) -> AsyncGenerator[None, None]:
    yield
    yield


async def _yield_again_after_failure(exchange: Exchange) -> AsyncGenerator[None, None]:
    try:
        yield
    except UpstreamError:
        yield


async def _yield_never(exchange: Exchange) -> AsyncGenerator[None, None]:
    if exchange.has_response:
        yield


def _return_response(exchange: Exchange) -> Any:
    return web.Response(status=403)


async def _return_later(exchange: Exchange) -> Any:
    return web.HTTPForbidden()


@after
def _return_after(exchange: Exchange) -> Any:
    return SECRET


@after
async def _return_later_after(exchange: Exchange) -> Any:
    return 1


def _set_no_response(exchange: Exchange) -> None:
    exchange.response = SECRET  # type: ignore[assignment]  # wrong on purpose


def _read_too_early(exchange: Exchange) -> None:
    _ = exchange.response


def _read_answer_too_early(exchange: Exchange) -> None:
    _ = exchange.answer


def _break_line(exchange: Exchange) -> None:
    exchange.request.headers["X-Key"] = f"{SECRET}\r\nX-Role: admin"


def _break_line_in_name(exchange: Exchange) -> None:
    exchange.request.headers["X-Key\r\nX-Role"] = SECRET


def _set_nothing(exchange: Exchange) -> None:
    exchange.request.headers["X-Key"] = None  # type: ignore[assignment]  # wrong on purpose


def _set_bytes(exchange: Exchange) -> None:
    exchange.request.headers["X-Key"] = SECRET.encode()  # type: ignore[assignment]  # wrong on purpose


def _blank_in_path(exchange: Exchange) -> None:
    exchange.request.path = f"/{SECRET} HTTP/1.1"


def _path_without_slash(exchange: Exchange) -> None:
    exchange.request.path = SECRET


def _path_of_another_kind(exchange: Exchange) -> None:
    exchange.request.path = URL(f"/{SECRET}")  # type: ignore[assignment]  # wrong on purpose


def _text_as_url(exchange: Exchange) -> None:
    exchange.request.url = SECRET  # type: ignore[assignment]  # wrong on purpose


def _another_server(exchange: Exchange) -> None:
    exchange.request.url = URL(f"http://evil.example/{SECRET}")


def _no_method(exchange: Exchange) -> None:
    exchange.request.method = "GET /"


def _no_body(exchange: Exchange) -> None:
    exchange.request.body = SECRET  # type: ignore[assignment]  # wrong on purpose


def _text_in_body(exchange: Exchange) -> None:
    async def pieces() -> AsyncIterator[Any]:
        yield SECRET

    exchange.request.body = pieces()


MISTAKES: dict[Callable[..., Any], str] = {
    _yield_twice: r"the hook _yield_twice \(.*test_running.py:\d+\) has yielded twice; yield once on each way",
    _yield_never: r"the hook _yield_never \(.*:\d+\) has not yielded; yield once on each way; to answer, set",
    _return_response: r"proxy\(\): the hook _return_response \(.*:\d+\) returned Response; return nothing;",
    _return_later: r"proxy\(\): the hook _return_later \(.*\) returned HTTPForbidden",
    _return_after: r"proxy\(\): the hook _return_after \(.*\) returned str",
    _return_later_after: r"proxy\(\): the hook _return_later_after \(.*\) returned int",
    _set_no_response: r"Exchange.response: a hook has set str",
    _read_too_early: "there is no response yet",
    _read_answer_too_early: "there is no answer of a target",
    _break_line: r"OutgoingRequest.headers: the value of 'X-Key' is no text, or .*, after _break_line \(.*:\d+\); set",
    _break_line_in_name: "OutgoingRequest.headers: ",
    _set_nothing: "OutgoingRequest.headers: the value of 'X-Key' is no text",
    _set_bytes: "OutgoingRequest.headers: the value of 'X-Key' is no text",
    _blank_in_path: "OutgoingRequest.path: there is a blank",
    _path_without_slash: r"OutgoingRequest.path: it does not begin with a slash, after _path_without_slash \(",
    _path_of_another_kind: r"OutgoingRequest.path: it is of type URL, after .*; set a text; a URL is set as",
    _text_as_url: "OutgoingRequest.url: it is of type str; set a yarl.URL, as exchange.request.url is one; a text is",
    _another_server: "OutgoingRequest.url: http://evil.example is a server",
    _no_method: "OutgoingRequest.method: it is no method",
    _no_body: "OutgoingRequest.body: a hook has set str",
    _text_in_body: "OutgoingRequest.body: a hook has yielded str",
}


@pytest.mark.parametrize(("hook", "problem"), MISTAKES.items(), ids=lambda one: getattr(one, "__name__", ""))
async def test_a_mistake_of_a_hook_is_a_500_and_the_log_names_it_without_a_secret(
    between: Between, hook: Hook, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = await answer_of(between, hook)
    assert response.status == 500
    assert SECRET.encode() not in response.raw
    (record,) = [one for one in caplog.records if one.levelname == "ERROR"]
    error = record.exc_info[1] if record.exc_info else None
    assert SECRET not in str(error)
    assert re.search(problem, str(error))


async def test_to_yield_again_after_a_failure_tells_that_failure_as_well(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    await between.upstream.close()
    assert (await answer_of(between, _yield_again_after_failure)).status == 500
    assert "yielded twice" in caplog.text
    assert "ConnectError" in caplog.text


# what a hook may change of the request


async def test_the_body_may_be_bytes(between: Between) -> None:
    def write(exchange: Exchange) -> None:
        exchange.request.body = b"other one"
        exchange.request.headers["Content-Length"] = "9"  # as one is used to; it is there once all the same

    request = await request_of(between, write, POST)
    assert request.body == b"other one"
    assert request.values("Content-Length") == [b"9"]


async def test_the_body_may_come_in_pieces(between: Between) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"o", b"", b"ther"):
            yield piece

    def write(exchange: Exchange) -> None:
        exchange.request.body = pieces()

    request = await request_of(between, write, POST)
    assert request.framed == b"1\r\no\r\n4\r\nther\r\n0\r\n\r\n"
    assert request.values("Content-Length") == []


async def test_what_frames_a_body_is_not_for_a_hook_to_say(between: Between) -> None:
    def frame(exchange: Exchange) -> None:
        for name in ("Transfer-Encoding", "Content-Length", "Connection", "Upgrade", "Expect"):
            exchange.request.headers[name] = "chunked"

    request = await request_of(between, frame, POST)
    assert request.body == b"first"
    names = [name.lower() for name, _ in request.fields]
    assert names.count(b"content-length") == 1
    assert not {b"transfer-encoding", b"connection", b"upgrade", b"expect"} & set(names)


async def test_method_host_and_fields_may_be_changed(between: Between) -> None:
    def change(exchange: Exchange) -> None:
        exchange.request.method = "PATCH"
        exchange.request.headers["Host"] = "tenant.example"
        exchange.request.headers["X-Key"] = "1"

    request = await request_of(between, change, POST)
    assert request.line == b"PATCH /posts HTTP/1.1"
    assert request.values("Host") == [b"tenant.example"]
    assert request.values("X-Key") == [b"1"]


QUERIES: dict[str, tuple[bytes, Callable[[URL], URL], bytes]] = {
    "set": (b"/a%2Fb?x=1", lambda url: url.with_query({"y": "2"}), b"/a%2Fb?y=2"),
    "added": (b"/a?x=1", lambda url: url.update_query(y="2"), b"/a?x=1&y=2"),
    "another path": (b"/a?x=%2F", lambda url: url.with_path("/b c", keep_query=True), b"/b%20c?x=%2F"),
    "as it was": (b"/a;b/%2f//?x&x=", lambda url: url, b"/a;b/%2f//?x&x="),
    "no host": (b"//evil.example/a?x=1", lambda url: url.with_query({"y": "2"}), b"//evil.example/a?y=2"),
}


@pytest.mark.parametrize(("path", "change", "expected"), QUERIES.values(), ids=QUERIES)
async def test_path_and_query_may_be_changed_as_a_url(
    between: Between, path: bytes, change: Callable[[URL], URL], expected: bytes
) -> None:
    def edit(exchange: Exchange) -> None:
        exchange.request.url = change(exchange.request.url)

    request = await request_of(between, edit, b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert request.line == b"GET " + expected + b" HTTP/1.1"


async def test_the_first_segment_is_no_host_for_a_hook_that_looks_at_the_url(between: Between) -> None:
    seen: list[str] = []

    def look(exchange: Exchange) -> None:
        seen.append(exchange.request.url.path)

    await request_of(between, look, b"GET //public/admin HTTP/1.1\r\nHost: a\r\n\r\n")
    assert seen == ["//public/admin"]


# what ends an exchange from outside


async def test_a_client_that_goes_closes_all_hooks_and_none_sees_it_as_a_failure(between: Between) -> None:
    names: list[str] = []
    closed = asyncio.Event()

    async def outer(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            closed.set()

    async def inner(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        except BaseException as error:
            names.append(type(error).__name__)
            raise
        finally:
            names.append("finally")

    @after
    def late(exchange: Exchange) -> None:
        names.append("after")

    await between.serve(outer, late, inner)
    client = await between.send(GET)
    target = await between.upstream.accept()
    await target.read_request()
    client.abort()
    await bounded(closed.wait())
    assert names == ["GeneratorExit", "finally"]
    assert await target.read_rest() == b""


async def test_a_handler_that_is_cancelled_closes_all_hooks(between: Between) -> None:
    names: list[str] = []
    closed = asyncio.Event()

    async def outer(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            names.append("outer")
            closed.set()

    async def wait_after(exchange: Exchange) -> AsyncGenerator[None, None]:
        yield
        try:
            names.append("waiting")
            client.abort()
            await asyncio.get_running_loop().create_future()
        finally:
            names.append("inner")

    await between.serve(outer, wait_after, server={"handler_cancellation": True})
    client = await between.send(GET)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(LONG)
    await bounded(closed.wait())
    assert names == ["waiting", "inner", "outer"]
    assert await target.read_rest() == b""


async def test_a_hook_that_yields_when_it_is_closed_does_not_keep_the_others_open(between: Between) -> None:
    closed = asyncio.Event()

    async def outer(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            closed.set()

    async def stubborn(exchange: Exchange) -> AsyncGenerator[None, None]:
        try:
            yield
        except GeneratorExit:
            yield

    await between.serve(outer, stubborn, server={"access_log_class": AccessLogger})
    client = await between.send(GET)
    target = await between.upstream.accept()
    await target.read_request()
    client.abort()
    await bounded(closed.wait())


async def test_what_hooks_have_written_wrongly_names_those_that_may_have_done_it(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    await between.serve(note([], "a"), _break_line, after(functools.partial(_pass)))
    client = await between.send(GET)
    assert (await client.read_response()).status == 500
    found = re.search(
        r"OutgoingRequest.headers: .*, after note \(.*:\d+\), _break_line \(.*:\d+\); set a text", caplog.text
    )
    assert found is not None
    assert SECRET not in found.group()


async def test_a_lambda_that_returns_what_it_calls_is_told_so(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    hook: Any = lambda exchange: exchange.request.headers.setdefault("X-Key", SECRET)  # noqa: E731  # as one does
    assert (await answer_of(between, hook)).status == 500
    assert (
        "returned str; return nothing; to answer, set exchange.response; a lambda returns what it calls" in caplog.text
    )
