"""The blog does what it prints when it starts, stops when it is told to, and answers bad input clearly."""

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import links_of
from examples.blog.application import make_app
from examples.blog.keys import STORE, USERS
from examples.blog.store import Post
from examples.blog.users import find_user, make_users

from .trials import Trial, read_trials

ROOT = Path(__file__).parents[2]
LAST_LINE = "Press Ctrl-C to stop.\n"

Client = TestClient[web.Request, web.Application]
Process = subprocess.Popen[str]

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals")


# ---- as a person starts it


@contextmanager
def start(*arguments: str, **environment: str) -> Iterator[Process]:
    """Start the blog in a process of its own, which does not outlive the test."""
    with subprocess.Popen(
        [sys.executable, "-m", "examples.blog", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
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
    """Wait for the last line that the blog prints, which it does once it listens; return all of them."""
    assert process.stdout is not None
    assert process.stderr is not None
    banner = ""
    for line in iter(process.stdout.readline, ""):
        banner += line
        if line == LAST_LINE:
            return banner
    raise AssertionError(f"the blog did not start: {banner}{process.stderr.read()}")


def finish(process: Process) -> tuple[int, str, str]:
    """Wait for the end; return the exit code, and what was printed since the banner."""
    printed, complaints = process.communicate()
    return process.returncode, printed, complaints


async def try_all(banner: str) -> list[Trial]:
    """Ask for all that the banner says to try, as it stands there, and hold it to its promises."""
    trials = read_trials(banner)
    async with ClientSession() as session:
        for trial in trials:
            async with await trial.ask(session) as response:
                await trial.check(response)
    return trials


@posix
async def test_each_printed_request_answers_what_is_printed() -> None:
    with start("--port", "0") as process:
        trials = await try_all(read_banner(process))
        process.terminate()
        assert finish(process) == (0, "", "")
    assert {trial.status for trial in trials} == {200, 201, 204, 401, 403, 404, 422}


async def test_a_database_file_is_kept_and_the_promises_hold_on_a_used_one(tmp_path: Path) -> None:
    database = tmp_path / "blog.sqlite"
    for start_count in (1, 2):
        with start("--port", "0", "--database", str(database)) as process:
            await try_all(read_banner(process))
        assert len(await posts_in(database)) == start_count, "each time writes two posts and deletes one"


async def posts_in(database: Path) -> list[Post]:
    app = make_app(database)
    runner = web.AppRunner(app)
    await runner.setup()
    posts = await app[STORE].latest_posts()
    await runner.cleanup()
    return posts


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_stops_it_without_a_trace(number: signal.Signals, tmp_path: Path) -> None:
    with start("--port", "0", TMPDIR=str(tmp_path)) as process:
        read_banner(process)
        assert [path.name for path in tmp_path.glob("*/*")] == ["blog.sqlite"]
        process.send_signal(number)
        assert finish(process) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_one_line_with_the_cure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with start("--port", str(number)) as process:
            code, printed, complaint = finish(process)
    cure = "choose another: --port N, or --port 0 for any free one\n"
    assert (code, printed) == (1, "")
    assert complaint == f"Port {number}: {os.strerror(errno.EADDRINUSE)}; {cure}"


def test_a_database_that_cannot_be_opened_is_one_line_with_the_cure(tmp_path: Path) -> None:
    with start("--port", "0", "--database", str(tmp_path)) as process:
        code, printed, complaint = finish(process)
    assert (code, printed) == (1, "")
    assert complaint == f"Database {tmp_path}: unable to open database file; choose another: --database FILE\n"


@pytest.mark.parametrize("number", ["65536", "-1", "http"])
def test_a_port_that_is_none_is_told(number: str) -> None:
    with start(f"--port={number}") as process:
        code, _, complaint = finish(process)
    assert code == 2
    assert complaint.endswith(f"argument --port: invalid port value: '{number}'\n")


def test_without_options_it_listens_on_8080_and_keeps_nothing() -> None:
    with start("--help") as process:
        code, printed, _ = finish(process)
    assert code == 0
    assert "default: 8080" in printed
    assert "default: a temporary one, gone at the end" in printed


# ---- in this process


class Blog:
    """The blog on a real socket, with the writer's post 1 and comment 1 in it."""

    def __init__(self, client: Client) -> None:
        self.app = client.app
        self.client = client

    async def ask(self, user: str | None, method: str, path: str, **options: Any) -> tuple[int, Any]:
        response = await self.client.request(method, path, headers=self.sign(user), **options)
        return response.status, await response.json() if response.content_type == "application/json" else None

    def sign(self, user: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.app[USERS][user].token}"} if user else {}


@pytest.fixture
async def blog(aiohttp_client: AiohttpClient) -> Blog:
    blog = Blog(await aiohttp_client(make_app()))
    post = await blog.app[STORE].add_post("writer", "Tea", "Green or black?")
    await blog.app[STORE].add_comment(post.id, "writer", "Green.")
    return blog


POST = {"id": 1, "author": "writer", "title": "Tea", "text": "Green or black?"}
COMMENT = {"id": 1, "post_id": 1, "author": "writer", "text": "Green."}
DRAFT = {"title": "Tea", "text": "Green or black?"}


@pytest.mark.parametrize(
    ("method", "path", "allowed", "forbidden"),
    [
        pytest.param("GET", "/posts/1", {"reader", "writer", "admin"}, set(), id="read a post"),
        pytest.param("POST", "/posts", {"writer"}, {"reader", "admin"}, id="write a post"),
        pytest.param("DELETE", "/posts/1", {"writer"}, {"reader", "admin"}, id="delete a post"),
        pytest.param("POST", "/posts/1/comments", {"writer"}, {"reader", "admin"}, id="comment"),
        pytest.param("GET", "/comments", {"reader", "writer", "admin"}, set(), id="list the comments"),
        pytest.param("GET", "/comments/1", {"reader", "writer", "admin"}, set(), id="read a comment"),
        pytest.param("DELETE", "/comments/1", {"writer"}, {"reader", "admin"}, id="delete a comment"),
        pytest.param("GET", "/admin/counts", {"admin"}, {"reader", "writer"}, id="see the counts"),
        pytest.param("GET", "/admin/users", {"admin"}, {"reader", "writer"}, id="see the users"),
    ],
)
async def test_who_may_do_what(blog: Blog, method: str, path: str, allowed: set[str], forbidden: set[str]) -> None:
    body = DRAFT if method == "POST" else None
    assert (await blog.ask(None, method, path, json=body))[0] == 401
    for user in forbidden:
        assert (await blog.ask(user, method, path, json=body))[0] == 403
    for user in allowed:
        assert (await blog.ask(user, method, path, json=body))[0] in (200, 201, 204)


async def test_everybody_sees_the_latest_hundred_posts(blog: Blog) -> None:
    for number in range(2, 110):
        await blog.app[STORE].add_post("writer", f"Post {number}", "…")
    status, posts = await blog.ask(None, "GET", "/posts")
    assert status == 200
    assert [post["id"] for post in posts] == list(range(109, 9, -1))


async def test_a_post_comes_with_its_comments(blog: Blog) -> None:
    assert await blog.ask("reader", "GET", "/posts/1") == (200, {**POST, "comments": [COMMENT]})


@pytest.mark.parametrize(
    ("path", "sent", "made"),
    [
        pytest.param("/posts", DRAFT, {**POST, "id": 2, "comments": []}, id="post"),
        pytest.param("/posts/1/comments", {"text": "Black."}, {**COMMENT, "id": 2, "text": "Black."}, id="comment"),
    ],
)
async def test_location_leads_to_what_was_made(
    blog: Blog, path: str, sent: dict[str, str], made: dict[str, Any]
) -> None:
    response = await blog.client.post(path, json=sent, headers=blog.sign("writer"))
    assert response.status == 201
    assert await blog.ask("writer", "GET", response.headers["Location"]) == (200, made)


async def test_a_post_takes_its_comments_along(blog: Blog) -> None:
    assert await blog.ask("writer", "DELETE", "/posts/1") == (204, None)
    assert await blog.ask("reader", "GET", "/comments") == (200, [])
    assert await blog.ask("admin", "GET", "/admin/counts") == (200, {"posts": 0, "comments": 0})


async def test_a_comment_is_deleted_by_its_author_alone(blog: Blog) -> None:
    await blog.app[STORE].add_comment(1, "admin", "Coffee.")
    denied = (403, {"error": "only its author may delete a comment"})
    assert await blog.ask("writer", "DELETE", "/comments/2") == denied
    assert await blog.ask("writer", "DELETE", "/comments/1") == (204, None)
    assert await blog.ask("reader", "GET", "/comments/1") == (404, {"error": "there is no such comment"})


async def test_a_comment_on_a_post_deleted_meanwhile_is_not_found(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    async def find_post(post_id: int) -> Post:
        return Post(post_id, "writer", "Gone", "by now")

    monkeypatch.setattr(blog.app[STORE], "find_post", find_post)
    answer = await blog.ask("writer", "POST", "/posts/7/comments", json={"text": "Hello?"})
    assert answer == (404, {"error": "the post was deleted while you wrote"})


async def test_requests_at_the_same_time_do_not_disturb_each_other(blog: Blog) -> None:
    answers = await asyncio.gather(
        *(blog.ask("writer", "POST", "/posts/1/comments", json={"text": f"{number}"}) for number in range(50))
    )
    assert sorted(comment["id"] for _, comment in answers) == list(range(2, 52))


# ---- what goes wrong


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        pytest.param(b"", 400, "the body is not JSON", id="nothing"),
        pytest.param(b'{"title": ', 400, "the body is not JSON", id="broken"),
        pytest.param(b"\xff\xfe\xfd", 400, "the body is not JSON", id="no Unicode"),
        pytest.param(b"[" * 60_000, 400, "the body is not JSON", id="too deep"),
        pytest.param(b"1" * 60_000, 400, "the body is not JSON", id="too many digits"),
        pytest.param(b"[]", 422, "the body is not a JSON object", id="a list"),
        pytest.param(b"null", 422, "the body is not a JSON object", id="null"),
        pytest.param(b"{}", 422, "title must be a text of 1 to 100 characters", id="no title"),
        pytest.param(b'{"title": 7}', 422, "title must be a text of 1 to 100 characters", id="wrong type"),
        pytest.param(b'{"title": " "}', 422, "title must be a text of 1 to 100 characters", id="blank"),
        pytest.param(b'{"title": "\\ud800"}', 422, "title must be a text of 1 to 100 characters", id="half a pair"),
        pytest.param(
            b'{"title": "' + b"x" * 101 + b'"}', 422, "title must be a text of 1 to 100 characters", id="long"
        ),
        pytest.param(b'{"title": "x"}', 422, "text must be a text of 1 to 10000 characters", id="no text"),
        pytest.param(b" " * 70_000, 413, "Maximum request body size 65536 exceeded.", id="large"),
    ],
)
async def test_a_bad_body_is_told_what_is_wrong(blog: Blog, body: bytes, status: int, error: str) -> None:
    assert await blog.ask("writer", "POST", "/posts", data=body) == (status, {"error": error})


async def test_a_body_that_does_not_decompress_is_no_json(blog: Blog) -> None:
    response = await blog.client.post(
        "/posts", data=b"no gzip", headers={**blog.sign("writer"), "Content-Encoding": "gzip"}
    )
    assert response.status == 400


@pytest.mark.parametrize(
    ("name", "status"),
    [
        pytest.param("0", 404, id="none has it"),
        pytest.param("abc", 404, id="letters"),
        pytest.param("-1", 404, id="negative"),
        pytest.param("1.5", 404, id="a fraction"),
        pytest.param("٣", 404, id="digits of another script"),
        pytest.param("9" * 18, 404, id="large"),
        pytest.param("9" * 5_000, 404, id="too large for the database"),
        pytest.param("%FF", 404, id="no Unicode"),
        pytest.param("001", 200, id="leading zeros"),
    ],
)
@pytest.mark.parametrize("collection", ["/posts", "/comments"])
async def test_an_id_that_names_nothing_is_not_found(blog: Blog, collection: str, name: str, status: int) -> None:
    answer, body = await blog.ask("reader", "GET", f"{collection}/{name}")
    assert answer == status
    assert ("error" in body) is (status == 404)


@pytest.mark.parametrize(
    ("credentials", "challenge"),
    [
        pytest.param(None, "Bearer", id="none"),
        pytest.param("Basic cmVhZGVyOg==", "Bearer", id="another scheme"),
        pytest.param("Bearer", 'Bearer error="invalid_token"', id="no token"),
        pytest.param("Bearer wrong", 'Bearer error="invalid_token"', id="wrong token"),
        pytest.param("Bearer wörng", 'Bearer error="invalid_token"', id="wrong alphabet"),
    ],
)
async def test_who_is_not_known_is_challenged(blog: Blog, credentials: str | None, challenge: str) -> None:
    response = await blog.client.get("/posts/1", headers={"Authorization": credentials} if credentials else {})
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, challenge)
    assert "error" in await response.json()


async def test_a_token_that_is_no_text_is_challenged(blog: Blog) -> None:
    assert blog.client.port is not None
    reader, writer = await asyncio.open_connection(blog.client.host, blog.client.port)
    writer.write(b"GET /posts/1 HTTP/1.1\r\nHost: blog\r\nAuthorization: Bearer \xff\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 401 ")
    writer.close()
    await writer.wait_closed()


async def test_the_scheme_is_not_case_sensitive(blog: Blog) -> None:
    token = blog.app[USERS]["reader"].token
    response = await blog.client.get("/posts/1", headers={"Authorization": f"bearer {token}"})
    assert response.status == 200


async def test_who_may_not_is_told_which_scopes_it_takes(blog: Blog) -> None:
    response = await blog.client.delete("/posts/1", headers=blog.sign("reader"))
    challenge = 'Bearer error="insufficient_scope", scope="post:read post:write"'
    assert (response.status, response.headers["WWW-Authenticate"]) == (403, challenge)
    assert await response.json() == {"error": "reader lacks post:write"}


async def test_what_no_route_answers_is_json_too(blog: Blog) -> None:
    assert await blog.ask(None, "GET", "/nowhere") == (404, {"error": "404: Not Found"})
    assert await blog.ask(None, "PUT", "/posts") == (405, {"error": "405: Method Not Allowed"})
    assert (await blog.client.put("/posts")).headers["Allow"] == "GET,HEAD,POST"


# ---- how it is made


def test_a_comment_goes_through_four_links() -> None:
    [route] = [route for route in make_app().router.routes() if route.method == "POST" and "comments" in str(route)]
    names = [link.__name__ for link in links_of(route)]
    assert names == ["authenticate", "authorise", "fetch_post", "post_comment"]


def test_tokens_are_new_at_each_start_and_are_not_shown() -> None:
    one, two = make_users()["reader"], make_users()["reader"]
    assert one.token != two.token
    assert one.token not in repr(one)


def test_each_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    users = make_users()
    compared: list[bytes] = []

    def compare_digest(sent: bytes, known: bytes) -> bool:
        compared.append(known)
        return sent == known

    monkeypatch.setattr("hmac.compare_digest", compare_digest)
    assert find_user(users.values(), users["reader"].token) is users["reader"]
    assert compared == [user.token.encode() for user in users.values()], "no early end"
