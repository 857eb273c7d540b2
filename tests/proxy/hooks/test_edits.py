"""Hooks that are made: paths rewritten, fields set and removed, and what cannot be made is refused at once."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from multidict import CIMultiDict

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.proxy import (
    Exchange,
    ExchangeRecord,
    Hook,
    OutgoingRequest,
    add_prefix,
    remove_headers,
    remove_response_headers,
    rewrite_path,
    set_header,
    set_response_header,
    strip_prefix,
)
from aiohttp_route_middleware.proxy.hooks.running import run_hooks

from ..incoming import ask
from ..raw import Between

SECRET = "key-that-nobody-may-see"
FIELDS = [("x-key", "1"), ("Accept", "*/*"), ("X-Key", "2"), ("Cookie", "a=b")]


async def edit(*hooks: Hook) -> Exchange:
    """Run hooks around an exchange whose request and response have `FIELDS`."""
    outgoing = OutgoingRequest("GET", "/api/posts?page=1", CIMultiDict(FIELDS))
    exchange = Exchange(ask(X_User="ann"), outgoing, ExchangeRecord("upstream", "GET", "/api/posts"))

    async def send() -> None:
        exchange.response = web.Response(headers=CIMultiDict(FIELDS))

    await run_hooks(hooks, exchange, send)
    return exchange


async def test_a_path_is_rewritten_in_the_order_of_the_rewritings() -> None:
    exchange = await edit(rewrite_path(strip_prefix("/api"), add_prefix("/v1"), lambda path: f"{path}&x"))
    assert exchange.request.path == "/v1/posts?page=1&x"


async def test_a_field_is_set_in_place_of_all_that_have_its_name() -> None:
    exchange = await edit(set_header("X-KEY", SECRET), set_response_header("X-KEY", "ours"))
    assert exchange.request.headers.getall("X-Key") == [SECRET]
    assert exchange.response.headers.getall("X-Key") == ["ours"]


async def test_the_value_of_a_field_may_be_told_by_a_function() -> None:
    def tell(exchange: Exchange) -> str:
        return exchange.incoming.headers["X-User"]

    exchange = await edit(set_header("X-User", tell), set_response_header("X-User", tell))
    assert exchange.request.headers["X-User"] == "ann"
    assert exchange.response.headers["X-User"] == "ann"


async def test_fields_are_removed_in_whatever_case_they_came_and_need_not_be_there() -> None:
    names = ("X-KEY", "cookie", "X-Missing")
    exchange = await edit(remove_headers(*names), remove_response_headers(*names))
    assert list(exchange.request.headers.items()) == [("Accept", "*/*")]
    assert [name for name, _ in exchange.response.headers.items() if name != "Content-Type"] == ["Accept"]


async def test_fields_of_the_response_are_those_of_the_target(between: Between) -> None:
    between.upstream.answer = b"HTTP/1.1 200 OK\r\nServer: a\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0\r\n\r\n"
    await between.serve(remove_response_headers("Server"), set_response_header("X-A", "3"))
    client = await between.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    response = await client.read_response()
    assert response.values("Server") == []
    assert response.values("X-A") == [b"3"]


NAMES: dict[str, Hook] = {
    "rewrite_path": rewrite_path(strip_prefix("/api")),
    "set_header(X-Key)": set_header("X-Key", SECRET),
    "set_response_header(X-Key)": set_response_header("X-Key", SECRET),
    "remove_headers(Cookie, Authorization)": remove_headers("Cookie", "Authorization"),
    "remove_response_headers(Server)": remove_response_headers("Server"),
}


@pytest.mark.parametrize(("name", "hook"), NAMES.items(), ids=NAMES)
def test_each_is_named_by_what_it_was_given_but_for_values(name: str, hook: Hook) -> None:
    assert name_link(hook) == name


async def _later(_: Any) -> str:
    return SECRET


@pytest.mark.parametrize("make", [set_header, set_response_header])
@pytest.mark.parametrize("name", ["Connection", "transfer-encoding", "Content-Length", "Upgrade", "Expect"])
def test_a_field_that_the_proxy_writes_itself_cannot_be_set(make: Callable[..., Hook], name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"{make.__name__}\(\): name='{name}'; leave it out: the proxy writes it"
    ):
        make(name, "x")


WRONG: dict[str, tuple[Callable[[], Hook], str]] = {
    "no rewriting": (lambda: rewrite_path("/api"), r"rewrite_path\(\): "),  # type: ignore[arg-type]  # on purpose
    "nothing to rewrite": (rewrite_path, r"rewrite_path\(\): there are no rewritings; pass a function"),
    "an async rewriting": (lambda: rewrite_path(_later), r"a rewriting is _later .*, which is async"),  # type: ignore[arg-type]  # on purpose
    "an async value": (
        lambda: set_header("X-Key", _later),  # type: ignore[arg-type]  # wrong on purpose
        r"set_header\(\): the function for X-Key is _later .* async",
    ),
    "a value without parameter": (
        lambda: set_response_header("X-Key", lambda: SECRET),  # type: ignore[arg-type, misc]  # wrong on purpose
        r"set_response_header\(\): the function for X-Key is .*; let it take \(exchange\)",
    ),
    "a number": (lambda: set_header("X-Key", 1), r"the value of X-Key is of type int; pass a text"),  # type: ignore[arg-type]  # on purpose
    "no name to set": (lambda: set_header("X Key", SECRET), r"set_header\(\): name='X Key'"),
    "no name to set after": (lambda: set_response_header("", SECRET), r"set_response_header\(\): name=''"),
    "a line break": (
        lambda: set_header("X-Key", f"{SECRET}\r\n"),
        r"set_header\(\): the value of X-Key is a text with a line break",
    ),
    "no text": (
        lambda: set_response_header("X-Key", SECRET.encode()),  # type: ignore[arg-type]  # wrong on purpose
        r"set_response_header\(\): the value of X-Key is of type bytes",
    ),
    "nothing to remove": (remove_headers, r"remove_headers\(\): there are no names"),
    "nothing to remove after": (remove_response_headers, r"remove_response_headers\(\): there are no names"),
    "a list": (
        lambda: remove_headers(["Cookie"]),  # type: ignore[arg-type]  # wrong on purpose
        r"remove_headers\(\): name=\['Cookie'\]",
    ),
}


@pytest.mark.parametrize(("make", "problem"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_made_is_refused_and_no_value_is_shown(make: Callable[[], Hook], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        make()
    assert SECRET not in str(caught.value)


TOLD: dict[str, tuple[Any, str]] = {
    "nothing": (None, "of type NoneType"),
    "bytes": (SECRET.encode(), "of type bytes"),
    "a line break": (f"{SECRET}\n", "a text with a line break, or with what else no field may have"),
}


@pytest.mark.parametrize("made", [set_header, set_response_header])
@pytest.mark.parametrize(("value", "kind"), TOLD.values(), ids=TOLD)
async def test_what_a_function_tells_that_is_no_value_is_refused_and_not_shown(
    value: Any, kind: str, made: Callable[..., Hook]
) -> None:
    problem = rf"{made.__name__}\(\): the value of X-Key, returned by .*:\d+\), is {kind}; return a text"
    with pytest.raises(ConfigurationError, match=problem) as caught:
        await edit(made("X-Key", lambda exchange: value))
    assert SECRET not in str(caught.value)
