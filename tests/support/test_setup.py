"""setup(): what an application needs once."""

from aiohttp import web

from aiohttp_route_middleware import name_link
from aiohttp_route_middleware.support.setup import setup


def test_its_middleware_is_named_in_listings_as_what_was_called() -> None:
    app = web.Application()
    setup(app)
    assert [name_link(link) for link in app.middlewares] == ["setup"]


def test_to_call_it_again_adds_nothing() -> None:
    app = web.Application()
    for _ in range(2):
        setup(app)
    assert (len(app.middlewares), len(app.on_response_prepare)) == (1, 1)


async def _outer(request: web.Request, handler: object) -> web.StreamResponse:
    raise NotImplementedError


def test_it_comes_before_what_is_there_already() -> None:
    app = web.Application(middlewares=[web.middleware(_outer)])
    app.on_response_prepare.append(_tell)
    setup(app)
    assert app.middlewares[1] is _outer
    assert app.on_response_prepare[1] is _tell


async def _tell(request: web.Request, response: web.StreamResponse) -> None:
    raise NotImplementedError
