"""Requests that are sent to a second upstream as well, off the path."""
