"""Dates, as HTTP writes them (RFC 9110, section 5.6.7).

Rules kept here: all three forms are read; what is none of them, or no day of any calendar, is no date; of a year of
two digits, what would be more than 50 years ahead was in the last century.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re

__all__ = ("read_date",)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FORMS = (
    re.compile(rf"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(rf"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(rf"{_DAY} {_MONTH} (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)


def read_date(text: str) -> int | None:
    """Return the seconds since 1970 that a date names; `None` for what is no date."""
    for form in _FORMS:
        found = form.fullmatch(text.strip(" \t"))
        if found is not None:
            return _count(found)
    return None


def _count(found: re.Match[str]) -> int | None:
    second = int(found["second"])
    try:
        moment = dt.datetime(
            _complete_year(found["year"]),
            _MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            59 if second == 60 else second,  # a leap second is the one before it, once more
        )
    except ValueError:
        return None
    return calendar.timegm(moment.timetuple())


def _complete_year(written: str) -> int:
    if len(written) == 4:
        return int(written)
    now = dt.datetime.now(dt.timezone.utc).year
    year = now - now % 100 + int(written)
    return year - 100 if year > now + 50 else year
