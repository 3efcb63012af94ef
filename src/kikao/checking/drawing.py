"""Screens in a terminal."""

from __future__ import annotations


def boxed(screen: str) -> list[str]:
    """The lines of a screen with a frame around it, as a phone has one."""
    lines = screen.splitlines()
    width = max(map(len, lines), default=0)
    edge = "─" * (width + 2)
    return [f"┌{edge}┐", *(f"│ {line:<{width}} │" for line in lines), f"└{edge}┘"]
