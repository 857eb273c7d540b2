"""What is sent: codings, languages, caches, conditions."""
