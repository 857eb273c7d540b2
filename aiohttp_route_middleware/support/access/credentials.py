"""What a client says it is: the `Authorization` field (RFC 9110, section 11.6.2) and the Bearer scheme (RFC 6750).

Rules kept here: two `Authorization` fields are refused, for two readers may believe different ones; the scheme is
compared without regard to case; what a client sends is bounded before it is read.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import hdrs, web
from multidict import MultiMapping

from ...errors import RouteMiddlewareError
from ...option_checks import check_count, check_function
from ..battery import awaiting
from .challenges import check_realm, unauthorized, write_challenge

__all__ = ("MAX_LENGTH", "Bearer", "MalformedCredentialsError", "bind_verify", "read_credentials")

MAX_LENGTH = 8_000  # characters; aiohttp itself takes fields up to 8,190 bytes unless it is told otherwise

# RFC 6750, section 2.1: b64token
_is_token = re.compile(r"[A-Za-z0-9._~+/-]+=*").fullmatch


class MalformedCredentialsError(RouteMiddlewareError):
    """The `Authorization` field cannot be read; the text holds nothing of it."""


def read_credentials(headers: MultiMapping[str], scheme: str, max_length: int = MAX_LENGTH) -> str | None:
    """Return what stands behind the scheme; `None` without `Authorization`, and for another scheme.

    Args:
        headers: of the request.
        scheme: in lower case.
        max_length: of the field, in characters.

    Raises:
        MalformedCredentialsError: there are several fields, or one is too long.
    """
    fields = headers.getall(hdrs.AUTHORIZATION, ())
    if not fields:
        return None
    if len(fields) > 1:
        raise MalformedCredentialsError("there is more than one Authorization field")
    if len(fields[0]) > max_length:
        raise MalformedCredentialsError("the Authorization field is too long")
    # RFC 9110, section 11.4: auth-scheme 1*SP token68; the scheme is case-insensitive (section 11.1)
    found, _, credentials = fields[0].partition(" ")
    return credentials.strip(" ") if found.lower() == scheme else None


def bind_verify(battery: str, verify: Callable[..., Any], *, takes: str) -> Callable[..., Awaitable[Any]]:
    """Return a `verify` callable, async or plain, as one that is awaited.

    Raises:
        ConfigurationError: it cannot be called.
    """
    check_function(battery, "verify", verify, takes=takes)
    return awaiting(verify)


class Bearer:
    """Reads bearer tokens, and refuses them as RFC 6750, section 3, has it.

    Args:
        battery: that asks, for errors.
        realm: in each challenge.
        max_length: of the `Authorization` field, in characters.

    Raises:
        ConfigurationError: the realm cannot be written, or the length is no positive whole number.
    """

    def __init__(self, battery: str, realm: str, max_length: int) -> None:
        self._max_length = check_count(battery, "max_length", max_length, unit="characters")
        parameters = {"realm": check_realm(battery, realm)}
        # section 3.1: without credentials, the challenge carries no error
        self._missing = [write_challenge("Bearer", parameters)]
        self._invalid = [write_challenge("Bearer", {**parameters, "error": "invalid_token"})]
        self._malformed = write_challenge("Bearer", {**parameters, "error": "invalid_request"})

    def read(self, headers: MultiMapping[str]) -> str:
        """Return the token; raise 401 if there is none, 400 if there is something that cannot be one."""
        try:
            token = read_credentials(headers, "bearer", self._max_length)
        except MalformedCredentialsError as error:
            raise self._refuse_request(str(error)) from error
        if token is None:
            raise unauthorized(self._missing)
        if not _is_token(token):
            raise self._refuse_request("what follows Bearer is not one token")
        return token

    def refuse(self) -> web.HTTPUnauthorized:
        """Make the answer to a token that was read, and is not valid."""
        return unauthorized(self._invalid)

    def _refuse_request(self, reason: str) -> web.HTTPBadRequest:
        return web.HTTPBadRequest(text=f"400: {reason}", headers={hdrs.WWW_AUTHENTICATE: self._malformed})
