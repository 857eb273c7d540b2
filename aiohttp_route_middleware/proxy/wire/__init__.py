"""One request to one target, and its answer, byte by byte."""
