"""Ids of requests: read from what others have sent, or made anew; and known to whatever is logged meanwhile."""

from __future__ import annotations

import logging
import re
import uuid
from contextvars import ContextVar

from aiohttp import web
from multidict import MultiMapping

from ...keys import note_key

__all__ = ("REQUEST_ID", "RequestIdFilter", "current_request_id", "make_id", "read_id", "read_trace_id")

REQUEST_ID = note_key(web.RequestKey("REQUEST_ID", str), "middlewares.request_id.REQUEST_ID", set_by="request_id()")
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")

_ID = re.compile(r"[A-Za-z0-9_.=-]{1,128}")
# Trace Context, section 3.2: version, trace id, parent id, flags; a later version may append fields
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


class RequestIdFilter(logging.Filter):
    """Gives each log record the id of the request that is being handled, as `record.request_id`; `-` outside of any.

    Example:
        handler.addFilter(RequestIdFilter())
        handler.setFormatter(logging.Formatter("%(asctime)s %(request_id)s %(message)s"))
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with the id."""
        told = getattr(record, "access", None) or {}  # `access_log()` tells of a request when it is over
        record.request_id = current_request_id.get() or told.get("request_id") or "-"
        return True


def make_id() -> str:
    """Make an id: 122 random bits, in hexadecimal."""
    return uuid.uuid4().hex


def read_id(headers: MultiMapping[str], name: str) -> str | None:
    """Return the id that a client has sent, if there is one, and it is harmless."""
    fields = headers.getall(name, ())
    return fields[0] if len(fields) == 1 and _ID.fullmatch(fields[0]) else None


def read_trace_id(headers: MultiMapping[str]) -> str | None:
    """Return the trace id of `traceparent` (Trace Context, section 3.2), if it is valid."""
    fields = headers.getall("traceparent", ())
    found = _TRACEPARENT.fullmatch(fields[0].strip(" \t")) if len(fields) == 1 else None
    if found is None:
        return None
    version, trace_id, parent_id, rest = found.groups()
    # sections 3.2.2.1 to 3.2.2.3: ff is no version, zeros are no ids, and version 00 has no further fields
    if version == "ff" or not int(trace_id, 16) or not int(parent_id, 16) or (version == "00" and rest):
        return None
    return trace_id
