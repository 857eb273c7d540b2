"""Moesif's own middleware on one route; what it tells goes to a server here. Run by test_from_asgi.py.

It starts threads and sets up logging when it is made, so that it has a process of its own.
"""

import asyncio
import gzip
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from moesifasgi import MoesifMiddleware  # type: ignore[import-untyped]  # it has no types

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.adapters.from_asgi import from_asgi

told: list[object] = []
is_told = threading.Event()


class Collector(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        told.extend(json.loads(body))
        self.answer(201)
        is_told.set()

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


async def create_post(request: web.Request) -> web.Response:
    posted = await request.json()
    return web.json_response({"id": 1, **posted}, status=201)


async def main(port: int) -> None:
    settings = {"APPLICATION_ID": "key", "BASE_URI": f"http://127.0.0.1:{port}", "LOG_BODY": True}
    app = web.Application()
    UrlDispatcherEx.install(app).add_post("/posts", from_asgi(MoesifMiddleware, settings=settings), create_post)
    async with TestClient(TestServer(app)) as client:
        response = await client.post("/posts?draft=1", json={"title": "First"})
        answer = [response.status, await response.json()]
    await asyncio.get_running_loop().run_in_executor(None, is_told.wait, 50)
    print(json.dumps({"answer": answer, "told": told}), flush=True)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asyncio.run(main(server.server_port))
    os._exit(0)  # its threads would go on
