"""Measures kikao beside its peers: `make bench`, or `python -m benchmarks`. What the figures mean: docs/reference."""
