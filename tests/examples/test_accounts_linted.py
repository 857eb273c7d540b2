"""What independent judges of HTTP and security headers say of the accounts, as they are served for everyone: nothing.

- httplint, by the editor of the HTTP specifications, reads every kind of response that there is;
- DrHeaderPlus holds pages and the API to its own rules and to those of OWASP ASVS 4.0.
"""

import json
import re
import ssl
from typing import Any

import pytest
import trustme
from aiohttp import ClientSession, TCPConnector
from aiohttp.test_utils import TestServer
from httplint import levels

from examples.accounts.application import make_app
from examples.accounts.settings import Settings
from examples.accounts.users import COST

from ..linting import Exchange, Recorder, describe, is_bad, lint

READER, WRITER = "https://reader.example", "https://writer.example"
ASK_TO_PUT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}

# The judges do not agree: DrHeaderPlus asks for two things that httplint warns of, and httplint has the
# specifications on its side. With no-store nothing else counts (RFC 9111, section 5.2.2.5), and no browser of today
# reads X-XSS-Protection.
SET_ASIDE = {"Cache-Control": {"Required": True, "Value": "no-store"}, "X-XSS-Protection": {"Required": False}}


@pytest.fixture
async def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """Every kind of response there is, over https."""
    monkeypatch.setitem(COST, "n", 2)  # what is slow on purpose need not slow down tests
    settings = Settings(is_local=False, hosts=["localhost"], readers=[READER], writers=[WRITER])
    authority = trustme.CA()
    outgoing, incoming = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(outgoing)
    authority.issue_cert("localhost").configure_cert(incoming)
    server = TestServer(make_app(settings))
    await server.start_server(ssl=incoming)
    async with server, ClientSession(connector=TCPConnector(ssl=outgoing)) as session:
        recorder = Recorder(session, f"https://localhost:{server.port}")
        token = await visit_pages(recorder, settings.password)
        await visit_api(recorder, token)
        await visit_files(recorder)
        await visit_what_is_not_there(recorder)
    return recorder.exchanges


async def visit_pages(recorder: Recorder, password: str) -> str:
    """Log in, do what pages can do and what they refuse, log out; return a token for the API."""
    await recorder.ask("GET", "/")
    fields = {"csrf_token": read_token(await recorder.ask("GET", "/login?next=/")), "login": "ada", "next": "/"}
    await recorder.ask("POST", "/login", data={**fields, "password": "wrong"})
    await recorder.ask("POST", "/login", data={**fields, "password": password})
    fields = {"csrf_token": read_token(await recorder.ask("GET", "/"))}
    await recorder.ask("HEAD", "/")
    await recorder.ask("POST", "/profile", data={**fields, "name": ""})
    await recorder.ask("POST", "/profile", data={**fields, "name": "Ada King"})
    await recorder.ask("POST", "/profile", data={"name": "Eve"})
    await recorder.ask("POST", "/profile", data=fields, headers={"Sec-Fetch-Site": "cross-site"})
    made = json.loads(await recorder.ask("POST", "/api/token", data=fields))
    await recorder.ask("POST", "/logout", data=fields)
    return str(made["access_token"])


async def visit_api(recorder: Recorder, token: str) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    for origin in (READER, WRITER):
        await recorder.ask("OPTIONS", "/api/profile", headers={"Origin": origin, **ASK_TO_PUT})
        await recorder.ask("GET", "/api/profile", headers={"Origin": origin, **bearer})
        await recorder.ask("PUT", "/api/profile", headers={"Origin": origin, **bearer}, json={"name": "Ada"})
    await recorder.ask("GET", "/api/profile")
    await recorder.ask("PUT", "/api/profile", headers=bearer, json={})


async def visit_files(recorder: Recorder) -> None:
    await recorder.ask("GET", "/static/icon.svg")
    await recorder.ask("GET", "/static/style.css")
    [tag] = [value for name, value in recorder.last.fields if name.lower() == "etag"]
    await recorder.ask("GET", "/static/style.css", headers={"If-None-Match": tag})
    await recorder.ask("GET", "/static/style.css", headers={"Range": "bytes=0-5"})


async def visit_what_is_not_there(recorder: Recorder) -> None:
    await recorder.ask("GET", "/nowhere")
    await recorder.ask("GET", "/static/nothing")
    await recorder.ask("GET", "/static/")
    await recorder.ask("DELETE", "/profile")
    await recorder.ask("GET", "/login", headers={"Host": "evil.example"})


def read_token(page: str) -> str:
    found = re.search('csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


# ---- httplint


async def test_httplint_finds_nothing_to_warn_of(exchanges: list[Exchange]) -> None:
    assert {exchange.status for exchange in exchanges} == {200, 204, 206, 303, 304, 401, 403, 404, 405, 421, 422}
    notes = {str(exchange): [note for note in lint(exchange) if is_bad(note)] for exchange in exchanges}
    assert {place: [*map(describe, found)] for place, found in notes.items() if found} == {}


async def test_httplint_praises_the_headers_of_a_page(exchanges: list[Exchange]) -> None:
    [page] = [one for one in exchanges if (one.method, one.status, b"<h1>Hello" in one.body) == ("GET", 200, True)]
    praised = {type(note).__name__ for note in lint(page) if note.level is levels.GOOD}
    assert praised >= {"CONTENT_SECURITY_POLICY", "HSTS_VALID", "CONTENT_TYPE_OPTIONS", "FRAME_OPTIONS_DENY"}


# ---- DrHeaderPlus


@pytest.mark.parametrize("preset", ["", "owasp-asvs-v14"], ids=["its own rules", "OWASP ASVS 4.0"])
async def test_drheaderplus_finds_nothing(exchanges: list[Exchange], preset: str) -> None:
    drheader = pytest.importorskip("drheader", reason="DrHeaderPlus needs Python 3.11")
    rules = drheader.utils.preset_rules(preset) if preset else {**drheader.utils.default_rules(), **SET_ASIDE}
    # Preflights, and answers that a page is unchanged, hold nothing that a browser shows; files may be cached.
    judged = [one for one in exchanges if one.status not in (204, 304) and "/static" not in one.url]
    assert len(judged) > 15
    found = {str(one): drheader.Drheader(headers=collect(one)).analyze(rules=rules) for one in judged}
    assert {place: findings for place, findings in found.items() if findings} == {}


def collect(exchange: Exchange) -> dict[str, Any]:
    cookies = [value for name, value in exchange.fields if name.lower() == "set-cookie"]
    return {**dict(exchange.fields), **({"Set-Cookie": cookies} if cookies else {})}


# ---- both


POOR = Exchange(
    "GET",
    "https://localhost/",
    [],
    200,
    "OK",
    [("Cache-Control", "no-store, max-age=0"), ("Content-Length", "7")],
    b"",
)


def test_httplint_is_awake() -> None:
    assert {type(note).__name__ for note in lint(POOR) if is_bad(note)} >= {"CC_CONFLICTING", "CL_INCORRECT"}


def test_drheaderplus_is_awake() -> None:
    drheader = pytest.importorskip("drheader", reason="DrHeaderPlus needs Python 3.11")
    rules = {finding.rule for finding in drheader.Drheader(headers=collect(POOR)).analyze()}
    assert rules >= {"Content-Security-Policy", "Referrer-Policy", "Strict-Transport-Security"}
