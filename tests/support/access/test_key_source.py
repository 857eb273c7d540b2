"""A key set is asked for at a real server with bounds, and only where it may be asked."""

import asyncio
import gzip
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpServer

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.access.key_source import KeySource, UnusableError, fetch

from .publishing import Publisher, publisher

__all__ = ("publisher",)


def source_of(publisher: Publisher, **options: Any) -> KeySource:
    return KeySource(publisher.url, allow_http=True, **options)


async def test_what_is_published_is_fetched(publisher: Publisher) -> None:
    publisher.answer_with(text="whatever it is")
    assert await fetch(source_of(publisher)) == b"whatever it is"


@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 303, 307, 308, 401, 404, 500])
async def test_only_200_is_an_answer_and_no_redirect_is_followed(
    status: int, publisher: Publisher, aiohttp_server: AiohttpServer
) -> None:
    elsewhere = Publisher()
    await elsewhere.start(aiohttp_server)
    publisher.answer_with(status=status, headers={"Location": elsewhere.url})
    with pytest.raises(UnusableError, match=f"status {status}"):
        await fetch(source_of(publisher))
    assert elsewhere.count == 0


@pytest.mark.parametrize(("size", "is_taken"), [(1_000, True), (1_001, False)])
async def test_what_is_too_large_is_not_read(size: int, is_taken: bool, publisher: Publisher) -> None:
    publisher.answer_with(text="x" * size)
    if is_taken:
        assert len(await fetch(source_of(publisher, max_bytes=1_000))) == size
        return
    with pytest.raises(UnusableError, match="it has more than 1000 bytes"):
        await fetch(source_of(publisher, max_bytes=1_000))


async def test_what_is_compressed_is_not_unpacked(publisher: Publisher) -> None:
    body = gzip.compress(b"x" * 1_000_000)
    publisher.answer_with(body=body, headers={"Content-Encoding": "gzip"})
    assert await fetch(source_of(publisher)) == body


async def test_a_server_that_trickles_without_end_is_cut_off(publisher: Publisher) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" " * 1_000)
        return response

    publisher.answer = trickle
    with pytest.raises(UnusableError):
        await fetch(source_of(publisher, max_bytes=10_000))


async def test_a_slow_server_is_given_up(publisher: Publisher) -> None:
    publisher.answer = publisher.wait
    with pytest.raises(asyncio.TimeoutError):
        await fetch(source_of(publisher, timeout=0.05))
    publisher.goes_on.set()


async def test_a_server_that_hangs_up_or_is_not_there_has_failed(publisher: Publisher) -> None:
    publisher.answer = publisher.hang_up
    with pytest.raises(aiohttp.ClientError):
        await fetch(source_of(publisher))
    with pytest.raises(aiohttp.ClientError):
        await fetch(KeySource("http://127.0.0.1:1/keys", allow_http=True))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        pytest.param("http://example.com/keys", "the URL is http://", id="http"),
        pytest.param("file:///etc/passwd", "not complete", id="a file"),
        pytest.param("ftp://example.com/keys", "the URL is ftp://", id="ftp"),
        pytest.param("//example.com/keys", "the URL is ://", id="no scheme"),
        pytest.param("https:///keys", "not complete", id="no host"),
        pytest.param("", "not complete", id="nothing"),
        pytest.param(None, "not complete", id="none"),
        pytest.param("https://user:secret@example.com/keys", "says too much", id="a login"),
        pytest.param("https://example.com/keys#part", "says too much", id="a fragment"),
        pytest.param("https://example.com:99999/keys", "not complete", id="no port"),
        pytest.param("https://[::1/keys", "not complete", id="no address"),
    ],
)
def test_a_url_that_may_not_be_asked_is_refused(url: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"KeySource\(\): .*{problem}") as raised:
        KeySource(url)
    assert "secret" not in str(raised.value)


def test_http_is_allowed_only_by_the_option_and_nothing_else_is() -> None:
    assert KeySource("http://[::1]:8080/keys?a=b", allow_http=True).shown_url == "http://[::1]:8080/keys"
    assert KeySource("HTTPS://example.com/keys").shown_url == "https://example.com/keys"
    with pytest.raises(ConfigurationError, match="ftp://"):
        KeySource("ftp://example.com/keys", allow_http=True)


@pytest.mark.parametrize("option", ["timeout", "max_bytes", "max_age", "cool_down"])
@pytest.mark.parametrize("value", [0, -1, True, "1", None, float("nan"), float("inf")])
def test_a_number_that_is_not_positive_is_refused(option: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^KeySource\(\): {option}=.*; pass "):
        KeySource("https://example.com/keys", **{option: value})


@pytest.mark.parametrize("value", [-1, True, "1", float("nan"), float("inf")])
def test_a_time_that_keys_may_be_stale_is_a_number_or_none(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"max_stale=.*; pass a number of seconds, 0 or more"):
        KeySource("https://example.com/keys", max_stale=value)
    assert KeySource("https://example.com/keys", max_stale=0).max_stale == 0
    assert KeySource("https://example.com/keys", max_stale=None).max_stale is None
    assert KeySource("https://example.com/keys").max_stale == 24 * 3_600


def test_a_cool_down_that_outlives_the_keys_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cool_down=31; pass no more than max_age and max_stale: 30"):
        KeySource("https://example.com/keys", max_age=20, max_stale=10, cool_down=31)
    KeySource("https://example.com/keys", max_age=20, max_stale=10, cool_down=30)
    KeySource("https://example.com/keys", max_age=20, max_stale=None, cool_down=31)


def test_a_clock_that_cannot_be_called_is_refused() -> None:
    now: Any = 1.0
    with pytest.raises(ConfigurationError, match="clock is float"):
        KeySource("https://example.com/keys", clock=now)


def test_a_key_source_does_not_show_its_query() -> None:
    assert "secret" not in repr(KeySource("https://id.example/keys?token=secret"))


def test_a_text_from_a_file_is_no_flag() -> None:
    with pytest.raises(ConfigurationError, match="allow_http='no'; write True or False"):
        KeySource("http://id.example/keys", allow_http="no")  # type: ignore[arg-type]  # as load_links() would
