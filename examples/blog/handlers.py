"""The ends of the chains: each may rely on what the links before it have handed on."""

from dataclasses import asdict

from aiohttp import web

from aiohttp_route_middleware import requires

from .body import read_texts
from .keys import COMMENT, POST, STORE, USER


async def list_posts(request: web.Request) -> web.Response:
    posts = await request.config_dict[STORE].latest_posts()
    return web.json_response([asdict(post) for post in posts])


@requires(USER)
async def create_post(request: web.Request) -> web.Response:
    texts = await read_texts(request, title=100, text=10_000)
    post = await request.config_dict[STORE].add_post(request[USER].name, **texts)
    location = request.app.router["post"].url_for(id=str(post.id))
    return web.json_response(asdict(post), status=201, headers={"Location": str(location)})


@requires(POST)
async def get_post(request: web.Request) -> web.Response:
    comments = await request.config_dict[STORE].comments_on(request[POST].id)
    return web.json_response({**asdict(request[POST]), "comments": [asdict(comment) for comment in comments]})


@requires(POST)
async def delete_post(request: web.Request) -> web.Response:
    await request.config_dict[STORE].delete_post(request[POST].id)
    return web.Response(status=204)


@requires(POST, USER)
async def post_comment(request: web.Request) -> web.Response:
    texts = await read_texts(request, text=1_000)
    comment = await request.config_dict[STORE].add_comment(request[POST].id, request[USER].name, **texts)
    if comment is None:
        raise web.HTTPNotFound(text="the post was deleted while you wrote")
    location = request.app.router["comment"].url_for(id=str(comment.id))
    return web.json_response(asdict(comment), status=201, headers={"Location": str(location)})


async def list_comments(request: web.Request) -> web.Response:
    comments = await request.config_dict[STORE].latest_comments()
    return web.json_response([asdict(comment) for comment in comments])


@requires(COMMENT, USER)
class CommentView(web.View):
    """One comment; the links before a view run for all of its methods."""

    async def get(self) -> web.Response:
        return web.json_response(asdict(self.request[COMMENT]))

    async def delete(self) -> web.Response:
        comment = self.request[COMMENT]
        if comment.author != self.request[USER].name:
            raise web.HTTPForbidden(text="only its author may delete a comment")
        await self.request.config_dict[STORE].delete_comment(comment.id)
        return web.Response(status=204)
