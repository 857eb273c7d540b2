"""Retry-After: when a client may ask again."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import format_datetime

from ...option_checks import check_count, refuse_option

__all__ = ("check_retry_after", "write_retry_after")


def check_retry_after(battery: str, value: object) -> int | datetime:
    """Return seconds, or a moment in time that knows its time zone."""
    if not isinstance(value, datetime):
        return check_count(battery, "retry_after", value, unit="seconds", at_least=0)
    if value.utcoffset() is None:
        raise refuse_option(
            battery, "retry_after", value, "say in which time zone: datetime(..., tzinfo=timezone.utc)"
        )
    return value.astimezone(timezone.utc)


def write_retry_after(value: int | datetime | None) -> dict[str, str]:
    """Return the header (RFC 9110, section 10.2.3); none for a moment that has passed.

    Args:
        value: as `check_retry_after()` has returned it.
    """
    if isinstance(value, datetime):
        return {"Retry-After": format_datetime(value, usegmt=True)} if value > datetime.now(timezone.utc) else {}
    return {} if value is None else {"Retry-After": str(value)}
