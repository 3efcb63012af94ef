"""Live sockets: kikao beside a bare server on the same uvicorn, by the same client. `benchmarks.parts.live` tells."""
