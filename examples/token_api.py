"""An API for pages of another origin: they may read its answers, and show a token of an identity provider.

curl -i http://127.0.0.1:8080/posts
-> 401 ...

curl -i -X OPTIONS -H 'Origin: https://shop.example' -H 'Access-Control-Request-Method: GET' http://127.0.0.1:8080/posts
-> 204 ...
"""

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.authorise import authorise
from aiohttp_route_middleware.middlewares.cors import cors
from aiohttp_route_middleware.middlewares.jwt_auth import jwt_auth


async def list_posts(request: web.Request) -> web.Response:
    return web.json_response(["First post"])


def make_app() -> web.Application:
    app = web.Application()
    setup(app)  # once, for all that set headers
    shop = cors(origins="https://shop.example")
    authenticate = jwt_auth(
        jwks_url="https://id.example/keys", algorithms=["RS256"], issuer="https://id.example", audience="shop"
    )
    router = UrlDispatcherEx.install(app)
    router.add_get("/posts", shop, authenticate, authorise(["post:read"]), list_posts)  # preflights are answered, too
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
