"""The events of files: fetched from a provider, not to be had, swept when they were kept long enough."""

from __future__ import annotations

from typing import Literal

from kikao.events.event import Event, GatewayEvent, Milliseconds, Problem, Remark, Seconds


class FileFetched(GatewayEvent, frozen=True, kw_only=True, tag="file.fetched"):
    """A file that a member sent was fetched from the provider, and is kept."""

    what: Literal["image", "audio", "video", "document"]
    """By its octets, whatever it was sent as."""
    size: int
    """Octets."""
    ms: Milliseconds
    """How long the provider took."""


class FileLost(GatewayEvent, frozen=True, kw_only=True, tag="file.lost"):
    """A file that a member sent could not be had, this time or for good. Where it lies is in no event."""

    reason: Remark
    """Why: a status, the type of an error, a limit; of a host that is not allowed, which."""
    again: bool = False
    """It is tried again; else the member was asked to send it once more."""


class FilesSwept(Event, frozen=True, kw_only=True, tag="files.swept"):
    """Files past their days were removed; one sweep is with each of sessions."""

    count: int
    """Files that were removed."""
    kept: int = 0
    """Those that stay."""
    octets: int = 0
    """What these take on the disk."""
    seconds: Seconds = 0.0
    """From its beginning to its end, the pauses for live turns included."""
    error: Problem = ""
    """What ended it early; the next sweep goes on."""
