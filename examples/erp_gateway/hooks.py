"""What is changed on the way to a service, and back."""

from collections.abc import AsyncIterator

from aiohttp import web

from aiohttp_route_middleware.middlewares import IDENTITY
from aiohttp_route_middleware.middlewares.request_id import REQUEST_ID
from aiohttp_route_middleware.proxy import Exchange, after, quote_segment


async def rewrite_shop_path(exchange: Exchange) -> AsyncIterator[None]:
    """Put the shop that the token speaks for before the path, so that nobody can ask for another one; and take it off
    a `Location` again, since clients know nothing of it.
    """
    prefix = f"/shops/{quote_segment(exchange.incoming[IDENTITY].claims['shop'])}"
    exchange.request.path = f"{prefix}{exchange.request.path}"
    yield
    headers = exchange.response.headers
    if "Location" in headers:
        headers["Location"] = headers["Location"].removeprefix(prefix)


def tell_request_id(exchange: Exchange) -> str:
    """For `set_header()`: the id by which a request is found in all logs."""
    return exchange.incoming[REQUEST_ID]


@after
def own_up(exchange: Exchange) -> None:
    """A service that does not know who is asking means the gateway, not the client, whose token is right."""
    if exchange.response.status == 401:
        raise web.HTTPBadGateway
