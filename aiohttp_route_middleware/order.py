"""The order of links: whoever requires a request key stands behind one that provides it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .declarations import alternatives_of, known_providers, provided_by, required_by
from .errors import RegistrationError
from .keys import read_note
from .naming import describe, name_key, name_link
from .typedefs import Key

__all__ = ("check_middlewares", "check_order")


def check_order(links: Sequence[Any], given: Sequence[Key], route: str) -> None:
    """Raise `RegistrationError` if a link requires a key that nothing before it provides.

    Args:
        links: the whole chain, inherited links and endpoint included.
        given: keys that the middlewares of the application provide.
        route: its name, for the error message.
    """
    for position, key in _list_unprovided(links, given):
        cure = f"{_advise(links, position, key)}; {_advise_to_vouch(key)}"
        raise _refuse(links, position, key, route, cure)


def check_middlewares(links: Sequence[Any], given: Sequence[Key], place: str) -> None:
    """Raise `RegistrationError` if a middleware requires what only a later one of its application provides.

    What none of them provides is not judged: a middleware that declares nothing may set any key.

    Args:
        links: the middlewares, from the outermost.
        given: keys that the applications around it provide.
        place: what the error message calls them.
    """
    for position, key in _list_unprovided(links, given):
        may_be_set = any(_list_lacking(link, key) for link in links[: position - 1])
        if not may_be_set and _find_later(links, position, key):
            raise _refuse(links, position, key, place, _advise(links, position, key))


def _list_unprovided(links: Sequence[Any], given: Sequence[Key]) -> Iterator[tuple[int, Key]]:
    """The keys that nothing provides where they are required, each with the position, from 1, of who requires it."""
    provided = set(given)
    for position, link in enumerate(links, 1):
        for key in required_by(link):
            if key not in provided:
                yield position, key
        provided.update(provided_by(link))


def _refuse(links: Sequence[Any], position: int, key: Key, route: str, cure: str) -> RegistrationError:
    link = links[position - 1]
    return RegistrationError(
        f"link {position} of {len(links)}, {describe(link)}, requires the request key {name_key(key)}, "
        "which nothing before it provides",
        cure=cure,
        route=route,
        link=link,
        position=position,
    )


def _advise(links: Sequence[Any], position: int, key: Key) -> str:
    for earlier, link in enumerate(links[: position - 1], 1):
        lacking = _list_lacking(link, key)
        if lacking:
            return (
                f"link {earlier}, {describe(link)}, does so by some of its alternatives only: "
                f"mark what sets it in {' and in '.join(lacking)} by @provides, if strangers are refused there"
            )
    later = _find_later(links, position, key)
    if later:
        return f"move link {later}, {describe(links[later - 1])}, before it"
    providers = _name_providers(key)
    return (
        f"put {providers} before it" if providers else "put a link before it that is declared to set it, by @provides"
    )


def _find_later(links: Sequence[Any], position: int, key: Key) -> int:
    """The position of the next link that provides a key; 0 if there is none."""
    return next((place for place, link in enumerate(links, 1) if place > position and key in provided_by(link)), 0)


def _list_lacking(link: Any, key: Key) -> list[str]:
    """The alternatives of a link that do not provide a key which others of them do."""
    alternatives = alternatives_of(link)
    lacking = [way for way in alternatives if not any(key in provided_by(one) for one in way)]
    return [" + ".join(map(name_link, way)) for way in lacking] if len(lacking) < len(alternatives) else []


def _name_providers(key: Key) -> str:
    note = read_note(key)
    # of a key of ours, its batteries are named in one way, whether or not one of them was made somewhere
    known = {describe(link) for link in known_providers(key) if note is None or not _is_ours(link)}
    named = [note.set_by] if note else []
    return " or ".join([*named, *sorted(known)])


def _is_ours(link: Any) -> bool:
    return str(getattr(link, "__module__", "")).startswith(f"{__package__}.")


def _advise_to_vouch(key: Key) -> str:
    return f"if a middleware of the application provides it, say given=[{name_key(key)}]"
