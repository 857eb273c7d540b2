"""An upstream is opened and closed with its application; targets are reached as they are meant to be."""

import asyncio
import socket
import ssl
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy import Ejection, ExchangeRecord, HealthCheck, Retries, Target, Upstream, proxy
from aiohttp_route_middleware.proxy.choice.dynamic import DynamicTargets
from aiohttp_route_middleware.support.setup import setup

from .front import until
from .raw import OK, Between, Message, Wire, bounded

GET = b"GET /posts HTTP/1.1\r\nHost: shop.example\r\n\r\n"
LOCAL = "http://127.0.0.1:9"


def make_app(*upstreams: Upstream, **paths: Upstream) -> web.Application:
    """Make an application that passes `/name/...` on to the upstream with that name."""
    app = web.Application()
    for upstream in {*upstreams, *paths.values()}:
        upstream.run_with(app)
    for name, upstream in paths.items():
        app.router.add_route("*", f"/{name}{{tail:.*}}", proxy(upstream))
    return app


async def tell_path(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.host} {request.raw_path}")


def make_target(handler: Any = tell_path) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    return app


async def tell_late(record: ExchangeRecord) -> None:
    raise NotImplementedError


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"name": ""}, "name=''"),
    "balance": ({"balance": "robin"}, "balance="),
    "affinity": ({"affinity": "shop"}, "affinity is str"),
    "ejection": ({"ejection": 5}, "ejection is int; write Ejection.*, True or False"),
    "ejection as a mapping": ({"ejection": {}}, "ejection is dict"),
    "no ejection": ({"ejection": None}, "ejection is NoneType"),
    "check": ({"check": "/health"}, "check is str; write HealthCheck"),
    "retries": ({"retries": 2}, "retries is int; write Retries"),
    "no retries": ({"retries": None}, "retries is NoneType"),
    "connect_timeout": ({"connect_timeout": 0}, "connect_timeout=0"),
    "response_timeout": ({"response_timeout": "1"}, "response_timeout='1'"),
    "idle_timeout": ({"idle_timeout": -1}, "idle_timeout=-1"),
    "expect_timeout": ({"expect_timeout": None}, "expect_timeout=None"),
    "keep_alive": ({"keep_alive": -1}, "keep_alive=-1"),
    "connections": ({"connections": 0}, "connections=0"),
    "tls": ({"tls": False}, "tls is bool; pass an ssl.SSLContext"),
    "on_exchange": ({"on_exchange": "print"}, "on_exchange is str; pass a function"),
    "async on_exchange": (
        {"on_exchange": tell_late},
        "on_exchange is .*tell_late.*, which is async; write it with `def`",
    ),
    "on_exchange of nothing": ({"on_exchange": lambda: None}, "with no required parameter; let it take .record."),
    "one of several": ({"on_exchange": [print, tell_late]}, "on_exchange is .*tell_late"),
}


@pytest.mark.parametrize(("options", "problem"), OPTIONS.values(), ids=OPTIONS)
def test_a_wrong_option_is_refused_when_the_upstream_is_made(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"Upstream\(\): .*{problem}"):
        Upstream(LOCAL, **options)


TARGETS: dict[str, tuple[tuple[Any, ...], str]] = {
    "a list": (([LOCAL, LOCAL],), r"target 1 is a list; write Upstream\(\*urls\)"),
    "a port": ((9301,), "target 1 is int; write it as in"),
    "a name": ((LOCAL, "shop"), 'target 2 is not the URL of a server; .*; a name is passed as name="shop"'),
}


@pytest.mark.parametrize(("targets", "problem"), TARGETS.values(), ids=TARGETS)
def test_who_passes_targets_in_another_way_is_told_how(targets: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Upstream\(\): {problem}"):
        Upstream(*targets)


async def test_several_may_be_told_of_an_exchange_and_one_that_fails_does_not_harm_the_others(
    between: Between,
) -> None:
    def fail(record: ExchangeRecord) -> None:
        raise RuntimeError("on purpose")

    first: list[ExchangeRecord] = []
    second: list[ExchangeRecord] = []
    between.upstream.answer = OK
    await between.serve(to={"on_exchange": [first.append, fail, second.append]})
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    client = await between.send(GET)
    assert (await client.read_response()).status == 200
    assert first == second
    assert [record.outcome for record in first] == ["answered"]


def test_there_has_to_be_a_target() -> None:
    with pytest.raises(ConfigurationError, match=r"Upstream\(\): there are no targets"):
        Upstream()


def test_a_base_path_that_may_not_be_sent_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"the path of a target has a malformed percent code"):
        Upstream(Target("http://localhost/%00"))


@pytest.mark.parametrize("options", [{"retries": Retries()}, {"retries": False, "ejection": False}, {"tls": True}])
def test_what_is_right_is_taken(options: dict[str, Any]) -> None:
    Upstream(LOCAL, check=HealthCheck(), connections=1, **options)


# with an application


def test_it_runs_with_an_application_and_nothing_else() -> None:
    with pytest.raises(ConfigurationError, match=r"Upstream\(\): app is .*; pass the web.Application itself"):
        Upstream(LOCAL).run_with(web.RouteTableDef())  # type: ignore[arg-type]  # wrong on purpose


def test_it_runs_with_an_application_once() -> None:
    upstream, app = Upstream(LOCAL), web.Application()
    upstream.run_with(app)
    with pytest.raises(ConfigurationError, match=r"run_with\(\) was called twice with one application"):
        upstream.run_with(app)


async def test_without_run_with_a_request_is_a_500_and_the_log_tells_why(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    app = web.Application()
    app.router.add_get("/", proxy(Upstream(LOCAL, name="shop")))
    client = await aiohttp_client(app)
    assert (await client.get("/")).status == 500
    assert "the upstream 'shop' is not open; call run_with(app) before the application starts" in caplog.text


async def test_run_with_that_was_forgotten_is_told_when_an_application_starts_with_another() -> None:
    app = make_app(Upstream(LOCAL))
    app.router.add_get("/", proxy(Upstream(LOCAL, name="shop")))
    with pytest.raises(
        ConfigurationError, match=r"a route uses the upstream 'shop', whose run_with\(\) was not called"
    ):
        await web.AppRunner(app).setup()


async def test_run_with_that_was_forgotten_is_told_by_setup_also_behind_a_chain_and_in_a_sub_application() -> None:
    async def pass_by(request: web.Request) -> None:
        raise NotImplementedError

    app, sub = web.Application(), web.Application()
    sub.router.add_get("/", chain(pass_by, proxy(Upstream(LOCAL, name="shop"))))
    app.add_subapp("/sub", sub)
    setup(app)
    with pytest.raises(ConfigurationError, match=r"Upstream\(\): a route uses the upstream 'shop'"):
        await web.AppRunner(app).setup()


@pytest.mark.parametrize("runs_with", ["the outer", "the sub-application", "its neighbour"])
async def test_an_upstream_may_run_with_any_application_of_a_tree(runs_with: str) -> None:
    app, apps = web.Application(), {"the sub-application": web.Application(), "its neighbour": web.Application()}
    upstream, other = Upstream(LOCAL), Upstream(LOCAL)
    upstream.run_with({"the outer": app, **apps}[runs_with])
    other.run_with(apps["the sub-application"])
    apps["the sub-application"].router.add_get("/", proxy(upstream))
    for number, sub in enumerate(apps.values()):
        app.add_subapp(f"/{number}", sub)
    setup(app)
    async with TestServer(app):
        assert upstream.opened


async def test_one_endpoint_may_be_started_with_many_applications() -> None:
    upstream = Upstream(LOCAL)
    endpoint = proxy(upstream)
    for _ in range(2):
        app = web.Application()
        upstream.run_with(app)
        app.router.add_get("/", endpoint)
        setup(app)
        async with TestServer(app):
            assert upstream.opened
    forgotten = web.Application()
    forgotten.router.add_get("/", endpoint)
    setup(forgotten)
    with pytest.raises(ConfigurationError, match="a route uses the upstream"):
        await web.AppRunner(forgotten).setup()


async def test_it_does_not_run_with_an_application_that_has_started_or_is_part_of_another() -> None:
    app, sub = web.Application(), web.Application()
    app.add_subapp("/sub", sub)
    async with TestServer(app):
        for late in (app, sub):
            with pytest.raises(
                ConfigurationError, match=r"has started, or is part of another already; call it before"
            ):
                Upstream(LOCAL).run_with(late)


async def test_it_does_not_run_with_an_application_that_is_about_to_start() -> None:
    async def run(app: web.Application) -> None:
        Upstream(LOCAL).run_with(app)

    app = web.Application()
    app.on_startup.append(run)
    with pytest.raises(ConfigurationError, match=r"run_with\(\) was called with an application that has started"):
        await web.AppRunner(app).setup()


async def test_of_two_applications_at_a_time_the_second_does_not_start(aiohttp_server: AiohttpServer) -> None:
    upstream = Upstream(LOCAL, name="shop")
    await aiohttp_server(make_app(upstream))
    second = web.AppRunner(make_app(upstream))
    with pytest.raises(ConfigurationError, match="'shop' is open already, in another application; make one for each"):
        await second.setup()
    await second.cleanup()


async def test_one_application_after_the_other_may_have_it(aiohttp_server: AiohttpServer) -> None:
    target = await aiohttp_server(make_target())
    upstream = Upstream(str(target.make_url("/")))
    for _ in range(2):
        async with TestClient(TestServer(make_app(shop=upstream))) as client:
            assert (await client.get("/shop")).status == 200


async def test_one_application_may_be_started_again(aiohttp_server: AiohttpServer) -> None:
    target = await aiohttp_server(make_target())
    app = make_app(shop=Upstream(str(target.make_url("/"))))
    for _ in range(2):
        async with TestClient(TestServer(app)) as client:
            assert (await client.get("/shop")).status == 200


async def test_to_shut_an_application_down_twice_does_no_harm() -> None:
    app = make_app(Upstream(LOCAL))
    async with TestServer(app):
        await app.shutdown()
    await app.shutdown()


async def test_it_is_closed_when_requests_that_are_under_way_have_ended(between: Between) -> None:
    app = make_app(shop=Upstream(between.url))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with aiohttp.ClientSession() as session:
        asking = asyncio.ensure_future(session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/shop"))
        target = await between.upstream.accept()
        await target.read_request()
        cleaning = asyncio.ensure_future(runner.cleanup())
        while site in runner.sites:  # noqa: ASYNC110  # aiohttp tells nobody else
            await asyncio.sleep(0)
        await target.send(OK)
        assert await (await asking).read() == b"ok"
    await bounded(cleaning)
    assert await target.read_rest() == b""


async def test_several_endpoints_share_its_connections(between: Between) -> None:
    between.upstream.answer = OK
    upstream = Upstream(between.url)
    async with TestClient(TestServer(make_app(a=upstream, b=upstream))) as client:
        for path in ("/a", "/b", "/a"):
            await (await client.get(path)).read()
    assert len(between.upstream.wires) == 1


async def test_one_application_may_have_several(between: Between) -> None:
    between.upstream.answer = OK
    async with TestClient(TestServer(make_app(a=Upstream(between.url), b=Upstream(between.url)))) as client:
        assert [(await client.get(path)).status for path in ("/a", "/b")] == [200, 200]
    assert len(between.upstream.wires) == 2


HANDSHAKE = b"GET /shop HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
HANDSHAKE += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
AGREED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
AGREED += b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"


@pytest.mark.parametrize("is_late", [False, True], ids=["open", "about to open"])
async def test_websockets_end_when_the_application_does(between: Between, is_late: bool) -> None:
    stopping = asyncio.Event()

    async def note(_: web.Application) -> None:
        stopping.set()

    app = make_app(shop=Upstream(between.url))
    app.on_shutdown.append(note)
    server = TestServer(app)
    await server.start_server()
    client = Wire(*await asyncio.open_connection("127.0.0.1", server.port))
    await client.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    if not is_late:
        await target.send(AGREED)
        assert (await client.read_head()).status == 101
    closing = asyncio.ensure_future(server.close())
    await bounded(stopping.wait())
    if is_late:
        await target.send(AGREED)
    await target.read_rest()
    client.abort()
    await bounded(closing)


async def test_what_runs_beside_ends_with_the_application() -> None:
    upstream, ended = Upstream(LOCAL), asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    async with TestServer(make_app(upstream)):
        upstream.opened.run_beside(asyncio.sleep(0))
        upstream.opened.run_beside(wait())
        await asyncio.sleep(0)
    assert ended.is_set()


def test_targets_that_are_chosen_for_each_request_are_alone() -> None:
    targets = DynamicTargets(lambda request: LOCAL, allow=["127.0.0.1"])
    with pytest.raises(ConfigurationError, match="DynamicTargets are not alone"):
        Upstream(targets, LOCAL)


async def test_targets_that_are_chosen_for_each_request_are_opened_with_the_application() -> None:
    upstream = Upstream(DynamicTargets(lambda request: LOCAL, allow=["127.0.0.1"]))
    async with TestServer(make_app(upstream)):
        assert not list(upstream.opened.places)


# connections


async def test_no_more_connections_are_opened_than_allowed_and_who_waits_gets_the_next(between: Between) -> None:
    await between.serve(to={"connections": 1})
    first, second = await between.send(GET), await between.send(GET)
    target = await between.upstream.accept()
    for client in (first, second):
        await target.read_request()
        await target.send(OK)
        await client.read_response()
    assert len(between.upstream.wires) == 1


async def test_who_waits_too_long_for_a_connection_gets_503(between: Between) -> None:
    await between.serve(to={"connections": 1, "connect_timeout": 0.05})
    first = await between.send(GET)
    target = await between.upstream.accept()
    await target.read_request()
    second = await between.send(GET)
    assert (await second.read_response()).status == 503
    await target.send(OK)
    assert (await first.read_response()).status == 200


@pytest.mark.parametrize("seconds", [0, 0.001])
async def test_an_idle_connection_is_closed_when_its_time_is_over(between: Between, seconds: float) -> None:
    await between.serve(to={"keep_alive": seconds})
    client = await between.send(GET)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(OK)
    await client.read_response()
    assert await target.read_rest() == b""


PATHS: dict[str, tuple[str, str, str]] = {
    "none": ("", "/shop/a%2Fb?x", "/shop/a%2Fb?x"),
    "a slash": ("/", "/shop", "/shop"),
    "a base": ("/v1", "/shop?x=1&x", "/v1/shop?x=1&x"),
    "a base with a slash": ("/v1/", "/shop//", "/v1/shop//"),
    "one that is encoded": ("/a%2Fb", "/shop", "/a%2Fb/shop"),
}


@pytest.mark.parametrize(("base", "asked", "expected"), PATHS.values(), ids=PATHS)
async def test_the_path_of_a_target_stands_before_all_others(
    between: Between, base: str, asked: str, expected: str
) -> None:
    between.upstream.answer = OK
    async with TestServer(make_app(shop=Upstream(between.url + base))) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET {asked} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        await bounded(reader.read())
        writer.close()
    assert between.upstream.requests[0].line.decode() == f"GET {expected} HTTP/1.1"


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not _has_ipv6(), reason="there is no IPv6 here")
async def test_a_target_may_be_an_ipv6_address(aiohttp_client: AiohttpClient) -> None:
    async with TestServer(make_target(), host="::1") as target:
        client = await aiohttp_client(make_app(shop=Upstream(f"http://[::1]:{target.port}")))
        response = await client.get("/shop")
        assert await response.text() == f"[::1]:{target.port} /shop"


# TLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


async def serve_tls(aiohttp_server: AiohttpServer, authority: trustme.CA, name: str = "localhost") -> TestServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return await aiohttp_server(make_target(), ssl=context)


async def test_a_certificate_that_a_context_trusts_is_taken(
    aiohttp_client: AiohttpClient, aiohttp_server: AiohttpServer, authority: trustme.CA
) -> None:
    target = await serve_tls(aiohttp_server, authority)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    client = await aiohttp_client(make_app(shop=Upstream(f"https://localhost:{target.port}", tls=context)))
    response = await client.get("/shop")
    assert await response.text() == f"localhost:{target.port} /shop"


@pytest.mark.parametrize(("name", "is_trusted"), [("localhost", False), ("other.example", True)])
async def test_a_certificate_of_strangers_or_of_another_name_is_not(
    name: str,
    is_trusted: bool,
    aiohttp_client: AiohttpClient,
    aiohttp_server: AiohttpServer,
    authority: trustme.CA,
) -> None:
    target = await serve_tls(aiohttp_server, authority, name)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    records: list[ExchangeRecord] = []
    tls: ssl.SSLContext | bool = context if is_trusted else True
    upstream = Upstream(f"https://localhost:{target.port}", tls=tls, on_exchange=records.append)
    client = await aiohttp_client(make_app(shop=upstream))
    assert (await client.get("/shop")).status == 502
    assert records[0].error == "tls_certificate_error"


async def test_https_to_a_server_that_speaks_http_is_a_502(
    aiohttp_client: AiohttpClient, aiohttp_server: AiohttpServer
) -> None:
    target = await aiohttp_server(make_target())
    records: list[ExchangeRecord] = []
    upstream = Upstream(f"https://localhost:{target.port}", on_exchange=records.append)
    client = await aiohttp_client(make_app(shop=upstream))
    assert (await client.get("/shop")).status == 502
    assert records[0].error == "tls_protocol_error"


# health


class Ward:
    """A target that is well or not, and tells when it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.asked = asyncio.Queue[tuple[str, int]]()

    async def answer(self, request: web.Request) -> web.Response:
        if request.path != "/health":
            return web.Response()
        self.asked.put_nowait((request.raw_path, self.status))
        return web.Response(status=self.status, text="long" * 10_000)

    async def wait_for(self, status: int) -> None:
        """Wait until it has told so twice: what it has said first has been heard then."""
        for _ in range(2):
            while (await bounded(self.asked.get()))[1] != status:
                pass


async def test_a_target_that_is_not_well_is_not_asked_until_it_is(
    aiohttp_client: AiohttpClient, aiohttp_server: AiohttpServer
) -> None:
    ward = Ward()
    target = await aiohttp_server(make_target(ward.answer))
    check = HealthCheck("/health?deep=1", interval=0.1, jitter=0, rises=1, falls=1)
    upstream = Upstream(str(target.make_url("/")), check=check)
    client = await aiohttp_client(make_app(shop=upstream))
    await ward.wait_for(200)
    assert (await client.get("/shop")).status == 200
    ward.status = 500
    await ward.wait_for(500)
    assert (await client.get("/shop")).status == 503
    ward.status = 200
    await ward.wait_for(200)
    assert (await client.get("/shop")).status == 200


async def test_checks_do_not_wait_for_the_connections_of_clients(between: Between) -> None:
    checked = asyncio.Event()

    async def answer(wire: Wire, request: Message) -> None:
        if request.head.startswith(b"GET /health "):
            checked.set()
            await wire.send(OK)

    between.upstream.answer = answer
    await between.serve(to={"connections": 1, "check": HealthCheck(interval=0.1, falls=1)})
    await bounded(checked.wait())
    await between.send(GET)
    await until(lambda: any(request.head.startswith(b"GET /posts") for request in between.upstream.requests))
    checked.clear()
    await bounded(checked.wait())


async def test_checks_end_with_the_application_also_in_their_midst(between: Between) -> None:
    check = HealthCheck(timeout=60)
    server = TestServer(make_app(shop=Upstream(between.url, check=check)))
    await server.start_server()
    target = await between.upstream.accept()
    request = await target.read_request()
    assert request.line == b"GET /health HTTP/1.1"
    assert request.values("User-Agent") == [b"aiohttp-route-middleware"]
    await bounded(server.close())
    assert await target.read_rest() == b""


async def test_a_target_that_fails_is_sent_out_and_the_others_get_its_load(
    between: Between, aiohttp_client: AiohttpClient, aiohttp_server: AiohttpServer
) -> None:
    good = await aiohttp_server(make_target())
    await between.upstream.close()
    records: list[ExchangeRecord] = []
    upstream = Upstream(
        Target(between.url, weight=100),
        str(good.make_url("/")),
        ejection=Ejection(failures=2, period=300.0),
        retries=False,
        on_exchange=records.append,
    )
    client = await aiohttp_client(make_app(shop=upstream))
    statuses = [(await client.get("/shop")).status for _ in range(12)]
    assert statuses.count(502) == 2
    assert statuses[-5:] == [200] * 5


async def test_if_all_targets_are_out_the_answer_is_503(between: Between, aiohttp_client: AiohttpClient) -> None:
    await between.upstream.close()
    ejection = Ejection(failures=1, period=300.0, share=1.0)
    client = await aiohttp_client(make_app(shop=Upstream(between.url, ejection=ejection, retries=False)))
    assert [(await client.get("/shop")).status for _ in range(3)] == [502, 503, 503]


async def test_a_request_that_was_never_sent_goes_to_the_next_target(
    between: Between, aiohttp_client: AiohttpClient, aiohttp_server: AiohttpServer
) -> None:
    good = await aiohttp_server(make_target())
    await between.upstream.close()
    records: list[ExchangeRecord] = []
    upstream = Upstream(between.url, str(good.make_url("/")), on_exchange=records.append)
    client = await aiohttp_client(make_app(shop=upstream))
    for _ in range(2):
        response = await client.post("/shop", data=b"first")
        assert response.status == 200
    assert sorted(record.attempts for record in records) == [1, 2]
    assert {record.target for record in records} == {str(good.make_url("/")).rstrip("/")}


async def test_a_status_that_is_retried_goes_to_the_next_target(
    aiohttp_client: AiohttpClient, aiohttp_server: AiohttpServer
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=503)

    bad, good = await aiohttp_server(make_target(refuse)), await aiohttp_server(make_target())
    urls = [str(server.make_url("/")) for server in (bad, good)]
    client = await aiohttp_client(make_app(shop=Upstream(*urls, retries=Retries(statuses={503}))))
    assert [(await client.get("/shop")).status for _ in range(4)] == [200] * 4
