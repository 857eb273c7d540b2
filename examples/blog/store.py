"""The database: posts and comments in one SQLite file."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

_T = TypeVar("_T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    author TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    post_id INTEGER NOT NULL REFERENCES posts ON DELETE CASCADE,
    author TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS comments_by_post ON comments (post_id);
"""
_POST = "SELECT id, author, title, text FROM posts"
_COMMENT = "SELECT id, post_id, author, text FROM comments"
_LATEST = "ORDER BY id DESC LIMIT 100"


@dataclass(frozen=True)
class Post:
    id: int
    author: str
    title: str
    text: str


@dataclass(frozen=True)
class Comment:
    id: int
    post_id: int
    author: str
    text: str


@dataclass(frozen=True)
class Counts:
    posts: int
    comments: int


class Store:
    """Owns the connection to the database; its statements run in threads, one at a time."""

    def __init__(self, database: str | Path) -> None:
        self._connection = sqlite3.connect(database, check_same_thread=False)
        self._lock = threading.Lock()
        try:
            self._connection.executescript(f"PRAGMA foreign_keys = ON; {_SCHEMA}")
        except sqlite3.Error:
            self._connection.close()
            raise

    async def close(self) -> None:
        await asyncio.to_thread(self._connection.close)

    async def latest_posts(self) -> list[Post]:
        return await self._select(Post, f"{_POST} {_LATEST}")

    async def find_post(self, post_id: int) -> Post | None:
        return next(iter(await self._select(Post, f"{_POST} WHERE id = ?", post_id)), None)

    async def add_post(self, author: str, title: str, text: str) -> Post:
        insert = "INSERT INTO posts (author, title, text) VALUES (?, ?, ?)"
        return Post(await self._change(insert, author, title, text), author, title, text)

    async def delete_post(self, post_id: int) -> None:
        await self._change("DELETE FROM posts WHERE id = ?", post_id)

    async def latest_comments(self) -> list[Comment]:
        return await self._select(Comment, f"{_COMMENT} {_LATEST}")

    async def comments_on(self, post_id: int) -> list[Comment]:
        return await self._select(Comment, f"{_COMMENT} WHERE post_id = ? {_LATEST}", post_id)

    async def find_comment(self, comment_id: int) -> Comment | None:
        return next(iter(await self._select(Comment, f"{_COMMENT} WHERE id = ?", comment_id)), None)

    async def add_comment(self, post_id: int, author: str, text: str) -> Comment | None:
        """Add a comment, unless its post is gone by now."""
        insert = "INSERT INTO comments (post_id, author, text) VALUES (?, ?, ?)"
        try:
            return Comment(await self._change(insert, post_id, author, text), post_id, author, text)
        except sqlite3.IntegrityError:
            return None

    async def delete_comment(self, comment_id: int) -> None:
        await self._change("DELETE FROM comments WHERE id = ?", comment_id)

    async def count(self) -> Counts:
        counts = "SELECT (SELECT count(*) FROM posts), (SELECT count(*) FROM comments)"
        return (await self._select(Counts, counts))[0]

    async def _select(self, kind: Callable[..., _T], statement: str, *values: int) -> list[_T]:
        rows, _ = await asyncio.to_thread(self._execute, statement, values)
        return [kind(*row) for row in rows]

    async def _change(self, statement: str, *values: int | str) -> int:
        """Run a statement, and return the id of the row it has added, if any."""
        _, row_id = await asyncio.to_thread(self._execute, statement, values)
        return row_id

    def _execute(self, statement: str, values: tuple[int | str, ...]) -> tuple[list[Any], int]:
        # A lock of threads, not of tasks: a task may be cancelled while its thread still works on the connection.
        with self._lock, self._connection as transaction:
            cursor = transaction.execute(statement, values)
            return cursor.fetchall(), cursor.lastrowid or 0
