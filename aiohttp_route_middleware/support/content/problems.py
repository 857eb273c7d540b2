"""Problem details (RFC 9457): what has gone wrong, for programs, as `application/problem+json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from ...errors import ConfigurationError

__all__ = ("PROBLEM_JSON", "problem", "turn_into_problem", "write_problem")

PROBLEM_JSON = "application/problem+json"
_MEMBERS = ("type", "title", "status", "detail", "instance")


def problem(
    status: int,
    *,
    type: str = "about:blank",  # noqa: A002  # its name in RFC 9457
    title: str | None = None,
    detail: str | None = None,
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
    **extensions: Any,
) -> web.HTTPException:
    """Make an exception that is answered with problem details, to be raised.

    Args:
        status: from 400 to 599.
        type: a URI that names the kind of problem; default `"about:blank"`: there is no more to it than the status.
        title: of that kind, the same each time; default the phrase of the status.
        detail: what has happened this time, for whoever is to mend it.
        instance: a URI of this occurrence.
        headers: of the response, such as `Retry-After`.
        extensions: further members, in JSON.

    Raises:
        ConfigurationError: the status is not one of an error, or an extension is not JSON.

    Example:
        raise problem(403, type="https://shop.example/out-of-credit", title="You have too little credit", balance=30)
    """
    if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
        raise ConfigurationError("problem()", f"status={status!r}", cure="pass the status of an error, 400 to 599")
    told = {"type": type, "title": title or _find_phrase(status), "status": status, "detail": detail}
    kind = web.HTTPClientError if status < 500 else web.HTTPServerError
    error = kind(headers=headers)
    error.set_status(status)
    return _set_problem(error, {**told, "instance": instance, **extensions})


def turn_into_problem(error: web.HTTPException, extra: Mapping[str, Any]) -> web.HTTPException:
    """Let an exception be answered with problem details; what it has said already is the detail.

    Args:
        error: keeps its status and all headers that are not about its body.
        extra: members to add, or to put in the place of others.
    """
    phrase = _find_phrase(error.status)
    said = None if error.text in (None, "", f"{error.status}: {error.reason}") else error.text
    title = phrase if error.reason in (None, "") else error.reason
    return _set_problem(
        error, {"type": "about:blank", "title": title, "status": error.status, "detail": said, **extra}
    )


def write_problem(members: Mapping[str, Any]) -> bytes:
    """Write the members that are there, those of RFC 9457 first.

    Raises:
        ConfigurationError: one is not JSON; its name is told, not what it holds.
    """
    there = {name: members[name] for name in (*_MEMBERS, *members) if members.get(name) is not None}
    try:
        return json.dumps(there, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        cure = "pass texts, finite numbers, booleans, lists and dicts of them"
        raise ConfigurationError("problem()", f"a member of {', '.join(there)} is not JSON", cure=cure) from None


def _set_problem(error: web.HTTPException, members: Mapping[str, Any]) -> web.HTTPException:
    error.body = write_problem(members)
    for name in (hdrs.CONTENT_LENGTH, hdrs.CONTENT_ENCODING, hdrs.TRANSFER_ENCODING):  # of the body that was
        error.headers.pop(name, None)
    error.headers[hdrs.CONTENT_TYPE] = PROBLEM_JSON
    return error


def _find_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
