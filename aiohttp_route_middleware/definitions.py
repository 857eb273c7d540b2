"""Links by name: `define()`, which imports late, and `load_links()`, which reads a chain from plain data."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NoReturn

from aiohttp import web

from .declarations import provided_by, required_by
from .errors import ConfigurationError, MissingDependencyError, RouteMiddlewareError
from .loading import explain_failure, load_object
from .naming import name_link
from .support.sequence import Bound, bind
from .typedefs import Handler, Key

__all__ = ("DefinedLink", "define", "load_links")

_ENTRY = ("use", "options", "enabled")


class DefinedLink:
    """A link that is imported and built, once, when a chain is registered with it or an application starts with it.

    It is named as the built link is, and provides and requires what that does.
    """

    def __init__(self, place: str, options: Mapping[str, Any], entry: str) -> None:
        self._place = place
        self._options = dict(options)
        self._entry = entry

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Run the link."""
        return await self._bound.run(request, handler)

    def build(self) -> None:
        """Import and build the link now, if it is not built."""
        _ = self._bound

    @property
    def link(self) -> Any:
        """The link itself."""
        return self._bound.links[0]

    @property
    def __stands_for__(self) -> Any:
        return self.link

    @property
    def __link_name__(self) -> str:
        return name_link(self.link)

    @property
    def __middleware_version__(self) -> int:  # aiohttp asks when the application starts
        return int(self.link is not None)  # built now; a link may well be false

    @property
    def __provides__(self) -> tuple[Key, ...]:
        return provided_by(self.link)

    @property
    def __requires__(self) -> tuple[Key, ...]:
        return required_by(self.link)

    @cached_property
    def _bound(self) -> Bound:
        factory = load_object(_complete(self._place), self._refuse)
        try:
            bound = bind([factory(**self._options)], self._entry)
        except MissingDependencyError:
            raise
        except (RouteMiddlewareError, TypeError, ValueError) as error:  # a missing option, or one too many
            raise self._refuse(str(error)) from error
        except Exception as error:  # an AttributeError above all: whoever reads a mark would take it for a missing one
            raise self._refuse(explain_failure(f"{self._place} failed", error)) from error
        if len(bound.links) != 1:
            raise self._refuse(f"it makes {len(bound.links)} links, so that all but one would be hidden in listings")
        return bound

    def _refuse(self, problem: str) -> ConfigurationError:
        return ConfigurationError(self._entry, problem, cure="correct its name or its options")


def define(place: str, /, **options: Any) -> DefinedLink:
    """Name a link instead of importing it: it is imported and built when a chain or an application takes it.

    Args:
        place: of its factory: `"package.module:factory"`, or the name of a battery, such as `"cors"`.
        options: for the factory.

    Raises:
        ConfigurationError: where it is taken: there is no such factory, or it refuses the options.

    Example:
        app.router.add_get("/", define("shop.links:authenticate", realm="shop"), index)
    """
    return DefinedLink(place, options, f"define({place!r})")


def load_links(entries: Iterable[str | Mapping[str, Any]]) -> list[DefinedLink]:
    """Build links, in order, from plain data, as TOML and JSON give it.

    Args:
        entries: names of factories, as for `define()`, or mappings with `use`, the name, `options`, by default none,
            and `enabled`, by default true.

    Raises:
        ConfigurationError: an entry is wrong; the error says which.

    Example:
        links = load_links([{"use": "trusted_host", "options": {"hosts": ["example.com"]}}, "shop.links:audit"])
    """
    if isinstance(entries, (str, Mapping)):
        raise ConfigurationError("load_links()", f"got {type(entries).__qualname__}", cure="pass a list of entries")
    links = []
    for number, entry in enumerate(entries):
        place, options, is_enabled = _read_entry(entry, f"links[{number}]")
        if is_enabled:
            link = DefinedLink(place, options, f"links[{number}] ({place})")
            link.build()
            links.append(link)
    return links


def _read_entry(entry: object, name: str) -> tuple[str, Mapping[str, Any], bool]:
    if isinstance(entry, str):
        return entry, {}, True
    if not isinstance(entry, Mapping) or not isinstance(entry.get("use"), str):
        raise ConfigurationError(name, "it names no link", cure='write {"use": "package.module:factory"}')
    for unknown in [key for key in entry if key not in _ENTRY]:
        _refuse_key(unknown, name)
    options, is_enabled = entry.get("options", {}), entry.get("enabled", True)
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise ConfigurationError(name, "options is not a table", cure='write "options": {"name": value}')
    if not isinstance(is_enabled, bool):
        raise ConfigurationError(name, f"enabled={is_enabled!r}", cure="write true or false")
    return entry["use"], options, is_enabled


def _refuse_key(key: object, name: str) -> NoReturn:
    close = difflib.get_close_matches(str(key), _ENTRY, n=1)
    cure = f"write {close[0]!r}" if close else "an entry has use, options and enabled"
    raise ConfigurationError(name, f"{key!r} is none of its keys", cure=cure)


def _complete(place: str) -> str:
    return place if ":" in place else f"{__package__}.middlewares.{place}:{place}"
