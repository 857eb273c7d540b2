"""What a store holds under an idempotency key: that a request is being carried out, or what became of it.

Rules kept here: no key of a client is a key of the store, which holds a hash of caller, route and key; a record says
which request it is about, so that another one with the same key is not taken for it; what cannot be read is no
record of a request that may run again.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from hashlib import sha256

from ...errors import RouteMiddlewareError
from ..content.stored_responses import StoredResponse, load_response

__all__ = ("Done", "Running", "UnreadableRecordError", "name_record", "read_record", "write_done", "write_running")

_PREFIX = "idempotency:"
_RUNNING = b"arm-running-1\n"
_DONE = b"arm-done-1\n"
_FINGERPRINT = 32  # bytes, as of SHA-256
_TOKEN = 16
_NOT_KEPT, _RETURNED, _RAISED = b"-", b"=", b"!"


@dataclass(frozen=True)
class Running:
    """A request is being carried out."""

    fingerprint: bytes


@dataclass(frozen=True)
class Done:
    """A request was carried out.

    Args:
        fingerprint: of it.
        response: to it; `None` if it could not be kept.
        was_raised: whether it was an exception, so that links around see one again.
    """

    fingerprint: bytes
    response: StoredResponse | None
    was_raised: bool = False


class UnreadableRecordError(RouteMiddlewareError):
    """Something else is there: of another version, somebody else's, or broken."""


def name_record(caller: str, route: str, key: str) -> str:
    """Return the key of the store."""
    scope = json.dumps((caller, route, key))  # in ASCII: what cannot be encoded is escaped
    return _PREFIX + sha256(scope.encode()).hexdigest()


def write_running(fingerprint: bytes) -> bytes:
    """Make a record of a request that begins; no other is like it."""
    return _RUNNING + fingerprint + secrets.token_bytes(_TOKEN)


def write_done(fingerprint: bytes, response: bytes | None, *, was_raised: bool) -> bytes:
    """Make a record of a request that was carried out.

    Args:
        fingerprint: of it.
        response: as `dump_response()` has it; `None` if it cannot be kept.
        was_raised: whether it was an exception.
    """
    if response is None:
        return _DONE + fingerprint + _NOT_KEPT
    return _DONE + fingerprint + (_RAISED if was_raised else _RETURNED) + response


def read_record(stored: bytes, *, limit: int) -> Running | Done:
    """Read a record.

    Args:
        stored: what a store has given.
        limit: bytes that the body of a response may have.

    Raises:
        UnreadableRecordError: it is none.
    """
    head = _RUNNING if stored.startswith(_RUNNING) else _DONE
    start = len(head) + _FINGERPRINT
    fingerprint, rest = stored[len(head) : start], stored[start:]
    if head == _RUNNING and len(rest) == _TOKEN:
        return Running(fingerprint)
    if not stored.startswith(_DONE) or rest[:1] not in (_NOT_KEPT, _RETURNED, _RAISED):
        raise UnreadableRecordError
    if rest == _NOT_KEPT:
        return Done(fingerprint, None)
    response = load_response(rest[1:], limit=limit)
    if response is None:
        raise UnreadableRecordError
    return Done(fingerprint, response, was_raised=rest.startswith(_RAISED))
