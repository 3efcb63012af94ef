"""What ought to happen to a member, in plain Python: no journal, no replay, no store.

Written from the documents, not from the engine. It knows the flows of `world` as tables, the bank as two numbers a
member, and an effect as one of: not begun, open (nobody told us yet), done. Every method is one thing that happens, and
returns what the member should then see.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Literal

from tests.conversation.world import CHAPTERS, GOODS, LOCKS_AT, OPENING, SEND, TITLES

IDLE = 300.0
LEASE = 15.0
WEEK = 7 * 86400.0
PAGE_LINES = 8
MAX_PARKED = 3
LANGUAGES = ("English", "Kiswahili")

Kind = Literal["choice", "money", "number", "text", "confirm", "secret"]
Crash = Literal["unclaimed", "claimed", "before intent", "intended", "acted", "before commit", "committed"]
"""Where a process dies in a turn; those in the middle only happen where the turn does something outside."""


@dataclass(frozen=True)
class Question:
    """An open question as displayed."""

    key: str
    kind: Kind
    prompt: str
    labels: tuple[str, ...] = ()
    values: tuple[object, ...] = ()
    low: int = 0
    high: int = 0

    def is_answer(self, text: str) -> bool:
        """Whether what is also a navigation key is an answer here."""
        if self.kind == "number":
            return text.isdecimal() and text == str(int(text)) and self.low <= int(text) <= self.high
        return self.kind == "choice" and self.pick(text) is not None

    def pick(self, text: str) -> int | None:
        """Which option was typed, by number or name."""
        if text.isdecimal() and text == str(int(text)):
            return int(text) - 1 if 1 <= int(text) <= len(self.values) else None
        names = [label.casefold() for label in self.labels]
        return names.index(text.casefold()) if text.casefold() in names else None


@dataclass(frozen=True)
class Entry:
    """Something the flow has got: an answer, a look-up, an effect."""

    key: str
    kind: Literal["ask", "confirm", "read", "effect"]
    value: object = None


@dataclass
class Attempt:
    """An effect that was begun. `acted` is what the service did: nothing yet, or its answer."""

    key: str
    acted: str = ""
    busy_until: float = 0.0
    tell_at: float = 0.0
    """When the service will say it (it is slow), if the process lives so long."""


@dataclass
class Run:
    """A conversation under way."""

    root: str
    variant: str
    entries: list[Entry] = field(default_factory=list)
    question: Question | None = None
    error: bool = False
    told: bool = False
    """Whether the question stands under something else that is told."""
    page: int = 0
    attempt: Attempt | None = None
    refused: str = ""
    news: list[str] = field(default_factory=list)
    """Words of what became of something, not told yet."""
    shown: tuple[str, ...] = ()
    """Those that stand above the question."""

    def barrier(self) -> int:
        """How many entries are past changing."""
        if self.attempt is not None:
            return len(self.entries)
        done = [i + 1 for i, entry in enumerate(self.entries) if entry.kind == "effect"]
        return done[-1] if done else 0

    def last(self, kinds: tuple[str, ...]) -> int | None:
        """The last answer of a kind that may still be changed."""
        found = [i for i, e in enumerate(self.entries) if e.kind in kinds and i >= self.barrier()]
        return found[-1] if found else None


@dataclass(frozen=True)
class Seen:
    """A screen. `told` is whether something stands above the question (None: either way)."""

    ends: bool
    prompt: str
    labels: tuple[str, ...] = ()
    told: bool | None = None
    page: int = 0
    keys_only: bool = False
    news: tuple[str, ...] = ()
    """Words that must be there too."""

    def problem(self, text: str, ended: bool) -> str:
        """What is wrong with a screen that was shown, or nothing."""
        if ended != self.ends:
            return f"the dialogue should {'end' if self.ends else 'go on'}"
        if self.page == 0 and self.prompt not in text:
            return f"it should say {self.prompt!r}"
        if self.page == 0 and any(words not in text for words in self.news):
            return f"it should tell {self.news}"
        if self.told is not None and self.page == 0 and self.told == text.startswith(self.prompt):
            return f"it should {'tell something' if self.told else 'tell nothing'} before {self.prompt!r}"
        if self.page == 0 and not self.ends:
            lines = text[text.index(self.prompt) :].splitlines()[1:]
            for number, label in enumerate(self.labels, 1):
                if number > len(lines) or number + 1 > PAGE_LINES - (self.told is not False):
                    break
                if not lines[number - 1].startswith(f"{number} " + ("" if self.keys_only else label)):
                    return f"option {number} should be {label!r}"
        if self.page and self.labels and self.labels[-1] not in text:
            return f"page {self.page + 1} should offer {self.labels[-1]!r}"
        return ""


class Away(Exception):
    """The bank cannot tell the fee."""


class Died(Exception):
    """The process died here; the model is as the store is."""


WORKING = Seen(True, "still being processed")
UNAVAILABLE = "Service unavailable"
UNKNOWN = Seen(True, "We are checking your request")
RECEIVED = Seen(True, "Request received")
CANCELLED = Seen(True, "Cancelled.")
RESUME = Seen(False, "Continue where you stopped?", ("Continue", "Start again"), keys_only=True)
CHECKING = Seen(False, "We are checking your last request", ("Check again", "Start again"), keys_only=True)
LANGUAGE = Seen(False, "Choose language", LANGUAGES)
OVERLAYS = {"resume": RESUME, "checking": CHECKING, "language": LANGUAGE}


@dataclass
class Outside:
    """What members share: the bank as far as they can tell, the phone book, and the code that is deployed."""

    now: float = 0.0
    variant: str = "plain"
    names: tuple[str, ...] = ()
    away: bool = False
    fault: str = ""
    """What the services do next: "" at once, "silent" time out having done nothing, "lost" time out having done it,
    "slow" answer after the deadline."""
    blind: bool = False
    """Whether the bank cannot say what became of a key."""


@dataclass
class Money:
    """A member at the bank."""

    balance: int = OPENING
    failures: int = 0
    sent: list[int] = field(default_factory=list)

    def order(self, right: bool, minor: int) -> str:
        """What the bank does with a new order."""
        if self.failures >= LOCKS_AT:
            return "locked"
        if not right:
            self.failures += 1
            return "locked" if self.failures >= LOCKS_AT else "wrong"
        self.failures = 0
        if self.balance < minor:
            return "poor"
        self.balance -= minor
        self.sent.append(minor)
        return "done"


class Member:
    """One member. `seen_at` and `expires_at` are seconds on the shared clock."""

    def __init__(self, outside: Outside, pin: str) -> None:
        self.outside = outside
        self.pin = pin
        self.money = Money()
        self.registered = 0
        self.run: Run | None = None
        self.parked: list[Run] = []
        self.overlay = ""
        self.news: list[str] = []
        self.seen_at = 0.0
        self.expires_at = 0.0
        self.exists = False
        self.reached: Literal["nothing", "consumed", "answered"] = "nothing"
        """How far the last request came before the process died."""
        self.reply: Seen | None = None
        """What the last request was answered with."""
        self.crash: Crash | None = None
        self._intended: Member | None = None

    # A turn.

    def turn(self, event: str, text: str = "", *, crash: Crash | None = None) -> Seen | None:
        """One inbound: "dial" (with what was dialled ahead), "reply" or "show". None when the process died."""
        before = copy.deepcopy(self.__dict__, {id(self.outside): self.outside})
        self.crash, self._intended, self.reached = crash, None, "nothing"
        if crash in ("unclaimed", "claimed"):
            return None
        try:
            seen = self._turn(event, text)
        except Died:
            seen = None
            if self._intended is None:
                self.__dict__.update({**before, "reached": "nothing"})
            else:
                money, registered = self.money, self.registered
                self.__dict__.update(self._intended.__dict__)
                self.money, self.registered, self.reached = money, registered, "consumed"
        else:
            self._written()
            self.reached, self.reply = "answered", seen
            if crash == "committed":
                seen = None
        self.crash, self._intended = None, None
        return seen

    def _turn(self, event: str, text: str) -> Seen:
        now = self.outside.now
        if self.exists and now - self.seen_at > IDLE:
            self.overlay = ""
            if self.run is not None and self.run.attempt is None and self.run.question is not None:
                self.run = None
                self.news += ["Session expired"] if event == "reply" else []
        fresh = self.exists and now - self.seen_at <= IDLE
        self.exists, self.seen_at = True, now
        run = self.run
        if run is not None and run.attempt is not None and run.attempt.busy_until > now:
            seen = WORKING
        elif event == "dial":
            seen = self._dial(text, fresh)
        elif event == "show":
            seen = self._show()
        else:
            seen = self._reply(text)
        if self.crash == "before commit":
            raise Died
        return seen

    def _written(self) -> None:
        untold = self.run is not None and (self.run.question is None or self.run.attempt is not None)
        long = untold or bool(self.parked) or bool(self.news)
        self.expires_at = self.outside.now + (WEEK if long else IDLE)

    def _dial(self, ahead: str, fresh: bool) -> Seen:
        self.overlay = ""
        run = self.run
        if run is not None and run.attempt is not None:
            return self._still_checking(self._go(dialled=True))
        if run is not None and run.question is None:
            return self._go(dialled=True)
        if run is not None and fresh and not ahead and self._resumable(run):
            self.overlay = "resume"
            return RESUME
        must_tell = bool(self.news)
        seen = self._home()
        for answer in ahead.split("*") if ahead and not must_tell else []:
            question = self.run.question if self.run else None
            if question is None or question.kind in ("secret", "confirm") or seen.ends:
                break
            seen = self._answer(answer)
            if self.run is not None and self.run.error:
                break
        return seen

    def _resumable(self, run: Run) -> bool:
        if run.question is not None and run.question.kind in ("secret", "confirm"):
            return run.last(("ask",)) is not None
        return bool(run.entries) or run.root != "main"

    def _show(self) -> Seen:
        if self.overlay:
            return OVERLAYS[self.overlay]
        if self.run is None:
            return self._home()
        if self.run.question is None:
            return self._still_checking(self._go())
        return self._screen()

    def _still_checking(self, seen: Seen) -> Seen:
        if self.run is None or self.run.attempt is None or seen is RECEIVED:
            return seen
        self.overlay = "checking"
        self.run.news = [words for words in self.run.shown if words != "could not confirm"]  # not seen yet
        return CHECKING

    def _reply(self, text: str) -> Seen:
        if self.overlay:
            return self._choose(text)
        if self.run is None:
            return self._home()
        question = self.run.question
        if question is None:
            return self._show()
        if not question.is_answer(text):
            moved = self._move(self.run, text.lower())
            if moved is not None:
                return moved
        return self._answer(text)

    def _choose(self, text: str) -> Seen:
        overlay = self.overlay
        offered = OVERLAYS[overlay]
        if overlay == "language" and text == "0":
            self.overlay = ""
            return self._show()
        if text not in ("1", "2"):
            return replace(offered, told=True)
        self.overlay = ""
        if overlay == "language":
            return self._show()
        if text == "1":
            return self._resume(overlay)
        if self.run is not None and self.run.attempt is not None and len(self.parked) >= MAX_PARKED:
            self.overlay = "checking"
            return CHECKING
        if self.run is not None and self.run.question is None and self.run.attempt is None:
            self.news += self._outcome(self.run)
        return self._home()

    def _outcome(self, run: Run) -> list[str]:
        """What a member must be told of a run that goes away with its effect settled."""
        if run.news or run.refused:
            return run.news or [{"poor": "Insufficient", "locked": "locked"}[run.refused]]
        return ["Paid. Ref" if run.entries[-1].key.endswith("pin#1") else "was completed"]

    def _resume(self, overlay: str) -> Seen:
        run = self.run
        if run is None:
            return self._home()
        if run.question is None or run.attempt is not None:
            seen = self._go(dialled=True)
            if seen is UNKNOWN:
                self.overlay = "checking"
                return CHECKING
            return seen
        if run.question.kind in ("secret", "confirm"):
            at = run.last(("ask",))
            assert at is not None
            del run.entries[at:]
            return self._go()
        run.error, run.page = False, 0
        return self._screen()

    # Moving.

    def _move(self, run: Run, word: str) -> Seen | None:
        assert run.question is not None
        if word in ("98", "#") and run.page < self._pages(run) - 1:
            run.page += 1
        elif word == "0" and run.page > 0:
            run.page -= 1
        elif word == "0":
            at = run.last(("ask", "confirm"))
            if at is not None:
                del run.entries[at:]
                return self._go()
            run.error = True
        elif word in ("00", "99", "cancel") and run.attempt is not None:
            self.overlay = "checking"
            return CHECKING
        elif word == "00":
            return self._home()
        elif word in ("99", "cancel"):
            self._leave()
            return CANCELLED
        elif word in ("97", "language"):
            self.overlay = "language"
            return LANGUAGE
        else:
            return None
        return self._screen()

    def _leave(self) -> None:
        if self.run is not None and self.run.attempt is not None:
            self.parked.append(self.run)
        self.run = None

    def _home(self) -> Seen:
        self._leave()
        self.run = Run("main", self.outside.variant)
        return self._go()

    def _screen(self) -> Seen:
        run = self.run
        assert run is not None
        assert run.question is not None
        question = run.question
        return Seen(
            False,
            question.prompt,
            question.labels,
            told=run.error or run.told,
            page=run.page,
            news=run.shown,
            keys_only=question.kind == "confirm",
        )

    def _pages(self, run: Run) -> int:
        assert run.question is not None
        if run.question.kind == "confirm":
            return 1
        lines = 1 + len(run.question.labels) + (run.error or run.told)
        return -(-lines // PAGE_LINES)

    # Answering.

    def _answer(self, text: str) -> Seen:
        run = self.run
        assert run is not None
        assert run.question is not None
        question = run.question
        news = ""
        if (
            question.kind == "secret" and run.attempt is not None
        ):  # the bank is asked before it is told anything
            found = self._check(run)
            if found == "done":
                return self._go()
            news = "not carried out" if found == "void" else "could not confirm"
        value = self._parse(question, text)
        if value is None:
            run.news += [news] if news else []
            return self._ask_again(run)
        if question.kind == "secret":
            return self._pay(run, text)
        if question.kind == "confirm" and value is False:
            self.run = None
            return CANCELLED
        kept = (list(run.entries), question, run.told, run.page)
        run.entries.append(Entry(question.key, "confirm" if question.kind == "confirm" else "ask", value))
        run.question = None
        try:
            return self._go()
        except Away:
            run.entries, run.question, run.told, run.page = kept
            run.error, run.page = True, 0
            return self._screen()

    def _ask_again(self, run: Run) -> Seen:
        run.news, self.news = [*self.news, *run.news], []
        return self._ask(run, error=True)

    def _parse(self, question: Question, text: str) -> object:
        if question.kind in ("choice", "confirm"):
            if question.kind == "confirm" and text not in ("1", "2"):
                return None
            at = question.pick(text)
            if at is None:
                return None
            value = question.values[at]
            gone = question.key.endswith("to#1") and value not in self.outside.names
            return None if gone else value
        if question.kind == "text":
            return text if question.low <= len(text) <= question.high else None
        if question.kind == "secret":
            return text if len(text) == 4 and text.isdecimal() else None
        return int(text) if text.isdecimal() and question.low <= int(text) <= question.high else None

    # Effects.

    def _pay(self, run: Run, pin: str) -> Seen:
        assert run.question is not None
        key, earlier = run.question.key, run.attempt
        minor = next(e.value for e in run.entries if e.key.split("/")[-1] in ("amount#1", "sum#1"))
        assert isinstance(minor, int)
        # The same key again: the bank repeats what it answered, if it ever got it.
        attempt = run.attempt = Attempt(key, earlier.acted if earlier else "")
        run.question = None
        outcome = self._perform(attempt, lambda: self.money.order(pin == self.pin, minor))
        if outcome in ("unknown", "overdue"):
            return UNKNOWN if outcome == "unknown" else RECEIVED
        run.attempt = None
        if outcome == "wrong":
            return self._ask(run, error=True)
        if outcome == "done":
            run.entries.append(Entry(key, "effect"))
        else:
            run.refused = outcome
        return self._go()

    def _save(self, run: Run, key: str) -> str:
        attempt = run.attempt or Attempt(key)
        run.attempt = attempt

        def act() -> str:
            self.registered += 1
            return "done"

        outcome = self._perform(attempt, act)
        if outcome == "done":
            run.attempt = None
            run.entries.append(Entry(key, "effect"))
        return outcome

    def _perform(self, attempt: Attempt, act: object) -> str:
        assert callable(act)
        now, fault = self.outside.now, self.outside.fault
        if self.crash == "before intent":
            raise Died
        attempt.busy_until = now + LEASE
        self._intended = copy.copy(self)
        self._intended.run = copy.deepcopy(self.run)
        self._intended.parked = copy.deepcopy(self.parked)
        self._intended.crash = None
        self._intended.expires_at = now + WEEK
        intended = self._intended.run.attempt if self._intended.run else None
        assert intended is not None
        if self.crash == "intended":
            raise Died
        if fault != "silent" and not attempt.acted:
            attempt.acted = act()
        intended.acted = attempt.acted
        if self.crash == "acted":
            raise Died
        if fault == "slow":
            attempt.tell_at, attempt.busy_until = now + 10.0, now + 10.0
            return "overdue"
        attempt.busy_until = 0.0
        return "unknown" if fault else attempt.acted

    def _check(self, run: Run) -> str:
        """Ask the bank what became of an open order: "done", "void" or "unknown"."""
        attempt = run.attempt
        assert attempt is not None
        attempt.busy_until = 0.0
        if self.outside.blind:
            return "unknown"
        run.attempt = None
        if attempt.acted == "done":
            run.entries.append(Entry(attempt.key, "effect"))
            return "done"
        return "void"

    # Going on.

    def _go(self, *, dialled: bool = False) -> Seen:
        run = self.run
        assert run is not None
        run.news, self.news = [*self.news, *run.news], []
        if run.refused == "locked":
            self.run = None
            return Seen(True, "Account locked", news=tuple(run.news))
        if run.refused:
            at = run.last(("ask",))
            assert at is not None
            del run.entries[at:]
            run.refused = ""
            return self._ask(run, error=True)
        while True:
            name = upcoming(run)
            step = name.split("/")[-1]
            if run.attempt is not None and step == "pin#1":
                found = self._check(run)
                if found == "unknown":
                    run.news.append("could not confirm")
                    return self._ask(run)
                if found == "void":
                    run.news.append("not carried out")
                    if dialled:
                        at = run.last(("ask",))
                        assert at is not None
                        del run.entries[at:]
                    return self._ask(run)
            elif step in ("fee#1", "text#1"):
                if self.outside.away:
                    raise Away
                run.entries.append(Entry(name, "read"))
            elif step == "save#1":
                outcome = self._save(run, name)
                if outcome != "done":
                    return UNKNOWN if outcome == "unknown" else RECEIVED
            elif step == "end":
                self.run = None
                return Seen(True, ending(run), news=tuple(run.news))
            elif step == "register":
                self.run = run = Run("register", self.outside.variant, news=run.news)
            else:
                if dialled and step in ("ok#1", "pin#1"):
                    at = run.last(("ask",))
                    if at is not None:
                        del run.entries[at:]
                return self._ask(run)

    def _ask(self, run: Run, *, error: bool = False) -> Seen:
        run.question = question_at(upcoming(run), run, self.outside.names)
        run.shown, run.news = tuple(run.news), []
        run.told = bool(run.shown) or self._says(run)
        run.error, run.page = error, 0
        return self._screen()

    def _says(self, run: Run) -> bool:
        step = upcoming(run).split("/")[-1]
        if step.startswith("item#"):
            return step != "item#1"
        return bool(run.entries) and run.entries[-1].key.endswith("pin#1")

    # What happens without the member.

    def told_late(self) -> None:
        """A slow service has answered, and the process that asked is still there."""
        run = self.run
        if run is None or run.attempt is None or not 0 < run.attempt.tell_at <= self.outside.now:
            return
        attempt, run.attempt = run.attempt, None
        if attempt.acted == "done":
            run.entries.append(Entry(attempt.key, "effect"))
        elif attempt.acted == "wrong":
            run.news.append("Wrong PIN")
        else:
            run.refused = attempt.acted
        self._written()

    def died(self, *, restarted: bool) -> None:
        """The process died: nobody waits for slow services, and a restarted one knows that nobody is at work."""
        for run in [*([self.run] if self.run else []), *self.parked]:
            if run.attempt is not None:
                run.attempt.tell_at = 0.0
                if restarted:
                    run.attempt.busy_until = 0.0

    def recover(self) -> None:
        """Recovery looked at this member's open effects."""
        for run in [*([self.run] if self.run else []), *list(self.parked)]:
            attempt = run.attempt
            if attempt is None:
                continue
            run.question = None
            if attempt.key.endswith("save#1"):
                outcome = self._save(run, attempt.key)
                open_still = outcome != "done"
            else:
                found = self._check(run)
                open_still = found == "unknown"
                run.news += ["not carried out"] if found == "void" else []
            if run in self.parked and not open_still:
                self.parked.remove(run)
                self.news += self._outcome(run)
        self._written()

    def swept(self) -> None:
        """Expired sessions were removed."""
        if self.exists and self.expires_at <= self.outside.now and not self.open_effects():
            self.run, self.overlay, self.exists, self.news = None, "", False, []

    def open_effects(self) -> int:
        """How many effects nobody knows the outcome of."""
        runs = [*([self.run] if self.run else []), *self.parked]
        return sum(run.attempt is not None for run in runs)


def upcoming(run: Run) -> str:
    """The key of what comes next, after what the run has got."""
    entries = run.entries
    if run.root == "main":
        if not entries:
            return "menu#1"
        flow = str(entries[0].value)
        scope, got = f"{flow}#1/", len(entries) - 1
    else:
        flow, scope, got = run.root, "", len(entries)
    if flow == "send":
        names = SEND[run.variant]
        return f"{scope}{names[got]}#1" if got < len(names) else "end"
    if flow == "register":
        if got < 4:
            return f"{scope}{('name', 'age', 'save', 'again')[got]}#1"
        return "register" if entries[-1].value == "Another" else "end"
    if flow == "terms":
        return f"{scope}{('chapter', 'text', 'seen')[got]}#1" if got < 3 else "end"
    if entries[-1].value == "Pay":
        return "end"
    return f"{scope}{'item' if got % 2 == 0 else 'number'}#{got // 2 + 1}"


def question_at(key: str, run: Run, names: tuple[str, ...]) -> Question:
    """The question of that key, as it would be displayed now."""
    name = key.rpartition("/")[2].partition("#")[0]
    if name == "menu":
        return Question(key, "choice", "Main menu", tuple(TITLES.values()), tuple(TITLES))
    if name == "again":
        person = next(e.value for e in run.entries if e.key.split("/")[-1] == "name#1")
        ways = ("Another", "Enough")
        return Question(key, "choice", f"Registered {person}.", ways, ways)
    if name == "ok":
        return Question(key, "confirm", "Pay UGX", ("Confirm", "Cancel"), (True, False))
    choices: dict[str, tuple[str, tuple[str, ...]]] = {
        "to": ("Pay whom?", names),
        "item": ("What would you like?", GOODS),
        "chapter": ("Which chapter?", CHAPTERS),
    }
    if name in choices:
        prompt, options = choices[name]
        return Question(key, "choice", prompt, options, options)
    typed: dict[str, tuple[Kind, str, int, int]] = {
        "amount": ("money", "How much?", 500, 5000),
        "sum": ("money", "How much?", 500, 5000),
        "purpose": ("text", "What for?", 1, 40),
        "comment": ("text", "Any comment?", 1, 40),
        "rating": ("number", "Rate us 0 to 5", 0, 5),
        "pin": ("secret", "Your PIN?", 0, 0),
        "name": ("text", "Your name?", 2, 20),
        "age": ("number", "Your age?", 0, 120),
        "number": ("number", "How many?", 1, 9),
        "seen": ("number", "Type a number", 1, 9),
    }
    kind, prompt, low, high = typed[name]
    return Question(key, kind, prompt, low=low, high=high)


def ending(run: Run) -> str:
    """The last words of a flow."""
    flow = run.root if run.root != "main" else str(run.entries[0].value)
    return {
        "send": "Thank you for paying.",
        "register": "Welcome.",
        "basket": "Come and fetch",
        "terms": "That was",
    }[flow]
