"""The rows of the tables: each battery, and what is written by hand in its place, by what they are about."""
