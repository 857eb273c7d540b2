"""Hooks that are wanted often: paths rewritten, header fields set and removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...declarations import named
from ...errors import ConfigurationError
from ...naming import describe
from ...option_checks import check_call, check_name
from ...syntax import is_field_value
from ..message.path_rewriting import Rewrite, join_rewrites
from ..wire.outgoing import WRITTEN_HERE
from .running import Hook, after

if TYPE_CHECKING:
    from ..exchange import Exchange

__all__ = ("remove_headers", "remove_response_headers", "rewrite_path", "set_header", "set_response_header")

_WRITTEN_HERE = frozenset(name.lower() for name in WRITTEN_HERE)


def rewrite_path(*rewrites: Rewrite) -> Hook:
    """Rewrite path and query before they are sent, by a function of your own, or by several in a row.

    What `strip_prefix()`, `replace_prefix()` and the like make may be passed to `proxy()` as it is.

    Args:
        rewrites: plain functions of your own, from path and query to path and query, and what is made by
            `strip_prefix()`, `add_prefix()`, `replace_prefix()` and `replace_path()`; in order.

    Raises:
        ConfigurationError: there are none, or one is no such function.

    Example:
        proxy(posts, rewrite_path(lambda path: path.replace("/old", "/new", 1)))
    """
    if not rewrites:
        raise ConfigurationError("rewrite_path()", "there are no rewritings", cure="pass a function (path_and_query)")
    rewrite = join_rewrites("rewrite_path()", rewrites)

    @named("rewrite_path")
    def rewrite_the_path(exchange: Exchange) -> None:
        exchange.request.path = rewrite(exchange.request.path)

    return rewrite_the_path


def set_header(name: str, value: str | Callable[[Exchange], str]) -> Hook:
    """Set a field of the request, in place of all that the client has sent under this name.

    Args:
        name: of the field; of those of the connection and of the length of the body none, which the proxy writes.
        value: of it, such as the key of the target; or a plain function that tells it of an exchange.

    Raises:
        ConfigurationError: this is no field that may be set; its value is not shown.

    Example:
        proxy(transactions, set_header("X-API-Key", KEY))
    """
    tell = _read_value("set_header()", name, value)

    @named(f"set_header({name})")
    def set_the_header(exchange: Exchange) -> None:
        exchange.request.headers[name] = tell(exchange)

    return set_the_header


def remove_headers(*names: str) -> Hook:
    """Remove fields of the request, such as the credentials of the client, which are not for the target.

    Args:
        names: of the fields, in any case.

    Raises:
        ConfigurationError: one is no name, or there are none.

    Example:
        proxy(transactions, remove_headers("Authorization", "Cookie"))
    """
    checked = _read_names("remove_headers()", names)

    @named(f"remove_headers({', '.join(names)})")
    def remove_the_headers(exchange: Exchange) -> None:
        for name in checked:
            exchange.request.headers.popall(name, None)

    return remove_the_headers


def set_response_header(name: str, value: str | Callable[[Exchange], str]) -> Hook:
    """Set a field of the response, in place of all that the target has sent under this name.

    Args:
        name: of the field; of those of the connection and of the length of the body none, which the proxy writes.
        value: of it; or a plain function that tells it of an exchange.

    Raises:
        ConfigurationError: this is no field that may be set; its value is not shown.

    Example:
        proxy(transactions, set_response_header("Cache-Control", "no-store"))
    """
    tell = _read_value("set_response_header()", name, value)

    @after
    @named(f"set_response_header({name})")
    def set_the_header(exchange: Exchange) -> None:
        exchange.response.headers[name] = tell(exchange)

    return set_the_header


def remove_response_headers(*names: str) -> Hook:
    """Remove fields of the response, such as those that tell what a target is made of.

    Args:
        names: of the fields, in any case.

    Raises:
        ConfigurationError: one is no name, or there are none.

    Example:
        proxy(transactions, remove_response_headers("Server", "X-Powered-By"))
    """
    checked = _read_names("remove_response_headers()", names)

    @after
    @named(f"remove_response_headers({', '.join(names)})")
    def remove_the_headers(exchange: Exchange) -> None:
        for name in checked:
            exchange.response.headers.popall(name, None)

    return remove_the_headers


def _read_value(made: str, name: str, value: str | Callable[[Exchange], str]) -> Callable[[Exchange], str]:
    if check_name(made, "name", name, example="X-API-Key").lower() in _WRITTEN_HERE:
        cure = "leave it out: the proxy writes it; for another body, set exchange.request.body or use replace_body()"
        raise ConfigurationError(made, f"name={name!r}", cure=cure)
    if callable(value):
        check_call(made, f"the function for {name}", value, takes="exchange")
        return _check_told(made, name, value)
    fault = _find_fault(value)
    if fault:
        raise ConfigurationError(made, f"the value of {name} is {fault}", cure="pass a text without line breaks")
    return lambda _: value


def _find_fault(value: object) -> str:
    """Tell what is wrong with a value, without showing it; nothing if it is one."""
    if not isinstance(value, str):
        return f"of type {type(value).__qualname__}"
    return "" if is_field_value(value) else "a text with a line break, or with what else no field may have"


def _check_told(made: str, name: str, tell: Callable[[Exchange], str]) -> Callable[[Exchange], str]:
    def tell_checked(exchange: Exchange) -> str:
        value = tell(exchange)
        fault = _find_fault(value)
        if not fault:
            return value
        cure = "return a text without line breaks; to set none, write a hook"
        raise ConfigurationError(made, f"the value of {name}, returned by {describe(tell)}, is {fault}", cure=cure)

    return tell_checked


def _read_names(made: str, names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ConfigurationError(made, "there are no names", cure='name a field, as in "Authorization"')
    return tuple(check_name(made, "name", name, example="Authorization") for name in names)
