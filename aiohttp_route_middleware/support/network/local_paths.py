"""Paths of this origin, told from what browsers or servers could read as another one.

Rules kept here: printable ASCII alone, since browsers drop tabs and line breaks; no backslash, which they read as a
slash; what holds for a path holds for the same path decoded once more, and without its dot segments.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ("is_local_path", "safe_next")

_LONGEST_NEXT = 2048  # characters; what is longer is dropped, so that the Location stays one that clients can read
_PATH = re.compile(r"/[!-\[\]-~]*")  # printable ASCII without the backslash
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def safe_next(value: str | None, default: str = "/") -> str:
    r"""Return where to go after the login, if it is a path of this origin; else the default.

    What passes is a path with its query and fragment, in printable ASCII, so that no browser can read another origin
    out of it, nor a server that decodes or tidies it once more: no `//host`, `/\host`, `/%2Fhost`, no `.` or `..`
    segment, no backslash or control character, encoded in the path or not.

    Args:
        value: untrusted, decoded once, as `request.query.get("next")` gives it; at most 2048 characters.
        default: where else to go; your own, returned as it is; default `"/"`.

    Example:
        raise web.HTTPSeeOther(safe_next(request.query.get("next"), "/account"))
    """
    return value if isinstance(value, str) and len(value) <= _LONGEST_NEXT and is_local_path(value) else default


def is_local_path(target: str) -> bool:
    """Whether a path, with or without query and fragment, stays on this origin wherever it is read."""
    if not _PATH.fullmatch(target):
        return False
    path = unquote(re.split("[?#]", target, maxsplit=1)[0])
    if path.startswith("//") or "\\" in path or _CONTROLS.search(path):
        return False
    # clients take dot segments out before they ask (RFC 3986, section 5.2.4): `/.//host` may end as `//host`
    return not {".", ".."} & set(path.split("/"))
