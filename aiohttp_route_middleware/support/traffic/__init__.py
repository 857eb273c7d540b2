"""How much is let through: callers, limits, stored answers."""
