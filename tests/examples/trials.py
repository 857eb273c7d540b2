"""Reads the requests that an example says to try, with what it promises, and asks them over HTTP.

    curl -i -X POST -d 'First!' http://127.0.0.1:8080/comments
    -> 201 {"id": ..., "text": "First!"}

The line after a request tells its status and its body; `...` stands for anything.
"""

import argparse
import re
import shlex
from dataclasses import dataclass
from itertools import pairwise

from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from yarl import URL


@dataclass(frozen=True)
class Trial:
    method: str
    url: URL
    headers: dict[str, str]
    body: str | None
    status: int
    answer: str

    async def ask(self, session: ClientSession) -> ClientResponse:
        """Ask as printed."""
        return await session.request(self.method, self.url, headers=self.headers, data=self.body)

    async def ask_on(self, client: TestClient[Request, Application]) -> ClientResponse:
        """Ask the server of `client` instead of the one that is named."""
        return await client.request(self.method, self.url.relative(), headers=self.headers, data=self.body)

    async def check(self, response: ClientResponse) -> None:
        """Fail unless the response is what was promised."""
        self.compare(response.status, await response.text())

    def compare(self, status: int, body: str) -> None:
        """Fail unless this is what was promised."""
        assert status == self.status, f"{self}: {status} {body}"
        pattern = ".*".join(re.escape(part) for part in self.answer.split("..."))
        assert re.fullmatch(pattern, body.strip(), re.DOTALL), f"{self}: {body}"


def read_trials(text: str) -> list[Trial]:
    lines = [line.strip() for line in text.splitlines()]
    return [_read_trial(curl, answer) for curl, answer in pairwise(lines) if curl.startswith("curl ")]


_curl = argparse.ArgumentParser()
_curl.add_argument("-i", action="store_true", required=True)  # shows the status
_curl.add_argument("--compressed", action="store_true")  # as aiohttp asks without being told
_curl.add_argument("-X")
_curl.add_argument("-H", action="append", default=[])
_curl.add_argument("-d")
_curl.add_argument("url", type=URL)


def _read_trial(curl: str, answer: str) -> Trial:
    options = _curl.parse_args(shlex.split(curl)[1:])
    headers = dict(header.split(": ", 1) for header in options.H)
    if options.d is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    arrow, status, *body = answer.split(" ", 2)
    assert arrow == "->", f"no answer is promised to: {curl}"
    method = options.X or ("GET" if options.d is None else "POST")
    return Trial(method, options.url, headers, options.d, int(status), "".join(body))
