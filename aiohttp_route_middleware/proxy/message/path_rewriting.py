"""Paths rewritten on purpose: functions from path and query, as they are sent, to path and query.

Rules kept here:
- Each returns what it does not match as it is, and keeps the query byte for byte.
- What any of them returns is checked before it is sent: a value inserted into a path cannot lead out of it.
- A prefix ends where a segment ends, and is found also where letters of it are percent-encoded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias
from urllib.parse import quote

from ...errors import ConfigurationError
from ...marks import read_mark, set_mark
from ...naming import describe
from ...option_checks import check_call, check_text, refuse_option
from .paths import SERVER_ITSELF, find_fault, has_dot_segment

__all__ = (
    "Rewrite",
    "add_prefix",
    "check_prefix",
    "is_rewriting",
    "join_rewrites",
    "quote_segment",
    "replace_path",
    "replace_prefix",
    "strip_prefix",
)

_MARK = "__rewrites_path__"
_SENT_AS_THEY_ARE = "/!\"#$&'()*+,:;<=>@[\\]^`{|}"  # by clients, or refused later on

Rewrite: TypeAlias = Callable[[str], str]
"""A function from path and query, such as `/shops/1?page=2`, to those that are sent in their place."""


def strip_prefix(prefix: str) -> Rewrite:
    """Take a prefix off the path: of `/api/posts?page=2`, `/api` leaves `/posts?page=2`.

    It ends where a segment ends, so `/apix` stays as it is; what is percent-encoded is compared decoded, so `/%61pi/x`
    becomes `/x`. Of the prefix alone, `/` is left.

    Args:
        prefix: one segment or several, decoded, as `"/api"`.

    Raises:
        ConfigurationError: it does not begin with a slash, ends with one, or cannot be found in any path.

    Example:
        proxy(upstream, strip_prefix("/api"))
    """
    begins = _read_prefix("strip_prefix()", prefix)

    def strip_prefix(path_and_query: str) -> str:
        found = begins.match(path_and_query)
        if found is None:
            return path_and_query
        rest = path_and_query[found.end() :]
        return rest if rest.startswith("/") else f"/{rest}"

    return _mark(strip_prefix)


def replace_prefix(prefix: str, replacement: str) -> Rewrite:
    """Put one prefix in place of another: `/shop` in place of `/store` makes `/shop?page=2` of `/store?page=2`.

    It is found as by `strip_prefix()`; no slash is added behind it, and `/stores` stays as it is.

    Args:
        prefix: one segment or several, decoded, as `"/store"`.
        replacement: as it is sent, percent-encoded, as `"/shop"`.

    Raises:
        ConfigurationError: one of them does not begin with a slash, ends with one, cannot be found, or may not be
            sent.

    Example:
        proxy(upstream, replace_prefix("/store", "/shop"))
    """
    begins = _read_prefix("replace_prefix()", prefix)
    check_prefix("replace_prefix()", "replacement", replacement)

    def replace_prefix(path_and_query: str) -> str:
        found = begins.match(path_and_query)
        return path_and_query if found is None else f"{replacement}{path_and_query[found.end() :]}"

    return _mark(replace_prefix)


def add_prefix(prefix: str) -> Rewrite:
    """Put a prefix before the path: `/v1` makes `/v1/posts?page=2` of `/posts?page=2`.

    Args:
        prefix: as it is sent, percent-encoded, as `"/v1"`.

    Raises:
        ConfigurationError: it does not begin with a slash, ends with one, or may not be sent.

    Example:
        proxy(upstream, add_prefix("/v1"))
    """
    check_prefix("add_prefix()", "prefix", prefix)

    def add_prefix(path_and_query: str) -> str:
        return f"{prefix}{path_and_query}"

    return _mark(add_prefix)


def replace_path(pattern: str | re.Pattern[str], replacement: str) -> Rewrite:
    r"""Replace what an expression finds in the path, each time, and keep the query.

    The path is searched as it was sent: with percent codes, in which a client may write any letter.

    Args:
        pattern: an expression of `re`; begin it with `^` to find it once, at the beginning. One that takes long for
            some texts lets any client stop the server.
        replacement: with `\1` or `\g<name>` for groups.

    Raises:
        ConfigurationError: the expression or the replacement is malformed.

    Example:
        proxy(upstream, replace_path(r"^/users/(\d+)", r"/accounts/\1"))
    """
    expression = _read_expression(pattern)
    _check_replacement(expression, replacement)

    def replace_path(path_and_query: str) -> str:
        path, question_mark, query = path_and_query.partition("?")
        return f"{expression.sub(replacement, path)}{question_mark}{query}"

    return _mark(replace_path)


def is_rewriting(function: object) -> bool:
    """Whether one of these has made it."""
    return read_mark(function, _MARK) is True


def _mark(rewrite: Rewrite) -> Rewrite:
    set_mark(rewrite, _MARK, True)
    return rewrite


def join_rewrites(made: str, rewrites: Sequence[Rewrite]) -> Rewrite:
    """Make one function of several, that are applied in order, and what each returns is checked.

    Args:
        made: what they were passed to, as errors name it.
        rewrites: functions from path and query to path and query.

    Raises:
        ConfigurationError: one is not a function; or, in a request, one returned what may not be sent.
    """
    for rewrite in rewrites:
        check_call(made, "a rewriting", rewrite, takes="path_and_query")

    def rewrite_path(path_and_query: str) -> str:
        if path_and_query == SERVER_ITSELF:  # which has no path
            return path_and_query
        for rewrite in rewrites:
            rewritten = rewrite(path_and_query)
            if rewritten != path_and_query:
                _check_rewritten(made, rewrite, path_and_query, rewritten)
            path_and_query = rewritten
        return path_and_query

    return rewrite_path


def quote_segment(value: str) -> str:
    """Write a value as one segment of a path, or one name or value in a query, that it cannot lead out of.

    Args:
        value: a text, not encoded; untrusted.

    Raises:
        ValueError: it is empty, or `.` or `..`, or has one of them beside a slash, which servers that decode it too
            early would follow; or a NUL, or what UTF-8 cannot write.

    Example:
        f"/shops/{quote_segment(token['shop'])}/orders"
    """
    segment = quote(value, safe="")
    if not segment or find_fault(f"/{segment}"):
        raise ValueError("this text cannot be a segment of a path: it is empty, has a '.' or '..' segment, or a NUL")
    return segment


def check_prefix(made: str, option: str, prefix: object, *, is_decoded: bool = False) -> str:
    """Return the beginning of paths that ends where a segment ends.

    Args:
        made: what it was passed to, as errors name it.
        option: its name.
        prefix: what was passed.
        is_decoded: whether it is compared to what is decoded, and may have any letter but `%` and `?`.

    Raises:
        ConfigurationError: it does not begin with a slash, ends with one, or may not be sent.
    """
    written = prefix if isinstance(prefix, str) else ""
    sent = quote(written, safe=_SENT_AS_THEY_ARE) if is_decoded and written.isprintable() else written
    if find_fault(sent) or written.endswith("/") or "?" in written or (is_decoded and "%" in written):
        cure = 'begin it with a slash and end it without one, as in "/api"'
        cure += ", and do not percent-encode it" if is_decoded else ""
        raise refuse_option(made, option, prefix, cure)
    return written


def _check_rewritten(made: str, rewrite: Rewrite, before: str, rewritten: object) -> None:
    if not isinstance(rewritten, str):
        problem = f"{describe(rewrite)} returned {type(rewritten).__qualname__}"
        raise ConfigurationError(made, problem, cure="return path and query, as a text")
    fault = find_fault(rewritten)
    if fault and has_dot_segment(before):  # which was allowed, and may stay
        fault = find_fault(rewritten, allow_dot_segments=True)
    if fault:  # the path is not shown: a client has written parts of it
        cure = "return a path that begins with a slash; write what you insert with quote_segment()"
        raise ConfigurationError(made, f"what {describe(rewrite)} returned {fault}", cure=cure)


def _read_prefix(made: str, prefix: str) -> re.Pattern[str]:
    check_prefix(made, "prefix", prefix, is_decoded=True)
    return re.compile("".join(map(_spell, prefix)) + r"(?=[/?]|\Z)")


def _read_expression(pattern: object) -> re.Pattern[str]:
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        return pattern
    text = check_text("replace_path()", "pattern", pattern)
    try:
        return re.compile(text)
    except re.error as error:
        raise refuse_option("replace_path()", "pattern", text, f"write an expression of re: {error}") from error


def _check_replacement(expression: re.Pattern[str], replacement: object) -> None:
    if not isinstance(replacement, str):
        raise refuse_option("replace_path()", "replacement", replacement, r"pass a text, as in r'/accounts/\1'")
    try:
        expression.sub(replacement, "")  # which reads the replacement before anything is found
    except (re.error, IndexError) as error:
        cure = rf"name groups that the pattern has, as \1 or \g<name>: {error}"
        raise refuse_option("replace_path()", "replacement", replacement, cure) from error


def _spell(letter: str) -> str:
    """Write an expression for a letter, percent-encoded or not; a slash that is encoded separates nothing."""
    if letter == "/":
        return letter
    encoded = "".join(f"%{byte:02X}" for byte in letter.encode())
    return f"(?:{re.escape(letter)}|(?i:{encoded}))"
