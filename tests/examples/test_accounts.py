"""The accounts, over HTTP: who gets in, what a stranger, another site or a stale page is refused, and what is kept."""

import asyncio
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from threading import Timer
from typing import Any

import jwt
import pytest
from aiohttp import ClientResponse, ClientSession, DummyCookieJar, web
from aiohttp.test_utils import TestClient
from multidict import CIMultiDict
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import PolicyError, links_of
from examples.accounts.api import AUDIENCE, ISSUER
from examples.accounts.application import make_app
from examples.accounts.keys import SETTINGS
from examples.accounts.settings import Settings
from examples.accounts.templates import render
from examples.accounts.users import COST, Users, hash_password

from .trials import read_trials

ROOT = Path(__file__).parents[2]
LAST_LINE = "Press Ctrl-C to stop.\n"
READER, WRITER, STRANGER = "https://reader.example", "https://writer.example", "https://evil.example"

Client = TestClient[Any, Any]
Process = subprocess.Popen[str]

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals")


class Visitor:
    """A browser without scripts: it keeps cookies, reads forms and sends them."""

    def __init__(self, client: Client, app: web.Application) -> None:
        self.client = client
        self.app = app
        self.text = ""

    async def ask(self, method: str, path: str, **options: Any) -> ClientResponse:
        response = await self.client.request(method, path, allow_redirects=False, **options)
        self.text = await response.text()
        return response

    async def open(self, path: str) -> ClientResponse:
        return await self.ask("GET", path)

    async def send(self, path: str, **fields: str) -> ClientResponse:
        """Send a form with the token of the page that was opened last."""
        return await self.ask("POST", path, data={"csrf_token": self.token, **fields})

    async def log_in(self, login: str = "ada", goal: str = "/") -> ClientResponse:
        await self.open("/login")
        return await self.send("/login", login=login, password=self.app[SETTINGS].password, next=goal)

    async def make_token(self, login: str = "ada") -> str:
        await self.log_in(login)
        await self.open("/")
        response = await self.ask("POST", "/api/token", headers={"X-CSRF-Token": self.token})
        assert response.status == 200
        return str(json.loads(self.text)["access_token"])

    @property
    def token(self) -> str:
        return self.field("csrf_token")

    def field(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found
        return unescape(found[1])

    @property
    def name(self) -> str:
        found = re.search(r'<span id="greeted">(.*)</span>', self.text)
        assert found
        return unescape(found[1])


@pytest.fixture
async def visitor(aiohttp_client: AiohttpClient) -> Visitor:
    app = make_app(Settings(readers=[READER], writers=[WRITER]))
    return Visitor(await aiohttp_client(app), app)


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is slow on purpose need not slow down tests."""
    monkeypatch.setitem(COST, "n", 2)


def bearer(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}


# ---- pages


@pytest.mark.parametrize("path", ["/", "/?tab=names"])
async def test_a_stranger_is_sent_to_the_login_page_and_back(visitor: Visitor, path: str) -> None:
    refused = await visitor.open(path)
    assert (refused.status, refused.headers["Cache-Control"]) == (303, "no-store")
    await visitor.open(refused.headers["Location"])
    assert visitor.field("next") == path
    password = visitor.app[SETTINGS].password
    entered = await visitor.send("/login", login="ada", password=password, next=visitor.field("next"))
    assert (entered.status, entered.headers["Location"]) == (303, path)
    assert (await visitor.open(path)).status == 200
    assert visitor.name == "Ada Lovelace"


@pytest.mark.parametrize("goal", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
async def test_nobody_is_sent_to_another_origin_after_the_login(visitor: Visitor, goal: str) -> None:
    assert (await visitor.log_in(goal=goal)).headers["Location"] == "/"
    await visitor.ask("GET", "/login", params={"next": goal})
    assert visitor.field("next") == "/"


@pytest.mark.parametrize(
    ("login", "password"),
    [
        pytest.param("ada", "wrong", id="wrong password"),
        pytest.param("ada", "", id="no password"),
        pytest.param("", "", id="nothing"),
        pytest.param("eve", "wrong", id="nobody"),
        pytest.param("<b>ada</b>", "wrong", id="HTML"),
    ],
)
async def test_a_wrong_password_and_a_wrong_user_are_told_alike(visitor: Visitor, login: str, password: str) -> None:
    await visitor.open("/login?next=/%3Ftab")
    response = await visitor.send("/login", login=login, password=password, next=visitor.field("next"))
    assert response.status == 403
    assert 'role="alert">This is not the user, or not the password.<' in visitor.text
    assert (visitor.field("login"), visitor.field("next")) == (login, "/?tab")
    assert "<b>" not in visitor.text
    assert (await visitor.open("/")).status == 303


async def test_what_was_not_sent_is_a_wrong_password(visitor: Visitor) -> None:
    await visitor.open("/login")
    assert (await visitor.send("/login")).status == 403


async def test_each_login_begins_a_session_under_a_new_id_and_the_old_one_is_forgotten(visitor: Visitor) -> None:
    first = (await visitor.log_in()).cookies["session"].value
    second = (await visitor.log_in()).cookies["session"].value
    assert first != second
    visitor.client.session.cookie_jar.update_cookies({"session": first}, visitor.client.make_url("/"))
    assert (await visitor.open("/")).status == 303


async def test_a_chosen_session_id_is_never_adopted(visitor: Visitor) -> None:
    chosen = "A" * 43
    visitor.client.session.cookie_jar.update_cookies({"session": chosen}, visitor.client.make_url("/"))
    entered = await visitor.log_in()
    assert entered.cookies["session"].value != chosen


async def test_a_name_is_changed_and_shown_escaped(visitor: Visitor) -> None:
    await visitor.log_in()
    await visitor.open("/")
    changed = await visitor.send("/profile", name=' <script>alert("Ada")</script> ')
    assert (changed.status, changed.headers["Location"]) == (303, "/")
    await visitor.open("/")
    assert visitor.name == visitor.field("name") == '<script>alert("Ada")</script>'
    assert "<script>alert" not in visitor.text


@pytest.mark.parametrize("name", ["", "  ", "x" * 51, "two\nlines", "\x00"], ids=ascii)
async def test_what_is_no_name_is_told_beside_the_field(visitor: Visitor, name: str) -> None:
    await visitor.log_in()
    await visitor.open("/")
    refused = await visitor.send("/profile", name=name)
    assert refused.status == 422
    assert 'role="alert">A name has 1 to 50 characters, none of them a line break or the like.<' in visitor.text
    assert visitor.name == "Ada Lovelace"


async def test_a_file_is_no_name(visitor: Visitor) -> None:
    await visitor.log_in()
    await visitor.open("/")
    boundary = "--x\r\nContent-Disposition: form-data; name="
    body = f'{boundary}"csrf_token"\r\n\r\n{visitor.token}\r\n{boundary}"name"; filename="a"\r\n\r\nAda\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await visitor.ask("POST", "/profile", data=body.encode(), headers=headers)).status == 422


async def test_a_form_that_cannot_be_read_is_told(visitor: Visitor) -> None:
    await visitor.log_in()
    await visitor.open("/")
    headers = {"Content-Type": "multipart/form-data; boundary=x", "X-CSRF-Token": visitor.token}
    assert (await visitor.ask("POST", "/profile", data=b"no form", headers=headers)).status == 400


async def test_after_logging_out_the_session_is_gone_on_the_server_too(visitor: Visitor) -> None:
    entered = await visitor.log_in()
    kept = entered.cookies["session"].value
    await visitor.open("/")
    left = await visitor.send("/logout")
    assert (left.status, left.headers["Location"]) == (303, "/login")
    assert left.cookies["session"].value == ""
    visitor.client.session.cookie_jar.update_cookies({"session": kept}, visitor.client.make_url("/"))
    assert (await visitor.open("/")).status == 303


async def test_a_page_from_before_the_login_or_the_logout_is_worth_nothing_afterwards(visitor: Visitor) -> None:
    await visitor.open("/login")
    before = visitor.token
    await visitor.log_in()
    assert (await visitor.ask("POST", "/profile", data={"csrf_token": before, "name": "Eve"})).status == 403
    await visitor.open("/")
    during = visitor.token
    await visitor.send("/logout")
    await visitor.log_in()
    assert (await visitor.ask("POST", "/profile", data={"csrf_token": during, "name": "Eve"})).status == 403


# ---- what other sites may not do


FORGED = [
    pytest.param({"Sec-Fetch-Site": "cross-site"}, id="a page of another site"),
    pytest.param({"Sec-Fetch-Site": "same-site"}, id="a page of a sibling"),
    pytest.param({"Origin": STRANGER}, id="an older browser"),
    pytest.param({"Origin": "null"}, id="a page in a sandbox"),
]


@pytest.mark.parametrize("headers", FORGED)
@pytest.mark.parametrize("path", ["/login", "/profile", "/logout", "/api/token"])
async def test_a_request_of_another_site_is_refused_even_with_a_token(
    visitor: Visitor, headers: dict[str, str], path: str
) -> None:
    await visitor.log_in()
    await visitor.open("/")
    sent = {**headers, "X-CSRF-Token": visitor.token}
    assert (await visitor.ask("POST", path, data={"name": "Eve"}, headers=sent)).status == 403
    await visitor.open("/")
    assert visitor.name == "Ada Lovelace"


@pytest.mark.parametrize("path", ["/login", "/profile", "/logout", "/api/token"])
async def test_without_a_token_nothing_is_changed(visitor: Visitor, path: str) -> None:
    await visitor.log_in()
    assert (await visitor.ask("POST", path, data={"name": "Eve"})).status == 403
    assert (await visitor.open("/")).status == 200


async def test_the_token_of_somebody_else_is_worth_nothing(visitor: Visitor, aiohttp_client: AiohttpClient) -> None:
    other = Visitor(await aiohttp_client(visitor.client.server), visitor.app)
    await other.log_in("grace")
    await other.open("/")
    await visitor.log_in()
    cookies = other.client.session.cookie_jar.filter_cookies(other.client.make_url("/"))
    visitor.client.session.cookie_jar.update_cookies({"csrf": cookies["csrf"].value}, visitor.client.make_url("/"))
    assert (await visitor.ask("POST", "/profile", data={"csrf_token": other.token, "name": "Eve"})).status == 403


async def test_a_stranger_with_a_token_is_asked_to_log_in(visitor: Visitor) -> None:
    await visitor.open("/login")
    assert (await visitor.send("/profile", name="Eve")).status == 401


@pytest.mark.parametrize(("host", "status"), [("evil.example", 421), ("localhost", 200), ("a@b", 400)])
async def test_it_answers_for_its_own_hosts_only(visitor: Visitor, host: str, status: int) -> None:
    response = await visitor.ask("GET", "/login", headers={"Host": host})
    assert response.status == status
    assert response.headers["X-Content-Type-Options"] == "nosniff"


# ---- the API


async def test_a_token_says_for_five_minutes_who_may_do_what(visitor: Visitor) -> None:
    token = await visitor.make_token("grace")
    settings = visitor.app[SETTINGS]
    claims = jwt.decode(token, settings.jwt_secret, algorithms=["HS256"], issuer=ISSUER, audience=AUDIENCE)
    assert (claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == ("grace", "profile:read", 300)
    assert json.loads(visitor.text)["expires_in"] == 300


async def test_with_a_token_a_profile_is_read_and_changed(visitor: Visitor) -> None:
    token = await visitor.make_token()
    changed = await visitor.ask("PUT", "/api/profile", json={"name": " Ada King "}, headers=bearer(token))
    assert (changed.status, json.loads(visitor.text)) == (200, {"login": "ada", "name": "Ada King"})
    await visitor.ask("GET", "/api/profile", headers=bearer(token))
    assert json.loads(visitor.text) == {"login": "ada", "name": "Ada King"}


async def test_who_may_only_read_is_told_which_scope_it_takes(visitor: Visitor) -> None:
    token = await visitor.make_token("grace")
    assert (await visitor.ask("GET", "/api/profile", headers=bearer(token))).status == 200
    refused = await visitor.ask("PUT", "/api/profile", json={"name": "Eve"}, headers=bearer(token))
    assert refused.status == 403
    challenge = 'Bearer realm="protected", error="insufficient_scope", scope="profile:write"'
    assert refused.headers["WWW-Authenticate"] == challenge


def sign(secret: str, **claims: Any) -> str:
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "scope": "profile:read", "exp": time.time() + 60, **claims}
    return jwt.encode(whole, secret, algorithm="HS256")


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"exp": 0}, id="over"),
        pytest.param({"iss": "others"}, id="of others"),
        pytest.param({"aud": "others"}, id="for others"),
        pytest.param({"sub": ""}, id="of nobody"),
    ],
)
async def test_a_token_that_is_not_valid_is_refused(visitor: Visitor, claims: dict[str, Any]) -> None:
    token = sign(visitor.app[SETTINGS].jwt_secret, **claims)
    refused = await visitor.ask("GET", "/api/profile", headers=bearer(token))
    assert (refused.status, "invalid_token" in refused.headers["WWW-Authenticate"]) == (401, True)


async def test_a_token_that_others_have_signed_is_refused(visitor: Visitor) -> None:
    assert (await visitor.ask("GET", "/api/profile", headers=bearer(sign("x" * 32)))).status == 401


async def test_the_token_of_a_user_who_is_gone_is_refused(visitor: Visitor) -> None:
    token = sign(visitor.app[SETTINGS].jwt_secret, sub="eve")
    assert (await visitor.ask("GET", "/api/profile", headers=bearer(token))).status == 403


async def test_the_session_opens_no_api_and_a_token_opens_no_page(visitor: Visitor) -> None:
    token = await visitor.make_token()
    assert (await visitor.ask("GET", "/api/profile")).status == 401
    visitor.client.session.cookie_jar.clear()
    assert (await visitor.ask("GET", "/", headers=bearer(token))).status == 303


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"{", 400, id="broken"),
        pytest.param(b"[" * 60_000, 400, id="too deep"),
        pytest.param(b"\xff", 400, id="no Unicode"),
        pytest.param(b"[]", 422, id="a list"),
        pytest.param(b"{}", 422, id="no name"),
        pytest.param(b'{"name": 7}', 422, id="wrong type"),
        pytest.param(b'{"name": " "}', 422, id="blank"),
        pytest.param(b'{"name": "\\ud800"}', 422, id="half a pair"),
        pytest.param(b" " * 70_000, 413, id="large"),
    ],
)
async def test_a_bad_body_is_told(visitor: Visitor, body: bytes, status: int) -> None:
    token = await visitor.make_token()
    assert (await visitor.ask("PUT", "/api/profile", data=body, headers=bearer(token))).status == status


# ---- two policies on one path


@pytest.mark.parametrize(
    ("origin", "method", "allowed"),
    [
        pytest.param(READER, "GET", True, id="the reader reads"),
        pytest.param(READER, "PUT", False, id="the reader writes"),
        pytest.param(WRITER, "PUT", True, id="the writer writes"),
        pytest.param(WRITER, "GET", False, id="the writer reads"),
        pytest.param(STRANGER, "GET", False, id="a stranger reads"),
        pytest.param(STRANGER, "PUT", False, id="a stranger writes"),
        pytest.param("null", "GET", False, id="a sandbox reads"),
        pytest.param(READER, "DELETE", False, id="what is not there"),
    ],
)
async def test_each_method_is_open_to_pages_of_its_own_origins(
    visitor: Visitor, origin: str, method: str, allowed: bool
) -> None:
    asking = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = await visitor.ask("OPTIONS", "/api/profile", headers={"Origin": origin, **asking})
    assert preflight.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    if allowed:
        assert (preflight.status, preflight.headers["Access-Control-Allow-Methods"]) == (204, method)
    answer = await visitor.ask(method, "/api/profile", headers={"Origin": origin})
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None), "on a refusal, too"
    assert "Access-Control-Allow-Credentials" not in answer.headers, "no cookie opens the API"


@pytest.mark.parametrize("path", ["/", "/login", "/api/token", "/nowhere"])
async def test_nothing_else_is_open_to_pages_of_other_origins(visitor: Visitor, path: str) -> None:
    answer = await visitor.ask("GET", path, headers={"Origin": READER})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


# ---- headers and cookies


async def test_the_script_of_a_page_bears_the_nonce_of_its_policy_and_each_page_another(visitor: Visitor) -> None:
    await visitor.log_in()
    nonces = set()
    for _ in range(2):
        policy = (await visitor.open("/")).headers["Content-Security-Policy"]
        [nonce] = re.findall(r'<script nonce="([^"]+)">', visitor.text)
        assert f"script-src 'nonce-{nonce}';" in policy
        assert visitor.text.count("<script") == 1
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize("is_local", [True, False], ids=["on this machine", "for everyone"])
async def test_cookies_are_for_this_host_and_not_for_scripts(aiohttp_client: AiohttpClient, is_local: bool) -> None:
    client = await aiohttp_client(make_app(Settings(is_local=is_local)), cookie_jar=DummyCookieJar())
    page = await client.get("/login")
    [token] = re.findall('csrf_token" value="([^"]+)"', await page.text())
    [csrf] = page.headers.getall("Set-Cookie")
    fields = {"csrf_token": token, "login": "ada", "password": client.app[SETTINGS].password}
    sent = {"Cookie": csrf.partition(";")[0]}
    entered = await client.post("/login", data=fields, headers=sent, allow_redirects=False)
    cookies = [csrf, *entered.headers.getall("Set-Cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} == (
        {"csrf", "session"} if is_local else {"__Host-csrf", "__Host-session"}
    )
    for cookie in cookies:
        attributes = set(cookie.split("; ")[1:])
        assert attributes == {"Path=/", "HttpOnly", "SameSite=Lax"} | (set() if is_local else {"Secure"})


@pytest.mark.parametrize("is_local", [True, False], ids=["on this machine", "for everyone"])
async def test_browsers_are_told_to_come_by_https_only_where_it_is_served(
    aiohttp_client: AiohttpClient, is_local: bool
) -> None:
    client = await aiohttp_client(make_app(Settings(is_local=is_local)))
    headers = (await client.get("/login")).headers
    assert ("Strict-Transport-Security" in headers) is not is_local
    assert ("upgrade-insecure-requests" in headers["Content-Security-Policy"]) is not is_local


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere", "/api/profile", "/static/nothing", "/static/style.css"])
async def test_each_response_bears_the_headers(visitor: Visitor, path: str) -> None:
    headers = (await visitor.open(path)).headers
    assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static") else "no-store")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert headers["Referrer-Policy"] == "strict-origin"
    assert "Server" not in headers


async def test_a_preflight_does_not_tell_versions_either(visitor: Visitor) -> None:
    asking = CIMultiDict({"Origin": READER, "Access-Control-Request-Method": "GET"})
    assert "Server" not in (await visitor.ask("OPTIONS", "/api/profile", headers=asking)).headers


# ---- how it is made


@pytest.mark.parametrize("name", ["password", "csrf_secret", "jwt_secret"])
def test_secrets_are_new_at_each_start_and_are_not_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"ACCOUNTS_{name.upper()}", raising=False)
    one, two = Settings(), Settings()
    assert getattr(one, name) != getattr(two, name)
    assert getattr(one, name) not in repr(one)


@pytest.mark.parametrize("name", ["password", "csrf_secret", "jwt_secret"])
def test_secrets_are_taken_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ACCOUNTS_{name.upper()}", "from the environment")
    assert getattr(Settings(), name) == "from the environment"


async def test_passwords_are_hashed_each_with_its_own_salt_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # this test is about the price
    users = Users()
    for login in ("ada", "grace"):
        await users.add(login, login, frozenset(), "secret")
    ada, grace = users.find("ada"), users.find("grace")
    assert ada is not None
    assert grace is not None
    assert ada.digest != grace.digest
    assert ada.digest == hashlib.scrypt(b"secret", salt=ada.salt, n=2**14, r=8, p=5, dklen=32)
    assert str(ada.digest) not in repr(ada)


async def test_a_stranger_costs_a_hash_and_a_comparison_in_constant_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def compare_digest(one: bytes, other: bytes) -> bool:
        compared.append(len(one))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare_digest)
    users = Users()
    await users.add("ada", "Ada", frozenset(), "secret")
    assert await users.check("ada", "secret") is users.find("ada")
    assert await users.check("ada", "wrong") is None
    assert await users.check("eve", "secret") is None
    assert compared == [32, 32, 32]


async def test_a_password_of_any_letters_is_hashed() -> None:
    assert len(await hash_password("\ud800 ключ", b"salt")) == 32


async def test_it_does_not_start_with_a_route_that_nobody_guards() -> None:
    async def open_door(request: web.Request) -> web.Response:
        raise NotImplementedError

    app = make_app()
    app.router.add_get("/door", open_door)
    with pytest.raises(PolicyError, match="GET HEAD /door"):
        await web.AppRunner(app).setup()


def test_the_two_methods_of_the_profile_stand_behind_two_policies() -> None:
    routes = [route for route in make_app().router.routes() if "profile" in str(route)]
    names = {route.method: [getattr(link, "__name__", "") for link in links_of(route)] for route in routes}
    assert names["GET"] == ["cors", "jwt_auth", "authorise", "fetch_user", "get_profile"]
    assert names["PUT"] == ["cors", "jwt_auth", "authorise", "fetch_user", "put_profile"]


def test_values_are_escaped_for_text_and_attributes() -> None:
    page = render("login", title="<&>", csrf_token='"', next="'", login="$problem", problem="")
    assert "<h1>&lt;&amp;&gt;</h1>" in page
    assert 'value="&quot;"' in page
    assert 'value="&#x27;"' in page
    assert 'value="$problem"' in page


# ---- as a person starts it


@contextmanager
def start(*arguments: str) -> Iterator[Process]:
    """Start it in a process of its own, which does not outlive the test."""
    with subprocess.Popen(
        [sys.executable, "-m", "examples.accounts", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = Timer(60, process.kill)
        deadline.start()
        try:
            yield process
        finally:
            deadline.cancel()
            process.kill()


def read_banner(process: Process) -> str:
    assert process.stdout is not None
    banner = ""
    for line in iter(process.stdout.readline, ""):
        banner += line
        if line == LAST_LINE:
            return banner
    raise AssertionError(f"the accounts did not start: {banner}")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
async def test_what_is_printed_at_the_start_works_until_a_signal_comes(number: signal.Signals) -> None:
    with start("--port", "0") as process:
        banner = await asyncio.to_thread(read_banner, process)
        await follow(banner)
        process.send_signal(number)
        assert (process.communicate(), process.returncode) == (("", ""), 0)


async def follow(banner: str) -> None:
    """Log in as printed, make a token, and ask for what is printed with it."""
    found = re.search(r"at (http://localhost:\d+) now(?s:.*)password (\S+)\n", banner)
    assert found
    url, password = found[1], found[2]
    async with ClientSession() as session:
        page = await (await session.get(f"{url}/")).text()
        [token] = re.findall('csrf_token" value="([^"]+)"', page)
        fields = {"csrf_token": token, "login": "ada", "password": password, "next": "/"}
        page = await (await session.post(f"{url}/login", data=fields)).text()
        [token, *_] = re.findall('csrf_token" value="([^"]+)"', page)
        made = await (await session.post(f"{url}/api/token", headers={"X-CSRF-Token": token})).json()
    trials = read_trials(banner.replace("TOKEN", made["access_token"]))
    assert len(trials) == 2
    async with ClientSession() as session:
        for trial in trials:
            await trial.check(await trial.ask(session))


def test_a_taken_port_is_one_line_with_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with start("--port", str(number)) as process:
            printed, complaint = process.communicate()
    assert (process.returncode, printed) == (1, "")
    assert complaint.startswith(f"Port {number}: ")
    assert complaint.endswith("; choose another: --port N, or --port 0 for any free one\n")


@pytest.mark.parametrize("option", ["--reader", "--writer"])
def test_an_origin_that_is_none_is_told(option: str) -> None:
    with start(option, "reader.example") as process:
        printed, complaint = process.communicate()
    assert (process.returncode, printed) == (1, "")
    assert "'reader.example', which is not an origin" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("number", ["65536", "-1", "http"])
def test_a_port_that_is_none_is_told(number: str) -> None:
    with start(f"--port={number}") as process:
        _, complaint = process.communicate()
    assert process.returncode == 2
    assert complaint.endswith(f"argument --port: invalid port value: '{number}'\n")
