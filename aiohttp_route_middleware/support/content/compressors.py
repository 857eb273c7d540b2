"""Compressors: gzip and deflate of the standard library, br and zstd from the extra `compress`.

Rules kept here: what goes in with a piece comes out with it, so that a stream stays one; `deflate` is the zlib format
(RFC 9110, section 8.4.1.2); the window of zstd is 8 MB at most (RFC 9659, section 3), which the levels up to 19 keep.
"""

from __future__ import annotations

import functools
import sys
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...errors import ConfigurationError, MissingDependencyError
from ...option_checks import check_choice, check_count, refuse_option

__all__ = ("Coding", "Compressor", "read_codings")

# bytes that are compressed at once, in less than a millisecond, rather than in a thread; and where a high level was
# asked for, which may take a hundred times as long
_AT_ONCE = 16_384
_AT_ONCE_SLOWLY = 1024


class Compressor(Protocol):
    """Compresses one body."""

    def compress(self, piece: bytes) -> bytes:
        """Return all that is needed to read the body up to the end of this piece."""
        ...

    def end(self, piece: bytes) -> bytes:
        """Return the rest, with a last piece, which may be empty."""
        ...


@dataclass(frozen=True, kw_only=True)
class Coding:
    """A content coding.

    Args:
        name: as it is registered.
        make: makes a compressor for one body.
        at_once: up to how many bytes it is not worth a thread.
    """

    name: str
    make: Callable[[], Compressor]
    at_once: int


class _Zlib:
    def __init__(self, level: int, wbits: int) -> None:
        self._compressor = zlib.compressobj(level, zlib.DEFLATED, wbits)

    def compress(self, piece: bytes) -> bytes:
        return self._compressor.compress(piece) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def end(self, piece: bytes) -> bytes:
        return self._compressor.compress(piece) + self._compressor.flush()


class _Brotli:
    def __init__(self, compressor: Any) -> None:
        self._compressor = compressor

    def compress(self, piece: bytes) -> bytes:
        passed: bytes = self._compressor.process(piece) + self._compressor.flush()
        return passed

    def end(self, piece: bytes) -> bytes:
        passed: bytes = self._compressor.process(piece) + self._compressor.finish()
        return passed


class _Zstd:
    def __init__(self, compressor: Any) -> None:
        self._compressor = compressor

    def compress(self, piece: bytes) -> bytes:
        passed: bytes = self._compressor.compress(piece, self._compressor.FLUSH_BLOCK)
        return passed

    def end(self, piece: bytes) -> bytes:
        passed: bytes = self._compressor.compress(piece, self._compressor.FLUSH_FRAME)
        return passed


def _make_zlib(wbits: int, level: int) -> Callable[[], Compressor]:
    return functools.partial(_Zlib, level, wbits)


def _make_brotli(level: int) -> Callable[[], Compressor]:
    try:
        import brotli  # type: ignore[import-untyped]  # it has no types
    except ImportError as _error:
        raise MissingDependencyError("brotli", "compress") from _error
    return lambda: _Brotli(brotli.Compressor(quality=level))


def _make_zstd(level: int) -> Callable[[], Compressor]:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError as _error:  # on 3.14 a Python may have been built without it
        raise MissingDependencyError("backports.zstd", "compress") from _error
    return lambda: _Zstd(zstd.ZstdCompressor(level))


@dataclass(frozen=True)
class _Offer:
    make: Callable[[int], Callable[[], Compressor]]
    usual_level: int
    highest_level: int
    lowest_level: int = 1


_CODINGS: Mapping[str, _Offer] = {  # the best first, for a body that is compressed while a client waits
    "zstd": _Offer(_make_zstd, 3, 19),
    "br": _Offer(_make_brotli, 4, 11, 0),
    "gzip": _Offer(functools.partial(_make_zlib, 31), 6, 9),
    "deflate": _Offer(functools.partial(_make_zlib, 15), 6, 9),
}


def read_codings(
    battery: str, encodings: Collection[str] | None, levels: Mapping[str, int] | None
) -> dict[str, Coding]:
    """Return codings by their names, in order.

    Args:
        battery: its name, as in errors.
        encodings: their names; `None` for all whose library is installed.
        levels: how hard each tries.

    Raises:
        ConfigurationError: a name or a level is wrong.
        MissingDependencyError: the library of one that was named is not installed.
    """
    names = _check_names(battery, encodings)
    chosen = _check_levels(battery, levels, names)
    codings: dict[str, Coding] = {}
    for name in names:
        offer = _CODINGS[name]
        level = chosen.get(name, offer.usual_level)
        try:
            make = offer.make(level)
        except MissingDependencyError:
            if encodings is not None or name in chosen:
                raise
            continue
        at_once = _AT_ONCE if level <= offer.usual_level else _AT_ONCE_SLOWLY
        codings[name] = Coding(name=name, make=make, at_once=at_once)
    return codings


def _check_names(battery: str, encodings: Any) -> tuple[str, ...]:
    if encodings is None:
        return tuple(_CODINGS)
    if not isinstance(encodings, (list, tuple)):  # the order counts, and a set has none
        raise refuse_option(battery, "encodings", encodings, 'pass a list, the best first: encodings=["br", "gzip"]')
    return tuple(dict.fromkeys(check_choice(battery, "encodings", name, _CODINGS) for name in encodings))


def _check_levels(battery: str, levels: Any, names: tuple[str, ...]) -> dict[str, int]:
    if levels is None:
        return {}
    if not isinstance(levels, Mapping):
        raise refuse_option(battery, "levels", levels, 'pass a mapping: levels={"gzip": 6}')
    for name, level in levels.items():
        check_choice(battery, "levels", name, _CODINGS)
        if name not in names:
            raise ConfigurationError(
                battery, f"levels has {name!r}, which is none of the encodings", cure="leave it out, or add it there"
            )
        offer = _CODINGS[name]
        lowest, highest = offer.lowest_level, offer.highest_level
        check_count(battery, f"levels[{name!r}]", level, unit="the level", at_least=lowest, at_most=highest)
    return dict(levels)
