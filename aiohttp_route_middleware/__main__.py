"""See through the routes of an aiohttp application, and hold them to a policy.

An application is given as package.module:attribute, an application or a factory of one.
Exit codes: 0, all is well; 1, a check failed or no route answers; 2, the command cannot be carried out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from .errors import InspectionError, RegistrationError
from .inspection.data import write_explanation_json, write_routes_json
from .inspection.diagram import draw_diagram
from .inspection.explanation import explain
from .inspection.listing import RouteInfo, list_routes
from .inspection.loading import load, load_app
from .inspection.lock import compare_lock, write_lock
from .inspection.page import write_page
from .inspection.policy import check_links
from .inspection.text import count_routes, write_explanation, write_routes, write_routes_at_length
from .leading import read_leading
from .loading import explain_failure

__all__ = ("main",)

_OK, _FAILED, _IMPOSSIBLE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command, and return its exit code.

    Args:
        arguments: as on the command line, which is the default.
    """
    options = _read_options(arguments)
    try:
        sys.path.insert(0, str(Path.cwd()))  # so that an application is found as `python -m` finds it
        code: int = options.run(options)
    except InspectionError as error:
        return _refuse(str(error))
    except Exception as error:  # whatever the application does when it is looked at
        return _refuse(explain_failure("looking at the application failed", error))
    return code


def _refuse(problem: str) -> int:
    print(f"error: {problem}", file=sys.stderr)  # noqa: T201  # this is a command
    return _IMPOSSIBLE


def _read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m aiohttp_route_middleware",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_routes(commands.add_parser("routes", help="list the routes, with what runs before each endpoint"))
    _add_check(commands.add_parser("check", help="fail if a route lacks the links that it must have"))
    _add_explain(commands.add_parser("explain", help="tell what answers a URL, or why nothing does"))
    return parser.parse_args(arguments)


def _add_routes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", help="package.module:app")
    parser.add_argument("--format", choices=[*_FORMATS], default="text", help="default: text")
    parser.add_argument("--long", action="store_true", help="in text: each link on a line, with its file and line")
    parser.add_argument("--lock", metavar="FILE", type=Path, help="write what guards each route, for --check")
    parser.add_argument("--check", metavar="FILE", type=Path, help="fail if that has changed since --lock")
    _add_colour(parser)
    parser.set_defaults(run=_run_routes)


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", help="package.module:app")
    parser.add_argument(
        "--require",
        action="append",
        required=True,
        metavar="LINK",
        help="package.module:link, or a request key that links provide; of several, a route must have one",
    )
    parser.add_argument(
        "--unless", action="append", default=[], metavar="ROUTE", help="/path or 'METHOD /path' that needs none"
    )
    parser.set_defaults(run=_run_check)


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", help="package.module:app")
    parser.add_argument("method", help="the HTTP method")
    parser.add_argument("url", help="a path, or a URL whose host selects among domains")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="default: text")
    _add_colour(parser)
    parser.set_defaults(run=_run_explain)


def _add_colour(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--color",
        choices=["auto", "always", "never"],
        default="auto",
        help="default: auto, on terminals; NO_COLOR wins",
    )


def _run_routes(options: argparse.Namespace) -> int:
    if (options.lock or options.check) and (options.format != "text" or options.long):
        raise InspectionError("--lock and --check take neither --format nor --long: a lock has a form of its own")
    routes = list_routes(load_app(options.app))
    locked = _read(options.check) if options.check else ""  # before --lock writes the same file
    if options.lock:
        _save(options.lock, write_lock(routes))
    if options.check:
        difference = compare_lock(locked, routes, str(options.check))
        _print(difference)
        return _FAILED if difference else _OK
    if not options.lock:
        _print(_FORMATS[options.format](routes, options))
    return _OK


def _run_check(options: argparse.Namespace) -> int:
    app = load_app(options.app)
    problems = check_links(app, [_load_link(place) for place in options.require], options.unless)
    _print("".join(f"{problem}\n" for problem in problems) or f"{count_routes(list_routes(app))}: all is well\n")
    return _FAILED if problems else _OK


def _load_link(place: str) -> Any:
    link = load(place)
    if isinstance(link, (list, tuple)):
        raise InspectionError(f"{place} is a list of links; name one of them")
    if not isinstance(link, (str, web.RequestKey)):
        try:
            read_leading([link], place)
        except RegistrationError as error:
            raise InspectionError(str(error)) from error
    return link


def _run_explain(options: argparse.Namespace) -> int:
    app = load_app(options.app)
    app.freeze()  # as at start-up: only then is the empty path the root
    found = asyncio.run(explain(app, options.method, options.url))
    is_text = options.format == "text"
    _print(write_explanation(found, in_colour=_wants_colour(options)) if is_text else write_explanation_json(found))
    return _OK if found.status is None else _FAILED


def _write_text(routes: Sequence[RouteInfo], options: argparse.Namespace) -> str:
    write = write_routes_at_length if options.long else write_routes
    return write(routes, in_colour=_wants_colour(options))


_FORMATS: dict[str, Callable[[Sequence[RouteInfo], argparse.Namespace], str]] = {
    "text": _write_text,
    "json": lambda routes, _: write_routes_json(routes),
    "mermaid": lambda routes, _: draw_diagram(routes),
    "html": lambda routes, options: write_page(routes, options.app),
}


def _wants_colour(options: argparse.Namespace) -> bool:
    if options.color != "auto":
        return bool(options.color == "always")
    return (
        sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    )  # as https://no-color.org has it


def _print(text: str) -> None:
    if sys.stdout is None or sys.stdout.closed:
        raise InspectionError("the output cannot be written: it is closed")
    try:
        if hasattr(sys.stdout, "buffer"):  # whatever the locale: pages and data are UTF-8
            sys.stdout.flush()  # what the application has printed comes first
            sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more
        if not isinstance(error, BrokenPipeError):  # whoever reads has seen enough
            raise InspectionError(f"the output cannot be written: {error}") from error


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InspectionError(f"{file} cannot be read: {error}") from error


def _save(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InspectionError(f"{file} cannot be written: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
