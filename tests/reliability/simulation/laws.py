"""What must always be true, checked on what is stored, on what the bank is asked, and on what members read.

A law says what was broken in words that name no member; the trace of the schedule tells how it came to that.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from kikao.conversation.journal import BARRIERS, QUESTIONS, Run
from kikao.sessions.sealing import KeyRing
from kikao.sessions.session import Session, decode
from kikao.sessions.store import Write
from kikao.sessions.working import LONGEST_EFFECT
from tests.reliability.simulation.bank import Order
from tests.reliability.simulation.flows import PEOPLE
from tests.reliability.simulation.flows import QUESTIONS as ASKED

if TYPE_CHECKING:
    from tests.reliability.simulation.worker import Life
    from tests.reliability.simulation.world import World

TWICE: Final = "one version was written twice"
OVERTAKEN: Final = "a writer that was overtaken wrote"
SECRET: Final = "a secret was stored"
FORGOTTEN: Final = "something done was forgotten"
UNSEEN: Final = "an answer was taken for a question it did not see"
TAKEN_TWICE: Final = "an answer was taken twice"
INDEX: Final = "an open effect is not in the index, or one in the index is not open"
TWO_CONFIRMATIONS: Final = "one key stands for two confirmations"
UNDURABLE: Final = "an effect was begun before its intent was durable"
TWO_ORDERS: Final = "one key was used for two orders"
MOVED_TWICE: Final = "money was moved twice for one confirmation"
UNCONFIRMED: Final = "money was moved that nobody confirmed"
BOOKS: Final = "the books do not sum to zero"
AT_WORK: Final = "an effect at work was not left alone"
CHANGED_REPLY: Final = "a redelivery was answered otherwise"
LOST: Final = "an acknowledged turn was lost"
BROKE: Final = "the engine broke"
FALSE_RECEIPT: Final = "a receipt was shown for money that was not moved"
NOT_SENT: Final = "'not carried out' was said of money that was moved"
GUESSED: Final = "'not carried out' was said though nobody can know"
MISQUOTED: Final = "a confirmation showed what the member did not choose"
NOT_REFUSED: Final = "an order was carried out that was recorded as refused"
POSTED_TWICE: Final = "a message was posted twice"
NEVER_POSTED: Final = "a message was sent that no turn had stored"
DISORDERED: Final = "a message overtook one of its lane"
MESSAGE_LOST: Final = "a message was lost"
UNSETTLED: Final = "an open effect was never settled"
STUCK: Final = "a member could not go on any more"

EXPIRES_IN_DIALOGUES: Final = 100.0
"""Where a session lives shorter than this it ends in the middle of a dialogue: what was typed since its dial is then
dialled anew, as a long dial."""


class Ring(KeyRing):
    """The keys of the deployment. Whatever is stored was sealed here first."""

    world: World
    plain: dict[bytes, bytes]

    def seal(self, data: bytes, key: bytes, purpose: bytes, version: int = 0) -> bytes:
        """See `KeyRing.seal`; what is sealed holds no secret."""
        for pin in self.world.pins:
            if pin in data:
                self.world.laws.broken(SECRET, f"in {purpose.decode(errors='replace')}")
        blob = super().seal(data, key, purpose, version)
        self.plain[blob] = data
        return blob


class Laws:
    """Those of one world, and what it takes to judge by them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.violations: list[str] = []
        self.typed: dict[str, set[str]] = {prompt: set() for prompt in ASKED.values()}
        """What members typed, by the question they were looking at."""
        if world.weather.idle < EXPIRES_IN_DIALOGUES:  # what chose in a menu may then choose among people
            self.typed[ASKED["to"]].update(PEOPLE)
        self.confirmed: Counter[Order] = Counter()
        """What a member saw, agreed to, and gave the right PIN for where one is asked; and how often."""
        self.swept = 0
        self._written: dict[bytes, tuple[int, int, int]] = {}
        """Of each session the version and the fence written last, and how often something was swept before."""
        self._effects: dict[str, list[str]] = {}
        self._taken: dict[str, str] = {}
        self._durable: set[str] = set()
        self._open: dict[str, dict[str, str]] = {}
        """Of each run its open effects: tokens, each with its place in the journal."""
        self._orders: dict[str, Order] = {}
        self._offered: dict[str, tuple[object, ...]] = {}
        self._at_work: dict[str, tuple[Life, int, float]] = {}
        self._refused: set[str] = set()
        """Keys of effects that are recorded as not carried out."""
        self._movements = 0

    def broken(self, law: str, detail: str = "") -> None:
        """A law does not hold."""
        self.violations.append(law)
        self._world.note("LAW", f"{law}{f': {detail}' if detail else ''}")

    def tapped(self) -> None:
        """Somebody types "1" twice at once, which may answer two questions."""
        for typed in self.typed.values():
            typed.add("1")
        self.typed[ASKED["to"]].update(PEOPLE if self._world.weather.changes else PEOPLE[:1])

    # What is stored.

    def written(self, write: Write, name: str) -> None:
        """The store took a write."""
        world = self._world
        version, fence, swept = self._written.get(write.key, (0, 0, self.swept))
        if write.version != version and not (write.version == 0 and self.swept > swept):
            self.broken(TWICE, f"{write.version + 1} after {version}")
        if write.fence < fence:
            self.broken(OVERTAKEN, f"fence {write.fence} after {fence}")
        self._written[write.key] = write.version + 1, max(fence, write.fence), self.swept
        if write.outbox:
            world.receiver.stored(write.outbox)
        session = decode(world.ring.plain[write.state])
        runs = session.conversation.runs()
        open_tokens: list[str] = []
        for run in runs:
            self._journal(run)
            if run.intents or run.id in self._open:
                open_tokens += self._intents(run)
        ids = {world.ring.lookup("intent", token) for token in open_tokens}
        if ids != world.open_intents(write.key):
            self.broken(INDEX)
        if world.tracing:
            world.note("store", f"{name} v{write.version + 1} f{write.fence}: {_described(session, write)}")

    def _intents(self, run: Run) -> list[str]:
        """The tokens of the open effects of a run. What is not open any more is done, or refused."""
        now = {intent.token: intent.key for intent in run.intents if intent.entry is None}
        done = {entry.key for entry in run.journal if entry.kind in BARRIERS}
        done |= {intent.key for intent in run.intents if intent.entry and intent.entry.kind in BARRIERS}
        for token, key in self._open.get(run.id, {}).items():
            if token not in now and key not in done:
                self._refused.add(token)
                if any(movement.key == token for movement in self._world.bank.movements):
                    self.broken(NOT_REFUSED)
        self._open[run.id] = now
        self._durable.update(now)
        return list(now)

    def _journal(self, run: Run) -> None:
        effects = [entry.key for entry in run.journal if entry.kind in BARRIERS]
        before = self._effects.get(run.id, [])
        if effects[: len(before)] != before:
            self.broken(FORGOTTEN, f"{before} became {effects}")
        self._effects[run.id] = effects
        for entry in run.journal:
            name = entry.key.rpartition("/")[2].partition("#")[0]
            if entry.kind != "ask" or name not in ASKED:
                continue
            value = entry.value
            text = str(value[1]) if isinstance(value, list) else str(value)
            if text not in self.typed[ASKED[name]]:
                self.broken(UNSEEN, f"{text!r} as {name}")
            single = text not in ("1", *PEOPLE) and self._world.weather.idle > EXPIRES_IN_DIALOGUES
            if single and self._taken.setdefault(text, run.id) != run.id:
                self.broken(TAKEN_TWICE, text)
        if run.secret and not run.intents:
            token = run.token(run.at)
            answers = tuple([(e.key, str(e.value)) for e in run.journal if e.kind in QUESTIONS])
            if self._offered.setdefault(token, answers) != answers:
                self.broken(TWO_CONFIRMATIONS)

    # What the bank is asked.

    def asked(self, order: Order, key: str) -> None:
        """A worker is about to ask for an order."""
        if key not in self._durable:
            self.broken(UNDURABLE, order.kind)
        if self._orders.setdefault(key, order) != order:
            self.broken(TWO_ORDERS, f"{self._orders[key]} and {order}")

    def begins(self, life: Life, key: str) -> None:
        """A worker performs an effect."""
        self._at_work[key] = life, life.troubles, self._world.loop.now

    def ends(self, life: Life, key: str) -> None:
        """It has its answer, or has given up on it."""
        if key in self._at_work and self._at_work[key][0] is life:
            del self._at_work[key]

    def inquired(self, life: Life, key: str) -> None:
        """Somebody asks what became of an effect.

        Who stood still when it began cannot know that it did. What they ask moves no money, and what they are told is
        written under a fence.
        """
        at_work = self._at_work.get(key)
        if at_work is None:
            return
        performer, troubles, began = at_work
        undisturbed = performer.troubles == troubles and not performer.dead and performer.awake_at < began
        if undisturbed and life.awake_at < began and self._world.loop.now - began < LONGEST_EFFECT:
            self.broken(AT_WORK, f"{performer.name} by {life.name}")

    def moved(self) -> None:
        """The bank may have moved money."""
        bank = self._world.bank
        if len(bank.movements) == self._movements:
            return
        self._movements = len(bank.movements)
        # Where sessions end in dialogues an order may be dialled, and confirmed, anew.
        once = self._world.weather.idle > EXPIRES_IN_DIALOGUES
        for order, times in Counter(movement.order for movement in bank.movements).items():
            if times > (1 if once else self.confirmed[order]):
                self.broken(MOVED_TWICE, str(order))
        if bank.movements[-1].key in self._refused:
            self.broken(NOT_REFUSED)
        if bank.movements[-1].order not in self.confirmed:
            self.broken(UNCONFIRMED, str(bank.movements[-1].order))
        if sum(bank.balances.values()) != 0:
            self.broken(BOOKS)


def _described(session: Session, write: Write) -> str:
    """A stored session in a line, for the trace."""
    parts = []
    for run in session.conversation.runs():
        keys = " ".join(entry.key.rpartition("/")[2] for entry in run.journal)
        intents = " ".join(f"{i.key.rpartition('/')[2]}?{i.tries}" for i in run.intents)
        asks = run.at.rpartition("/")[2]
        parts.append(f"{run.flow}[{keys}] open[{intents}] asks {asks or '-'} e{run.epoch}")
    dedupe = write.dedupe
    seen = "-" if dedupe is None else "consumed" if dedupe.reply is None else "reply"
    until = f"{write.expires_at:.0f}" if write.expires_at < math.inf else "ever"
    return f"{'; '.join(parts) or 'nothing'} | {seen} | until {until}"
