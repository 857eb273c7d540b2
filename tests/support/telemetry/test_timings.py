"""Parts of a request are measured, and written as valid members of a list."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.telemetry.timings import Timings
from aiohttp_route_middleware.syntax import is_token

WRITTEN = [
    ("db", "", "db;dur=1.500"),
    ("db", "all posts", 'db;dur=1.500;desc="all posts"'),
    ("a b", 'say "x" \\', 'a-b;dur=1.500;desc="say \\"x\\" \\\\"'),
    ("", "", "part;dur=1.500"),
    ("/posts/{id}", "é\r\n", 'posts-id;dur=1.500;desc="???"'),
]


@pytest.mark.parametrize(("name", "description", "written"), WRITTEN)
def test_a_part_is_written_as_a_token_with_its_milliseconds(name: str, description: str, written: str) -> None:
    timings = Timings()
    timings.add(name, 1.5, description)
    assert timings.write() == written


@given(st.lists(st.tuples(st.text(), st.floats(0, 1e6), st.text()), min_size=1, max_size=100))
def test_whatever_is_added_is_a_valid_list_of_64_members_at_most(parts: list[tuple[str, float, str]]) -> None:
    timings = Timings()
    for name, milliseconds, description in parts:
        timings.add(name, milliseconds, description)
    members = timings.write().split(", ") if all("," not in part[2] for part in parts) else []
    assert len(members) <= 64
    for member in members:
        assert is_token(member.partition(";")[0])
    assert all(" " <= one <= "~" for one in timings.write())


def test_a_part_is_measured_whatever_comes_out_of_it() -> None:
    told: list[str] = []
    timings = Timings(lambda name, _: told.append(name))
    with timings.measure("good"):
        pass
    with pytest.raises(RuntimeError), timings.measure("bad"):
        raise RuntimeError
    assert told == ["good", "bad"]


def test_what_is_not_written_is_told_all_the_same() -> None:
    told: list[str] = []
    timings = Timings(lambda name, _: told.append(name))
    for number in range(100):
        timings.add(f"part{number}", 1)
    assert len(told) == 100
    assert timings.write().count("dur=") == 64


async def test_who_is_told_and_raises_harms_nobody() -> None:
    def fail(_: str, __: float) -> None:
        raise OSError("no route to the collector")

    reported: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reported.append(report["message"]))
    timings = Timings(fail)
    with timings.measure("db"):
        pass
    assert timings.write().startswith("db;")
    assert reported == ["server_timing() could not tell of a request"]
