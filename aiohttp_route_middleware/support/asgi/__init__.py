"""ASGI, spoken over aiohttp: scopes, messages, lifespans; and what stands behind an ASGI middleware."""
