"""What is no link yet is refused at registration, with the call that makes one of it; nothing is imported for that."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from aiohttp import web
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware

import aiohttp_route_middleware.adapters
import aiohttp_route_middleware.middlewares
from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx, chain
from aiohttp_route_middleware.adapters.asgi import asgi
from aiohttp_route_middleware.adapters.from_asgi import from_asgi
from aiohttp_route_middleware.middlewares.rate_limit import rate_limit

FACTORIES = [
    getattr(importlib.import_module(f"{shelf.__name__}.{module.name}"), module.name)
    for shelf in (aiohttp_route_middleware.middlewares, aiohttp_route_middleware.adapters)
    for module in pkgutil.iter_modules(shelf.__path__)
]


async def show(request: web.Request) -> web.Response:
    return web.Response()


async def speak_asgi(scope: Any, receive: Any, send: Any) -> None: ...


class Application:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    async def answer(self, scope: Any, receive: Any, send: Any) -> None: ...


def speak_wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    return []


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
@pytest.mark.parametrize("others", [(), (show,)], ids=["alone", "before a handler"])
def test_a_factory_that_was_not_called_is_refused(factory: Any, others: Any) -> None:
    """Every battery and adapter: many take one argument, as a guard does."""
    router = UrlDispatcherEx()
    with pytest.raises(RegistrationError) as caught:
        router.add_get("/", factory, *others)
    assert caught.value.problem.endswith(", is a factory that was not called")
    assert caught.value.cure == f"call it: {factory.__name__}(...)"
    assert list(router.resources()) == []


def test_a_partial_of_a_factory_is_one_that_was_not_called() -> None:
    wrong: Any = functools.partial(rate_limit, "5/minute")
    with pytest.raises(RegistrationError, match=r"call it: rate_limit\(\.\.\.\)"):
        chain(wrong, show)


def test_what_factories_make_is_registered() -> None:
    async def rate_limit_of_mine(request: web.Request) -> None: ...

    chain(rate_limit("5/minute"), rate_limit_of_mine, from_asgi(GZipMiddleware), asgi(speak_asgi, lifespan="off"))


@pytest.mark.parametrize(
    ("link", "problem", "cure"),
    [
        pytest.param(speak_asgi, "is an ASGI application", "end the chain with asgi(...)", id="a function"),
        pytest.param(Application(), "is an ASGI application", "end the chain with asgi(...)", id="an object"),
        pytest.param(Application().answer, "is an ASGI application", "end the chain with asgi(...)", id="a method"),
        pytest.param(Starlette(), "is an ASGI application", "end the chain with asgi(...)", id="Starlette"),
        pytest.param(GZipMiddleware(speak_asgi), "is an ASGI application", "asgi(...)", id="a middleware around one"),
        pytest.param(
            GZipMiddleware, "is an ASGI middleware", "write from_asgi(GZipMiddleware, ...)", id="a middleware"
        ),
        pytest.param(BaseHTTPMiddleware, "is an ASGI middleware", "write from_asgi(BaseHTTP", id="another middleware"),
        pytest.param(speak_wsgi, "is a WSGI application", "end the chain with wsgi(...)", id="WSGI"),
    ],
)
@pytest.mark.parametrize("others", [(), (show,)], ids=["alone", "before a handler"])
def test_what_speaks_another_tongue_is_refused_with_its_adapter(
    link: Any, problem: str, cure: str, others: Any
) -> None:
    app = web.Application()
    with pytest.raises(RegistrationError) as caught:
        UrlDispatcherEx.install(app).add_get("/x", link, *others)
    assert caught.value.problem.endswith(f", {problem}")
    assert cure in caught.value.cure
    assert "aiohttp_route_middleware.adapters." in caught.value.cure


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(type("Plain", (), {}), id="neither"),
        pytest.param(type("Called", (), {"__call__": Application.__call__}), id="takes no application"),
        pytest.param(type("Made", (), {"__init__": lambda self, app: None}), id="is not called so"),
    ],
)
def test_other_classes_are_told_what_they_are(link: Any) -> None:
    with pytest.raises(RegistrationError, match=r"is a class, not a link"):
        chain(link, show)


def test_nothing_is_imported_to_tell() -> None:
    code = """
import sys
from aiohttp_route_middleware import RegistrationError, chain
async def app(scope, receive, send): ...
try:
    chain(app)
except RegistrationError as error:
    assert "asgi(...)" in str(error)
else:
    raise SystemExit("accepted")
assert not [name for name in sys.modules if ".adapters" in name or ".middlewares" in name and "aiohttp_route" in name]
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
