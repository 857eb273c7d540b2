"""What docs/proxy.md shows besides the gateway, against a real target."""

import asyncio
import gzip
import logging
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import MultipartWriter, hdrs, web
from aiohttp.test_utils import TestServer
from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import Handler, UrlDispatcherEx, chain
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.request_id import RequestIdFilter, request_id
from aiohttp_route_middleware.middlewares.tracing import tracing
from aiohttp_route_middleware.proxy import (
    EXCHANGE,
    AffinityCookie,
    AnswerCopy,
    DynamicTargets,
    Ejection,
    Exchange,
    ExchangeRecord,
    Forwarding,
    HealthCheck,
    Hook,
    Mirror,
    Retries,
    Target,
    Upstream,
    UpstreamError,
    add_prefix,
    after,
    intercept,
    proxy,
    relay_messages,
    remove_headers,
    replace_path,
    replace_prefix,
    rewrite_cookies,
    rewrite_locations,
    rewrite_path,
    strip_prefix,
)
from aiohttp_route_middleware.proxy.client_span import client_span
from aiohttp_route_middleware.proxy.exchange_metrics import count_exchanges
from tests.proxy.test_client_span import Spans

ROOT = Path(__file__).parents[2]
logger = logging.getLogger(__name__)
TENANT = web.RequestKey("TENANT", str)

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


async def compress_again(exchange: Exchange) -> AsyncIterator[None]:
    yield
    exchange.answer.replace_body(gzip.compress(await exchange.answer.read()))
    exchange.response.headers["Content-Encoding"] = "gzip"


def ask_archive(exchange: Exchange) -> None:
    exchange.request.url = exchange.request.url.with_path("/archive", keep_query=True)


def lower_the_path(path_and_query: str) -> str:
    path, question_mark, query = path_and_query.partition("?")
    return f"{path.lower()}{question_mark}{query}"


def make_rewriting() -> Hook:
    return rewrite_path(strip_prefix("/api"), replace_path(r"^/v1/", "/"), lower_the_path, add_prefix("/shop"))


def make_renamed(shop: Upstream) -> Handler:
    return proxy(shop, replace_prefix("/shop", "/store"))


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
        locations=rewrite_locations(prefixes={"/": "/shop"}),
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


def make_watched(app: web.Application, url: str, *, registry: CollectorRegistry, provider: TracerProvider) -> Handler:
    shop = Upstream(url, name="shop", on_exchange=[count_exchanges(registry), log_exchange])
    shop.run_with(app)
    return chain(tracing(provider=provider), proxy(shop, client_span(provider=provider)))


def censor(exchange: Exchange, message: str | bytes) -> str | bytes | None:
    return None if message == "secret" else message


def make_chat(chat: Upstream) -> Handler:
    return proxy(chat, messages=relay_messages(from_client=censor, max_message=100_000))


def make_mirrored(app: web.Application, shop: Upstream, url: str, *, share: float = 0.1) -> Handler:
    following = Upstream(url, name="next")
    following.run_with(app)
    return proxy(shop, remove_headers("Authorization"), mirror=Mirror(following, share=share, compare=compare))


def compare(record: ExchangeRecord, original: AnswerCopy, mirrored: AnswerCopy | None) -> None:
    if mirrored is None or mirrored.status != original.status:
        logger.warning("%s %s is answered in another way by the next version", record.method, record.path)


def show_page(exchange: Exchange) -> web.Response:
    return web.Response(text="Back in a moment.", status=503, headers={"Retry-After": "5"})


def make_patient(shop: Upstream) -> Handler:
    return proxy(shop, intercept({502, 503, 504}, show_page))


def find_tenant(request: web.Request) -> str:
    return request[TENANT]  # set by a link before, which may wait for a database


def make_tenants(own: str) -> Upstream:
    tenants = DynamicTargets(find_tenant, allow=["*.tenants.example", own], networks=["127.0.0.1"])
    return Upstream(tenants, name="tenants")


# ---- and what it does


async def echo(request: web.Request) -> web.Response:
    told = {"path": request.raw_path, **{name: ", ".join(request.headers.getall(name)) for name in request.headers}}
    return web.json_response(told, headers={"X-Powered-By": "coffee"})


async def whisper(_: web.Request) -> web.Response:
    return web.Response(text="quiet")


async def redirect(_: web.Request) -> web.Response:
    return web.Response(status=303, headers={"Location": "/cart", "Set-Cookie": "a=b; Domain=internal; Path=/"})


async def repeat(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(f"you said {message.data}")
    return socket


@pytest.fixture
async def target() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/text", whisper)
    app.router.add_get("/redirect", redirect)
    app.router.add_get("/chat", repeat)
    app.router.add_route("*", "/{tail:.*}", echo)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


def make_front(upstream: Upstream, *hooks: Hook) -> web.Application:
    return make_front_of(upstream, proxy(upstream, *hooks))


def make_front_of(upstream: Upstream, endpoint: Handler, app: web.Application | None = None) -> web.Application:
    app = app or web.Application()
    upstream.run_with(app)
    app.router.add_route("*", "/{tail:.*}", endpoint)
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


async def test_a_body_may_be_put_in_another_coding_and_its_length_is_right(
    target: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_front(Upstream(target), compress_again))
    response = await client.get("/text")
    assert response.headers["Content-Encoding"] == "gzip"
    assert await response.text() == "quiet"


@pytest.mark.parametrize(
    ("hooked", "arrives"),
    [
        pytest.param(lambda shop: proxy(shop, ask_archive), "/archive?page=2", id="by its URL"),
        pytest.param(make_renamed, "/store?page=2", id="by its prefix"),
    ],
)
async def test_a_path_that_is_replaced_keeps_its_query(
    target: str, aiohttp_client: AiohttpClient, hooked: Callable[[Upstream], Handler], arrives: str
) -> None:
    shop = Upstream(target)
    client = await aiohttp_client(make_front_of(shop, hooked(shop)))
    assert (await (await client.get("/shop?page=2")).json())["path"] == arrives


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


@pytest.mark.parametrize(
    ("hooks", "arrives"),
    [pytest.param([], "/shop/a", id="as it came"), pytest.param([strip_prefix("/shop")], "/a", id="stripped")],
)
async def test_a_sub_application_takes_nothing_off_the_path(
    target: str, aiohttp_client: AiohttpClient, hooks: list[Hook], arrives: str
) -> None:
    app, shop = web.Application(), Upstream(target)
    app.add_subapp("/shop", make_front_of(shop, proxy(shop, hooks)))
    client = await aiohttp_client(app)
    assert (await (await client.get("/shop/a")).json())["path"] == arrives


@pytest.mark.parametrize(
    ("by", "status"), [pytest.param("read", 200, id="read"), pytest.param("post", 500, id="post")]
)
async def test_a_form_that_a_link_has_read_is_passed_on_if_it_is_kept(
    target: str, aiohttp_client: AiohttpClient, by: str, status: int
) -> None:
    async def look(request: web.Request) -> None:
        await getattr(request, by)()

    shop = Upstream(target)
    client = await aiohttp_client(make_front_of(shop, chain(look, proxy(shop))))
    form = MultipartWriter("form-data")
    form.append("tea").set_content_disposition("form-data", name="what")
    assert (await client.post("/", data=form)).status == status


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


async def test_the_line_has_the_id_of_its_request(
    target: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=__name__)
    caplog.handler.addFilter(RequestIdFilter())
    shop, app = Upstream(target, on_exchange=log_exchange), web.Application()
    setup(app)
    client = await aiohttp_client(make_front_of(shop, chain(request_id(), proxy(shop)), app))
    response = await client.get("/text")
    await response.read()
    [line] = [record for record in caplog.records if record.name == __name__]
    assert vars(line)["request_id"] == response.headers["X-Request-ID"]


async def test_the_record_on_a_request_is_complete_when_its_answer_was_sent_and_not_before(
    target: str, aiohttp_client: AiohttpClient
) -> None:
    outcomes: list[str | None] = []

    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        outcomes.append(request[EXCHANGE].outcome)
        return response

    shop = Upstream(target, on_exchange=lambda record: outcomes.append(record.outcome))
    client = await aiohttp_client(make_front_of(shop, chain(look, proxy(shop))))
    await (await client.get("/text")).read()
    assert outcomes == [None, "answered"]


async def test_exchanges_are_counted_logged_and_traced(
    target: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=__name__)
    registry, spans, app = CollectorRegistry(), Spans(), web.Application()
    setup(app)
    endpoint = make_watched(app, target, registry=registry, provider=spans.provider)
    app.router.add_route("*", "/{tail:.*}", endpoint)
    client = await aiohttp_client(app)
    await (await client.get("/text")).read()
    assert registry.get_sample_value("proxy_exchange_attempts_total", {"upstream": "shop"}) == 1
    assert any(record.getMessage().startswith("GET /text: answered") for record in caplog.records)
    assert len(spans.all) == 2
    assert spans.only.parent is not None


async def test_messages_are_shown_and_dropped(target: str, aiohttp_client: AiohttpClient) -> None:
    chat = Upstream(target)
    client = await aiohttp_client(make_front_of(chat, make_chat(chat)))
    async with client.ws_connect("/chat") as socket:
        await socket.send_str("secret")
        await socket.send_str("hello")
        assert await socket.receive_str() == "you said hello"


async def test_a_second_upstream_is_asked_as_well_and_compared(
    target: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture, unused_tcp_port: int
) -> None:
    compared = asyncio.Event()

    def note(record: logging.LogRecord) -> bool:
        if record.name == __name__:
            compared.set()
        return True

    caplog.handler.addFilter(note)
    app, shop = web.Application(), Upstream(target)
    endpoint = make_mirrored(app, shop, f"http://127.0.0.1:{unused_tcp_port}", share=1)
    client = await aiohttp_client(make_front_of(shop, endpoint, app))
    assert await (await client.get("/text")).text() == "quiet"
    await asyncio.wait_for(compared.wait(), 10)
    assert "GET /text is answered in another way" in caplog.text


async def test_a_page_stands_for_an_upstream_that_is_down(aiohttp_client: AiohttpClient, unused_tcp_port: int) -> None:
    shop = Upstream(f"http://127.0.0.1:{unused_tcp_port}")
    client = await aiohttp_client(make_front_of(shop, make_patient(shop)))
    response = await client.get("/")
    assert (response.status, await response.text()) == (503, "Back in a moment.")
    assert response.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("tenant", "status"),
    [
        pytest.param("", 200, id="listed"),
        pytest.param("http://shop.tenants.example", 403, id="listed for https alone"),
        pytest.param("https://127.0.0.1.nip.example", 403, id="not listed"),
    ],
)
async def test_a_tenant_is_passed_on_to_what_is_listed(
    target: str, aiohttp_client: AiohttpClient, tenant: str, status: int
) -> None:
    def identify(request: web.Request) -> None:
        request[TENANT] = tenant or target

    tenants = make_tenants(target)
    client = await aiohttp_client(make_front_of(tenants, chain(identify, proxy(tenants))))
    assert (await client.get("/")).status == status


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
