"""WSGI applications behind aiohttp."""
