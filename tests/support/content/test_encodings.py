"""Which coding a client gets: the weights of RFC 9110, section 12.5.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiohttp_route_middleware.support.content.encodings import (
    PLAIN,
    Choice,
    choose_coding,
)

OFFERED = ("zstd", "br", "gzip", "deflate")


@pytest.mark.parametrize(
    ("fields", "coding"),
    [
        pytest.param([], PLAIN, id="no field"),
        pytest.param([""], PLAIN, id="an empty field"),
        pytest.param([" , ,"], PLAIN, id="empty members"),
        pytest.param(["compress, gzip"], "gzip", id="RFC: compress, gzip"),
        pytest.param(["*"], "zstd", id="RFC: a star"),
        pytest.param(["compress;q=0.5, gzip;q=1.0"], "gzip", id="RFC: compress;q=0.5, gzip;q=1.0"),
        pytest.param(["gzip;q=1.0, identity; q=0.5, *;q=0"], "gzip", id="RFC: gzip, identity, nothing else"),
        pytest.param(["gzip, deflate, br, zstd"], "zstd", id="of equal weights the server's first"),
        pytest.param(["gzip, br;q=0.9"], "gzip", id="the highest weight"),
        pytest.param(["gzip;q=0"], PLAIN, id="a weight of 0 is no"),
        pytest.param(["gzip;q=0.000, deflate"], "deflate", id="another one"),
        pytest.param(["gzip;q=0, *"], "zstd", id="a star beside what is forbidden"),
        pytest.param(["zstd;q=0, br;q=0, *"], "gzip", id="a star is what is not listed"),
        pytest.param(["gzip;q=0.5, *;q=0.8"], "zstd", id="a star with more weight"),
        pytest.param(["gzip;q=0.5, *;q=0.1"], "gzip", id="a star with less weight"),
        pytest.param(["*;q=0"], PLAIN, id="nothing at all"),
        pytest.param(["identity"], PLAIN, id="as it is"),
        pytest.param(["identity;q=0"], PLAIN, id="not as it is, and nothing else either"),
        pytest.param(["identity;q=0, *"], "zstd", id="anything but as it is"),
        pytest.param(["gzip;q=0.5, identity"], PLAIN, id="rather as it is"),
        pytest.param(["gzip;q=0.5, identity;q=0.5"], "gzip", id="just as well as it is"),
        pytest.param(["gzip;q=0.001"], "gzip", id="as it is comes last if it is not listed"),
        pytest.param(["GZIP"], "gzip", id="in any case"),
        pytest.param(["x-gzip"], "gzip", id="under its old name"),
        pytest.param(["gzip;q=0, x-gzip"], PLAIN, id="the new name counts"),
        pytest.param(["gzip;q=0.5", "br"], "br", id="several fields"),
        pytest.param(["gzip;q=2, br;q=0.1"], "br", id="a weight that cannot be read"),
        pytest.param(["gzipped, brotli"], PLAIN, id="names that only begin alike"),
        pytest.param(["sdch, dcb"], PLAIN, id="names that nobody knows here"),
    ],
)
def test_a_client_gets_what_it_likes_best(fields: list[str], coding: str) -> None:
    assert choose_coding(fields, OFFERED).coding == coding


@pytest.mark.parametrize(
    ("field", "refuses"),
    [
        ("identity;q=0", True),
        ("*;q=0", True),
        ("*;q=0, identity", False),
        ("gzip, identity;q=0", True),
        ("gzip, *;q=0", True),
        ("gzip", False),
        ("*", False),
        ("", False),
    ],
)
def test_who_does_not_take_the_content_as_it_is_is_known(field: str, refuses: bool) -> None:
    assert choose_coding([field], OFFERED).refuses_plain is refuses


def test_without_codings_there_is_the_content_as_it_is() -> None:
    assert choose_coding(["gzip"], ()) == Choice(PLAIN)


@given(st.lists(st.text(max_size=40), max_size=3), st.permutations(OFFERED))
def test_whatever_is_sent_one_of_those_offered_comes_out(fields: list[str], offered: list[str]) -> None:
    assert choose_coding(fields, offered).coding in {*offered, PLAIN}


@given(
    st.lists(st.tuples(st.sampled_from([*OFFERED, PLAIN, "*"]), st.integers(0, 1000)), unique_by=lambda one: one[0])
)
def test_nothing_is_chosen_that_is_forbidden_or_weighs_less(members: list[tuple[str, int]]) -> None:
    weights = dict(members)
    coding = choose_coding([", ".join(f"{name};q={weight / 1000:.3f}" for name, weight in members)], OFFERED).coding
    rest = weights.get("*", 0)
    heaviest = max(weights.get(name, rest) for name in OFFERED)
    if coding != PLAIN:
        assert weights.get(coding, rest) == heaviest > 0
        assert weights.get(PLAIN, weights.get("*", 0)) <= heaviest
    else:
        assert heaviest == 0 or weights.get(PLAIN, weights.get("*", 0)) > heaviest
