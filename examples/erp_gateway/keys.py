"""What the application holds: typed keys, so that type checkers know what lies behind them."""

from aiohttp import web

from .numbers import Numbers
from .settings import Settings
from .users import Users

SETTINGS = web.AppKey("SETTINGS", Settings)
USERS = web.AppKey("USERS", Users)
NUMBERS = web.AppKey("NUMBERS", Numbers)
