"""What is known of the request keys of this package: from where they are imported, and what sets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

__all__ = ("KeyNote", "note_key", "read_note")

_Key = TypeVar("_Key", bound="web.RequestKey[Any]")


@dataclass(frozen=True, slots=True)
class KeyNote:
    """What errors tell of a key.

    Args:
        name: the module that it is imported from, and its name there.
        set_by: the links that set it, as they are written.
    """

    name: str
    set_by: str


_notes: dict[Any, KeyNote] = {}  # keys are made once, and cannot be referred to weakly


def note_key(key: _Key, name: str, *, set_by: str) -> _Key:
    """Remember of a key, where it is made, what errors tell of it.

    Args:
        key: the request key itself.
        name: how it is imported: what follows `aiohttp_route_middleware.`.
        set_by: the links that set it, to stand in "put ... before it".
    """
    _notes[key] = KeyNote(f"{__package__}.{name}", set_by)
    return key


def read_note(key: object) -> KeyNote | None:
    """Return what is known of a key; `None` for one that is not of this package."""
    return _notes.get(key)
