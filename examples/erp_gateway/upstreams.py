"""The services, as the gateway knows them: where they are, how long they may take, and how it shows who it is."""

from aiohttp import encode_basic_auth, web

from aiohttp_route_middleware import Handler
from aiohttp_route_middleware.proxy import Upstream, proxy, remove_headers, set_header

from .hooks import own_up, rewrite_shop_path, tell_request_id
from .numbers import Numbers
from .settings import Settings

GATEWAY = "erp-gateway"
"""What the gateway is called at the inventory."""

_SHARED = (
    remove_headers("Authorization", "Cookie"),  # the token is between the client and the gateway
    set_header("X-Request-ID", tell_request_id),
    rewrite_shop_path,
    own_up,
)


def make_transactions(app: web.Application, settings: Settings, numbers: Numbers) -> Handler:
    upstream = Upstream(
        settings.transactions_url, name="transactions", response_timeout=10.0, on_exchange=numbers.note
    )
    upstream.run_with(app)
    return proxy(upstream, *_SHARED, set_header("X-API-Key", settings.transactions_key))


def make_inventory(app: web.Application, settings: Settings, numbers: Numbers) -> Handler:
    upstream = Upstream(settings.inventory_url, name="inventory", response_timeout=10.0, on_exchange=numbers.note)
    upstream.run_with(app)
    credentials = encode_basic_auth(GATEWAY, settings.inventory_password)
    return proxy(upstream, *_SHARED, set_header("Authorization", credentials))
