"""Where the services are, and all secrets: each is taken from the environment, or made anew at each start."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field


def from_environment(name: str) -> Callable[[], str]:
    return lambda: os.environ.get(name) or secrets.token_urlsafe(32)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; the defaults are those of the demonstration.

    Args:
        transactions_url: where the transactions are.
        inventory_url: where the inventory is.
        password: of all users of the demonstration.
        jwt_secret: signs the tokens of the gateway.
        transactions_key: what the transactions want to see of the gateway, in `X-API-Key`.
        inventory_password: what the inventory wants to see, in `Authorization: Basic`.
    """

    transactions_url: str = "http://localhost:8001"
    inventory_url: str = "http://localhost:8002"
    password: str = field(default_factory=from_environment("ERP_PASSWORD"), repr=False)
    jwt_secret: str = field(default_factory=from_environment("ERP_JWT_SECRET"), repr=False)
    transactions_key: str = field(default_factory=from_environment("ERP_TRANSACTIONS_KEY"), repr=False)
    inventory_password: str = field(default_factory=from_environment("ERP_INVENTORY_PASSWORD"), repr=False)
