"""What is no link yet is refused at registration, with the call that makes one of it; nothing is imported for that."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterable
from types import FunctionType
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
from aiohttp_route_middleware.definitions import define
from aiohttp_route_middleware.middlewares.api_key import api_key
from aiohttp_route_middleware.middlewares.body_limit import body_limit
from aiohttp_route_middleware.middlewares.cors import cors
from aiohttp_route_middleware.middlewares.rate_limit import rate_limit
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.uncalled import find_call, find_tongue

MODULES = [
    importlib.import_module(f"{shelf.__name__}.{module.name}")
    for shelf in (aiohttp_route_middleware.middlewares, aiohttp_route_middleware.adapters)
    for module in pkgutil.iter_modules(shelf.__path__)
]
PUBLIC = [getattr(module, name) for module in MODULES for name in module.__all__]
OF_MODULES = {module.__name__ for module in MODULES}
# what stands beside the factories: decisions, and what handlers call
TOOLS = {
    "change_slash",
    "covers",
    "decode_basic",
    "may_come_in",
    "may_send",
    "problem",
    "safe_next",
    "trace_spans",
    "write_location",
}
FACTORIES = [
    one
    for one in PUBLIC
    if isinstance(one, FunctionType) and one.__module__ in OF_MODULES and one.__name__ not in TOOLS
]


async def show(request: web.Request) -> web.Response:
    return web.Response()


async def speak_asgi(scope: Any, receive: Any, send: Any) -> None: ...


class Application:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    async def answer(self, scope: Any, receive: Any, send: Any) -> None: ...


def speak_wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    return []


class Falcon:
    def __call__(self, env: Any, start_response: Any) -> Iterable[bytes]:
        return []


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
@pytest.mark.parametrize("others", [(), (show,)], ids=["alone", "before a handler"])
def test_a_factory_that_was_not_called_is_refused(factory: Any, others: Any) -> None:
    """Every battery and adapter, and what else makes links there: many take one argument, as a guard does."""
    router = UrlDispatcherEx()
    with pytest.raises(RegistrationError) as caught:
        router.add_get("/", factory, *others)
    assert caught.value.problem.endswith(", is a factory that was not called")
    assert caught.value.cure == f"call it: {factory.__name__}(...)"
    assert list(router.resources()) == []


def test_every_module_has_a_factory_and_one_has_two() -> None:
    names = [module.__name__.rpartition(".")[2] for module in MODULES]
    assert sorted(factory.__name__ for factory in FACTORIES) == sorted([*names, "show_metrics"])


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_what_stands_beside_factories_is_none(tool: str) -> None:
    (function,) = [one for one in PUBLIC if getattr(one, "__name__", "") == tool]
    assert find_call(function) is None


def test_a_partial_of_a_factory_is_one_that_was_not_called() -> None:
    wrong: Any = functools.partial(rate_limit, "5/minute")
    with pytest.raises(RegistrationError, match=r"call it: rate_limit\(\.\.\.\)"):
        chain(wrong, show)


def test_a_function_of_no_module_is_no_factory() -> None:
    namespace: dict[str, Any] = {"__name__": None}
    exec("async def index(request): ...", namespace)
    index = namespace["index"]
    assert index.__module__ is None
    assert chain(index) is index


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
        pytest.param(Falcon(), "is a WSGI application", "end the chain with wsgi(...)", id="WSGI, as Falcon has it"),
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


@pytest.mark.parametrize(
    ("application", "tongue"),
    [
        pytest.param(speak_asgi, "asgi", id="ASGI"),
        pytest.param(speak_wsgi, "wsgi", id="WSGI"),
        pytest.param(show, None, id="a handler"),
        pytest.param(lambda *args: None, None, id="whatever is passed"),
        pytest.param(lambda first, second: None, None, id="other names"),
        pytest.param(type, None, id="a class"),
        pytest.param(5, None, id="no signature"),
    ],
)
def test_names_of_parameters_tell_what_an_application_speaks(application: Any, tongue: str | None) -> None:
    assert find_tongue(application) == tongue


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


BATTERIES = [
    pytest.param(rate_limit("9/minute"), "guard", id="a guard"),
    pytest.param(api_key(lambda key: None, header="X-API-Key"), "guard", id="another guard"),
    pytest.param(cors(["https://shop.example"]), "guard", id="cors"),
    pytest.param(body_limit(10), "middleware", id="a middleware"),
    pytest.param(from_asgi(GZipMiddleware), "middleware", id="from_asgi"),
    pytest.param(unless(lambda request: True, rate_limit("9/minute")), "middleware", id="unless"),
    pytest.param(define("rate_limit", limits="9/minute"), "middleware", id="by name"),
]


@pytest.mark.parametrize(("battery", "kind"), BATTERIES)
@pytest.mark.parametrize("others", [(), (rate_limit("9/minute"),)], ids=["alone", "behind a link"])
def test_a_battery_ends_no_chain(battery: Any, kind: str, others: Any) -> None:
    """It would let strangers out with a 401, and answer 500 to those whom it lets in."""
    router = UrlDispatcherEx()
    with pytest.raises(RegistrationError) as caught:
        router.add_get("/", *others, battery)
    assert caught.value.problem.endswith(f", is a {kind}, and nothing follows it")
    assert "put an endpoint" in caught.value.cure
    assert list(router.resources()) == []
