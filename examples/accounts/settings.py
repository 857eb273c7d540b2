"""What differs between this demonstration and a server for everyone.

No secret is written down here: each is taken from the environment, or made anew at each start.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


def from_environment(name: str) -> Callable[[], str]:
    return lambda: os.environ.get(name) or secrets.token_urlsafe(32)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; the defaults are those of the demonstration.

    Args:
        is_local: whether this is a demonstration over http, on a host that is called localhost. On a server for
            everyone pass `False`, and serve it over https only: cookies are then `Secure` and called `__Host-...`, and
            browsers are told to come back by https.
        hosts: that the application answers for.
        readers: origins whose pages may read profiles.
        writers: origins whose pages may change profiles.
        password: of all users of the demonstration.
        csrf_secret: signs the tokens in forms.
        jwt_secret: signs the tokens for the API.
    """

    is_local: bool = True
    hosts: Sequence[str] = ("localhost", "127.0.0.1", "[::1]")
    readers: Sequence[str] = ("http://localhost:8082",)
    writers: Sequence[str] = ("http://localhost:8083",)
    password: str = field(default_factory=from_environment("ACCOUNTS_PASSWORD"), repr=False)
    csrf_secret: str = field(default_factory=from_environment("ACCOUNTS_CSRF_SECRET"), repr=False)
    jwt_secret: str = field(default_factory=from_environment("ACCOUNTS_JWT_SECRET"), repr=False)
