"""Secrets are typed, in every way a turn can end, and then looked for wherever something could have written them."""
