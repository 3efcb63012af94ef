"""Complete services on kikao's engine."""
