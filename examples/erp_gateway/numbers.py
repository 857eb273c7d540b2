"""What became of the requests that were passed on, for /status."""

from collections import Counter

from aiohttp_route_middleware.proxy import ExchangeRecord


class Numbers:
    """Counts, for each service, how exchanges have ended, and how long they took."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Counter[str]] = {}
        self._seconds: dict[str, float] = {}

    def note(self, record: ExchangeRecord) -> None:
        """Count one exchange, which is over; for `on_exchange`."""
        self._outcomes.setdefault(record.upstream, Counter())[record.outcome or "unknown"] += 1
        self._seconds[record.upstream] = self._seconds.get(record.upstream, 0.0) + (record.seconds or 0.0)

    def tell(self) -> dict[str, dict[str, float]]:
        """All of it, as plain data."""
        return {
            service: {**outcomes, "seconds": round(self._seconds[service], 3)}
            for service, outcomes in self._outcomes.items()
        }
