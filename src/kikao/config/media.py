"""Settings of files: where photos, documents and recordings are kept, for how long, and where they come from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

MB: Final = 1_000_000


class MediaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Files that members send and flows show."""

    folder: Path | None = None
    """None for `media` in the data folder."""
    days: int = 30
    """How long a file is kept, at least 1."""
    most: int = 10_000 * MB
    """Octets that all of them may take."""
    largest: int = 20 * MB
    """Octets of one that a member sends."""
    hosts: tuple[str, ...] = ()
    """Hosts that they are fetched from besides those that kikao knows; `*.` in front of one stands for any below it."""

    def describe(self, data: Path) -> str:
        """A line for the start."""
        besides = f", fetched also from {', '.join(self.hosts)}" if self.hosts else ""
        return (
            f"files: {self.folder or data / 'media'}, for {self.days} days, {self.most // MB:,} MB at most, "
            f"{self.largest // MB} MB each{besides}"
        )


def is_host(value: str) -> bool:
    """Whether it is a host to fetch from, or `*.` and the end of some: never all hosts, nor all of a country."""
    return _HOST(value) is not None and value.count(".") >= (2 if value.startswith("*.") else 1)


_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]").fullmatch
