"""Problem details (RFC 9457): what has gone wrong, for programs, as `application/problem+json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web
from multidict import CIMultiDict

from ...errors import ConfigurationError
from ...syntax import is_field_value, is_token
from .field_groups import CONTENT, FRAMING

__all__ = ("JSON_CURE", "PROBLEM_JSON", "find_no_json", "problem", "turn_into_problem", "write_problem")

PROBLEM_JSON = "application/problem+json"
JSON_CURE = "pass texts, finite numbers, booleans, lists and dicts of them"
_MEMBERS = ("type", "title", "status", "detail", "instance")
_CODING = (*FRAMING, hdrs.CONTENT_ENCODING)
# of the content, and not of the failure
_REPRESENTATION = (*CONTENT, hdrs.CONTENT_LOCATION, hdrs.ETAG, hdrs.LAST_MODIFIED)


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
        ConfigurationError: the status is not one of an error, an extension is not JSON, or HTTP allows no such header.

    Example:
        raise problem(403, type="https://shop.example/out-of-credit", title="You have too little credit", balance=30)
    """
    if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
        raise ConfigurationError("problem()", f"status={status!r}", cure="pass the status of an error, 400 to 599")
    told = {"type": type, "title": title or _find_phrase(status), "status": status, "detail": detail}
    kind = web.HTTPClientError if status < 500 else web.HTTPServerError
    error = kind(headers=_check_headers(headers or {}))
    error.set_status(status)
    return _set_problem(error, {**told, "instance": instance, **extensions})


def turn_into_problem(error: web.HTTPException, extra: Mapping[str, Any]) -> web.HTTPException:
    """Let an exception be answered with problem details; what it has said already is the detail.

    Args:
        error: keeps its status and all headers that are not about its body.
        extra: members to add, or to put in the place of others.
    """
    phrase = _find_phrase(error.status)
    text = _read_text(error)
    said = None if text in (None, "", f"{error.status}: {error.reason}") else text
    title = phrase if error.reason in (None, "") else error.reason
    members = {"type": "about:blank", "title": title, "status": error.status, "detail": said, **extra}
    _set_problem(error, members)
    for name in _REPRESENTATION:
        if name != hdrs.CONTENT_RANGE or error.status != 416:  # which tells by it how long the whole is
            error.headers.popall(name, None)
    return error


def write_problem(members: Mapping[str, Any]) -> bytes:
    """Write the members that are there, those of RFC 9457 first.

    Raises:
        ConfigurationError: one is not JSON; its name is told, not what it holds.
    """
    there = {name: members[name] for name in (*_MEMBERS, *members) if members.get(name) is not None}
    try:
        return json.dumps(there, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        problem = f"{', '.join(find_no_json(there) or there)} is not JSON"
        raise ConfigurationError("problem()", problem, cure=JSON_CURE) from None


def find_no_json(members: Mapping[str, Any]) -> list[str]:
    """Name the members that are not JSON."""
    return [name for name, value in members.items() if not _is_json(value)]


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _check_headers(headers: Mapping[str, str]) -> CIMultiDict[str]:
    fields = CIMultiDict(headers)
    for name, value in fields.items():
        if not is_token(name):
            raise ConfigurationError(
                "problem()", f"{name!r} names no header", cure='pass headers={"Retry-After": "5"}'
            )
        if not isinstance(value, str) or not is_field_value(value):
            cure = "pass a text without line breaks and other control characters"
            raise ConfigurationError("problem()", f"the value of the header {name} is none", cure=cure)
    return fields


def _read_text(error: web.HTTPException) -> str | None:
    """Return the text of a body, as far as it can be read."""
    if not isinstance(error.body, (bytes, bytearray)):
        return None
    try:
        return error.body.decode(error.charset or "utf-8", "replace")
    except (LookupError, ValueError):  # no such charset, or one that replaces nothing
        return None


def _set_problem(error: web.HTTPException, members: Mapping[str, Any]) -> web.HTTPException:
    error.body = write_problem(members)
    for name in _CODING:  # of the body that was
        error.headers.popall(name, None)
    error.headers[hdrs.CONTENT_TYPE] = PROBLEM_JSON
    return error


def _find_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
