"""What an extra brings may be missing: whoever imports a room that needs it is told what to install."""

import importlib
import re
import sys

import pytest

from aiohttp_route_middleware.errors import MissingDependencyError

KEYS = "support.access.verification_keys"
POLICIES = "support.access.security_policies"

MISSING = [  # a module that is not there, rooms not imported yet, of which the last is; what is told
    ("aiohttp_session", ["adapters.session_storages"], "aiohttp-session", "aiohttp-session"),
    ("aiohttp_security", [POLICIES], "aiohttp-security", "security"),
    ("aiohttp_security", [POLICIES, "adapters.identify"], "aiohttp-security", "security"),
    ("aiohttp_security", [POLICIES, "adapters.permit"], "aiohttp-security", "security"),
    ("cryptography.exceptions", [KEYS], "PyJWT[crypto]", "jwt"),
    ("jwt", [KEYS], "PyJWT[crypto]", "jwt"),
    ("jwt", ["support.access.jws"], "PyJWT[crypto]", "jwt"),
    ("opentelemetry", ["middlewares.tracing"], "opentelemetry-api", "tracing"),
    ("opentelemetry", ["proxy.client_span"], "opentelemetry-api", "tracing"),
    ("prometheus_client", ["middlewares.metrics"], "prometheus-client", "metrics"),
    ("prometheus_client", ["proxy.exchange_metrics"], "prometheus-client", "metrics"),
    ("a2wsgi", ["adapters.wsgi"], "a2wsgi", "wsgi"),
    ("redis.asyncio", ["stores.redis"], "redis", "redis"),
    ("itsdangerous", ["support.sessions.signed_records"], "itsdangerous", "sessions"),
]


@pytest.mark.parametrize(
    ("module", "rooms", "library", "extra"), MISSING, ids=[f"{rooms[-1]}, {module}" for module, rooms, *_ in MISSING]
)
def test_a_room_whose_library_is_missing_tells_what_to_install(
    module: str, rooms: list[str], library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"aiohttp_route_middleware.{room}" for room in rooms]
    importlib.import_module(names[-1])
    for name in names:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not there
    told = re.escape(f"{library} is not installed; pip install 'aiohttp-route-middleware[{extra}]'")
    with pytest.raises(MissingDependencyError, match=f"^{told}$"):
        importlib.import_module(names[-1])
