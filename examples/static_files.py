"""A directory of files behind a guard, which runs before a file is looked for.

Whoever does not pass does not even learn which files there are.

    curl -i -H 'X-Member: ada' http://127.0.0.1:8080/files/report.txt
    -> 200 Nobody else may read this.

    curl -i http://127.0.0.1:8080/files/report.txt
    -> 401 Members only: send the header X-Member

    curl -i http://127.0.0.1:8080/files/no-such-file.txt
    -> 401 Members only: send the header X-Member

    curl -i -H 'X-Member: ada' http://127.0.0.1:8080/files/no-such-file.txt
    -> 404
"""

from pathlib import Path

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx


def require_member(request: web.Request) -> web.Response | None:
    if "X-Member" not in request.headers:
        return web.Response(text="Members only: send the header X-Member", status=401)
    return None


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app)
    router.add_static("/files", Path(__file__).with_name("files"), require_member)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
