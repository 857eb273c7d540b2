"""client_address(): who has sent a request, as trusted proxies say."""

import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.declarations import provided_by
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.client_address import (
    CLIENT_ADDRESS,
    FORWARDED_HOST,
    FORWARDED_SCHEME,
    client_address,
)
from aiohttp_route_middleware.middlewares.https_redirect import https_redirect
from aiohttp_route_middleware.middlewares.ip_restriction import ip_restriction
from aiohttp_route_middleware.middlewares.rate_limit import rate_limit
from aiohttp_route_middleware.typedefs import Handler

from .matrix import SCOPES, make_app

LOOPBACK = ["127.0.0.0/8", "::1"]
PRIVATE = ["10.0.0.0/8"]


async def show(request: web.Request) -> web.Response:
    return web.json_response([str(request[key]) for key in (CLIENT_ADDRESS, FORWARDED_SCHEME, FORWARDED_HOST)])


def make(*links: Any) -> web.Application:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", *links, show)
    return app


async def ask(client: Any, *headers: tuple[str, str]) -> list[str]:
    async with client.get("/", headers=headers) as response:
        assert response.status == 200
        return list(await response.json())


FORGED = (
    ("Forwarded", "for=192.0.2.1;proto=https;host=evil"),
    ("X-Forwarded-For", "192.0.2.1"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "evil"),
    ("X-Real-IP", "192.0.2.1"),
)


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP"])
async def test_a_peer_that_is_not_trusted_is_the_client_whatever_it_sends(
    header: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make(client_address(PRIVATE, header=header)))
    assert await ask(client, *FORGED) == ["127.0.0.1", "None", "None"]


@pytest.mark.parametrize(
    ("options", "headers", "shown"),
    [
        pytest.param(
            {"header": "forwarded"},
            [("Forwarded", 'for=6.6.6.6;proto=http;host=evil, for="[2001:db8::1]:80";proto=https;host=Example.com')],
            ["2001:db8::1", "https", "example.com"],
            id="Forwarded",
        ),
        pytest.param(
            {"header": "X-Forwarded-For", "scheme_header": "X-Forwarded-Proto"},
            [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "192.0.2.1, 127.0.0.9"), *FORGED[2:]],
            ["192.0.2.1", "https", "None"],
            id="X-Forwarded-For",
        ),
        pytest.param(
            {"header": "X-Forwarded-For", "host_header": "X-Forwarded-Host"},
            [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "a:8443")],
            ["192.0.2.1", "None", "a:8443"],
            id="a host and no scheme",
        ),
        pytest.param(
            {"header": "X-Real-IP"},
            [FORGED[0], ("X-Real-IP", "192.0.2.7")],
            ["192.0.2.7", "None", "None"],
            id="X-Real-IP",
        ),
        pytest.param({"header": "Forwarded"}, FORGED[1:], ["127.0.0.1", "None", "None"], id="not the other headers"),
        pytest.param(
            {"header": "X-Forwarded-For"}, FORGED[:1], ["127.0.0.1", "None", "None"], id="not the other header"
        ),
        pytest.param({"header": "Forwarded"}, [("Forwarded", "for=_x")], ["None", "None", "None"], id="obfuscated"),
    ],
)
async def test_a_trusted_peer_is_believed(
    options: Any, headers: Any, shown: list[str], aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make(client_address(LOOPBACK, **options)))
    assert await ask(client, *headers) == shown


async def test_what_an_outer_one_has_found_is_replaced_as_a_whole(aiohttp_client: AiohttpClient) -> None:
    links = client_address(LOOPBACK, header="Forwarded"), client_address(PRIVATE, header="Forwarded")
    assert await ask(await aiohttp_client(make(*links)), *FORGED) == ["127.0.0.1", "None", "None"]


async def test_what_an_outer_link_says_of_the_peer_is_not_believed(aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def replace(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(remote="10.0.0.1"))

    client = await aiohttp_client(make(replace, client_address(PRIVATE, header="X-Forwarded-For")))
    assert await ask(client, *FORGED) == ["127.0.0.1", "None", "None"]


async def test_a_mapped_peer_of_a_socket_for_both_kinds_is_its_ipv4_address() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("there is no socket for both kinds")
    runner = web.AppRunner(make(client_address(["127.0.0.1"], header="X-Forwarded-For")))
    await runner.setup()
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        await web.SockSite(runner, listener).start()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.getsockname()[1]}") as session:
            assert await ask(session) == ["127.0.0.1", "None", "None"]
            assert await ask(session, ("X-Forwarded-For", "::ffff:192.0.2.1")) == ["192.0.2.1", "None", "None"]
        await runner.cleanup()


@pytest.mark.parametrize(
    ("proxies", "address"), [(["unix"], "192.0.2.1"), (LOOPBACK, "None")], ids=["trusted", "not trusted"]
)
async def test_a_unix_socket_is_a_peer_without_address(proxies: list[str], address: str, tmp_path: Path) -> None:
    runner = web.AppRunner(make(client_address(proxies, header="X-Forwarded-For")))
    await runner.setup()
    path = str(tmp_path / "socket")
    await web.UnixSite(runner, path).start()
    async with aiohttp.ClientSession("http://a", connector=aiohttp.UnixConnector(path)) as session:
        assert (await ask(session, ("X-Forwarded-For", "192.0.2.1")))[0] == address
        assert (await ask(session))[0] == "None"
    await runner.cleanup()


@pytest.mark.parametrize("scope", SCOPES)
async def test_it_works_in_every_scope(scope: str, aiohttp_client: AiohttpClient) -> None:
    seen = []

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen.append(str(request[CLIENT_ADDRESS]))
        return await handler(request)

    client = await aiohttp_client(make_app(scope, client_address(LOOPBACK, header="X-Real-IP"), note))
    path = "/sub/plain" if scope == "sub-application" else "/plain"
    async with client.get(path, headers=FORGED) as response:
        assert response.status == 200
    assert seen == ["192.0.2.1"]


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.1"], ids=["trusted", "not trusted"])
@pytest.mark.parametrize("scope", ["route", "group", "application"])
async def test_behind_a_link_that_has_judged_the_peer_it_refuses_to_go_on(
    scope: str, peer: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """As ip_restriction(), the deny of which would have been passed by whoever comes through the proxy."""
    links = ip_restriction(deny=["192.0.2.1"]), client_address([peer], header="X-Real-IP")
    client = await aiohttp_client(make_app(scope, *links))
    async with client.get("/plain", headers={"X-Real-IP": "192.0.2.1"}) as response:
        assert response.status == 500
    assert "put client_address() before every link that goes by addresses" in caplog.text


async def test_behind_a_rate_limit_the_cure_names_it(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """It has counted the request for the proxy."""
    app = make(rate_limit("5/minute"), client_address(LOOPBACK, header="X-Real-IP"))
    setup(app)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert response.status == 500
    assert "before every link that goes by addresses, such as rate_limit() and ip_restriction()" in caplog.text


async def test_behind_a_link_of_the_application_it_refuses_on_a_route_as_well(aiohttp_client: AiohttpClient) -> None:
    app = web.Application(middlewares=[ip_restriction(deny=["192.0.2.1"])])
    UrlDispatcherEx.install(app).add_get("/", client_address(LOOPBACK, header="X-Real-IP"), show)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 500


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((https_redirect(trusted_proxies=LOOPBACK),), id="https_redirect, which asks who the proxy is"),
        pytest.param((ip_restriction(allow=LOOPBACK, by_peer=True),), id="ip_restriction, by the peer on purpose"),
        pytest.param(
            (client_address(LOOPBACK, header="X-Real-IP"), ip_restriction(allow=["192.0.2.1"])),
            id="ip_restriction, by what another has found",
        ),
    ],
)
async def test_behind_links_that_have_not_taken_the_peer_for_the_client_it_goes_on(
    others: Any, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make(*others, client_address(LOOPBACK, header="X-Real-IP")))
    headers = ("X-Real-IP", "192.0.2.1"), ("X-Forwarded-Proto", "https")
    assert (await ask(client, *headers))[0] == "192.0.2.1"


def test_it_provides_what_it_sets() -> None:
    assert set(provided_by(client_address(PRIVATE, header="Forwarded"))) == {
        CLIENT_ADDRESS,
        FORWARDED_SCHEME,
        FORWARDED_HOST,
    }


@pytest.mark.parametrize(
    ("proxies", "options", "problem"),
    [
        pytest.param([], {}, "there are no trusted_proxies; list them", id="none"),
        pytest.param("10.0.0.0/8", {}, "pass a list", id="a text"),
        pytest.param(["10.0.0.1/8"], {}, "write an address, or a network without bits", id="bits of a host"),
        pytest.param(["0.0.0.0/0"], {}, "everybody may say", id="everybody"),
        pytest.param(["0.0.0.0/1", "128.0.0.0/1"], {}, "everybody may say", id="everybody in two halves"),
        pytest.param(["::/1", "8000::/1"], {}, "in which is IPv4 in the form of IPv6", id="everybody of IPv6"),
        pytest.param(PRIVATE, {"header": "a b"}, "header='a b'; write a name", id="a header"),
        pytest.param(PRIVATE, {"header": "X-Real-IP", "scheme_header": ""}, "scheme_header=''", id="a scheme"),
        pytest.param(PRIVATE, {"header": "X-Real-IP", "host_header": ""}, "host_header=''", id="a host"),
        pytest.param(PRIVATE, {"host_header": "X-Forwarded-Host"}, "leave it out: Forwarded says", id="a host twice"),
        pytest.param(PRIVATE, {"scheme_header": "X-Forwarded-Proto"}, "leave it out: Forwarded", id="a scheme twice"),
        pytest.param(
            PRIVATE,
            {"header": "X-Real-IP", "scheme_header": "X-Forwarded-For"},
            "scheme_header='X-Forwarded-For', which says addresses",
            id="addresses as a scheme",
        ),
        pytest.param(
            PRIVATE, {"header": "X-A", "scheme_header": "x-a"}, "one header stands for two things", id="one for two"
        ),
    ],
)
def test_bad_options_are_refused_at_once(proxies: Any, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"client_address\(\): .*{problem}"):
        client_address(proxies, **{"header": "Forwarded", **options})
