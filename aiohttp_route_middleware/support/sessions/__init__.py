"""Sessions, and how they are kept."""
