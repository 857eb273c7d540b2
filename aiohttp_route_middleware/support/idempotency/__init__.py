"""Requests with an Idempotency-Key: known again, run once, answered again."""
