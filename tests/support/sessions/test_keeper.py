"""Which record a request means, and what becomes of it; the rest is shown on real servers by those of `sessions()`."""

import asyncio
import logging

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.errors import StoreError
from aiohttp_route_middleware.support.cookies import Cookie
from aiohttp_route_middleware.support.sessions.keeper import RecordKeeper
from aiohttp_route_middleware.support.sessions.lifetime import Lifetime
from aiohttp_route_middleware.support.sessions.records import Record


class InMemory:
    """Records that say what they were asked for and told."""

    def __init__(self, **kept: str) -> None:
        self.kept = kept
        self.done: list[str] = []
        self.is_down = False

    async def find(self, value: str) -> Record | None:
        self._do(f"find {value}")
        return Record(value, self.kept[value]) if value in self.kept else None

    async def keep(self, record: Record, *, ttl: float, is_new: bool) -> str | None:
        self._do(f"keep {record.text} for {ttl:g}")
        if not is_new and record.token not in self.kept:
            return None
        self.kept[record.token] = record.text
        return record.token

    async def drop(self, token: str) -> bool:
        self._do(f"drop {token}")
        return self.kept.pop(token, None) is not None

    def _do(self, what: str) -> None:
        if self.is_down:
            raise StoreError("down")
        self.done.append(what)


def make(records: InMemory, *, fail_open: bool = False) -> RecordKeeper:
    return RecordKeeper(
        label="sessions",
        cookie=Cookie(name="s"),
        records=records,
        lifetime=Lifetime(unwritten=50, absolute=100, refresh=5),
        fail_open=fail_open,
        clock=lambda: 1000.7,
    )


def ask(*lines: str) -> web.Request:
    return make_mocked_request("GET", "/", headers=CIMultiDict(("Cookie", line) for line in lines))


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        pytest.param([], [], id="none"),
        pytest.param(["t=v"], [], id="another name"),
        pytest.param(["s; S=v; ss=v"], [], id="nearly"),
        pytest.param(["s=v; s=v", "s=v"], ["v"], id="the same thrice"),
        pytest.param(["s=a; s=b", "s=c"], ["a", "b", "c"], id="several"),
        pytest.param(["; ".join(f"s={n}" for n in range(4))], ["0", "1", "2", "3"], id="four"),
        pytest.param(["; ".join(f"s={n}" for n in range(5))], [], id="too many to be meant"),
    ],
)
async def test_each_value_of_the_cookie_is_asked_for_once(lines: list[str], asked: list[str]) -> None:
    records = InMemory()
    state = await make(records).load(ask(*lines))
    assert records.done == [f"find {value}" for value in asked]
    assert (state.is_new, state.created, state.is_detached) == (True, 1000, False)


@given(line=st.text(max_size=200) | st.lists(st.from_regex(r"s=[ab]*", fullmatch=True)).map("; ".join))
def test_whatever_a_client_sends_asks_for_few_records(line: str) -> None:
    records = InMemory()
    assert asyncio.run(make(records).load(ask(line))).is_new
    assert len(records.done) <= 4


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        pytest.param('901.951.{"a":1}', True, id="alive"),
        pytest.param('901.950.{"a":1}', False, id="unused too long"),
        pytest.param('900.999.{"a":1}', False, id="too old"),
        pytest.param("", False, id="nothing"),
        pytest.param("a.b.{}", False, id="no times"),
        pytest.param("1.2", False, id="no text"),
    ],
)
async def test_a_record_is_a_session_if_it_is_one_and_alive(text: str, is_found: bool) -> None:
    state = await make(InMemory(v=text)).load(ask("s=v"))
    assert (not state.is_new) is is_found
    assert state.data == ({"a": 1} if is_found else {})
    assert state.former == ("v" if is_found else "")


async def test_of_two_sessions_none_is_used(caplog: pytest.LogCaptureFixture) -> None:
    records = InMemory(v='990.990.{"a":1}', w='990.990.{"a":2}')
    assert (await make(records).load(ask("s=v; s=w"))).is_new
    assert caplog.record_tuples == [
        (
            "aiohttp_route_middleware.support.sessions.keeper",
            logging.WARNING,
            "sessions: a client sent several sessions in cookies of one name; none was used",
        )
    ]


async def test_an_old_record_is_dropped_before_the_new_one_is_kept() -> None:
    records = InMemory(v='990.999.{"a":1}')
    keeper, request = make(records), ask("s=v")
    state = await keeper.load(request)
    state.rotate()
    await keeper.save(request, state)
    assert records.done == ["find v", "drop v", 'keep 990.1000.{"a":1} for 50']
    assert list(records.kept) == [state.token]
    assert state.set_cookie == f"s={state.token}; Path=/; HttpOnly; Secure; SameSite=Lax"
    await keeper.save(request, state)
    assert len(records.done) == 3


@pytest.mark.parametrize("is_rotated", [False, True], ids=["changed", "rotated"])
async def test_what_was_deleted_meanwhile_is_not_brought_back(is_rotated: bool) -> None:
    records = InMemory(v='990.999.{"a":1}')
    keeper, request = make(records), ask("s=v")
    state = await keeper.load(request)
    state.data["b"] = 2
    if is_rotated:
        state.rotate()
    del records.kept["v"]
    await keeper.save(request, state)
    assert records.kept == {}
    assert state.set_cookie == ""


async def test_records_that_are_down_are_an_answer_of_503() -> None:
    records = InMemory(v='990.999.{"a":1}')
    records.is_down = True
    with pytest.raises(web.HTTPServiceUnavailable):
        await make(records).load(ask("s=v"))


async def test_with_fail_open_an_empty_session_stands_in_and_is_not_saved_nor_renewed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    records = InMemory(v='990.999.{"a":1}')
    records.is_down = True
    keeper, request = make(records, fail_open=True), ask("s=v")
    state = await keeper.load(request)
    assert (state.is_detached, state.data) == (True, {})
    await keeper.save(request, state)
    state.data["b"] = 2
    await keeper.save(request, state)
    assert [message for *_, message in caplog.record_tuples] == [
        "sessions: a session was not loaded: down",
        "sessions: a session was not saved, for it could not be loaded",
    ]
    state.rotate()
    with pytest.raises(web.HTTPServiceUnavailable):
        await keeper.save(request, state)
    assert state.set_cookie == ""
