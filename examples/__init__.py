"""One file per idea, and `blog`, a small application that puts them together."""
