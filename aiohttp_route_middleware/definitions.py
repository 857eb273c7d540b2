"""Links by name: `define()`, which imports late, and `load_links()`, which reads a chain from plain data."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from aiohttp import web

from .declarations import provided_by, required_by
from .errors import ConfigurationError, MissingDependencyError, RegistrationError, RouteMiddlewareError
from .loading import load_object, name_failure
from .naming import describe, escape_unprintable, name_link
from .option_checks import suggest
from .support.sequence import Bound, bind
from .typedefs import Handler, Key

__all__ = ("DefinedLink", "define", "load_links")

_CURE = "correct its name or its options"
_ENTRY_KEYS = ("use", "options", "enabled")
_LONGEST_TARGET = 250  # characters; what is longer is no name, and would fill the error
_BATTERIES = Path(__file__).with_name("middlewares")


class DefinedLink:
    """A link that is imported and built, once, when a chain is registered with it or an application starts with it.

    It is named as the built link is, and provides and requires what that does.
    """

    def __init__(self, target: str, options: Mapping[str, Any], label: str) -> None:
        self._target = target
        self._options = dict(options)
        self._label = label

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

    # Every failure becomes a ConfigurationError, an AttributeError above all: whoever reads a mark would take it for a
    # missing one.

    @cached_property
    def _bound(self) -> Bound:
        made = self._make()
        try:
            bound = bind(self._label, [made])
        except (ConfigurationError, RegistrationError) as error:
            raise self._refuse(error.problem, error.cure) from error
        except BaseException as error:  # `SystemExit` as well
            raise self._refuse(f"reading what it made raised {name_failure(error)}") from error
        if len(bound.links) != 1:
            raise self._refuse(f"it makes {len(bound.links)} links, so that all but one would be hidden in listings")
        return bound

    def _make(self) -> Any:
        if len(self._target) > _LONGEST_TARGET:
            raise self._refuse(f"its name has {len(self._target)} characters", "write package.module:factory")
        factory = load_object(self._complete(), self._refuse)
        if not callable(factory) or inspect.iscoroutinefunction(factory):
            raise self._refuse(f"{describe(factory)} makes no links", "name a plain function that returns the link")
        try:
            return factory(**self._options)
        except MissingDependencyError:
            raise
        except ConfigurationError as error:
            raise self._refuse(f"{error.battery}: {error.problem}", error.cure) from error
        except RouteMiddlewareError as error:
            raise self._refuse(str(error)) from error
        except BaseException as error:  # a factory such as `sys.exit` as well
            mismatch = _find_mismatch(factory, self._options) if isinstance(error, TypeError) else None
            raise self._refuse(*(mismatch or (f"it raised {name_failure(error)}", _CURE))) from error

    def _complete(self) -> str:
        """Write out the target of a battery that is named alone."""
        if ":" in self._target:
            return self._target
        names = [module.name for module in pkgutil.iter_modules([str(_BATTERIES)])]
        if self._target in names:
            return f"{__package__}.{_BATTERIES.name}.{self._target}:{self._target}"
        module, _, attribute = self._target.rpartition(".")
        cure = f"write {f'{module}:{attribute}'!r}" if module else suggest(self._target, names)
        raise self._refuse(f"there is no battery {self._target!r}", f"{cure}, or package.module:factory for your own")

    def _refuse(self, problem: str, cure: str = _CURE) -> ConfigurationError:
        return ConfigurationError(self._label, problem, cure=cure)


def define(target: str, /, **options: Any) -> DefinedLink:
    """Name a link instead of importing it: it is imported and built when a chain or an application takes it.

    Whoever writes the name decides which code runs: take names and options from nobody but the operator.

    Args:
        target: its factory: `"package.module:factory"`, or the name of a battery, such as `"cors"`.
        options: for the factory.

    Raises:
        ConfigurationError: where it is taken: there is no such factory, or it refuses the options. Of any other error
            of a factory, only the kind and the line are told; its text, which may quote an option, is that of the
            cause.

    Example:
        app.router.add_get("/", define("shop.links:authenticate", realm="shop"), index)
    """
    return DefinedLink(target, options, f"define({_shorten(target)!r})")


def load_links(entries: Iterable[str | Mapping[str, Any]], *, name: str = "links") -> list[DefinedLink]:
    """Build links, in order, from plain data, as TOML and JSON give it.

    Whoever writes the data decides which code runs: take it from nobody but the operator. A link whose options are no
    plain data, such as a function, needs a factory of your own, which `use` names.

    Args:
        entries: names of factories, as for `define()`, or mappings with `use`, the name, `options`, by default none,
            and `enabled`, by default true. Of an entry that is not enabled, only the shape is checked: nothing is
            imported.
        name: what errors call the list, `links[0]` being its first entry; default `"links"`.

    Raises:
        ConfigurationError: an entry is wrong; the error says which.

    Example:
        links = load_links([{"use": "trusted_host", "options": {"hosts": ["example.com"]}}, "shop.links:audit"])
    """
    if isinstance(entries, (str, Mapping)) or not isinstance(entries, Iterable):
        is_document = isinstance(entries, Mapping) and "links" in entries
        cure = (
            'pass settings["links"]' if is_document else "pass a list of entries; in TOML, each begins with [[links]]"
        )
        raise ConfigurationError("load_links()", f"got {type(entries).__qualname__}", cure=cure)
    links = []
    for number, entry in enumerate(entries):
        target, options, is_enabled = _read_entry(entry, f"{name}[{number}]")
        if is_enabled:
            link = DefinedLink(target, options, f"{name}[{number}] ({escape_unprintable(_shorten(target))})")
            link.build()
            links.append(link)
    return links


def _read_entry(entry: object, label: str) -> tuple[str, Mapping[str, Any], bool]:
    if isinstance(entry, str):
        return entry, {}, True
    if not isinstance(entry, Mapping) or not isinstance(entry.get("use"), str):
        raise ConfigurationError(label, "it names no link", cure='write {"use": "package.module:factory"}')
    unknown = [key for key in entry if key not in _ENTRY_KEYS]
    if unknown:
        raise ConfigurationError(label, f"{unknown[0]!r} is none of its keys", cure=suggest(unknown[0], _ENTRY_KEYS))
    options, is_enabled = entry.get("options", {}), entry.get("enabled", True)
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise ConfigurationError(label, "options is not a table", cure='write "options": {"name": value}')
    if not isinstance(is_enabled, bool):
        raise ConfigurationError(label, f"enabled={is_enabled!r}", cure="write true or false")
    return entry["use"], options, is_enabled


def _shorten(target: str) -> str:
    return target if len(target) <= _LONGEST_TARGET else f"{target[:40]}…"


def _find_mismatch(factory: Callable[..., Any], options: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return which option is too many or missing, and the cure, if that is why a factory could not be called."""
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # it is not written in Python
        return None
    try:
        signature.bind(**options)
    except TypeError as mismatch:  # it names options, and quotes none
        return _explain(mismatch, [*signature.parameters.values()], options)
    return None


def _explain(mismatch: TypeError, parameters: list[inspect.Parameter], options: Mapping[str, Any]) -> tuple[str, str]:
    """Name an option that there is not before one that is missing: mostly they are the same, misspelt."""
    names = [one.name for one in parameters if one.kind is not one.VAR_POSITIONAL]
    takes = f"it takes {', '.join(names) or 'no options'}"
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    unknown = [] if takes_any else [name for name in options if name not in names]
    if not unknown:
        return f"{mismatch}; {takes}", _CURE
    cure = suggest(unknown[0], names) if names else f"leave out {unknown[0]!r}"
    return f"got an unexpected option {unknown[0]!r}; {takes}", cure
