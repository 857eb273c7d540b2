"""Start the accounts: `python -m examples.accounts [--port N] [--reader ORIGIN] [--writer ORIGIN]`."""

import argparse
import os
import socket
import sys

from aiohttp import web

from aiohttp_route_middleware.errors import ConfigurationError

from .application import make_app
from .keys import SETTINGS
from .settings import Settings

BANNER = """\
The accounts are at {url} now.

Log in as ada or grace, with the password {password}
Make a token there, and show it:

  curl -i -H 'Authorization: Bearer TOKEN' {url}/api/profile
  -> 200 {{"login": "ada", "name": ...
  curl -i -X PUT -H 'Authorization: Bearer TOKEN' -d '{{"name": "Ada King"}}' {url}/api/profile
  -> 200 {{"login": "ada", "name": "Ada King"}}

Pages of {readers} may read a profile, those of {writers} may change one.
Press Ctrl-C to stop."""


def main() -> int:
    options = read_options()
    settings = Settings(readers=[options.reader], writers=[options.writer])
    try:
        app = make_app(settings)
        listener = socket.create_server(("127.0.0.1", options.port))
    except ConfigurationError as error:
        return fail(str(error))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        return fail(f"Port {options.port}: {reason}; choose another: --port N, or --port 0 for any free one")
    with listener:
        serve(app, listener)
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.accounts", description="Accounts, to try batteries on.")
    parser.add_argument("--port", type=port, default=8081, metavar="N", help="default: 8081; 0 for any free one")
    may = "whose pages may {} a profile; default: %(default)s".format
    parser.add_argument("--reader", default="http://localhost:8082", metavar="ORIGIN", help=may("read"))
    parser.add_argument("--writer", default="http://localhost:8083", metavar="ORIGIN", help=may("change"))
    return parser.parse_args()


def port(text: str) -> int:
    if not 0 <= int(text) <= 65535:
        raise ValueError
    return int(text)


def serve(app: web.Application, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    settings = app[SETTINGS]
    banner = BANNER.format(
        url=f"http://localhost:{listener.getsockname()[1]}",
        password=settings.password,
        readers=", ".join(settings.readers),
        writers=", ".join(settings.writers),
    )
    web.run_app(app, sock=listener, print=lambda _: print(banner, flush=True))


def fail(problem: str) -> int:
    print(problem, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
