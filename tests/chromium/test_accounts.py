"""The accounts in a browser: what it keeps, sends, runs and refuses, on the word of the headers that it gets."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pytest_aiohttp.plugin import AiohttpServer

from aiohttp_route_middleware import UrlDispatcherEx, links_of
from aiohttp_route_middleware.middlewares.secure_headers import CSP_NONCE
from aiohttp_route_middleware.support.access.identity import IDENTITY
from examples.accounts.application import make_app
from examples.accounts.keys import SETTINGS, USERS
from examples.accounts.settings import Settings
from examples.accounts.users import COST

from .driver import Page

# What this build of Chromium says of a feature that is named to forbid it, and that it does not have.
HARMLESS = "Error with Permissions-Policy header: Unrecognized feature"

FETCH = """
const [method, url, token] = arguments
const headers = { Authorization: `Bearer ${token}` }
if (method == "PUT") headers["Content-Type"] = "application/json"
const body = method == "PUT" ? JSON.stringify({ name: "Ada King" }) : undefined
return fetch(url, { method, headers, body }).then(
  async response => `${response.status} ${await response.text()}`,
  error => String(error)
)
"""


class Accounts:
    """The accounts on a real socket, with a browser before them, and pages of other origins."""

    def __init__(self, page: Page, app: web.Application, servers: dict[str, str]) -> None:
        self.page = page
        self.app = app
        self.servers = servers
        self.url = servers["accounts"]
        self.profile = f"{self.url}/api/profile"

    async def log_in(self, password: str = "") -> None:
        """Fill in the page that is open."""
        await self.page.write("#login", "ada")
        await self.page.write("#password", password or self.app[SETTINGS].password)
        await self.page.follow("form button")

    async def make_token(self) -> str:
        """Log in, make a token, and wait until the script of the page has written it."""
        await self.page.open(self.url)
        await self.log_in()
        await self.page.click("#make-token")
        token: str = await self.page.run(_WHEN_WRITTEN, "#token")
        assert token.count(".") == 2, token
        return token

    async def fetch(self, method: str, origin: str, token: str) -> str:
        """Ask for the profile as a script of a page of another origin."""
        await self.page.open(self.servers[origin])
        answer: str = await self.page.run(FETCH, method, self.profile, token)
        return answer

    @property
    def name(self) -> str:
        user = self.app[USERS].find("ada")
        assert user is not None
        return user.name


_WHEN_WRITTEN = """
const element = document.querySelector(arguments[0])
return new Promise(resolve => {
  const look = () => element.textContent && resolve(element.textContent)
  new MutationObserver(look).observe(element, { childList: true })
  look()
})
"""


@pytest.fixture
async def accounts(
    request: pytest.FixtureRequest,
    page: Page,
    aiohttp_server: AiohttpServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Accounts:
    monkeypatch.setitem(COST, "n", 2)  # what is slow on purpose need not slow down tests
    servers = {name: address(await aiohttp_server(make_stranger())) for name in ("reader", "writer", "evil")}
    is_local = getattr(request, "param", True)
    app = make_app(Settings(is_local=is_local, readers=[servers["reader"]], writers=[servers["writer"]]))
    add_two_scripts(app)
    servers["accounts"] = address(await aiohttp_server(app))
    return Accounts(page, app, servers)


def address(server: TestServer) -> str:
    return f"http://localhost:{server.port}"


def make_stranger() -> web.Application:
    """Another site: an empty page, and one with a form that it sends to an address."""

    async def show_nothing(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Other</title>", content_type="text/html")

    async def show_form(request: web.Request) -> web.Response:
        form = '<form method="post" action="{to}"><input name="name" value="Eve"><button>You have won</button></form>'
        return web.Response(text=form.format_map(request.query), content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show_nothing)
    app.router.add_get("/form", show_form)
    return app


def add_two_scripts(app: web.Application) -> None:
    """Add a page with a script that bears the nonce, and with one that somebody has smuggled in."""

    async def show_scripts(request: web.Request) -> web.Response:
        ours = f'<script nonce="{request[CSP_NONCE]}">document.title = "ours"</script>'
        theirs = '<script>document.title = "theirs"</script><img src="x" onerror="document.title = \'theirs\'">'
        return web.Response(text=f"<!doctype html>{ours}{theirs}", content_type="text/html")

    router = app.router
    assert isinstance(router, UrlDispatcherEx)
    routes = [route for route in router.routes() if route.resource and route.resource.canonical == "/"]
    router.add_get("/scripts", *links_of(routes[0])[:-1], show_scripts, given=[IDENTITY])


# ---- pages


async def test_a_person_logs_in_changes_the_name_and_logs_out(accounts: Accounts) -> None:
    page = accounts.page
    await page.open(f"{accounts.url}/?tab=names")
    assert await page.url() == f"{accounts.url}/login?next=/?tab%3Dnames"

    await accounts.log_in(password="wrong")
    assert await page.text("[role=alert]") == "This is not the user, or not the password."

    await accounts.log_in()
    assert await page.url() == f"{accounts.url}/?tab=names"
    assert await page.text("h1") == "Hello, Ada Lovelace"

    await page.write("#name", "Ada <b>King</b>")
    await page.follow("[action='/profile'] button")
    assert await page.url() == f"{accounts.url}/"
    assert await page.text("h1") == "Hello, Ada <b>King</b>"

    await page.follow("[action='/logout'] button")
    assert await page.url() == f"{accounts.url}/login"
    assert "session" not in await page.cookies()
    await page.open(accounts.url)
    assert (await page.url()).endswith("/login?next=/")


async def test_the_browser_finds_nothing_to_complain_of(accounts: Accounts) -> None:
    await accounts.make_token()
    assert [text for text in await accounts.page.complaints() if HARMLESS not in text] == []


@pytest.mark.parametrize("accounts", [True, False], indirect=True, ids=["on this machine", "for everyone"])
async def test_cookies_are_kept_from_scripts_and_from_other_sites(accounts: Accounts) -> None:
    # Chromium takes Secure cookies, and the prefix __Host-, from localhost over http as well; Safari does not.
    is_local = accounts.app[SETTINGS].is_local
    await accounts.page.open(accounts.url)
    await accounts.log_in()
    assert await accounts.page.text("h1") == "Hello, Ada Lovelace"
    cookies = await accounts.page.cookies()
    assert set(cookies) == ({"csrf", "session"} if is_local else {"__Host-csrf", "__Host-session"})
    for cookie in cookies.values():
        assert cookie["httpOnly"]
        assert cookie["secure"] is not is_local
        assert (cookie["sameSite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "localhost")
        assert "expiry" not in cookie
    assert await accounts.page.run("return document.cookie") == ""


async def test_a_script_with_the_nonce_runs_and_one_without_does_not(accounts: Accounts) -> None:
    await accounts.page.open(f"{accounts.url}/scripts")
    await accounts.log_in()
    assert await accounts.page.run("return document.title") == "ours"
    refused = [text for text in await accounts.page.complaints() if "Content Security Policy" in text]
    assert len(refused) == 2, "the script, and the handler in an attribute"


async def test_no_page_may_show_the_account_in_a_frame(accounts: Accounts) -> None:
    await accounts.page.open(accounts.servers["evil"])
    await accounts.page.run(
        "const frame = document.createElement('iframe'); frame.src = arguments[0]; "
        "return new Promise(resolve => { frame.onload = resolve; document.body.append(frame) }).then(() => null)",
        f"{accounts.url}/login",
    )
    assert any("frame-ancestors 'none'" in text for text in await accounts.page.complaints())


# ---- pages of other origins


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["another port", "another site"])
async def test_a_form_of_another_origin_is_refused(accounts: Accounts, host: str) -> None:
    await accounts.page.open(accounts.url)
    await accounts.log_in()
    evil = accounts.servers["evil"].replace("localhost", host)
    for path in ("/profile", "/logout", "/login"):
        await accounts.page.open(f"{evil}/form?to={accounts.url}{path}")
        await accounts.page.follow("button")
        assert await accounts.page.url() == f"{accounts.url}{path}"
        assert await accounts.page.text() == "403: this request comes from another origin"
    await accounts.page.open(accounts.url)
    assert await accounts.page.text("h1") == "Hello, Ada Lovelace", "still logged in, under the same name"


async def test_a_page_of_the_origin_that_may_read_reads_and_no_other(accounts: Accounts) -> None:
    token = await accounts.make_token()
    assert await accounts.fetch("GET", "reader", token) == '200 {"login": "ada", "name": "Ada Lovelace"}'
    for origin in ("writer", "evil"):
        assert await accounts.fetch("GET", origin, token) == "TypeError: Failed to fetch"
        assert any("blocked by CORS policy" in text for text in await accounts.page.complaints())


async def test_a_page_of_the_origin_that_may_write_writes_and_no_other(accounts: Accounts) -> None:
    token = await accounts.make_token()
    for origin in ("reader", "evil"):
        assert await accounts.fetch("PUT", origin, token) == "TypeError: Failed to fetch"
        assert accounts.name == "Ada Lovelace", "the preflight was refused, so nothing was sent"
    assert await accounts.fetch("PUT", "writer", token) == '200 {"login": "ada", "name": "Ada King"}'
    assert accounts.name == "Ada King"


async def test_a_page_that_may_ask_reads_why_it_was_refused(accounts: Accounts) -> None:
    assert await accounts.fetch("GET", "reader", "none") == "401 401: Unauthorized"


async def test_no_page_of_another_origin_reads_an_account_with_the_cookie(accounts: Accounts) -> None:
    await accounts.page.open(accounts.url)
    await accounts.log_in()
    await accounts.page.open(accounts.servers["reader"])
    script = "return fetch(arguments[0], { credentials: 'include' }).then(() => 'read', String)"
    assert await accounts.page.run(script, accounts.url) == "TypeError: Failed to fetch"
