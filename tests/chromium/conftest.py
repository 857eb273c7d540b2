"""A headless Chromium, which starts with nothing and keeps to this machine: one for all tests, each begins anew."""

import shutil
import tempfile
from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from .driver import Page

_BROWSER, _DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chrome]:
    if not (_BROWSER and _DRIVER):
        pytest.skip("Chromium is not installed: apt-get install chromium chromium-driver")
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        options = ChromeOptions()
        options.binary_location = _BROWSER
        for flag in (*_FLAGS, f"--user-data-dir={folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        chrome = Chrome(options=options, service=Service(_DRIVER))  # without the path it would be downloaded
        try:
            yield chrome
        finally:
            chrome.quit()


@pytest.fixture
async def page(chromium: Chrome) -> Page:
    """An empty page of a browser that knows no cookies."""
    page = Page(chromium)
    await page.open("about:blank")
    await page.forget()
    return page
