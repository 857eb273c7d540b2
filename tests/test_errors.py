"""Whoever catches the root of all errors catches each of them."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

from aiohttp import web

import aiohttp_route_middleware
from aiohttp_route_middleware.errors import RouteMiddlewareError
from aiohttp_route_middleware.support.access.token_errors import TokenError


def find_errors() -> Iterator[type[Exception]]:
    """All public errors of the package that are no answers."""
    package = aiohttp_route_middleware
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.endswith(".__main__"):
            continue
        for name, found in vars(importlib.import_module(module.name)).items():
            is_ours = inspect.isclass(found) and found.__module__ == module.name and not name.startswith("_")
            if is_ours and issubclass(found, Exception) and not issubclass(found, web.HTTPException):
                yield found


def test_each_error_is_under_the_root() -> None:
    found = list(find_errors())
    assert TokenError in found
    assert [error for error in found if not issubclass(error, RouteMiddlewareError)] == []
