"""What docs/proxy.md shows besides the gateway, against a real target."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import hdrs, web
from aiohttp.test_utils import TestServer
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import Handler, UrlDispatcherEx
from aiohttp_route_middleware.proxy import (
    AffinityCookie,
    Ejection,
    Exchange,
    ExchangeRecord,
    Forwarding,
    HealthCheck,
    Hook,
    Retries,
    Target,
    Upstream,
    UpstreamError,
    add_prefix,
    after,
    proxy,
    replace_path,
    rewrite_cookies,
    rewrite_locations,
    rewrite_path,
    strip_prefix,
)

ROOT = Path(__file__).parents[2]
logger = logging.getLogger(__name__)

Told = dict[str, str]


# ---- what the page shows


def make_app(url: str) -> web.Application:
    app = web.Application()
    shop = Upstream(url, name="shop")
    shop.run_with(app)
    UrlDispatcherEx.install(app).add_route("*", "/{tail:.*}", proxy(shop))
    return app


async def measure(exchange: Exchange) -> AsyncIterator[None]:
    exchange.state["began"] = asyncio.get_running_loop().time()
    yield
    seconds = asyncio.get_running_loop().time() - exchange.state["began"]
    exchange.response.headers["Server-Timing"] = f"shop;dur={1000 * seconds:.1f}"


def ask_in_english(exchange: Exchange) -> None:
    exchange.request.headers["Accept-Language"] = "en"


@after
def hide_version(exchange: Exchange) -> None:
    exchange.response.headers.popall("X-Powered-By", None)


async def answer_kindly(exchange: Exchange) -> AsyncIterator[None]:
    try:
        yield
    except UpstreamError as failure:
        exchange.response = web.json_response({"error": "The shop is closed for a moment."}, status=failure.status)


async def shout(exchange: Exchange) -> AsyncIterator[None]:
    yield
    if exchange.response.content_type == "text/plain":
        exchange.answer.replace_body((await exchange.answer.read(limit=100_000)).upper())


def lower_the_path(path_and_query: str) -> str:
    path, question_mark, query = path_and_query.partition("?")
    return f"{path.lower()}{question_mark}{query}"


def make_rewriting() -> Hook:
    return rewrite_path(strip_prefix("/api"), replace_path(r"^/v1/", "/"), lower_the_path, add_prefix("/shop"))


def make_many(first: str, second: str, third: str) -> Upstream:
    return Upstream(
        Target(first, weight=3, name="large"),
        Target(second, name="small"),
        Target(third, name="spare"),
        name="shop",
        balance="least_connections",
        affinity=AffinityCookie("shop_target"),
        ejection=Ejection(failures=3, period=10.0, slow=2.0),
        check=HealthCheck("/health", interval=5.0),
        retries=Retries(attempts=2, statuses={503}),
        connect_timeout=2.0,
        response_timeout=10.0,
        idle_timeout=30.0,
    )


def make_public(shop: Upstream) -> Handler:
    return proxy(
        shop,
        rewrite_path(strip_prefix("/shop")),
        forwarding=Forwarding(trusted_proxies=["127.0.0.1"], headers=["X-Forwarded-For", "Forwarded"], via="front"),
        locations=rewrite_locations(prefixes={"/": "/shop"}, map_paths=True),
        cookies=rewrite_cookies(domains={"*": None}, paths={"/": "/shop"}, http_only=True),
        proxy_status="front",
    )


def log_exchange(record: ExchangeRecord) -> None:
    logger.info(
        "%s %s: %s by %s, %s attempts, first byte after %.3f s, %s bytes down",
        record.method,
        record.path,
        record.outcome,
        record.target,
        record.attempts,
        record.first_byte_seconds or -1,
        record.bytes_down,
    )


# ---- and what it does


async def echo(request: web.Request) -> web.Response:
    told = {"path": request.raw_path, **{name: ", ".join(request.headers.getall(name)) for name in request.headers}}
    return web.json_response(told, headers={"X-Powered-By": "coffee"})


async def whisper(_: web.Request) -> web.Response:
    return web.Response(text="quiet")


async def redirect(_: web.Request) -> web.Response:
    return web.Response(status=303, headers={"Location": "/cart", "Set-Cookie": "a=b; Domain=internal; Path=/"})


@pytest.fixture
async def target() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/text", whisper)
    app.router.add_get("/redirect", redirect)
    app.router.add_route("*", "/{tail:.*}", echo)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


def make_front(upstream: Upstream, *hooks: Hook) -> web.Application:
    app = web.Application()
    upstream.run_with(app)
    app.router.add_route("*", "/{tail:.*}", proxy(upstream, *hooks))
    return app


async def test_the_smallest_proxy_passes_all_on(target: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(target))
    told: Told = await (await client.get("/a?b=c")).json()
    assert told["path"] == "/a?b=c"
    assert told["X-Forwarded-For"] == "127.0.0.1"


async def test_hooks_of_all_three_forms_run_around_one_exchange(target: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_front(Upstream(target), measure, ask_in_english, hide_version))
    response = await client.get("/")
    told: Told = await response.json()
    assert told["Accept-Language"] == "en"
    assert "X-Powered-By" not in response.headers
    assert response.headers["Server-Timing"].startswith("shop;dur=")


async def test_a_hook_answers_for_an_upstream_that_is_down(
    aiohttp_client: AiohttpClient, unused_tcp_port: int
) -> None:
    client = await aiohttp_client(make_front(Upstream(f"http://127.0.0.1:{unused_tcp_port}"), answer_kindly))
    response = await client.get("/")
    assert (response.status, await response.json()) == (502, {"error": "The shop is closed for a moment."})


async def test_a_body_may_be_read_and_replaced_and_no_other_is_touched(
    target: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_front(Upstream(target), shout))
    assert await (await client.get("/text")).text() == "QUIET"
    assert (await (await client.get("/json")).json())["path"] == "/json"


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        pytest.param("/api/v1/Tea?Q=A", "/shop/tea?Q=A", id="all of it"),
        pytest.param("/apiary/Tea", "/shop/apiary/tea", id="not the prefix"),
        pytest.param("/api", "/shop/", id="the prefix alone"),
    ],
)
async def test_paths_are_rewritten_in_the_order_in_which_it_is_written(
    target: str, aiohttp_client: AiohttpClient, sent: str, arrives: str
) -> None:
    client = await aiohttp_client(make_front(Upstream(target), make_rewriting()))
    assert (await (await client.get(sent)).json())["path"] == arrives


async def test_of_several_targets_those_that_are_well_answer(
    target: str, aiohttp_client: AiohttpClient, unused_tcp_port_factory: Callable[[], int]
) -> None:
    first, third = (f"http://127.0.0.1:{unused_tcp_port_factory()}" for _ in range(2))
    client = await aiohttp_client(make_front(make_many(first, target, third)))
    response = await client.get("/a")
    assert response.status == 200
    assert response.cookies["shop_target"].value == "small"
    told: Told = await (await client.get("/b")).json()
    assert hdrs.COOKIE not in told, "it is between the client and the proxy"


async def test_what_a_target_is_told_and_what_it_says_fits_the_public_site(
    target: str, aiohttp_client: AiohttpClient
) -> None:
    app = web.Application()
    shop = Upstream(target)
    shop.run_with(app)
    app.router.add_route("*", "/shop{tail:(/.*)?}", make_public(shop))
    client = await aiohttp_client(app)
    told: Told = await (await client.get("/shop/a", headers={"X-Forwarded-For": "192.0.2.1"})).json()
    assert told["path"] == "/a"
    assert told["X-Forwarded-For"] == "192.0.2.1, 127.0.0.1"
    assert told["Forwarded"].startswith("for=127.0.0.1;host=")
    assert told["Via"] == "1.1 front"
    answer = await client.get("/shop/redirect", allow_redirects=False)
    assert answer.headers["Location"] == "/shop/cart"
    assert answer.headers["Set-Cookie"] == "a=b; Path=/shop; HttpOnly"


async def test_each_exchange_leaves_a_line_in_the_log(
    target: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=__name__)
    client = await aiohttp_client(make_front(Upstream(target, on_exchange=log_exchange)))
    await (await client.get("/text")).read()
    [line] = [record.getMessage() for record in caplog.records if record.name == __name__]
    assert line.startswith(f"GET /text: answered by {target}, 1 attempts, first byte after 0.")
    assert line.endswith(", 5 bytes down")


# ---- what the page says of what is kept

PAGE = (ROOT / "docs" / "proxy.md").read_text()
DUTIES = re.findall(r"^\| (\d+) \| .* \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)


def test_the_page_tells_of_all_duties_in_order() -> None:
    assert [int(number) for number, _, _ in DUTIES] == list(range(1, 22))


@pytest.mark.parametrize(("number", "rooms", "tests"), DUTIES, ids=[number for number, _, _ in DUTIES])
def test_a_duty_is_kept_in_these_files_and_shown_by_tests(number: str, rooms: str, tests: str) -> None:
    for room in re.findall(r"`(\S+\.py)`", rooms):
        assert (ROOT / "aiohttp_route_middleware" / "proxy" / room).exists(), room
    written = "".join(path.read_text() for path in (ROOT / "tests" / "proxy").glob("test_duties_*.py"))
    for named in re.findall(r"`(\S+)`", tests):
        found = named == f"test_{number}_..." and f"def test_{number}_" in written
        assert found or (ROOT / "tests" / "proxy" / named).exists(), named
