"""What operators ask about sessions and what they are shown: plain data, the same through a server's door and without.

Nothing here holds an answer, a text of a screen, a result or a secret: of what a member said, only names, types and
sizes are shown. Times are seconds since the epoch (UTC), sizes octets.
"""

from __future__ import annotations

from typing import Final

import msgspec

from kikao.control import Call, Nothing
from kikao.sessions.policy import Address


class Listing(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which sessions to list; empty is all of them."""

    channel: str = ""
    flow: str = ""
    """Name of the running flow."""
    expired: bool = False
    """Only those that nobody may go on with."""
    limit: int = 0
    """At most so many; 0 is without limit."""


class Named(msgspec.Struct, frozen=True, omit_defaults=True):
    """One session: by the first digits of its key, by an address (`+256772000001`, `telegram:4711`), by its own id or
    the member's."""

    who: str


class Ending(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session to end. `force`: also when something waits to be told, or it cannot be opened."""

    who: str
    force: bool = False


class Explaining(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key to explain: of a stored session (`who`), of somebody met (`address`), or of its parts alone."""

    who: str = ""
    address: Address | None = None
    parts: tuple[str, ...] = ()
    clear: bool = False
    """Whether stored addresses may be shown in clear."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session in a list."""

    key: str
    """The first 12 hex digits of its key, as in log lines."""
    version: int
    kid: str
    """Id of the key that sealed it."""
    kept_until: float
    """From then on a sweep may remove the record."""
    problem: str = ""
    """Why it cannot be opened; then what follows is empty."""
    id: str = ""
    member: str = ""
    """The member's id."""
    channel: str = ""
    gateway: str = ""
    """Where it was first met."""
    address: str = ""
    """Masked."""
    anchor: str = ""
    """Set for an address that was linked: the first 12 digits of the key that its dealings are kept under."""
    flow: str = ""
    at: str = ""
    """Journal key of the open question, or the name of kikao's own question before it."""
    created_at: float = 0.0
    seen_at: float = 0.0
    expires_at: float | None = None
    """From then on nobody may go on with it; None where the app's policies are not known here."""
    expired: bool = False
    waiting: bool = False
    """Whether an effect is open or something waits to be told, for which it is kept past its time."""
    open: int = 0
    """Intents that are open."""


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session policy, as far as it concerns one session."""

    channel: str
    boundaries: tuple[str, ...]
    identifier: str
    idle: float
    absolute: float | None
    reconnection: float
    resume: float
    opens: str
    outcome: float
    idle_until: float = 0.0
    """0 for a session that does not exist."""
    absolute_until: float | None = None


class Observed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A journal entry, a session value or an argument: what it is called, what it is, how large. Never the value."""

    key: str
    type: str
    """The tag of its stored form: a type's name, empty for plain data."""
    size: int
    kind: str = ""
    """Of a journal entry: ask, confirm, read, step, secret …"""


class OpenIntent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An effect that may be happening, or may have happened."""

    key: str
    kind: str
    retry: str
    tries: int
    """How often nobody could say what became of it."""
    since: float = 0.0
    """When it was begun; 0 if that is not known."""
    settled: bool = False
    """It is done, and waits for the others of its group."""
    lease_until: float | None = None
    """Somebody works on it until then (and renews that). None while a turn at work keeps the index from being read."""
    due_at: float | None = None
    """Recovery asks about it from then on."""


class RunView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run of a flow: the one that goes on, or one that was parked."""

    id: str
    flow: str
    release: int
    journal: tuple[Observed, ...]
    size: int
    """Of the journal."""
    arguments: tuple[Observed, ...] = ()
    intents: tuple[OpenIntent, ...] = ()
    question: str = ""
    """Journal key of the open question."""
    accepts: str = ""
    """The tag of its answer type."""
    secret: bool = False
    """Whether that question asks for a secret."""
    invalid: int = 0
    """Answers to it that were not valid."""
    notices: int = 0
    """Texts that wait to be told."""
    refused: int = 0
    """Effects that were refused or voided."""
    epoch: int = 0
    """How often the journal was cut."""
    failed: bool = False
    parked: bool = False


class Detail(msgspec.Struct, frozen=True, omit_defaults=True):
    """One session whole, as a security reviewer may see it."""

    line: Line
    fence: int
    state_size: int
    address_size: int
    address_kid: str
    at_work: bool = False
    """Whether a turn holds it just now."""
    parts: tuple[str, ...] = ()
    """What its key was made of, masked."""
    through: tuple[str, ...] = ()
    """Keys of the anchors that led here from what was asked for."""
    locale: str = ""
    overlay: str = ""
    farewell: bool = False
    """A last screen is being read."""
    over: bool = False
    """The app ended it."""
    notices: int = 0
    """Texts about parked runs that wait to be told."""
    typed: int = 0
    """Characters typed in the present dialogue, where the gateway sends all of them each time."""
    data: tuple[Observed, ...] = ()
    """What the app keeps in it."""
    runs: tuple[RunView, ...] = ()
    rules: Rules | None = None
    """None where the app's policies are not known here."""


class Ended(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session that is over: what it held is gone."""

    key: str
    id: str = ""


class SweptAway(msgspec.Struct, frozen=True):
    """How many expired sessions were removed."""

    count: int


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a key came about, and what lies under it."""

    parts: tuple[str, ...]
    key: str
    """First 12 digits."""
    rules: tuple[tuple[str, str], ...] = ()
    """Each rule of today's policy and what it gave; empty where the app is not known here."""
    policy: Rules | None = None
    changed: bool = False
    """Today's policy would give the session another key."""
    through: tuple[str, ...] = ()
    """Keys of the anchors that were followed from there, the last one is where the session is kept."""
    id: str = ""
    """Of the session that is stored; empty when there is none."""
    problem: str = ""
    """Why there is no key, or why the session cannot be opened."""


LIST: Final = Call("sessions.list", Listing, Line)
SHOW: Final = Call("sessions.show", Named, Detail)
END: Final = Call("sessions.end", Ending, Ended)
SWEEP: Final = Call("sessions.sweep", Nothing, SweptAway)
EXPLAIN: Final = Call("sessions.explain", Explaining, Explanation)
