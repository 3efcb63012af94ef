"""Real servers for tests, and what can go wrong on the way to them."""
