"""What each shop has in store. Who asks shows a name and a password, by HTTP Basic."""

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth

GOODS = ("flour", "sugar", "salt", "rice", "beans", "oil", "tea", "coffee", "soap", "candles", "matches", "string")
STORES = {
    shop: [
        {"id": number, "shop": shop, "name": name, "quantity": number * step, "unit": "piece", "minimum": 5}
        for number, name in enumerate(GOODS, 1)
    ]
    for shop, step in (("WAL001", 7), ("MAR002", 3))
}


def make_inventory(user: str, password: str) -> web.Application:
    """Make the service.

    Args:
        user: the gateway, as it is called here.
        password: that it sends.
    """
    app = web.Application()
    router = UrlDispatcherEx.install(app, basic_auth({user: password}, realm="inventory"))
    router.add_get("/shops/{shop}/inventory", list_items)
    router.add_get(r"/shops/{shop}/inventory/{id:\d{1,9}}", get_item)
    return app


async def list_items(request: web.Request) -> web.Response:
    return web.json_response(STORES.get(request.match_info["shop"], []))


async def get_item(request: web.Request) -> web.Response:
    for item in STORES.get(request.match_info["shop"], []):
        if item["id"] == int(request.match_info["id"]):
            return web.json_response(item)
    return web.json_response({"error": "there is no such item"}, status=404)
