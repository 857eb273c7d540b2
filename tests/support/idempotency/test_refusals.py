"""Each refusal has the status of the draft, tells why, and where the rules are written."""

import json
from typing import Any

import pytest

from aiohttp_route_middleware.support.idempotency.refusals import Refusals

DOCS = "https://shop.example/retries"
CASES = [
    pytest.param("missing", (), 400, "X-Key is missing", None, id="missing"),
    pytest.param("malformed", (255,), 400, "X-Key is malformed", None, id="malformed"),
    pytest.param("reused", (), 422, "X-Key is already used", None, id="reused"),
    pytest.param("running", (), 409, "A request is outstanding for this X-Key", "7", id="running"),
    pytest.param(
        "not_kept", (), 409, "This request was carried out, and its response was not kept", None, id="not kept"
    ),
    pytest.param("unavailable", (), 503, "Service Unavailable", "7", id="unavailable"),
]


@pytest.mark.parametrize(("name", "arguments", "status", "title", "retry_after"), CASES)
@pytest.mark.parametrize("docs", ["", DOCS], ids=["alone", "with docs"])
def test_a_refusal_tells_why_and_where_to_read(
    docs: str, name: str, arguments: Any, status: int, title: str, retry_after: str | None
) -> None:
    error = getattr(Refusals(header="X-Key", docs=docs, retry_after=7), name)(*arguments)
    told = json.loads(error.text)
    assert (error.status, told["status"], told["title"]) == (status, status, title)
    assert told["detail"].endswith(".")
    assert told.get("type", "about:blank") == (docs or "about:blank")
    assert error.headers.get("Retry-After") == retry_after
    assert error.headers.get("Link") == (f'<{docs}>; rel="describedby"; type="text/html"' if docs else None)
