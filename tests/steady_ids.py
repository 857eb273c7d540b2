"""Names of a test's parameters that are the same in each process, so that several can share the tests."""

import re

__all__ = ("steady",)


def steady(value: object) -> str:
    """Show a value without its address, and a set in order."""
    in_order = sorted(map(repr, value)) if isinstance(value, (set, frozenset)) else repr(value)
    return re.sub(r" at 0x[0-9a-f]+", "", str(in_order))
