"""How often something may be asked for: limits, where they are counted, and what responses tell of them."""
