"""What is behind the gateway: two services, which know nothing of its users; each asks for a credential of its own."""
