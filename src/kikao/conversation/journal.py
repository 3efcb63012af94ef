"""What a conversation remembers: the journal of a run, its pending question, its open intents.

The flow is run again from the top on every turn; entries are handed back in order, under strict keys. All of this is
plain data that a session keeps, sealed; nothing here knows a store, a channel or a clock.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
from typing import Any, Final, Literal

import msgspec

from kikao.conversation.errors import JournalFull, Misuse
from kikao.conversation.screens import Screen
from kikao.i18n.messages import Text
from kikao.i18n.money import Amount

FORMAT: Final = 1
"""Version of the stored form of a run."""

MAX_ENTRIES: Final = 500
MAX_BYTES: Final = 32 * 1024
"""Caps of one journal; past them a flow must `restart_with` what it still needs."""

Kind = Literal["ask", "confirm", "read", "step", "secret", "refused", "version", "call", "post"]
EFFECTS: Final = frozenset({"step", "secret"})
BARRIERS: Final = EFFECTS | {"post"}
"""What cannot be unsaid: nothing goes back past it."""
QUESTIONS: Final = frozenset({"ask", "confirm"})

Retry = Literal["key", "check", "never"]


class _Ordinals(dict[int, str]):
    """`#1`, `#2` ...: the end of a key, made once."""

    def __missing__(self, count: int) -> str:
        return f"#{count}"


ORDINALS: Final = _Ordinals({count: f"#{count}" for count in range(1, MAX_ENTRIES + 1)})


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One observation: key (`scope/name#ordinal`), what kind, the tag of its stored form, the value."""

    key: str
    kind: Kind
    tag: str
    value: Any


class Intent(msgspec.Struct, frozen=True, omit_defaults=True):
    """The write-ahead record of an effect. `token` is the idempotency key the service gets.

    `proof` is a keyed digest of all that led here: the same key with other arguments is refused. `entry` is set while
    the other effects of a parallel group are still open.
    """

    key: str
    kind: Literal["step", "secret"]
    token: str
    retry: Retry
    proof: bytes
    tries: int = 0
    """How often nobody could say what became of it."""
    entry: Entry | None = None
    since: float = 0.0
    """When it was begun, seconds since the epoch; 0 where older code began it."""
    critical: bool = True
    """Whether it must not be lost even by a store that may forget."""


class Pending(msgspec.Struct, frozen=True, omit_defaults=True):
    """The open question, as displayed."""

    key: str
    tag: str
    screen: Screen
    error: Text | None = None
    tries: int = 0
    """Invalid answers so far (a wrong PIN is not one: the bank counts those)."""
    literal: tuple[str, ...] = ()
    """Navigation keys that are answers here."""
    page: int = 0
    pages: int = 1


class Run(msgspec.Struct, omit_defaults=True):
    """One run of a flow. Decoded fresh on every turn and changed in place by the runner."""

    id: str
    flow: str
    seed: bytes
    """Secret of this run: idempotency keys and random numbers come from it."""
    release: int = 0
    """Highest release of the code that wrote this journal."""
    format: int = FORMAT
    msisdn: str = ""
    """The member's number, as the run first knew it: who comes from another number of theirs goes on with this one."""
    member: str = ""
    """The member's id, the same: a session may be of several."""
    args: dict[str, tuple[str, Any]] = {}
    """What the flow was started with, each as a tag and plain data."""
    journal: list[Entry] = []
    size: int = 0
    """Encoded bytes of the journal."""
    epoch: int = 0
    """Counts truncations, so that an edited amount never meets an old idempotency key."""
    attempts: dict[str, int] = {}
    """Effects refused or voided so far, by journal key: the next attempt has another idempotency key."""
    receipts: dict[str, Text] = {}
    """What to say of effects that are done."""
    intents: list[Intent] = []
    pending: Pending | None = None
    notices: list[Text] = []
    """To be told on the next screen, once."""
    agreed: tuple[Text, ...] = ()
    """What the member of a chat confirmed last, as they saw it."""
    failed: bool = False
    """The last turn broke after an effect; the next dial offers to go on or to start again."""

    @property
    def secret(self) -> bool:
        """Whether the open question asks for a secret."""
        return self.pending is not None and self.pending.screen.secret

    @property
    def at(self) -> str:
        """Journal key of the open question; empty where none is."""
        return "" if self.pending is None else self.pending.key

    def append(self, entry: Entry) -> None:
        """Add what an effect came to. Never fails: what has happened is kept, even past the caps."""
        self.size += len(_ENCODER.encode(entry))
        self.journal.append(entry)

    def observe(self, entry: Entry) -> None:
        """Add an answer or a look-up. Raises `JournalFull` when there is no room for it."""
        size = len(_ENCODER.encode(entry))
        self.need_room(entry.key, size)
        self.size += size
        self.journal.append(entry)

    def need_room(self, key: str, more: int = 0) -> None:
        """Raises `JournalFull` when the caps are reached, or would be with `more` bytes: nothing new may be kept."""
        if len(self.journal) >= MAX_ENTRIES or self.size + more >= MAX_BYTES:
            raise JournalFull(
                f"flow {self.flow!r}: the journal is full ({len(self.journal)} entries, {self.size} bytes and {more} "
                f"more; caps {MAX_ENTRIES} and {MAX_BYTES}) at {key!r}. Keep less of what is read, and use "
                "`await chat.restart_with(...)` in long loops."
            )

    def truncate(self, length: int) -> None:
        """Forget everything from entry `length` on. Callers never pass a barrier."""
        if self.agreed and any(entry.kind == "confirm" for entry in self.journal[length:]):
            self.agreed = ()
        del self.journal[length:]
        self.size = sum(len(_ENCODER.encode(entry)) for entry in self.journal)
        self.epoch += 1
        self.pending = None

    def barrier(self) -> int:
        """Number of entries up to and with the last barrier; an open intent guards them all."""
        if self.intents:
            return len(self.journal)
        for index in range(len(self.journal) - 1, -1, -1):
            if self.journal[index].kind in BARRIERS:
                return index + 1
        return 0

    def last_question(self, *, plain: bool = False) -> int | None:
        """Index of the last answered question after the last barrier; `plain` leaves confirmations out."""
        for index in range(len(self.journal) - 1, self.barrier() - 1, -1):
            kind = self.journal[index].kind
            if kind == "ask" or (kind == "confirm" and not plain):
                return index
        return None

    def intent(self, key: str) -> Intent | None:
        """The open intent under a journal key."""
        for intent in self.intents:
            if intent.key == key:
                return intent
        return None

    def token(self, key: str) -> str:
        """The idempotency key of the next attempt at an effect: 32 hex digits."""
        return derive(self.seed, f"{self.epoch}/{key}/{self.attempts.get(key, 0)}").hex()[:32]

    def proof(self, args: Any = None) -> bytes:
        """Keyed digest of everything observed so far, and of explicit arguments."""
        return hmac.digest(self.seed, _ENCODER.encode([self.journal, args]), hashlib.sha256)[:16]

    @property
    def acted(self) -> bool:
        """Whether an effect is done, or open."""
        return bool(self.intents) or any(entry.kind in EFFECTS for entry in self.journal)

    def recorded(self) -> list[Text]:
        """What is done for certain, to tell a member when the run cannot go on."""
        return [self.receipts[e.key] for e in self.journal if e.kind in BARRIERS and e.key in self.receipts]


class Posted(msgspec.Struct, frozen=True):
    """A message that this turn sends once it is stored."""

    id: bytes
    """16 octets: the same each time the run comes there anew, so that it is never sent twice."""
    to: str
    body: bytes
    """JSON."""


class Charged(msgspec.Struct, frozen=True):
    """What a flow has charged with a screen, and where it says so."""

    flow: str
    at: str
    amount: Amount


class Conversation(msgspec.Struct, omit_defaults=True):
    """All that the engine keeps of a member between turns."""

    locale: str = "en"
    chosen: str = ""
    """A language the member chose that is yet to be remembered beyond the session."""
    run: Run | None = None
    overlay: Literal["", "resume", "language", "checking"] = ""
    """A question of the engine's own that stands before the flow's."""
    error: Text | None = None
    """What was wrong with the answer to that."""
    farewell: Screen | None = None
    """A last screen too long for one page, while it is being read."""
    page: int = 0
    pages: int = 1
    parked: list[Run] = []
    """Runs that cannot go on but have an effect whose outcome is open; recovery settles them."""
    notices: list[Text] = []
    """What became of parked runs, told on the next screen."""
    data: dict[str, tuple[str, Any]] = {}
    """What the app keeps in the session (`chat.session`), each as a tag and plain data; replaced, never changed."""
    posts: list[Posted] = []
    """What this turn posts; taken out by whoever stores the turn."""
    charge: Charged | None = None
    """What this turn has charged; taken out by whoever shows its screen."""
    over: bool = False
    """The app ended the session: once its last screen is read, the next turn begins a new one."""

    @property
    def waiting(self) -> bool:
        """Whether an effect is open, or something waits to be told: it is kept longer than a session lives."""
        run = self.run
        untold = run is not None and (run.pending is None or bool(run.intents))
        return untold or bool(self.parked or self.notices)

    @property
    def untold(self) -> bool:
        """Whether what became of effects waits to be told, and the conversation can go on with it."""
        run = self.run
        if run is None or run.pending is not None:
            return bool(self.notices)
        return not run.intents and not run.failed

    def speak(self, locale: str) -> None:
        """Go on in a language that the member chose."""
        self.locale = self.chosen = locale

    def runs(self) -> list[Run]:
        """The running one first, then the parked ones."""
        return [*([self.run] if self.run else []), *self.parked]

    def intents(self) -> list[Intent]:
        """All of them, of parked runs too."""
        if self.parked:
            return [intent for run in self.runs() for intent in run.intents]
        return self.run.intents if self.run is not None else []


def derive(seed: bytes, label: str) -> bytes:
    """32 bytes that belong to `label` and cannot be guessed without the seed."""
    return hmac.digest(seed, label.encode(), hashlib.sha256)


# Values: what a read or a step returned, stored as plain data under a tag that names its type.

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder()
_MUTABLE = frozenset({list, dict})
_OCTETS = (bytes, bytearray, memoryview)


def encode_value(value: Any, where: str) -> tuple[str, Any]:
    """Plain data and the tag of its type: a Struct by its import path, lists of one Struct type, plain values.

    Raises `Misuse` when the value cannot be kept (a Secret, a connection, a lambda).
    """
    tag = _tag_of(value)
    try:
        data = _DECODER.decode(_ENCODER.encode(msgspec.to_builtins(value, builtin_types=_OCTETS)))
    except (TypeError, ValueError, OverflowError) as error:
        raise Misuse(
            f"{where}: the result of type {type(value).__name__} cannot be kept in the journal ({error}). "
            "Return plain values or a msgspec.Struct of them."
        ) from None
    return tag, data


def decode_value(tag: str, data: Any) -> Any:
    """The value again, always a fresh copy. Raises `LookupError` or `msgspec.ValidationError` if its type changed."""
    data = fresh(data)
    if not tag:
        return data
    if tag.startswith("["):
        return msgspec.convert(data, list[_find_type(tag[1:-1])])  # type: ignore[misc]
    return msgspec.convert(data, _find_type(tag), builtin_types=(bytes,))


def fresh(data: Any) -> Any:
    """Plain data that a flow may change without changing the journal."""
    return _DECODER.decode(_ENCODER.encode(data)) if type(data) in _MUTABLE else data


def _tag_of(value: Any) -> str:
    if isinstance(value, msgspec.Struct):
        return f"{type(value).__module__}:{type(value).__qualname__}"
    if isinstance(value, list | tuple) and value and isinstance(value[0], msgspec.Struct):
        if any(type(item) is not type(value[0]) for item in value):
            raise Misuse(
                f"a list of mixed types ({type(value[0]).__name__} first) cannot be kept in the journal"
            )
        return f"[{_tag_of(value[0])}]"
    return ""


def _find_type(tag: str) -> Any:
    # Only types of modules that the app has imported already: a stored name never imports anything.
    module, _, name = tag.partition(":")
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, msgspec.Struct)):
        raise LookupError(f"the type {tag!r} of a recorded result no longer exists")
    return found
