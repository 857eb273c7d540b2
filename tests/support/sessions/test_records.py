"""Records in a store are found by what the cookie holds, and by nothing that the store shows."""

import hashlib

import pytest

from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.support.sessions.records import Record, StoredRecords

TOKEN = "A" * 43
KEY = f"session:admin:__Host-a:{hashlib.sha256(TOKEN.encode()).hexdigest()}"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def records(store: MemoryStore) -> StoredRecords:
    return StoredRecords(store, "admin", "__Host-a")


async def test_a_record_is_kept_under_the_hash_of_its_token(records: StoredRecords, store: MemoryStore) -> None:
    record = Record(TOKEN, "1.2.{}")
    assert await records.keep(record, ttl=10, is_new=True) == TOKEN
    assert await store.get(KEY) == b"1.2.{}"
    assert await records.find(TOKEN) == record


async def test_a_record_that_is_gone_is_not_replaced(records: StoredRecords) -> None:
    record = Record(TOKEN, "1.2.{}")
    assert await records.keep(record, ttl=10, is_new=False) is None
    await records.keep(record, ttl=10, is_new=True)
    assert await records.keep(Record(TOKEN, "1.3.{}"), ttl=10, is_new=False) == TOKEN
    assert await records.find(TOKEN) == Record(TOKEN, "1.3.{}")
    assert [await records.drop(TOKEN), await records.drop(TOKEN)] == [True, False]
    assert await records.find(TOKEN) is None


@pytest.mark.parametrize("value", ["", "A" * 42, "A" * 44, "A" * 42 + "*", f"{TOKEN}\n"], ids=ascii)
async def test_what_can_be_no_token_is_not_asked_for(records: StoredRecords, store: MemoryStore, value: str) -> None:
    key = f"session:admin:__Host-a:{hashlib.sha256(value.encode()).hexdigest()}"
    await store.set(key, b"1.2.{}", ttl=10)
    assert await records.find(value) is None


def test_records_of_one_store_under_one_name_are_equal(records: StoredRecords, store: MemoryStore) -> None:
    assert StoredRecords(store, records.name, records.cookie) == records
    assert StoredRecords(store, records.name, "another") != records
    assert StoredRecords(MemoryStore(), records.name, records.cookie) != records
