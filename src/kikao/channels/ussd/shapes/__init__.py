"""Dialects that several providers share: each gateway says how its own differs."""
