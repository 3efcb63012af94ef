"""Money and PINs: whatever dies, hangs or lies, a payment happens at most once, and exactly once for who finishes."""
