"""A cache that many share: what it keeps, under which names, for how long, and what it tells."""
