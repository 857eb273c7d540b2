"""What the application holds, and what links hand on: typed keys, so that type checkers know what lies behind them."""

from aiohttp import web

from .settings import Settings
from .users import User, Users

SETTINGS = web.AppKey("SETTINGS", Settings)
USERS = web.AppKey("USERS", Users)

USER = web.RequestKey("USER", User)  # from fetch_user
