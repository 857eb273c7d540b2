"""A browser as far as sessions need one: it keeps cookies, the `Secure` ones over http too, and shows what was set."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientResponse, DummyCookieJar, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

__all__ = ("Browser", "Open", "opener")


class Browser:
    """Sends what it keeps; does not look at paths, so that a test sees what a client could send."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client
        self.cookies: dict[str, str] = {}
        self.lines: list[str] = []  # of the last response

    async def get(self, path: str, *, cookie: str | None = None, **options: Any) -> ClientResponse:
        """Ask; `cookie` is sent as it is, in place of what is kept."""
        line = "; ".join(f"{name}={value}" for name, value in self.cookies.items()) if cookie is None else cookie
        headers = {**options.pop("headers", {}), **({"Cookie": line} if line else {})}
        response = await self.client.get(path, headers=headers, allow_redirects=False, **options)
        await response.read()
        self.lines = response.headers.getall("Set-Cookie", [])
        for one in self.lines:
            name, _, rest = one.partition("=")
            self.cookies[name] = rest.partition(";")[0]
            if not self.cookies[name]:
                del self.cookies[name]
        return response

    async def json(self, path: str, **options: Any) -> Any:
        """Ask for JSON."""
        response = await self.get(path, **options)
        assert response.status == 200, response.status
        return await response.json()

    def again(self) -> "Browser":
        """Another one, which has copied the cookies."""
        other = Browser(self.client)
        other.cookies = dict(self.cookies)
        return other

    @property
    def line(self) -> str:
        """The only `Set-Cookie` line of the last response."""
        (line,) = self.lines
        return line

    @property
    def cookie(self) -> str:
        """The only cookie, as it is sent."""
        ((name, value),) = self.cookies.items()
        return f"{name}={value}"


Open = Callable[[web.Application], Awaitable[Browser]]


def opener(aiohttp_client: AiohttpClient) -> Open:
    """Open a browser on an application."""

    async def open_browser(app: web.Application) -> Browser:
        return Browser(await aiohttp_client(app, cookie_jar=DummyCookieJar()))

    return open_browser
