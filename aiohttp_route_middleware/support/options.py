"""Options that batteries check in the same way."""

from __future__ import annotations

from ..errors import ConfigurationError

__all__ = ("check_flags",)


def check_flags(battery: str, **flags: object) -> None:
    """Refuse what is not `True` or `False`: a text such as "no", from a file, would be true.

    Args:
        battery: its name, for the error message.
        flags: options by name.
    """
    for option, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigurationError(battery, f"{option}={value!r}", cure="write True or False")
