"""What several test files use: raw sockets on both sides of a proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .raw import Between, between_raw_sockets


@pytest.fixture
async def between() -> AsyncIterator[Between]:
    """A raw upstream; `serve()` puts a proxy in front of it, and `connect()` opens a raw client."""
    async with between_raw_sockets() as between:
        yield between
