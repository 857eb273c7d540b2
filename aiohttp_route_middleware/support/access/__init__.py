"""Who is asking: credentials, tokens, identities, and refusals."""
