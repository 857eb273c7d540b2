"""Kept responses are found by what was asked for and by what they vary with; garbage is not found."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.support.caching.shelf import ResponseShelf
from aiohttp_route_middleware.support.caching.variants import Asked
from aiohttp_route_middleware.support.content.stored_responses import StoredResponse


def asked(chosen: str = "", **fields: str) -> Asked:
    headers = CIMultiDict({name.replace("_", "-"): value for name, value in fields.items()})
    return Asked(CIMultiDictProxy(headers), chosen)


def answer(body: bytes, vary: str = "", **others: str) -> StoredResponse:
    headers = tuple({**({"Vary": vary} if vary else {}), **others}.items())
    return StoredResponse(status=200, reason="OK", headers=headers, body=body)


async def find(shelf: ResponseShelf, **fields: str) -> bytes | None:
    found = await shelf.find("key", asked(**fields))
    return found.response.body if found.response else None


async def test_a_response_is_found_until_it_is_forgotten() -> None:
    shelf = ResponseShelf(MemoryStore(), limit=100)
    assert await find(shelf) is None
    await shelf.keep("key", asked(), answer(b"one"), ttl=60)
    assert await find(shelf, Accept="a") == b"one"
    await shelf.forget("key")
    assert await find(shelf) is None


async def test_variants_are_told_apart_and_forgotten_at_once() -> None:
    shelf = ResponseShelf(MemoryStore(), limit=100)
    await shelf.keep("key", asked(Accept_Language="de"), answer(b"eins", "Accept-Language"), ttl=60)
    await shelf.keep("key", asked(Accept_Language="en"), answer(b"one", "accept-language"), ttl=60)
    assert await find(shelf, Accept_Language="de") == b"eins"
    assert await find(shelf, Accept_Language="en") == b"one"
    found = await shelf.find("key", asked())
    assert (found.response, found.has_others) == (None, True)
    await shelf.forget("key")
    assert await find(shelf, Accept_Language="de") is None
    await shelf.keep("key", asked(Accept_Language="en"), answer(b"new", "accept-language"), ttl=60)
    assert await find(shelf, Accept_Language="de") is None


async def test_one_more_name_adds_to_those_that_are_known() -> None:
    shelf = ResponseShelf(MemoryStore(), limit=100)
    await shelf.keep("key", asked(A="1", B="1"), answer(b"old", "A"), ttl=60)
    await shelf.keep("key", asked(A="1", B="2"), answer(b"new", "B"), ttl=60)
    assert await find(shelf, A="1", B="2") == b"new"
    assert await find(shelf, A="2", B="2") is None
    await shelf.keep("key", asked(A="3", B="3"), answer(b"three", "A"), ttl=60)
    assert await find(shelf, A="3", B="3") == b"three"
    assert await find(shelf, A="1", B="2") == b"new"


async def test_a_list_that_is_known_already_is_read_anew_when_it_has_changed() -> None:
    store = MemoryStore()
    shelf = ResponseShelf(store, limit=100)
    for vary in ("A", "B", "A"):
        await shelf.keep("key", asked(A="1", B="1"), answer(vary.encode(), vary), ttl=60)
        assert await find(shelf, A="1", B="1") == await find(shelf, A="1", B="1") == vary.encode()
    await shelf.forget("key")
    assert await find(shelf, A="1", B="1") is None


async def test_too_many_names_are_not_kept() -> None:
    shelf = ResponseShelf(MemoryStore(), limit=100)
    await shelf.keep("key", asked(), answer(b"one", ",".join(f"N{number}" for number in range(17))), ttl=60)
    assert await find(shelf) is None
    await shelf.keep("key", asked(), answer(b"one", ",".join(f"N{number}" for number in range(16))), ttl=60)
    await shelf.keep("key", asked(), answer(b"two", "Other"), ttl=60)
    assert await find(shelf, N1="x") == b"two"


async def test_headers_that_are_too_large_are_not_kept() -> None:
    shelf = ResponseShelf(MemoryStore(), limit=100)
    await shelf.keep("key", asked(), answer(b"one", X="x" * 70_000), ttl=60)
    assert await find(shelf) is None


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(b"arm-variants-1\n{", id="no JSON"),
        pytest.param(b"arm-variants-1\n" + b"[" * 100_000, id="deeply nested"),
        pytest.param(b'arm-variants-1\n{"a": 1}', id="no list"),
        pytest.param(b"arm-variants-1\n" + json.dumps(["0" * 32, ["a" * 4_096]]).encode(), id="too long"),
        pytest.param(b'arm-variants-1\n["x", ["accept"]]', id="no generation"),
        pytest.param(b"arm-variants-1\n" + json.dumps(["0" * 32, ["a"] * 17]).encode(), id="too many names"),
        pytest.param(b"arm-variants-1\n" + json.dumps(["0" * 32, [1, "accept"]]).encode(), id="no name"),
    ],
)
async def test_garbage_is_not_found_and_replaced(stored: bytes) -> None:
    store = MemoryStore()
    await store.set("key", stored, ttl=60)
    shelf = ResponseShelf(store, limit=100)
    assert await find(shelf) is None
    await shelf.keep("key", asked(), answer(b"one", "Accept"), ttl=60)
    assert await find(shelf) == b"one"


@given(st.binary())
async def test_any_bytes_under_the_key_of_a_list_are_read_as_none(stored: bytes) -> None:
    store = MemoryStore()
    await store.set("key", b"arm-variants-1\n" + stored, ttl=60)
    assert await find(ResponseShelf(store, limit=100)) is None


async def test_header_values_are_not_mixed_up() -> None:
    shelf = ResponseShelf(MemoryStore(), limit=100)
    await shelf.keep("key", asked(A="x", B=""), answer(b"one", "A, B"), ttl=60)
    assert await find(shelf, A="", B="x") is None
    assert await find(shelf, A="x") is None
    two: Any = CIMultiDictProxy(CIMultiDict([("A", "x"), ("A", ""), ("B", "")]))
    assert (await shelf.find("key", Asked(two))).response is None


async def test_what_was_chosen_for_a_request_tells_it_apart() -> None:
    shelf = ResponseShelf(MemoryStore(), limit=100)
    await shelf.keep("key", asked(), answer(b"for all"), ttl=60)
    found = await shelf.find("key", asked("de"))
    assert (found.response, found.has_others) == (None, True)
    await shelf.keep("key", asked("de"), answer(b"eins"), ttl=60)
    await shelf.keep("key", asked("en"), answer(b"one"), ttl=60)
    kept = [(await shelf.find("key", asked(chosen))).response for chosen in ("de", "en", "fr", "")]
    assert [one and one.body for one in kept] == [b"eins", b"one", None, None]


async def test_a_name_that_was_added_tells_apart_as_one_of_its_own() -> None:
    shelf = ResponseShelf(MemoryStore(), limit=100)
    await shelf.keep("key", asked(A="1"), answer(b"one"), ttl=60, added=frozenset(("a",)))
    assert await find(shelf, A="1") == b"one"
    assert await find(shelf, A="2") is None
