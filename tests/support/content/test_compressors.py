"""Compressors: what they give is read by decoders of others, piece by piece; what is missing is told."""

import gzip
import sys
import zlib
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped]  # it has no types
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from aiohttp_route_middleware.errors import ConfigurationError, MissingDependencyError
from aiohttp_route_middleware.support.content.compressors import read_codings

NAMES = ("zstd", "br", "gzip", "deflate")
ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
ZSTD_FROM = "compression" if sys.version_info >= (3, 14) else "backports"
PIECES = [b"first " * 100, b"", b"x", bytes(range(256)) * 300, b"last"]

each_coding = pytest.mark.parametrize("name", NAMES)


def unzstd(data: bytes) -> bytes:
    # RFC 9659: clients take a window of 8 MB at most
    return zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024).decompressobj().decompress(data)


def read_brotli() -> Callable[[bytes], bytes]:
    process: Callable[[bytes], bytes] = brotli.Decompressor().process

    def read(piece: bytes) -> bytes:
        return b"".join([process(piece), *iter(lambda: process(b""), b"")])  # it gives out so much at a time

    return read


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": unzstd,
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,  # which wants the zlib format
}
READERS: dict[str, Callable[[], Callable[[bytes], bytes]]] = {  # of what has come so far
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress,
    "br": read_brotli,
    "gzip": lambda: zlib.decompressobj(31).decompress,
    "deflate": lambda: zlib.decompressobj(15).decompress,
}


def make(name: str, level: int | None = None) -> Any:
    levels = None if level is None else {name: level}
    return read_codings("name()", [name], levels)[name].make()


@each_coding
def test_a_body_is_compressed_whole(name: str) -> None:
    body = b"".join(PIECES)
    compressed = make(name).end(body)
    assert DECODERS[name](compressed) == body
    assert len(compressed) < len(body) / 10


@each_coding
def test_nothing_is_compressed_to_what_can_be_read(name: str) -> None:
    assert DECODERS[name](make(name).end(b"")) == b""


@each_coding
def test_each_piece_can_be_read_when_it_has_come(name: str) -> None:
    compressor, read = make(name), READERS[name]()
    passed = [compressor.compress(piece) for piece in PIECES]
    assert [read(piece) for piece in passed] == PIECES
    assert DECODERS[name](b"".join([*passed, compressor.end(b"end")])) == b"".join([*PIECES, b"end"])


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(NAMES), st.lists(st.binary(max_size=2000), max_size=5), st.binary(max_size=200))
def test_any_pieces_come_back(name: str, pieces: list[bytes], last: bytes) -> None:
    compressor = make(name)
    passed = b"".join(map(compressor.compress, pieces)) + compressor.end(last)
    assert DECODERS[name](passed) == b"".join(pieces) + last


@pytest.mark.parametrize(
    ("name", "level"), [("zstd", 1), ("zstd", 19), ("br", 0), ("br", 11), ("gzip", 1), ("gzip", 9), ("deflate", 9)]
)
def test_each_level_can_be_read_with_the_window_that_clients_have(name: str, level: int) -> None:
    compressor = make(name, level)
    body = b"".join(b"%d " % number for number in range(2_000))
    assert DECODERS[name](compressor.compress(body) + compressor.end(b"")) == body


def test_a_higher_level_compresses_better_and_sooner_goes_into_a_thread() -> None:
    body = b"".join(b"%d " % (number * number) for number in range(5_000))
    for name, level in (("zstd", 19), ("br", 11), ("gzip", 9)):
        assert len(make(name, level).end(body)) < len(make(name, 1).end(body))
        assert (
            read_codings("name()", None, {name: level})[name].at_once
            < read_codings("name()", None, None)[name].at_once
        )


def test_all_that_are_installed_are_there_the_best_first() -> None:
    assert tuple(read_codings("name()", None, None)) == NAMES


def test_others_are_there_in_the_order_that_was_asked_for() -> None:
    assert tuple(read_codings("name()", ("gzip", "br", "gzip"), None)) == ("gzip", "br")
    assert read_codings("name()", [], None) == {}


def test_without_their_libraries_br_and_zstd_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)  # as if it were not there
    monkeypatch.setitem(sys.modules, ZSTD, None)
    monkeypatch.delattr(sys.modules[ZSTD_FROM], "zstd", raising=False)
    assert tuple(read_codings("name()", None, None)) == ("gzip", "deflate")


@pytest.mark.parametrize("by_level", [False, True], ids=["as an encoding", "by a level"])
@pytest.mark.parametrize(("name", "library"), [("br", "brotli"), ("zstd", "backports.zstd")])
def test_without_its_library_what_was_named_is_refused(
    name: str, library: str, by_level: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, ZSTD, None)
    monkeypatch.delattr(sys.modules[ZSTD_FROM], "zstd", raising=False)
    told = rf"^{library} is not installed; pip install 'aiohttp-route-middleware\[compress\]'"
    with pytest.raises(MissingDependencyError, match=told):
        read_codings("name()", None if by_level else ["gzip", name], {name: 5} if by_level else None)


@pytest.mark.parametrize(
    ("encodings", "levels", "told"),
    [
        ("gzip", None, r"encodings='gzip'; pass a list, the best first"),
        ({"gzip"}, None, "pass a list, the best first"),
        (["gzip", "brotli"], None, "encodings='brotli'; write "),
        (["gzipp"], None, "encodings='gzipp'; write 'gzip'"),
        (["identity"], None, "encodings='identity'; write "),
        (None, 6, "levels=6; pass a mapping"),
        (None, {"lzma": 6}, "levels='lzma'; write "),
        (["gzip"], {"br": 6}, "levels has 'br', which is none of the encodings; leave it out, or add it"),
        (None, {"gzip": 0}, r"levels\['gzip'\]=0; pass a number of the level, 1 to 9"),
        (None, {"gzip": 10}, "1 to 9"),
        (None, {"br": 12}, "0 to 11"),
        (None, {"br": -1}, "0 to 11"),
        (None, {"zstd": 20}, "1 to 19"),
        (None, {"deflate": "9"}, "1 to 9"),
    ],
    ids=repr,
)
def test_what_is_no_encoding_or_level_is_refused(encodings: Any, levels: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^name\(\): .*{told}"):
        read_codings("name()", encodings, levels)
