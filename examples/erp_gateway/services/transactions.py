"""The transactions of all shops. Who asks shows a key in `X-API-Key`."""

import hmac
import json
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares.api_key import api_key

Transaction = dict[str, Any]
SAMPLES: Sequence[tuple[str, str, float, str]] = [
    ("WAL001", "grocery", 45.5, "Weekly delivery"),
    ("WAL001", "tech", 899.0, "A till"),
    ("MAR002", "clothes", 120.25, "Aprons"),
    ("MAR002", "grocery", 12.0, "Coffee"),
]


class Ledger:
    """All transactions, and who is told of new ones."""

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self.listeners: list[tuple[str, web.WebSocketResponse]] = []
        for sample in SAMPLES:
            self.add(*sample)

    def add(self, shop: str, category: str, amount: float, description: str) -> Transaction:
        number = len(self.transactions) + 1
        made = {"id": number, "shop": shop, "category": category, "amount": amount, "description": description}
        self.transactions.append(made)
        return made

    def of_shop(self, shop: str) -> list[Transaction]:
        return [transaction for transaction in self.transactions if transaction["shop"] == shop]

    async def tell(self, made: Transaction) -> None:
        for shop, socket in list(self.listeners):
            if shop == made["shop"]:
                with suppress(ConnectionError):  # who has gone is not told
                    await socket.send_json(made)


LEDGER = web.AppKey("LEDGER", Ledger)


def make_transactions(key: str) -> web.Application:
    """Make the service.

    Args:
        key: that the gateway sends.
    """
    app = web.Application()
    app[LEDGER] = Ledger()
    known = key.encode()
    router = UrlDispatcherEx.install(
        app, api_key(lambda sent: hmac.compare_digest(sent.encode(), known), header="X-API-Key")
    )
    router.add_get("/shops/{shop}/transactions", list_transactions)
    router.add_post("/shops/{shop}/transactions", create_transaction)
    router.add_get("/shops/{shop}/transactions/feed", feed)
    router.add_get(r"/shops/{shop}/transactions/{id:\d{1,9}}", get_transaction)
    return app


async def list_transactions(request: web.Request) -> web.Response:
    return web.json_response(request.app[LEDGER].of_shop(request.match_info["shop"]))


async def create_transaction(request: web.Request) -> web.Response:
    try:
        sent = read_transaction(json.loads(await request.read()))
    except (ValueError, RecursionError, TypeError, KeyError, OverflowError):
        error = "send category, amount and description, as a JSON object"
        return web.json_response({"error": error}, status=422)
    ledger, shop = request.app[LEDGER], request.match_info["shop"]
    made = ledger.add(shop, *sent)
    await ledger.tell(made)
    return web.json_response(made, status=201, headers={"Location": f"{request.path}/{made['id']}"})


def read_transaction(data: Any) -> tuple[str, float, str]:
    category, amount, description = str(data["category"]), float(data["amount"]), str(data["description"])
    if not math.isfinite(amount):
        raise ValueError
    return category, amount, description


async def get_transaction(request: web.Request) -> web.Response:
    for transaction in request.app[LEDGER].of_shop(request.match_info["shop"]):
        if transaction["id"] == int(request.match_info["id"]):
            return web.json_response(transaction)
    return web.json_response({"error": "there is no such transaction"}, status=404)


async def feed(request: web.Request) -> web.WebSocketResponse:
    """Tell of each new transaction of a shop, as it is made."""
    socket = web.WebSocketResponse(heartbeat=30.0)
    await socket.prepare(request)
    listener = (request.match_info["shop"], socket)
    listeners = request.app[LEDGER].listeners
    listeners.append(listener)
    try:
        async for _ in socket:  # what clients say is passed over
            pass
    finally:
        listeners.remove(listener)
    return socket
