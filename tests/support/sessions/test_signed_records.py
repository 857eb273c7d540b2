"""Records in cookies are believed if one of the secrets has signed them for this purpose."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.sessions.records import Record
from aiohttp_route_middleware.support.sessions.signed_records import SignedRecords

OLD, NEW = b"an old secret that is long enough", b"a new secret that is long enough"
RECORD = Record("token", '1.2.{"a":"\\u00e4."}')


async def sign(secrets: list[bytes], salt: str = "salt") -> str:
    return await SignedRecords(secrets, salt).keep(RECORD, ttl=1, is_new=True) or ""


@pytest.mark.parametrize(
    ("signed", "read", "is_found"),
    [
        ([OLD], [OLD], True),
        ([OLD], [NEW, OLD], True),
        ([NEW, OLD], [NEW], True),
        ([NEW, OLD], [OLD], False),
    ],
    ids=["one", "the old one is accepted", "the first signs", "and no other"],
)
async def test_the_first_secret_signs_and_all_are_accepted(
    signed: list[bytes], read: list[bytes], is_found: bool
) -> None:
    found = await SignedRecords(read, "salt").find(await sign(signed))
    assert found == (RECORD if is_found else None)


async def test_what_was_signed_for_another_purpose_is_none() -> None:
    assert await SignedRecords([OLD], "elsewhere").find(await sign([OLD])) is None


async def test_nobody_can_take_a_cookie_back() -> None:
    records = SignedRecords([OLD], "salt")
    assert await records.drop(RECORD.token)
    assert await records.find(await sign([OLD])) == RECORD


@given(value=st.text(st.characters(codec="latin-1"), max_size=200) | st.from_regex(r"[\w.=-]{0,200}"))
def test_nothing_that_was_not_signed_is_found(value: str) -> None:
    async def find() -> object:
        return await SignedRecords([OLD], "salt").find(value)

    assert asyncio.run(find()) is None


def test_records_that_are_signed_alike_are_equal_and_show_no_secret() -> None:
    records = SignedRecords((b"hunter2" * 5,), "salt")
    assert SignedRecords((b"hunter2" * 5,), "salt") == records
    assert SignedRecords((b"hunter2" * 5,), "another") != records
    assert SignedRecords((b"hunter3" * 5,), "salt") != records
    assert "hunter2" not in repr(records)
