"""trusted_referrer(): the page that a request comes from is on a host that is listed."""

from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.trusted_referrer import (
    REFERRER_IS_TRUSTED,
    parse_referrer,
    trusted_referrer,
)
from aiohttp_route_middleware.naming import name_link

from .matrix import SCOPES, make_app

HOSTS = ["example.com", "*.example.com", "::1"]
TRUSTED = ["http://example.com", "https://example.com/a?b#c", "HTTPS://Example.com.:8443/", "http://a.example.com?b"]
TRUSTED += ["https://[::1]:80/"]
UNTRUSTED = [
    "",
    "example.com",
    "/a",
    "//example.com/",
    "ftp://example.com/",
    "about:blank",
    "javascript://example.com/",
]
UNTRUSTED += [
    "http://evil/",
    "http://evil/?http://example.com/",
    "http://evil#example.com",
    "http://example.com.evil/",
]
UNTRUSTED += ["http://exampleXcom/", "http://evilexample.com/", "http://example.com@evil/", "http://a:b@example.com/"]
UNTRUSTED += ["http://evil\\.example.com/", "http:///example.com", "http://", "http://example.com:99999/", "null"]


async def show(request: web.Request) -> web.Response:
    return web.Response(text=str(request[REFERRER_IS_TRUSTED]))


def make(*arguments: Any, **options: Any) -> web.Application:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", trusted_referrer(*arguments, **options), show)
    return app


async def ask(client: Any, *referrers: str, host: str = "here") -> tuple[int, str]:
    headers = [("Host", host), *(("Referer", referrer) for referrer in referrers)]
    async with client.get("/", headers=headers) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("referrer", TRUSTED)
async def test_a_page_on_a_listed_host_is_trusted(referrer: str, aiohttp_client: AiohttpClient) -> None:
    assert await ask(await aiohttp_client(make(HOSTS)), referrer) == (200, "True")


@pytest.mark.parametrize("referrer", UNTRUSTED)
async def test_any_other_page_is_refused(referrer: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make(HOSTS, allow_missing=True))
    assert (await ask(client, referrer))[0] == 403


@pytest.mark.parametrize(("allow_missing", "status"), [(True, 200), (False, 403)])
async def test_a_request_without_referrer_is_trusted_if_told(
    allow_missing: bool, status: int, aiohttp_client: AiohttpClient
) -> None:
    assert (await ask(await aiohttp_client(make(HOSTS, allow_missing=allow_missing))))[0] == status


async def test_two_referrers_are_not_trusted(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make(HOSTS, allow_missing=True))
    assert (await ask(client, "http://example.com/", "http://example.com/"))[0] == 403


async def test_a_request_may_be_marked_instead_of_refused(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make(HOSTS, refuse=False))
    assert await ask(client, "http://evil/") == (200, "False")
    assert await ask(client) == (200, "False")
    assert await ask(client, "http://example.com/") == (200, "True")


@pytest.mark.parametrize(
    ("host", "referrer", "status"),
    [
        pytest.param("here", "http://here/", 200, id="same host"),
        pytest.param("Here.:80", "https://here/a", 200, id="behind a proxy that ends TLS"),
        pytest.param("here:8080", "http://here:8080/", 200, id="same port"),
        pytest.param("here:8080", "http://here:9090/", 403, id="another port"),
        pytest.param("here", "http://here:9090/", 403, id="no default port"),
        pytest.param("here", "http://there/", 403, id="another host"),
        pytest.param("a/b", "http://a/b", 403, id="a malformed host"),
    ],
)
async def test_the_host_itself_is_trusted_if_told(
    host: str, referrer: str, status: int, aiohttp_client: AiohttpClient
) -> None:
    assert (await ask(await aiohttp_client(make(same_host=True)), referrer, host=host))[0] == status
    assert (await ask(await aiohttp_client(make(["other"])), referrer, host=host))[0] == 403


@pytest.mark.parametrize("scope", SCOPES)
async def test_it_works_in_every_scope(scope: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, trusted_referrer(HOSTS)))
    path = "/sub/plain" if scope == "sub-application" else "/plain"
    for referrer, status in (("http://example.com/", 200), ("http://evil/", 403)):
        async with client.get(path, headers={"Referer": referrer}) as response:
            assert response.status == status


@pytest.mark.parametrize(
    ("value", "host", "port"),
    [
        ("http://a/", "a", None),
        ("http://A.:80", "a", None),
        ("https://a:443/b", "a", None),
        ("http://a:443/", "a", 443),
        ("https://a:80/", "a", 80),
        ("https://[0:0::1]:8443?", "[::1]", 8443),
    ],
)
def test_a_referrer_is_read_without_the_port_of_its_scheme(value: str, host: str, port: int | None) -> None:
    assert parse_referrer(value) == (host, port)


@given(st.text())
def test_reading_a_referrer_never_fails(text: str) -> None:
    for value in (text, f"http://{text}", f"https://{text}/"):
        authority = parse_referrer(value)
        assert authority is None or authority.port != 443 or value.startswith("http:")


def test_without_hosts_it_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"trusted_referrer\(\): there are no hosts; list them"):
        trusted_referrer()
    with pytest.raises(ConfigurationError, match=r"'http://a' is not a host"):
        trusted_referrer(["http://a"])


def test_a_text_from_a_file_is_no_flag() -> None:
    with pytest.raises(ConfigurationError, match="allow_missing='false'; write True or False"):
        trusted_referrer(["example.com"], allow_missing="false")  # type: ignore[arg-type]  # as load_links() would


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"hosts": ["a", "*.b"]}, "trusted_referrer(a, *.b)"),
        ({"hosts": {"b", "a"}, "refuse": False}, "trusted_referrer(a, b, not refused)"),
        ({"same_host": True}, "trusted_referrer(same host)"),
    ],
    ids=["hosts", "not refused", "same host"],
)
def test_its_name_tells_whom_it_trusts(options: Any, name: str) -> None:
    assert name_link(trusted_referrer(**options)) == name
