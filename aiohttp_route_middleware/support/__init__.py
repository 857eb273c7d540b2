"""What several batteries share; no battery is imported here."""
