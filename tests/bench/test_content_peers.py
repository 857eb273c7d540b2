"""The servers that are compared send the same, and each does what its row says: the bench itself looks at that."""

from __future__ import annotations

import pytest

from bench import content_peers
from bench.content_servers import LITESTAR, OURS, SERVERS, STARLETTE


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, str], list[str]]:
    (table,) = content_peers.run(quick=True).tables
    return {(row[0], row[1]): [*row[2:]] for row in table.rows}


def test_every_server_has_a_row(rows: dict[tuple[str, str], list[str]]) -> None:
    assert list(rows) == list(SERVERS)
    assert {framework for framework, _ in rows} == {OURS, STARLETTE, LITESTAR}


@pytest.mark.parametrize("server", SERVERS, ids=", ".join)
def test_bodies_are_compressed_where_the_row_says_so(
    rows: dict[tuple[str, str], list[str]], server: tuple[str, str]
) -> None:
    size = int(rows[server][-1].replace(",", ""))
    if server[1].startswith("304"):
        assert size == 0
    elif "gzip" in server[1]:
        assert 1_500 < size < 3_000  # one level, one library: about the same everywhere
    else:
        assert 10_000 <= size < 11_000
