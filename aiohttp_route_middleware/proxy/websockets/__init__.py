"""WebSockets through a proxy: as bytes, or message by message."""
