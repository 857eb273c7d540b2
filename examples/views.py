"""A `web.View` class behind links, which run for each of its methods, before the view is made.

The link has found the note by then, so that the methods are about nothing else.

    curl -i http://127.0.0.1:8080/notes/milk
    -> 200 Buy two bottles

    curl -i -X PUT -d 'Buy three' http://127.0.0.1:8080/notes/milk
    -> 200 Buy three

    curl -i -X PUT -d 'Buy some' http://127.0.0.1:8080/notes/bread
    -> 404 There is no such note

    curl -i -X DELETE http://127.0.0.1:8080/notes/milk
    -> 405 405: Method Not Allowed
"""

from dataclasses import dataclass

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx


@dataclass
class Note:
    text: str


NOTES = web.AppKey("NOTES", dict[str, Note])
NOTE = web.RequestKey("NOTE", Note)


def fetch_note(request: web.Request) -> web.Response | None:
    note = request.app[NOTES].get(request.match_info["name"])
    if note is None:
        return web.Response(text="There is no such note", status=404)
    request[NOTE] = note
    return None


class NoteView(web.View):
    async def get(self) -> web.Response:
        return web.Response(text=self.request[NOTE].text)

    async def put(self) -> web.Response:
        self.request[NOTE].text = await self.request.text()
        return await self.get()


def make_app() -> web.Application:
    app = web.Application()
    app[NOTES] = {"milk": Note("Buy two bottles")}
    router = UrlDispatcherEx.install(app)
    router.add_view("/notes/{name}", fetch_note, NoteView)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
