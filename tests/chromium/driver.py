"""What a person sees and does in a browser, through its driver."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

__all__ = ("Page",)

_IS_THERE = "return !window.isLeft && document.readyState == 'complete'"

_T = TypeVar("_T")


class Page:
    """What a person sees and does; the driver waits, so all of it is done in a thread, and servers here go on."""

    def __init__(self, chrome: Chrome) -> None:
        self._chrome = chrome

    async def open(self, url: str) -> None:
        await self._do(lambda: self._chrome.get(url))

    async def url(self) -> str:
        return await self._do(lambda: self._chrome.current_url)

    async def text(self, selector: str = "body") -> str:
        return await self._do(lambda: self._chrome.find_element(By.CSS_SELECTOR, selector).text)

    async def write(self, selector: str, text: str) -> None:
        """Write into a field, in place of what is there."""

        def write() -> None:
            field = self._chrome.find_element(By.CSS_SELECTOR, selector)
            field.clear()
            field.send_keys(text)

        await self._do(write)

    async def click(self, selector: str) -> None:
        """Click on what leads to no other page."""
        await self._do(lambda: self._chrome.find_element(By.CSS_SELECTOR, selector).click())

    async def follow(self, selector: str) -> None:
        """Click on what leads to another page, and wait until that has been loaded."""

        def follow() -> None:
            self._chrome.execute_script("window.isLeft = true")
            self._chrome.find_element(By.CSS_SELECTOR, selector).click()
            between_pages = (WebDriverException,)  # there is no document to ask
            wait = WebDriverWait(self._chrome, 30, poll_frequency=0.02, ignored_exceptions=between_pages)
            wait.until(lambda chrome: chrome.execute_script(_IS_THERE))

        await self._do(follow)

    async def run(self, script: str, *values: Any) -> Any:
        """Run a script in the page, and wait for the promise that it may return."""
        return await self._do(lambda: self._chrome.execute_script(script, *values))

    async def cookies(self) -> dict[str, dict[str, Any]]:
        """The cookies of this page, by name, as the browser keeps them."""
        return {cookie["name"]: cookie for cookie in await self._do(self._chrome.get_cookies)}

    async def complaints(self) -> list[str]:
        """What the browser has written to its console since this was asked last."""
        get_log: Callable[[str], list[dict[str, Any]]] = self._chrome.get_log
        return [entry["message"] for entry in await self._do(lambda: get_log("browser"))]

    async def forget(self) -> None:
        """Forget all cookies, all that is cached, and all complaints."""
        for command in ("Network.clearBrowserCookies", "Network.clearBrowserCache"):
            await self._do(partial(self._chrome.execute_cdp_cmd, command, {}))
        await self.complaints()

    async def _do(self, action: Callable[[], _T]) -> _T:
        return await asyncio.to_thread(action)
