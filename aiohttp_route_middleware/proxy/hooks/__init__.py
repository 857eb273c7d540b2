"""Functions of users around an exchange, and those that are wanted often."""
