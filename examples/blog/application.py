"""The blog's routes, and the application around them."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.inspection import require_links

from .admin import make_admin
from .handlers import CommentView, create_post, delete_post, get_post, list_comments, list_posts, post_comment
from .json_errors import json_errors
from .keys import STORE, USERS
from .links import authenticate, authorise, fetch_comment, fetch_post
from .store import Store
from .users import make_users


def make_app(database: str | Path = ":memory:") -> web.Application:
    """Make the blog on an SQLite file; without one it forgets everything when it stops."""
    app = web.Application(middlewares=[json_errors], client_max_size=64 * 1024)
    app[USERS] = make_users()
    app.cleanup_ctx.append(partial(open_store, database))
    add_routes(UrlDispatcherEx.install(app))
    app.add_subapp("/admin", make_admin())
    require_links(app, authenticate, unless=["GET /posts"])
    return app


def add_routes(router: UrlDispatcherEx) -> None:
    # Each method of a path has its own links, which nested applications cannot give it.
    router.add_get("/posts", list_posts)
    router.add_post("/posts", authenticate, authorise(["post:read", "post:write"]), create_post)
    router.add_get("/posts/{id}", authenticate, authorise(["post:read"]), fetch_post, get_post, name="post")
    router.add_delete("/posts/{id}", authenticate, authorise(["post:read", "post:write"]), fetch_post, delete_post)
    router.add_post("/posts/{id}/comments", authenticate, authorise(["comment:write"]), fetch_post, post_comment)

    # In a group, the links that all routes share are written once.
    with router.group("/comments", authenticate, authorise(["post:read"])) as comments:
        comments.add_get("", list_comments)
        comments.add_view("/{id}", fetch_comment, CommentView, name="comment")


async def open_store(database: str | Path, app: web.Application) -> AsyncIterator[None]:
    app[STORE] = store = Store(database)
    yield
    await store.close()
