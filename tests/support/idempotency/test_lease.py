"""Who may carry out a request: one at a time, for as long as it renews its lease, and nobody after it was done."""

import asyncio
import logging

import pytest

from aiohttp_route_middleware.errors import StoreError
from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.support.idempotency.lease import Lease, LeaseTerms
from aiohttp_route_middleware.support.idempotency.records import Running, read_record
from aiohttp_route_middleware.support.outages import Outage

from ...clock import Clock

PRINT = bytes(32)


class FailingStore(MemoryStore):
    """Can be down; says when something was put in the place of something else."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.is_down = False
        self.asked = asyncio.Event()
        self.put = asyncio.Event()

    async def get(self, key: str) -> bytes | None:
        self._check()
        return await super().get(key)

    async def replace(self, key: str, value: bytes, *, ttl: float) -> bool:
        self._check()
        self.put.set()
        return await super().replace(key, value, ttl=ttl)

    async def delete(self, key: str) -> bool:
        self._check()
        return await super().delete(key)

    def _check(self) -> None:
        self.asked.set()
        if self.is_down:
            raise StoreError("down on purpose")


class Place:
    """A store, its clock, and leases of one key."""

    def __init__(self, lock: float = 30) -> None:
        self.clock = Clock()
        self.store = FailingStore(self.clock)
        outage = Outage("name()", "requests may run again")
        self.terms = LeaseTerms(
            store=self.store, lock=lock, keep=100, clock=self.clock, battery="name()", outage=outage
        )

    def lease(self) -> Lease:
        return Lease(self.terms, "key", PRINT)

    async def begun(self) -> Lease:
        lease = self.lease()
        assert await lease.begin()
        return lease

    async def is_running(self) -> bool:
        stored = await self.store.get("key")
        return stored is not None and isinstance(read_record(stored, limit=0), Running)


@pytest.fixture
def place() -> Place:
    return Place()


async def test_of_ten_at_once_one_gets_it(place: Place) -> None:
    leases = [place.lease() for _ in range(10)]
    got = await asyncio.gather(*(lease.begin() for lease in leases))
    assert got.count(True) == 1
    assert [lease.is_held for lease in leases] == got
    await leases[got.index(True)].release()


async def test_what_became_of_the_request_is_kept_for_so_long(place: Place) -> None:
    await (await place.begun()).settle(b"done")
    place.clock.now += 99
    assert await place.store.get("key") == b"done"
    assert not await place.lease().begin()
    place.clock.now += 1
    assert await place.store.get("key") is None


async def test_what_was_not_carried_out_is_free_at_once(place: Place) -> None:
    await (await place.begun()).release()
    await (await place.begun()).release()


async def test_a_process_that_died_frees_it_when_its_time_is_over(place: Place) -> None:
    dead = await place.begun()
    place.clock.now += 29
    assert not await place.lease().begin()
    place.clock.now += 1
    second = await place.begun()
    await second.release()
    await dead.release()


async def test_it_is_held_for_longer_as_long_as_it_is_renewed(place: Place) -> None:
    lease = await place.begun()
    for _ in range(10):
        place.clock.now += 29
        await lease.renew()
    assert await place.is_running()
    await lease.release()


async def test_it_is_renewed_by_itself() -> None:
    place = Place(lock=0.1)
    lease = await place.begun()
    for _ in range(2):
        place.store.put.clear()
        await place.store.put.wait()
    await lease.release()
    assert await place.store.get("key") is None


async def test_after_its_end_nothing_more_is_done(place: Place) -> None:
    lease = await place.begun()
    await lease.settle(b"done")
    await lease.settle(b"again")
    await lease.release()
    await lease.renew()
    assert await place.store.get("key") == b"done"
    assert (lease.is_held, lease.is_settled) == (False, True)


async def test_one_that_was_not_got_changes_nothing(place: Place) -> None:
    first, second = await place.begun(), place.lease()
    assert not await second.begin()
    await second.settle(b"done")
    await second.release()
    assert await place.is_running()
    await first.release()


@pytest.mark.parametrize("how", ["renew", "settle", "release"])
async def test_who_was_late_leaves_to_another_what_is_theirs(
    how: str, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    late = await place.begun()
    place.clock.now += 30
    second = await place.begun()
    await (late.settle(b"late") if how == "settle" else getattr(late, how)())
    assert await place.is_running()
    assert not late.is_held
    assert ("a lock was lost" in caplog.text) is (how != "release")
    await second.settle(b"second")
    assert await place.store.get("key") == b"second"


async def test_who_was_late_and_met_nobody_goes_on(place: Place) -> None:
    lease = await place.begun()
    place.clock.now += 30  # the store has forgotten it
    await lease.settle(b"done")
    assert await place.store.get("key") == b"done"


async def test_what_the_store_has_lost_is_put_there_again(place: Place) -> None:
    lease = await place.begun()
    await place.store.close()
    await lease.renew()
    assert await place.is_running()
    await place.store.close()
    await lease.settle(b"done")
    assert await place.store.get("key") == b"done"


async def test_what_the_store_has_lost_and_somebody_was_faster_to_take_is_left(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = await place.begun()

    async def lose(key: str, value: bytes, *, ttl: float) -> bool:
        await place.store.set(key, b"theirs", ttl=ttl)
        return False

    monkeypatch.setattr(place.store, "replace", lose)
    await lease.settle(b"mine")
    assert await place.store.get("key") == b"theirs"
    assert not lease.is_held


async def test_what_became_of_it_is_kept_when_the_store_is_back(caplog: pytest.LogCaptureFixture) -> None:
    place = Place(lock=0.1)
    lease = await place.begun()
    place.store.is_down = True
    await lease.settle(b"done")
    assert "name(): the store does not answer (down on purpose); requests may run again" in caplog.text
    place.store.asked.clear()
    await place.store.asked.wait()
    place.store.is_down = False
    await place.store.put.wait()
    assert await place.store.get("key") == b"done"


async def test_a_store_that_stays_down_is_not_asked_for_ever(place: Place) -> None:
    lease = await place.begun()
    place.store.is_down = True
    await lease.renew()
    await lease.settle(b"done")
    for _ in range(30):
        assert lease.is_held
        await lease.renew()
    assert not lease.is_held


async def test_a_store_that_is_down_when_it_is_released_frees_it_later(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    lease = await place.begun()
    place.store.is_down = True
    with caplog.at_level(logging.ERROR):
        await lease.release()
    assert "the store does not answer" in caplog.text
    place.store.is_down = False
    place.clock.now += 30
    await (await place.begun()).release()


async def test_what_became_of_it_is_kept_later_if_that_is_cancelled(place: Place) -> None:
    lease = await place.begun()
    begun, replace = asyncio.Event(), place.store.replace

    async def hang(key: str, value: bytes, *, ttl: float) -> bool:
        begun.set()
        await asyncio.Event().wait()
        return False

    place.store.replace = hang  # type: ignore[method-assign]  # a store that takes its time
    waiting = asyncio.ensure_future(lease.settle(b"done"))
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    place.store.replace = replace  # type: ignore[method-assign]  # a fault that cannot be caused
    await lease.release()
    await lease.renew()
    assert await place.store.get("key") == b"done"
    assert not lease.is_held
