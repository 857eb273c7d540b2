"""Policies of aiohttp-security that answer as they were told to, and applications that use them."""

from collections.abc import Callable
from typing import Any

import aiohttp_security
from aiohttp import web
from aiohttp_security import AbstractAuthorizationPolicy, AbstractIdentityPolicy, CookiesIdentityPolicy

from aiohttp_route_middleware import UrlDispatcherEx, provides
from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity

__all__ = ("Ask", "Claims", "Users", "anyone", "authenticate", "endpoint", "serve", "set_up")

Ask = Callable[..., Any]


class Claims(AbstractIdentityPolicy):
    """Tells what it was told to, or raises it."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    async def identify(self, request: web.Request) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def remember(self, request: web.Request, response: web.StreamResponse, identity: str, **_: Any) -> None:
        """Nothing is remembered."""

    async def forget(self, request: web.Request, response: web.StreamResponse) -> None:
        """Nothing was remembered."""


class Users(AbstractAuthorizationPolicy):
    """Answers as it was told to, or raises it, and writes down what it was asked."""

    def __init__(self, user: Any = "user 7", answer: Any = True) -> None:
        self.user = user
        self.answer = answer
        self.asked: list[Any] = []

    async def authorized_userid(self, identity: str) -> Any:
        if isinstance(self.user, Exception):
            raise self.user
        return self.user

    async def permits(self, identity: Any, permission: Any, context: Any = None) -> Any:
        self.asked.append((identity, permission, context))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@provides(IDENTITY)
async def authenticate(request: web.Request) -> None:
    request[IDENTITY] = Identity("bob")


async def endpoint(request: web.Request) -> web.Response:
    return web.Response(text=request[IDENTITY].subject)


async def anyone(request: web.Request) -> None:
    """Let everyone pass."""


def serve(*links: Any, **options: Any) -> web.Application:
    app = web.Application()
    UrlDispatcherEx.install(app, **options).add_get("/", *links, endpoint)
    return app


class Owner(Users):
    """Knows whoever is claimed, and permits jack what he asks."""

    async def authorized_userid(self, identity: str) -> str:
        return f"user {identity}"

    async def permits(self, identity: Any, permission: Any, context: Any = None) -> bool:
        return bool(identity == "jack")


def set_up(app: web.Application) -> web.Application:
    aiohttp_security.setup(app, CookiesIdentityPolicy(), Owner())
    return app
