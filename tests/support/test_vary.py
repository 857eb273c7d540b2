"""`Vary` is merged with what is there already."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiohttp_route_middleware.support.vary import merge_vary


@pytest.mark.parametrize(
    ("there", "names", "merged"),
    [
        pytest.param([], ["Origin"], "Origin", id="none"),
        pytest.param(["origin"], ["Origin"], "origin", id="another case"),
        pytest.param(["Cookie, Accept"], ["Origin", "accept"], "Cookie, Accept, Origin", id="some"),
        pytest.param(["Cookie", "Accept"], ["Origin"], "Cookie, Accept, Origin", id="several fields"),
        pytest.param(["*"], ["Origin"], "*", id="a star"),
        pytest.param(["Cookie, *"], ["Origin"], "*", id="a star among others"),
        pytest.param([" , Cookie ,, "], ["Origin"], "Cookie, Origin", id="empty members"),
    ],
)
def test_vary_is_merged(there: list[str], names: list[str], merged: str) -> None:
    headers = CIMultiDict([("Vary", value) for value in there])
    merge_vary(headers, *names)
    assert headers.getall("Vary") == [merged]


@given(
    st.lists(st.text("abAB,* ", max_size=6), max_size=3),
    st.lists(st.sampled_from(["A", "b", "C"]), min_size=1, unique=True),
)
def test_vary_has_each_name_once_and_says_the_same_when_it_is_merged_again(there: list[str], names: list[str]) -> None:
    headers = CIMultiDict([("Vary", value) for value in there])
    merge_vary(headers, *names)
    merged = headers.getall("Vary")
    merge_vary(headers, *names)
    assert headers.getall("Vary") == merged
    listed = [name.strip().lower() for value in (*there, *names) for name in value.split(",") if name.strip()]
    if there:
        assert merged == ["*"] if "*" in listed else merged[0].lower().split(", ") == [*dict.fromkeys(listed)]
