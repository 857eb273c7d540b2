"""Start the blog: `python -m examples.blog [--port N] [--database FILE]`."""

import argparse
import os
import socket
import sqlite3
import sys
import tempfile
from pathlib import Path

from aiohttp import web

from .application import make_app
from .demo import add_sample, describe


def main() -> int:
    options = read_options()
    try:
        listener = socket.create_server(("127.0.0.1", options.port))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        return fail(f"Port {options.port}: {reason}; choose another: --port N, or --port 0 for any free one")
    with listener, tempfile.TemporaryDirectory(prefix="blog-") as directory:
        database = options.database or Path(directory, "blog.sqlite")
        try:
            serve(listener, database)
        except sqlite3.Error as error:
            return fail(f"Database {database}: {error}; choose another: --database FILE")
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.blog", description="A blog, to try route chains on.")
    parser.add_argument("--port", type=port, default=8080, metavar="N", help="default: 8080; 0 for any free one")
    parser.add_argument("--database", type=Path, metavar="FILE", help="default: a temporary one, gone at the end")
    return parser.parse_args()


def port(text: str) -> int:
    if not 0 <= int(text) <= 65535:
        raise ValueError
    return int(text)


def serve(listener: socket.socket, database: Path) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    app = make_app(database)
    app.on_startup.append(add_sample)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    web.run_app(app, sock=listener, print=lambda _: print(describe(app, address), flush=True))


def fail(problem: str) -> int:
    print(problem, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
