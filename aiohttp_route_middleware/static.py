"""Files behind links: aiohttp's static resource with a chain before its handler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from aiohttp.typedefs import PathLike

from .chain import compose
from .settings import Settings

__all__ = ("add_static",)


class ChainedStaticResource(web.StaticResource):
    """A static resource whose GET and HEAD routes run links first."""

    def __init__(
        self,
        prefix: str,
        directory: PathLike,
        links: Sequence[Any],
        leading: tuple[Any, ...],
        settings: Settings,
        **kwargs: Any,
    ) -> None:
        handle = compose((*links, super()._handle), leading=leading, route=f"static {prefix}", settings=settings)
        self._handle = handle  # type: ignore[method-assign]  # aiohttp makes its routes of this attribute
        super().__init__(prefix, directory, **kwargs)


def add_static(
    router: web.UrlDispatcher,
    prefix: str,
    path: PathLike,
    links: Sequence[Any],
    leading: tuple[Any, ...],
    settings: Settings,
    **kwargs: Any,
) -> web.AbstractResource:
    """Register a directory behind links on any router; without links and traces it is aiohttp's own `add_static`.

    Args:
        router: where to register.
        prefix: the URL prefix of the files.
        path: the directory.
        links: what runs before a file is sent.
        leading: inherited links, which run before those.
        settings: how the chain is compiled.
        kwargs: passed to aiohttp as they are; their names differ between its lines.
    """
    if not (links or leading or settings.traces):
        return router.add_static(prefix, path, **kwargs)
    resource = ChainedStaticResource(prefix.removesuffix("/"), path, links, leading, settings, **kwargs)
    router.register_resource(resource)
    return resource
