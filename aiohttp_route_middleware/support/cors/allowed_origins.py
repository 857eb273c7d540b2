"""Origins as CORS compares them: byte for byte, as a browser has written them (Fetch, "CORS check").

Rules kept here: what is sent back is one of the listed origins, or an origin in the form of browsers that the
expression matches as a whole; a list of origins, or what is no origin, is never sent back. `null`, which is what any
sandboxed page sends, is no origin that an expression could match.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import ConfigurationError
from ..network.origins import NULL, parse_origin, read_origin

__all__ = ("ANY", "AllowedOrigins")

ANY = "*"


class AllowedOrigins:
    """Which origins a policy allows.

    Args:
        battery: to name in errors.
        listed: as the user has written them; `*` stands alone.
        pattern: what matches further origins, as a whole.

    Raises:
        ConfigurationError: one is not an origin, or there are none.
    """

    __slots__ = ("_exact", "is_any", "listed", "pattern")

    def __init__(self, battery: str, listed: Sequence[object], pattern: re.Pattern[str] | None) -> None:
        self.is_any: bool = ANY in listed
        if self.is_any and (len(listed) > 1 or pattern is not None):
            raise ConfigurationError(battery, "origins has '*' and others", cure="list them all, or write '*' alone")
        if not listed and pattern is None:
            raise ConfigurationError(battery, "there are no origins", cure="write origins=['https://example.com']")
        self.listed: tuple[str, ...] = (ANY,) if self.is_any else tuple(_write(battery, one) for one in listed)
        self.pattern: re.Pattern[str] | None = pattern
        self._exact = frozenset(self.listed)

    def answer(self, sent: Sequence[str]) -> str | None:
        """Return what `Access-Control-Allow-Origin` says; `None` if the origin is denied.

        Args:
            sent: each `Origin` field of the request; more than one names nobody.
        """
        if self.is_any:
            return ANY
        if len(sent) != 1:
            return None
        origin = sent[0]
        return origin if origin in self._exact or self._matches(origin) else None

    def _matches(self, text: str) -> bool:
        if self.pattern is None:
            return False
        origin = parse_origin(text)  # which looks at no long text, so neither does the expression
        return origin is not None and str(origin) == text and self.pattern.fullmatch(text) is not None


def _write(battery: str, one: object) -> str:
    """Write an origin as browsers do."""
    if one == NULL:
        return NULL
    if isinstance(one, str) and ANY in one:
        cure = r"match several with origin_regex=, such as r'https://[a-z0-9-]+\.example\.com'"
        raise ConfigurationError(battery, f"origins has {one!r}, which is not an origin", cure=cure)
    return str(read_origin(battery, "origins", one))
