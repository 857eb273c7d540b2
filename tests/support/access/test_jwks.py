"""A key set is kept and fetched again, from a real server which is also slow, down, silent and full of garbage."""

import asyncio
import gzip
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.access.jwks import KeySet, KeysUnavailableError, read_set
from aiohttp_route_middleware.support.access.key_source import KeySource

from ...clock import Clock
from .publishing import Publisher, clock, publisher

__all__ = ("clock", "publisher")


def read(jwk: Mapping[str, Any]) -> str | None:
    return jwk.get("k")


@pytest.fixture
def keys(publisher: Publisher, clock: Clock) -> KeySet[str]:
    return KeySet(KeySource(publisher.url, allow_http=True, clock=clock), read)


async def test_keys_are_fetched_once_and_found_by_their_id(keys: KeySet[str], publisher: Publisher) -> None:
    publisher.names = ["one", "two", "one"]
    assert await keys.find("two") == ["two"]
    assert await keys.find("one") == ["one", "one"]
    assert await keys.find(None) == ["one", "two", "one"]
    assert publisher.count == 1


async def test_a_rotated_key_is_fetched_after_the_cool_down(
    keys: KeySet[str], publisher: Publisher, clock: Clock
) -> None:
    assert await keys.find("one") == ["one"]
    publisher.names = ["two"]
    clock.now += 29
    assert await keys.find("two") == []
    assert publisher.count == 1
    clock.now += 1
    assert await keys.find("two") == ["two"]
    assert await keys.find("one") == []  # no longer published
    assert publisher.count == 2


async def test_many_unknown_ids_at_once_make_one_fetch(keys: KeySet[str], publisher: Publisher, clock: Clock) -> None:
    await keys.find("one")
    clock.now += 30
    publisher.names = ["one", "two"]
    found = await asyncio.gather(*(keys.find(kid) for kid in ["two", *map(str, range(99))]))
    assert publisher.count == 2
    assert found == [["two"], *[[]] * 99]


async def test_many_first_requests_make_one_fetch(keys: KeySet[str], publisher: Publisher) -> None:
    assert await asyncio.gather(*(keys.find("one") for _ in range(50))) == [["one"]] * 50
    assert publisher.count == 1


async def test_a_known_key_is_fetched_again_when_it_is_stale(
    keys: KeySet[str], publisher: Publisher, clock: Clock
) -> None:
    await keys.find("one")
    publisher.names = ["two"]
    clock.now += 3_600
    assert await keys.find("one") == []
    assert publisher.count == 2


async def test_a_stale_key_is_good_while_another_request_fetches(
    keys: KeySet[str], publisher: Publisher, clock: Clock
) -> None:
    await keys.find("one")
    clock.now += 3_600
    publisher.answer = publisher.wait
    fetching = asyncio.create_task(keys.find("one"))
    await publisher.asked.wait()
    assert await keys.find("one") == ["one"]
    publisher.goes_on.set()
    assert await fetching == ["one"]
    assert publisher.count == 2


BIG = json.dumps({"keys": [{"kid": "one", "k": "x" * 262_144}]})
FAULTS = [
    pytest.param({"status": 500}, "status 500", id="500"),
    pytest.param({"status": 404, "text": '{"keys": []}'}, "status 404", id="404"),
    pytest.param({"status": 204}, "status 204", id="204"),
    pytest.param({"text": "garbage"}, "JSONDecodeError", id="garbage"),
    pytest.param({"text": ""}, "JSONDecodeError", id="nothing"),
    pytest.param({"body": b"\xff\xfe\xfa"}, "DecodeError", id="no text"),
    pytest.param({"text": "[" * 200_000}, "RecursionError", id="nested without end"),
    pytest.param({"text": "[]"}, "no list of keys", id="a list"),
    pytest.param({"text": "{}"}, "no list of keys", id="no keys"),
    pytest.param({"text": '{"keys": {"one": 1}}'}, "no list of keys", id="keys that are no list"),
    pytest.param({"text": BIG}, "more than 262144 bytes", id="oversized"),
    pytest.param(
        {"body": gzip.compress(b'{"keys": []}'), "headers": {"Content-Encoding": "gzip"}}, "Error", id="compressed"
    ),
]


@pytest.mark.parametrize(("fault", "reason"), FAULTS)
async def test_the_last_good_keys_are_kept_when_a_fetch_fails(
    fault: Any,
    reason: str,
    keys: KeySet[str],
    publisher: Publisher,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await keys.find("one")
    clock.now += 3_600
    publisher.answer_with(**fault)
    assert await keys.find("one") == ["one"]
    assert publisher.count == 2
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert f"The key set of {publisher.url} could not be fetched" in record.getMessage()
    assert reason in record.getMessage()


@pytest.mark.parametrize(("fault", "reason"), FAULTS)
async def test_an_unknown_id_is_no_answer_when_the_set_cannot_be_fetched(
    fault: Any, reason: str, keys: KeySet[str], publisher: Publisher, clock: Clock
) -> None:
    publisher.answer_with(**fault)
    with pytest.raises(KeysUnavailableError) as raised:
        await keys.find("one")
    assert raised.value.retry_after == 30
    clock.now += 29.5
    with pytest.raises(KeysUnavailableError) as raised:
        await keys.find("one")
    assert raised.value.retry_after == 1
    assert publisher.count == 1  # the cool-down holds after a failure as well
    clock.now += 0.5
    publisher.answer = publisher.publish
    assert await keys.find("one") == ["one"]


async def fail(keys: KeySet[str], kid: str = "one") -> int:
    with pytest.raises(KeysUnavailableError) as raised:
        await keys.find(kid)
    return raised.value.retry_after


@pytest.mark.parametrize(
    ("max_stale", "last"),
    [
        pytest.param(86_400, 90_000, id="the default"),
        pytest.param(60, 3_660, id="a minute"),
        pytest.param(0, 3_600, id="not at all"),
    ],
)
async def test_a_key_is_not_used_for_ever_while_its_set_cannot_be_fetched(
    max_stale: int, last: int, publisher: Publisher, clock: Clock
) -> None:
    keys = KeySet(KeySource(publisher.url, allow_http=True, max_stale=max_stale, clock=clock), read)
    start = clock.now
    assert await keys.find("one") == ["one"]
    publisher.answer_with(status=500)
    clock.now = start + last - 1
    assert await keys.find("one") == ["one"]
    clock.now = start + last
    assert 1 <= await fail(keys) <= 30
    assert await fail(keys, "another") == await fail(keys)
    clock.now += 30
    publisher.answer = publisher.publish
    assert await keys.find("one") == ["one"]


async def test_a_key_that_was_withdrawn_ends_also_between_two_attempts(
    keys: KeySet[str], publisher: Publisher, clock: Clock
) -> None:
    await keys.find("one")
    publisher.answer_with(status=500)
    clock.now += 3_600 + 86_400 - 10
    assert await keys.find("one") == ["one"]
    asked = publisher.count
    clock.now += 10
    assert await fail(keys) == 20
    assert publisher.count == asked


async def test_a_key_that_is_too_old_is_not_good_while_another_request_fetches(
    keys: KeySet[str], publisher: Publisher, clock: Clock
) -> None:
    await keys.find("one")
    clock.now += 3_600 + 86_400
    publisher.answer, publisher.names = publisher.wait, ["two"]
    first = asyncio.create_task(keys.find("one"))
    await publisher.asked.wait()
    second = asyncio.create_task(keys.find("one"))
    publisher.goes_on.set()
    assert [*await first, *await second] == []
    assert publisher.count == 2


async def test_a_key_is_used_for_ever_if_that_is_what_is_wanted(publisher: Publisher, clock: Clock) -> None:
    keys = KeySet(KeySource(publisher.url, allow_http=True, max_stale=None, clock=clock), read)
    await keys.find("one")
    publisher.answer_with(status=500)
    clock.now += 10 * 365 * 86_400
    assert await keys.find("one") == ["one"]


async def test_a_slow_server_is_given_up(publisher: Publisher, caplog: pytest.LogCaptureFixture) -> None:
    publisher.answer = publisher.wait
    keys = KeySet(KeySource(publisher.url, allow_http=True, timeout=0.05), read)
    with pytest.raises(KeysUnavailableError):
        await keys.find("one")
    assert "Timeout" in caplog.text
    publisher.goes_on.set()


async def test_a_server_that_hangs_up_or_is_not_there_has_failed(publisher: Publisher, keys: KeySet[str]) -> None:
    publisher.answer = publisher.hang_up
    with pytest.raises(KeysUnavailableError):
        await keys.find("one")
    with pytest.raises(KeysUnavailableError):
        await KeySet(KeySource("http://127.0.0.1:1/keys", allow_http=True), read).find("one")


async def test_requests_that_are_cancelled_neither_end_the_fetch_nor_make_another(
    keys: KeySet[str], publisher: Publisher
) -> None:
    publisher.answer = publisher.wait
    for _ in range(3):
        leaving = asyncio.create_task(keys.find("one"))
        await publisher.asked.wait()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
    staying = asyncio.create_task(keys.find("one"))
    publisher.goes_on.set()
    assert await staying == ["one"]
    assert publisher.count == 1


async def test_an_empty_set_is_a_set_that_lets_nobody_in(
    keys: KeySet[str], publisher: Publisher, clock: Clock
) -> None:
    await keys.find("one")
    publisher.names = []
    clock.now += 3_600
    assert await keys.find("one") == []


async def test_members_that_are_of_no_use_are_ignored(keys: KeySet[str], publisher: Publisher) -> None:
    members: list[Any] = [1, None, "x", [], {}, {"kid": "one"}, {"k": "nameless"}, {"kid": 1, "k": "number"}]
    publisher.answer_with(text=json.dumps({"keys": [*members, {"kid": "one", "k": "good"}]}))
    assert await keys.find("one") == ["good"]
    assert await keys.find(None) == ["nameless", "number", "good"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["keys", "kid", "k"]), inner),
    )
)
def test_whatever_is_published_is_read_or_refused(document: Any) -> None:
    with suppress(ValueError):
        assert all(key is not None for _, key in read_set(json.dumps(document).encode(), read))


async def test_the_log_does_not_tell_the_query(publisher: Publisher, caplog: pytest.LogCaptureFixture) -> None:
    publisher.answer_with(status=500)
    source = KeySource(f"{publisher.url}?token=secret", allow_http=True)
    with pytest.raises(KeysUnavailableError):
        await KeySet(source, read).find("one")
    assert publisher.url in caplog.text
    assert "secret" not in caplog.text
