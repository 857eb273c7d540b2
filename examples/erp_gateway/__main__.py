"""Start the gateway, and the services behind it: `python -m examples.erp_gateway [--port N]`."""

import argparse
import logging
import os
import socket
import sys

from aiohttp import web

from aiohttp_route_middleware.middlewares.request_id import RequestIdFilter

from .keys import SETTINGS
from .running import listen, locate, make_all
from .tour import describe


def main() -> int:
    options = read_options()
    try:
        listener = listen(options.port)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        print(
            f"Port {options.port}: {reason}; choose another: --port N, or --port 0 for any free one", file=sys.stderr
        )
        return 1
    show_log()
    with listener, listen() as transactions, listen() as inventory:
        serve(listener, make_all(transactions, inventory))
    return 0


def read_options() -> argparse.Namespace:
    about = "A gateway in front of two services, to try the reverse proxy on."
    parser = argparse.ArgumentParser(prog="python -m examples.erp_gateway", description=about)
    parser.add_argument("--port", type=port, default=8080, metavar="N", help="default: 8080; 0 for any free one")
    return parser.parse_args()


def port(text: str) -> int:
    if not 0 <= int(text) <= 65535:
        raise ValueError
    return int(text)


def show_log() -> None:
    """One line for each request, with its id, which the services are told as well."""
    handler = logging.StreamHandler()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter("%(asctime)s %(request_id)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def serve(listener: socket.socket, app: web.Application) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    banner = describe(app[SETTINGS], locate(listener))
    # the gateway has an access log of its own
    web.run_app(app, sock=listener, access_log=None, print=lambda _: print(banner, flush=True))


if __name__ == "__main__":
    sys.exit(main())
