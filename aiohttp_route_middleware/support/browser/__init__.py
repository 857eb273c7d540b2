"""Headers that make browsers careful."""
