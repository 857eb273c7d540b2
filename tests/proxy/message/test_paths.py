"""What a client asks for is passed on byte for byte, or refused."""

import asyncio
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import http_parser, web
from aiohttp.test_utils import RawTestServer, make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.proxy.message.paths import (
    find_fault,
    has_dot_segment,
    join_path,
    read_base_path,
    read_path_and_query,
)

PASSED = [
    "/",
    "//",
    "/a%2Fb",
    "/a%2fb",
    "//a//b/",
    "/a;b=1;c?a&a",
    "/?",
    "/x?",
    "/x??",
    "/%20+",
    "/x?e",
    "/x?e=",
    "/x?a=1&a=1&b=%20+",
    "/%c3%A9",
    '/a|b"<>^`{}~',
    "/x\\y",
    "/x?\\..\\",
    "/x?next=/../y&z=%zz%&n=%00",
    "/.well-known/x.y",
    "/..a/...//.b./c..?x",
    "/%252e%252e/x",
    "/%2e%2ea",
    "/..%2500/b",
    "/a/..%20b/..%C3%A9/...%20/",
    "/%20../x",
    "/caf%e9/%c0%20la/%c0/%c0n/%e0%a4%85/%c1%2e",
    "/a/~b/(c)/!$&'*,:=@",
]

MALFORMED = [
    "/#",
    "/a#b?c",
    "/a?b#c",
    "/a b",
    "/a?b c",
    "/a\tb",
    "/a\r\nb",
    "/\x00",
    "/a?\x01",
    "/\x7f",
    "/\u00e9",
    "/\udcff",
    "/?\u00e9",
    "/\uff0e\uff0e/",
    "/%",
    "/%2",
    "/%zz",
    "/%u002e",
    "/%2%65",
    "/a%00b",
    "",
    "x",
    "?x",
]

DOT_SEGMENTS = [
    "/..",
    "/.",
    "/../",
    "/./x",
    "/a/../b",
    "/a/..?x",
    "/%2e",
    "/%2E%2e/x",
    "/.%2E/x",
    "/%2e./x",
    "/a/..;/b",
    "/a/..;x=1/b",
    "/a/.;/b",
    "/a/..%3b/b",
    "/a/..%3Bx",
    "/\\..\\x",
    "/a\\..",
    "/%5c..%5Cx",
    "/a/..\\b",
    "/..%2fx",
    "/a%2f..",
    "/%2e%2e%2fx",
    "/%2e%2e%2F",
    "//../x",
    "/%c0%ae%C0%AE/x",
    "/a%c0%af..%c0%AFb",
    "/a/%e0%80%ae%E0%80%AE/b",
    "/a/%f0%80%80%ae./b",
    "/a/%F8%80%80%80%ae/b",
    "/a/%FC%80%80%80%80%ae./b",
    "/a/%c0%2e%c0%2E/b",
    "/a/%c0%6e%c0%ee/b",
    "/a/%c0.%C0./b",
    "/a/%e0%80%2e%2e/b",
    "/a%e0%80%af..%f0%80%80%afb",
    "/a%c0%2f..%c0%6Fb",
    "/a%c1%9c..%C1%1Cb",
    "/a%e0%81%9c..%f0%80%81%5cb",
    "/a/..%20/b",
    "/a/..%09%0d/b",
    "/a/.%01",
    "/a/..%7f;x",
    "/a/..%1F%20%5cb",
    "/a/.%0d.%0A/b",
    "/a/..%23b",
    "/a/..%3fb",
    "/a/.%3F",
]


def make_request(sent: str, method: str = "GET") -> web.Request:
    request = make_mocked_request(method, "/")
    return web.Request(
        request._message._replace(path=sent),
        *(request._payload, request._protocol, request._payload_writer, request.task, request._loop),
    )


@pytest.mark.parametrize("sent", PASSED)
def test_what_a_client_asks_for_is_passed_on_byte_for_byte(sent: str) -> None:
    assert read_path_and_query(make_request(sent)) == sent


@pytest.mark.parametrize("sent", [one for one in MALFORMED if one.startswith("/")])
@pytest.mark.parametrize("allow_dot_segments", [True, False])
def test_what_is_malformed_is_400_whether_dot_segments_pass_or_not(sent: str, allow_dot_segments: bool) -> None:
    with pytest.raises(web.HTTPBadRequest, match="Bad Request"):
        read_path_and_query(make_request(sent), allow_dot_segments=allow_dot_segments)


@pytest.mark.parametrize("sent", DOT_SEGMENTS)
def test_a_dot_segment_is_400_in_each_spelling_unless_it_is_allowed(sent: str) -> None:
    with pytest.raises(web.HTTPBadRequest) as refused:
        read_path_and_query(make_request(sent))
    assert refused.value.text == "What this request asks for has a '.' or '..' segment in its path."
    assert read_path_and_query(make_request(sent), allow_dot_segments=True) == sent


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("http://evil/x?y", "/x?y"),
        ("http://evil", "/"),
        ("http://evil?x", "/?x"),
        ("http://evil/", "/"),
        ("HTTPS://evil:8/x", "/x"),
        ("http://user:word@evil//x", "//x"),
        ("http://[::1]:8/%2F", "/%2F"),
        ("http://evil:99999/x", "/x"),
        ("http://evil//evil2/x", "//evil2/x"),
    ],
)
def test_of_the_absolute_form_only_path_and_query_are_taken(sent: str, read: str) -> None:
    assert read_path_and_query(make_request(sent)) == read


@pytest.mark.parametrize(
    "sent",
    [
        "http:///x",
        "http:/x",
        "http:x",
        "host:80",
        "foo://evil/x",
        "mailto:x",
        "x",
        "",
        "*",
        "**",
        "http://evil\\x",
        "http://evil#x",
        "http://evil/../x",
        "http://evil/%2e%2e",
        "http://evil?#",
    ],
)
def test_no_other_form_is_taken_for_a_path(sent: str) -> None:
    with pytest.raises(web.HTTPBadRequest):
        read_path_and_query(make_request(sent))


@pytest.mark.parametrize(
    ("sent", "read"),
    [("*", "*"), ("http://evil", "*"), ("http://evil/", "/"), ("http://evil?", "/?"), ("/*", "/*")],
)
def test_options_may_ask_about_the_server_as_a_whole(sent: str, read: str) -> None:
    assert read_path_and_query(make_request(sent, "OPTIONS")) == read


def test_options_of_anything_else_that_is_no_path_is_400() -> None:
    with pytest.raises(web.HTTPBadRequest):
        read_path_and_query(make_request("**", "OPTIONS"))


@pytest.mark.parametrize("sent", ["evil:443", "/x", "*"])
def test_a_tunnel_is_501(sent: str) -> None:
    with pytest.raises(web.HTTPNotImplemented):
        read_path_and_query(make_request(sent, "CONNECT"))


@pytest.mark.parametrize("text", MALFORMED)
def test_a_fault_is_told_without_what_was_sent(text: str) -> None:
    fault = find_fault(text)
    assert fault
    assert fault.isascii()
    assert text not in fault or len(text) < 3


def test_what_an_outer_link_has_put_in_its_place_is_read() -> None:
    assert read_path_and_query(make_request("/old?x").clone(rel_url="/new?y")) == "/new?y"


# -- over a socket, with both parsers of aiohttp


class Echo:
    """A server that answers with what was read, byte for byte."""

    def __init__(self) -> None:
        self.server: Any = None

    async def answer(self, request: web.BaseRequest) -> web.Response:
        try:
            read = read_path_and_query(request)
        except web.HTTPException as refused:
            return web.Response(status=refused.status)
        return web.Response(body=read.encode("ascii"))

    async def ask(self, method: bytes, sent: bytes) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection(self.server.host, self.server.port)
        writer.write(method + b" " + sent + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return int(head.split(b" ", 2)[1]), body


@pytest.fixture(params=["as installed", "Python"])
async def echo(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "Python":
        monkeypatch.setattr("aiohttp.web_protocol.HttpRequestParser", http_parser.HttpRequestParserPy)
    echo = Echo()
    echo.server = RawTestServer(echo.answer)
    await echo.server.start_server()
    yield echo
    await echo.server.close()


async def test_over_a_socket_each_byte_arrives_with_both_parsers(echo: Echo) -> None:
    for sent in PASSED:
        assert await echo.ask(b"GET", sent.encode()) == (200, sent.encode())
    assert await echo.ask(b"GET", b"http://evil?x") == (200, b"/?x")
    assert await echo.ask(b"OPTIONS", b"*") == (200, b"*")


@pytest.mark.parametrize(
    "sent",
    [b"/#", b"/a#b?c", b"/\x01", b"/\x7f", b"/a\tb", b"/\xc3\xa9", b"/?\xff", b"/\xc0\xae", b"*", b"/%2e%2e", b"/%00"],
)
async def test_over_a_socket_the_same_is_refused_with_both_parsers(echo: Echo, sent: bytes) -> None:
    assert (await echo.ask(b"GET", sent))[0] == 400


# -- properties


TEXTS = st.text(st.sampled_from("/\\.%2eEfF5cC;?ab#* \x00\u00e9\udcff:@0"), max_size=20)


@given(TEXTS)
def test_what_is_read_is_what_was_sent_or_refused(text: str) -> None:
    sent = f"/{text}"
    try:
        read = read_path_and_query(make_request(sent))
    except web.HTTPBadRequest:
        return
    assert read == sent
    assert read.isascii()
    assert not set(read) & set(" #\t\r\n\x00")


@given(TEXTS)
def test_no_path_that_is_decoded_once_has_a_dot_segment(text: str) -> None:
    sent = f"/{text}"
    if find_fault(sent):
        return
    path = unquote(sent.partition("?")[0]).replace("\\", "/")
    assert not {".", ".."} & {segment.partition(";")[0] for segment in path.split("/")}


@given(st.text(st.sampled_from("/.a%2e"), max_size=12), st.text(st.characters(codec="ascii"), max_size=12))
def test_a_dot_segment_of_the_query_does_not_count(path: str, query: str) -> None:
    assert has_dot_segment(f"/{path}?{query}") == has_dot_segment(f"/{path}")


@given(TEXTS, st.sampled_from(["GET", "OPTIONS"]))
def test_nothing_that_is_sent_raises_anything_else(text: str, method: str) -> None:
    try:
        read = read_path_and_query(make_request(text, method))
    except web.HTTPBadRequest:
        return
    assert read == "*" or read.startswith("/")


@given(st.text(st.sampled_from("/\\.@:?ab%"), max_size=12))
def test_of_the_absolute_form_the_same_path_is_read_as_aiohttp_routes(text: str) -> None:
    sent = f"http://evil{text}"
    try:
        routed = URL(sent, encoded=True).relative()
        read = read_path_and_query(make_request(sent))
    except (web.HTTPBadRequest, ValueError):
        return
    assert read.partition("?")[0] == (routed.raw_path or "/")
    assert read.partition("?")[2] == routed.raw_query_string


# -- base paths


@pytest.mark.parametrize(
    ("url", "sent", "joined"),
    [
        ("http://host", "/x?q", "/x?q"),
        ("http://host/", "/x?q", "/x?q"),
        ("http://host/base", "/x?q", "/base/x?q"),
        ("http://host/base/", "/x?q", "/base/x?q"),
        ("http://host/base", "/", "/base/"),
        ("http://host/base", "//x", "/base//x"),
        ("http://host/base", "/?", "/base/?"),
        ("http://host/a%20b/c", "/%2F", "/a%20b/c/%2F"),
        ("http://host/base", "*", "*"),
    ],
)
def test_a_base_path_is_put_before_what_a_client_asks_for(url: str, sent: str, joined: str) -> None:
    assert join_path(read_base_path("Upstream()", URL(url)), sent) == joined


@pytest.mark.parametrize("url", ["http://host/base?key=secret", "http://host/base#secret"])
def test_a_base_with_a_query_or_a_fragment_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^Upstream\(\): the URL of a target has a query") as refused:
        read_base_path("Upstream()", URL(url))
    assert "secret" not in str(refused.value)


def test_a_base_that_may_not_be_sent_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"the path of a target has a '\.' or '\.\.' segment"):
        read_base_path("Upstream()", URL("http://host/a/%2e%2e/b", encoded=True))
