"""The order of links: whoever requires a request key stands behind one that provides it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .declarations import known_providers, provided_by, required_by
from .errors import RegistrationError
from .naming import describe, name_key
from .typedefs import Key

__all__ = ("check_order",)


def check_order(links: Sequence[Any], given: Sequence[Key], route: str) -> None:
    """Raise `RegistrationError` if a link requires a key that nothing before it provides.

    Args:
        links: the whole chain, inherited links and endpoint included.
        given: keys that the middlewares of the application provide.
        route: its name, for the error message.
    """
    provided = set(given)
    for position, link in enumerate(links, 1):
        for key in required_by(link):
            if key not in provided:
                raise _refuse(links, position, key, route)
        provided.update(provided_by(link))


def _refuse(links: Sequence[Any], position: int, key: Key, route: str) -> RegistrationError:
    link, name = links[position - 1], name_key(key)
    return RegistrationError(
        f"link {position} of {len(links)}, {describe(link)}, requires the request key {name}, "
        "which nothing before it provides",
        cure=f"{_advise(links, position, key)}; if a middleware of the application provides it, say given=[{name}]",
        route=route,
        link=link,
        position=position,
    )


def _advise(links: Sequence[Any], position: int, key: Key) -> str:
    for later, link in enumerate(links[position:], position + 1):
        if key in provided_by(link):
            return f"move link {later}, {describe(link)}, before it"
    providers = sorted({describe(link) for link in known_providers(key)})
    if providers:
        return f"put {' or '.join(providers)} before it"
    return "put a link before it that is declared to set it, by @provides"
