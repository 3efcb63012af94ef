"""What a provider tells besides messages of members: how far one of ours came, who blocked, news of the account."""

from __future__ import annotations

from typing import Literal

import msgspec

from kikao.sessions.outgoing import Status

Standing = Literal[
    "blocked", "unblocked", "gone", "stopped", "started", "refuses_marketing", "allows_marketing"
]
"""What became of an address: its member blocked the app, or no longer; it is no more; STOP and START; offers."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How far a message of ours came."""

    line: str
    """Of ours: `whatsapp/cloud-api`."""
    reference: str
    """What the provider calls it."""
    status: Status
    at: float
    """Seconds since the epoch, by the provider's clock; 0 where it does not say."""
    codes: tuple[int, ...] = ()
    """Why it failed, in the provider's numbers."""
    identity: str = ""
    """Who it was for; empty where that is not said."""


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """Something about an address."""

    line: str
    """Of ours: `whatsapp/cloud-api`."""
    identity: str
    what: Standing
    at: float
    reason: str = ""
    """A code or a word of the provider's contract, safe to log."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A group goes on under another id, or a member has another number: nothing is taken along by itself."""

    line: str
    """Of ours: `whatsapp/cloud-api`."""
    before: str
    after: str
    what: Literal["group", "number"]


class Keyword(msgspec.Struct, frozen=True, kw_only=True):
    """A word that members of every service may send by SMS, and that no flow gets: it is answered by itself.

    What it says of the address is a `Changed` of its own.
    """

    line: str
    """Of ours: `sms/africastalking`."""
    identity: str
    what: Literal["stop", "start", "help"]
    locale: str
    """Whose word it is: the answer is in that language."""


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """Anything else: published as an event, with nothing of a member in it."""

    line: str
    """Of ours: `whatsapp/cloud-api`."""
    note: str
    """A kind and a name: `template_status_update: APPROVED`, `unreadable message`."""


Told = Report | Changed | Moved | Keyword | Other
