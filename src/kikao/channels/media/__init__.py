"""Photos, documents and recordings, both ways: fetched from who has them, kept for a while, shown by flows."""
