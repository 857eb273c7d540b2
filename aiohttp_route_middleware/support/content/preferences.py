"""What a client prefers: the weighted lists of `Accept`, `Accept-Encoding` and the like (RFC 9110, section 12.4).

Rules kept here: no weight is a weight of 1, and 0 means "not this one" (section 12.4.2); of equal weights the first
is preferred; a member that cannot be read is passed over; what a client sends is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ("read_preferences",)

_MOST_MEMBERS = 64
# RFC 9110, section 12.4.2: three decimals at most
_WEIGHT = re.compile(r"[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*")


def read_preferences(fields: Iterable[str]) -> dict[str, float]:
    """Return the weight of each member, in lower case, without parameters other than the weight.

    Args:
        fields: the values of all fields of one name.

    Example:
        read_preferences(["gzip;q=0.5, br, *;q=0"])  # {"gzip": 0.5, "br": 1.0, "*": 0.0}
    """
    weights: dict[str, float] = {}
    for member in ",".join(fields).split(",", _MOST_MEMBERS)[:_MOST_MEMBERS]:
        name, *parameters = member.split(";")
        weight = _read_weight(parameters)
        if weight is not None and name.strip(" \t"):
            weights.setdefault(name.strip(" \t").lower(), weight)
    return weights


def _read_weight(parameters: list[str]) -> float | None:
    for parameter in parameters:
        if parameter.lstrip(" \t")[:2].lower() == "q=":
            found = _WEIGHT.fullmatch(parameter)
            return float(found[1]) if found else None
    return 1.0
