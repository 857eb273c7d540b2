"""What the application holds, and what links hand on: typed keys, so that type checkers know what lies behind them."""

from aiohttp import web

from .store import Comment, Post, Store
from .users import User

STORE = web.AppKey("STORE", Store)
USERS = web.AppKey("USERS", dict[str, User])

USER = web.RequestKey("USER", User)  # from authenticate
POST = web.RequestKey("POST", Post)  # from fetch_post
COMMENT = web.RequestKey("COMMENT", Comment)  # from fetch_comment
