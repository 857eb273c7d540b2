"""The test that the documentation shows: a route of an example, simulated."""

from aiohttp import web

from aiohttp_route_middleware.simulation import simulate
from examples.link_order import make_app


def find_route(method: str, path: str) -> web.AbstractRoute:
    routes = make_app().router.routes()
    return next(
        route for route in routes if route.resource and (route.method, route.resource.canonical) == (method, path)
    )


async def test_eve_is_stopped_by_authorise() -> None:
    done = await simulate(find_route("GET", "/orders"), headers={"X-User": "eve"})
    assert (done.status, done.text) == (403, "You need orders:read")
    assert [step.name for step in done.steps] == ["authenticate", "find_tenant", "authorise(orders:read)"]
    assert done.answered_by is done.steps[-1].link
