"""Adapters: what other libraries and other worlds have, as links. Each is one file, imported from there."""
