"""The gateway, with its services, over real sockets: what it prints, who gets where, and what nobody ever sees."""

import asyncio
import errno
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

import jwt
import pytest
from aiohttp import ClientResponse, ClientSession, WSServerHandshakeError, web
from aiohttp.test_utils import BaseTestServer, TestClient, TestServer, make_mocked_request
from aiohttp.typedefs import Handler
from multidict import CIMultiDict
from pytest_aiohttp.plugin import AiohttpClient

from examples.erp_gateway.application import make_app
from examples.erp_gateway.failures import apologise
from examples.erp_gateway.login import ALGORITHM, ISSUER
from examples.erp_gateway.running import listen, locate, make_all
from examples.erp_gateway.services.inventory import make_inventory
from examples.erp_gateway.services.transactions import LEDGER, Ledger, make_transactions
from examples.erp_gateway.settings import Settings
from examples.erp_gateway.upstreams import GATEWAY
from examples.erp_gateway.users import COST

from .trials import Trial, read_trials

ROOT = Path(__file__).parents[2]
LAST_LINE = "Press Ctrl-C to stop.\n"
LAMP = {"category": "tech", "amount": 20, "description": "A lamp"}

Client = TestClient[Any, Any]
Process = subprocess.Popen[str]

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals, and another shell")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")


# ---- as a person starts it


@contextmanager
def start(*command: str) -> Iterator[Process]:
    """Start Python in a process of its own, which does not outlive the test."""
    with subprocess.Popen(
        [sys.executable, *command],
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


def start_gateway(*arguments: str) -> Any:
    return start("-m", "examples.erp_gateway", *arguments)


def read_until(process: Process, last: str) -> str:
    """Wait for a line; return all that was printed up to there."""
    assert process.stdout is not None
    printed = ""
    for line in iter(process.stdout.readline, ""):
        printed += line
        if line == last:
            return printed
    assert process.stderr is not None
    raise AssertionError(f"it did not start: {printed}{process.stderr.read()}")


def finish(process: Process) -> tuple[int, str, str]:
    """Wait for the end; return the exit code, and what was printed since."""
    printed, complaints = process.communicate()
    return process.returncode, printed, complaints


def run(command: str, token: str) -> str:
    """Run a line in a shell, as somebody would who has pasted it."""
    done = subprocess.run(
        ["bash", "-c", command.replace("curl ", "curl -s ")],
        env={**os.environ, "TOKEN": token},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def try_with_curl(banner: str) -> list[Trial]:
    """Run each line that is printed, from top to bottom, and hold it to its promise."""
    token, tried = "", []
    for line, answer in zip(banner.splitlines(), banner.splitlines()[1:]):
        if "TOKEN=$(" in line:
            token = run(f"{line}; echo $TOKEN", token).strip()
        elif line.startswith("  curl "):
            [trial] = read_trials(f"{line}\n{answer}")
            head, _, body = run(line, token).partition("\n\n")
            trial.compare(int(head.split()[1]), body)
            tried.append(trial)
    return tried


async def try_with_aiohttp(banner: str) -> list[Trial]:
    """The same where there is no curl, and no shell."""
    token, tried = "", []
    async with ClientSession() as session:
        for line, answer in zip(banner.splitlines(), banner.splitlines()[1:]):
            if "TOKEN=$(" in line:
                told = line.partition("$(")[2].partition(" |")[0].replace("curl -s", "curl -i")
                async with await read_trials(f"{told}\n-> 200 ...")[0].ask(session) as response:
                    token = str((await response.json())["token"])
            elif line.startswith("  curl "):
                [trial] = read_trials(f"{line.replace('$TOKEN', token)}\n{answer}")
                async with await trial.ask(session) as response:
                    await trial.check(response)
                tried.append(trial)
    return tried


PROMISED = [401, 401, 200, 404, 400, 401, 200, 201, 403, 200]


@posix
@needs_curl
def test_each_printed_line_answers_in_a_shell_what_is_printed() -> None:
    with start_gateway("--port", "0") as process:
        assert [trial.status for trial in try_with_curl(read_until(process, LAST_LINE))] == PROMISED
        process.terminate()
        assert finish(process)[:2] == (0, "")


async def test_each_printed_request_answers_what_is_printed() -> None:
    with start_gateway("--port", "0") as process:
        assert [trial.status for trial in await try_with_aiohttp(read_until(process, LAST_LINE))] == PROMISED


@posix
async def test_the_printed_feed_shows_what_is_made_and_a_signal_ends_all_of_it() -> None:
    with start_gateway("--port", "0") as process:
        banner = read_until(process, LAST_LINE)
        async with ClientSession() as session:
            token = await log_in(session, banner)
            (command,) = re.findall(r"^  .* (-m examples.erp_gateway.watch .*)$", banner, re.MULTILINE)
            with start(*shlex.split(command.replace("$TOKEN", token))) as watching:
                read_until(watching, "The feed is open.\n")
                url = command.split()[2].removesuffix("/feed")
                made = await session.post(url, json=LAMP, headers={"Authorization": f"Bearer {token}"})
                assert watching.stdout is not None
                assert json.loads(watching.stdout.readline()) == await made.json()
                process.send_signal(signal.SIGINT)
                code, _, log = finish(process)
                assert finish(watching) == (0, "", "")
    assert code == 0
    assert "Traceback" not in log
    assert re.search(r"[0-9a-f]{32} INFO POST /transactions 201 in ", log)
    assert token not in log


async def log_in(session: ClientSession, banner: str) -> str:
    body, url = re.findall(r"-d '(.*)' (\S+/login) \|", banner)[0]
    async with session.post(url, data=body) as response:
        return str((await response.json())["token"])


def test_a_taken_port_is_one_line_with_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with start_gateway("--port", str(number)) as process:
            code, printed, complaint = finish(process)
    cure = "choose another: --port N, or --port 0 for any free one\n"
    assert (code, printed) == (1, "")
    assert complaint == f"Port {number}: {os.strerror(errno.EADDRINUSE)}; {cure}"


@pytest.mark.parametrize("number", ["65536", "-1", "http"])
def test_a_port_that_is_none_is_told(number: str) -> None:
    with start_gateway(f"--port={number}") as process:
        code, _, complaint = finish(process)
    assert code == 2
    assert complaint.endswith(f"argument --port: invalid port value: '{number}'\n")


# ---- in this process


@dataclass
class Erp:
    """The gateway and the services behind it, on real sockets.

    Attributes:
        asked: what the services were asked: path and query, and header fields.
        seen: what the gateway has answered: header fields and bodies.
    """

    client: Client
    settings: Settings
    transactions: BaseTestServer
    inventory: BaseTestServer
    ledger: Ledger
    asked: list[tuple[str, CIMultiDict[str]]]
    seen: list[str] = field(default_factory=list)

    async def log_in(self, user: str = "WAL001") -> dict[str, str]:
        response = await self.client.post("/login", json={"user": user, "password": self.settings.password})
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
        return {"Authorization": f"Bearer {(await response.json())['token']}"}

    async def ask(self, method: str, path: str, headers: dict[str, str], **options: Any) -> ClientResponse:
        """Ask the gateway, and keep all that comes back."""
        response = await self.client.request(method, path, headers=headers, **options)
        self.seen += [str(response.headers), await response.text()]
        return response

    async def ask_for(self, target: str, headers: dict[str, str]) -> str:
        """Ask the gateway for exactly this; return all that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.client.port)
        fields = {"Host": "erp", "Connection": "close", **headers}
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        writer.write("\r\n".join(lines).encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer.decode()


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is slow on purpose need not slow down tests."""
    monkeypatch.setitem(COST, "n", 2)


@pytest.fixture
async def erp(aiohttp_client: AiohttpClient) -> AsyncIterator[Erp]:
    asked: list[tuple[str, CIMultiDict[str]]] = []

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked.append((request.raw_path, request.headers.copy()))
        return await handler(request)

    keys = Settings()
    transactions = make_transactions(keys.transactions_key)
    inventory = make_inventory(GATEWAY, keys.inventory_password)
    for service in (transactions, inventory):
        service.middlewares.append(record)
    async with TestServer(transactions) as first, TestServer(inventory) as second:
        settings = Settings(
            transactions_url=f"http://127.0.0.1:{first.port}",
            inventory_url=f"http://127.0.0.1:{second.port}",
            transactions_key=keys.transactions_key,
            inventory_password=keys.inventory_password,
        )
        yield Erp(await aiohttp_client(make_app(settings)), settings, first, second, transactions[LEDGER], asked)


async def test_all_in_one_process_is_the_gateway_with_its_services(aiohttp_client: AiohttpClient) -> None:
    with listen() as transactions, listen() as inventory:
        assert locate(transactions) != locate(inventory)
        client = await aiohttp_client(make_all(transactions, inventory))
        assert (await client.get("/transactions")).status == 401
        await client.close()


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        pytest.param('{"user": "WAL001", "password": "guess"}', 401, "user or password is wrong", id="wrong password"),
        pytest.param('{"user": "EVE", "password": "guess"}', 401, "user or password is wrong", id="no such user"),
        pytest.param('{"user": "WAL001", "password": "\\ud800"}', 401, "user or password is wrong", id="half a pair"),
        pytest.param('{"user": "WAL001"}', 422, 'send {"user": "...", "password": "..."}', id="no password"),
        pytest.param('{"user": 1, "password": 2}', 422, 'send {"user": "...", "password": "..."}', id="no texts"),
        pytest.param("[]", 422, 'send {"user": "...", "password": "..."}', id="a list"),
        pytest.param("user=WAL001", 400, "the body is not JSON", id="a form"),
        pytest.param("[" * 60_000, 400, "the body is not JSON", id="too deep"),
    ],
)
async def test_a_login_that_fails_is_told_what_is_wrong(erp: Erp, body: str, status: int, detail: str) -> None:
    response = await erp.ask("POST", "/login", {}, data=body)
    told = await response.json()
    assert (response.status, told["detail"]) == (status, detail)
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ["/transactions", "/inventory", "/status"])
async def test_without_a_token_nothing_is_passed_on(erp: Erp, path: str) -> None:
    forged = jwt.encode({"sub": "WAL001", "shop": "WAL001", "iss": ISSUER}, "x" * 32, algorithm=ALGORITHM)
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": f"Bearer {forged}"}):
        response = await erp.ask("GET", path, headers)
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert erp.asked == []


async def test_a_shop_sees_its_own_and_nothing_of_others(erp: Erp) -> None:
    for shop in ("WAL001", "MAR002"):
        token = await erp.log_in(shop)
        for path in ("/transactions", "/inventory"):
            items = await (await erp.ask("GET", path, token)).json()
            assert {item["shop"] for item in items} == {shop}
    assert [path for path, _ in erp.asked] == [
        "/shops/WAL001/transactions",
        "/shops/WAL001/inventory",
        "/shops/MAR002/transactions",
        "/shops/MAR002/inventory",
    ]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/transactions/../../MAR002/transactions", 400, id="dots"),
        pytest.param("/transactions/..%2F..%2FMAR002/transactions", 400, id="an encoded slash"),
        pytest.param("/transactions/%2e%2e/%2E%2E/MAR002/transactions", 400, id="encoded dots"),
        pytest.param("/transactions/%2e%2e%2f%2e%2e%2fMAR002%2ftransactions", 400, id="all of it encoded"),
        pytest.param("/transactions/..;/..;/MAR002/transactions", 400, id="parameters"),
        pytest.param("/transactions/..%5C..%5CMAR002", 400, id="backslashes"),
        pytest.param("/shops/MAR002/transactions", 404, id="the path of the service"),
        pytest.param("//shops/MAR002/transactions", 404, id="two slashes"),
        pytest.param("/transactions/%252e%252e/%252e%252e/MAR002/transactions", 404, id="encoded twice"),
    ],
)
async def test_no_path_leads_to_another_shop(erp: Erp, path: str, status: int) -> None:
    answer = await erp.ask_for(path, await erp.log_in())
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert [path for path, _ in erp.asked if not path.startswith("/shops/WAL001/")] == []


async def test_what_a_client_writes_chooses_neither_the_service_nor_who_is_asking(erp: Erp) -> None:
    url = f"{erp.settings.inventory_url}/transactions"
    forged = {"X-Original-URL": "/shops/MAR002/transactions", "X-Forwarded-For": "10.0.0.1"}
    assert (await erp.ask_for(url, {**await erp.log_in(), **forged})).startswith("HTTP/1.1 200 ")
    [(path, headers)] = erp.asked
    assert path == "/shops/WAL001/transactions"
    assert "X-Original-URL" not in headers
    assert headers["X-Forwarded-For"] == "127.0.0.1"


async def test_credentials_of_a_client_never_reach_the_services(erp: Erp) -> None:
    token = await erp.log_in()
    secret = token["Authorization"].partition(" ")[2]
    sent = {**token, "Cookie": "session=abc", "X-API-Key": "guess", "Proxy-Authorization": "Basic eDp5"}
    for path in ("/transactions", "/inventory"):
        assert (await erp.ask("GET", path, sent)).status == 200
    (_, first), (_, second) = erp.asked
    assert first.getall("X-API-Key") == [erp.settings.transactions_key]
    assert "Authorization" not in first
    assert len(second.getall("Authorization")) == 1
    assert second["Authorization"].startswith("Basic ")
    for headers in (first, second):
        assert secret not in str(headers)
        assert headers.keys().isdisjoint({"Cookie", "Proxy-Authorization"})


async def test_credentials_of_the_gateway_never_reach_a_client(erp: Erp) -> None:
    token = await erp.log_in()
    for method, path in [
        ("GET", "/transactions"),
        ("GET", "/inventory"),
        ("GET", "/inventory/7"),
        ("PUT", "/inventory"),
    ]:
        await erp.ask(method, path, token)
    await erp.transactions.close()
    await erp.ask("GET", "/transactions", token)
    secrets = (erp.settings.transactions_key, erp.settings.inventory_password, erp.settings.jwt_secret)
    assert [text for text in erp.seen if any(secret in text for secret in secrets)] == []
    assert len(erp.asked) == 4


async def test_the_id_of_a_request_is_told_to_the_service_and_to_the_client(erp: Erp) -> None:
    response = await erp.ask("GET", "/transactions", {**await erp.log_in(), "X-Request-ID": "seven"})
    assert response.headers["X-Request-ID"] == erp.asked[0][1]["X-Request-ID"] == "seven"


@pytest.mark.parametrize("coding", ["br", "gzip"])
async def test_answers_are_compressed_for_who_accepts_it(erp: Erp, coding: str) -> None:
    token = await erp.log_in()
    plain = await erp.ask("GET", "/inventory", {**token, "Accept-Encoding": "identity"})
    packed = await erp.ask("GET", "/inventory", {**token, "Accept-Encoding": coding})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == coding
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert await packed.json() == await plain.json()


async def test_what_is_made_is_found_where_its_location_says(erp: Erp) -> None:
    token = await erp.log_in()
    made = await erp.ask("POST", "/transactions", token, json=LAMP)
    assert (made.status, made.headers["Location"]) == (201, "/transactions/5")
    found = await erp.ask("GET", made.headers["Location"], token)
    assert await found.json() == await made.json() == {"id": 5, "shop": "WAL001", **LAMP, "amount": 20.0}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="no amount"),
        pytest.param(json.dumps({**LAMP, "amount": "much"}), id="no number"),
        pytest.param(json.dumps({**LAMP, "amount": float("nan")}), id="not a number"),
        pytest.param(json.dumps({**LAMP, "amount": 10**400}), id="too large"),
        pytest.param("[" * 60_000, id="too deep"),
    ],
)
async def test_what_a_service_refuses_is_passed_on_as_it_is(erp: Erp, body: str) -> None:
    refused = await erp.ask("POST", "/transactions", await erp.log_in(), data=body)
    told = {"error": "send category, amount and description, as a JSON object"}
    assert (refused.status, await refused.json()) == (422, told)


async def test_what_is_not_there_is_told_by_the_service(erp: Erp) -> None:
    token = await erp.log_in()
    for path in ("/transactions/99", "/inventory/99"):
        missing = await erp.ask("GET", path, token)
        assert (missing.status, list(await missing.json())) == (404, ["error"])
    wrong = await erp.ask("DELETE", "/inventory/1", token)
    assert (wrong.status, wrong.headers["Allow"]) == (405, "GET,HEAD")


async def test_the_feed_tells_a_shop_of_its_transactions_and_of_no_others(erp: Erp) -> None:
    mine, others = await erp.log_in("WAL001"), await erp.log_in("MAR002")
    async with erp.client.ws_connect("/transactions/feed", headers=mine) as feed:
        await erp.ask("POST", "/transactions", others, json=LAMP)
        made = await erp.ask("POST", "/transactions", mine, json=LAMP)
        await feed.send_str("hello?")  # which nobody reads
        assert await feed.receive_json(timeout=20) == await made.json()
    assert erp.asked[0][0] == "/shops/WAL001/transactions/feed"


async def test_the_feed_is_closed_to_strangers(erp: Erp) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await erp.client.ws_connect("/transactions/feed")
    assert refused.value.status == 401
    assert erp.asked == []


async def test_a_listener_that_has_gone_does_not_keep_others_from_being_told(erp: Erp) -> None:
    class Gone(web.WebSocketResponse):
        async def send_json(self, *_: Any, **__: Any) -> None:
            raise ConnectionResetError

    token = await erp.log_in()
    async with erp.client.ws_connect("/transactions/feed", headers=token) as feed:
        erp.ledger.listeners.insert(0, ("WAL001", Gone()))
        await erp.ask("POST", "/transactions", token, json=LAMP)
        assert (await feed.receive_json(timeout=20))["description"] == "A lamp"


async def test_a_service_that_is_down_is_a_clear_answer(erp: Erp, caplog: pytest.LogCaptureFixture) -> None:
    token = await erp.log_in()
    await erp.inventory.close()
    response = await erp.ask("GET", "/inventory", token)
    assert (response.status, response.headers["Retry-After"]) == (502, "5")
    assert await response.json() == {
        "type": "about:blank",
        "title": "Bad Gateway",
        "status": 502,
        "detail": "The inventory service does not answer now. Try again in a moment.",
    }
    assert (await erp.ask("GET", "/transactions", token)).status == 200, "the other one goes on"
    assert [text for text in erp.seen if erp.settings.inventory_url.partition("//")[2] in text] == []
    assert f"{erp.settings.inventory_url} could not be reached" in caplog.text


def test_a_failure_of_the_gateway_itself_is_no_fault_of_a_service() -> None:
    apologise(make_mocked_request("GET", "/login"), web.HTTPBadGateway())


async def test_a_credential_that_a_service_refuses_is_the_fault_of_the_gateway(aiohttp_client: AiohttpClient) -> None:
    async with TestServer(make_transactions("another key")) as transactions:
        settings = Settings(transactions_url=f"http://127.0.0.1:{transactions.port}")
        client = await aiohttp_client(make_app(settings))
        login = await client.post("/login", json={"user": "WAL001", "password": settings.password})
        token = (await login.json())["token"]
        response = await client.get("/transactions", headers={"Authorization": f"Bearer {token}"})
        assert (response.status, "WWW-Authenticate" in response.headers) == (502, False)
        assert "transactions" in (await response.json())["detail"]


async def test_the_operator_sees_how_requests_have_ended_and_nobody_else_does(erp: Erp) -> None:
    token, operator = await erp.log_in(), await erp.log_in("operator")
    assert (await erp.ask("GET", "/transactions", operator)).status == 403
    assert (await erp.ask("GET", "/status", token)).status == 403
    for _ in range(2):
        await erp.ask("GET", "/transactions", token)
    await erp.inventory.close()
    await erp.ask("GET", "/inventory", token)
    numbers = await (await erp.ask("GET", "/status", operator)).json()
    assert {service: told.keys() for service, told in numbers.items()} == {
        "transactions": {"answered", "seconds"},
        "inventory": {"failed", "seconds"},
    }
    assert (numbers["transactions"]["answered"], numbers["inventory"]["failed"]) == (2, 1)


def test_secrets_are_new_at_each_start_and_are_not_shown() -> None:
    one, two = Settings(), Settings()
    assert one.transactions_key != two.transactions_key
    assert one.transactions_key not in repr(one)
