"""What was chosen for a header is remembered, within bounds."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.content.remembered import remember


@given(st.lists(st.lists(st.text(max_size=300), max_size=3), max_size=8))
def test_to_remember_changes_no_choice(asked: list[list[str]]) -> None:
    choose = remember("+".join)
    assert [choose(fields) for fields in asked] == ["+".join(fields) for fields in asked]


@pytest.mark.parametrize(
    ("fields", "times"),
    [(["a"], 1), (["a" * 256], 1), (["a" * 257], 2), ([], 2), (["a", "b"], 2)],
    ids=["a short one", "one of 256", "a long one", "none", "two"],
)
def test_one_short_field_is_chosen_for_once(fields: list[str], times: int) -> None:
    seen = []

    def choose(fields: Sequence[str]) -> int:
        seen.append(tuple(fields))
        return len(fields)

    again = remember(choose)
    assert again(fields) == again(fields) == len(fields)
    assert seen == [tuple(fields)] * times


def test_no_more_than_so_many_are_remembered() -> None:
    seen: list[Sequence[str]] = []
    choose = remember(seen.append)
    for number in range(257):
        choose([str(number)])
    choose(["0"])  # forgotten by now
    assert seen.count(("0",)) == 2
