"""Complete services on the engine."""
