"""The product with one rule taken out: each of these must break a law within some seeds, or the laws are too weak.

A mutant edits the source of one of the product's own functions, and the edit must fit: code that moves on takes its
mutant along, or the suite says so.
"""

from __future__ import annotations

import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, Final

import msgspec

from kikao import turn
from kikao.channels import accumulated
from kikao.channels.outbox import Dispatcher
from kikao.conversation import Choice, effects, runner
from kikao.conversation.journal import Run
from kikao.sessions.keeper import Held
from kikao.sessions.recovery import Recovery
from kikao.sessions.sealing import KeyRing
from kikao.sessions.stores.leases import Leases
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.working import Late
from kikao.turn import _Turn
from tests.reliability.simulation import laws
from tests.reliability.simulation.running import attempt_all, cores
from tests.reliability.simulation.weather import kind_of


class Edit(msgspec.Struct, frozen=True):
    """One place of the product's code, and what stands there instead."""

    where: Any
    """A class or a module."""
    name: str
    before: str
    after: str

    def apply(self) -> Callable[[], None]:
        """Put it in; call what it returns to take it out. Raises `AssertionError` when the code is not as expected."""
        function = inspect.getattr_static(self.where, self.name)
        source = textwrap.dedent(inspect.getsource(function))
        assert source.count(self.before) == 1, (
            f"{self.where.__name__}.{self.name}: {self.before!r} stands there {source.count(self.before)} times"
        )
        found: dict[str, Any] = {}
        edited = compile(
            source.replace(self.before, self.after), f"<{self.name}, edited>", "exec", dont_inherit=True,
            flags=FUTURE,
        )  # fmt: skip
        exec(edited, function.__globals__, found)
        setattr(self.where, self.name, found[self.name])
        return lambda: setattr(self.where, self.name, function)


FUTURE: Final = __import__("__future__").annotations.compiler_flag


class Mutant(msgspec.Struct, frozen=True):
    """A rule taken out, and the law that has to notice."""

    name: str
    law: str
    edits: tuple[Edit, ...]
    weather: tuple[str, ...] = ()
    """Kinds of weather that may bring it to light; () is all of them."""
    near: tuple[int, ...] = (0,)
    """Seeds that brought it to light once: a slice begins to hunt there, and goes on behind the last of them. With
    other code a seed is another schedule, so several are better for what is brought to light seldom."""

    @contextmanager
    def at_large(self) -> Iterator[None]:
        """While this lasts the product is wrong."""
        undo: list[Callable[[], None]] = []
        try:
            for edit in self.edits:
                undo.append(edit.apply())  # noqa: PERF401 - what is in must come out when the next does not fit
            yield
        finally:
            for each in reversed(undo):
                each()


MUTANTS: Final = (
    Mutant(
        "no consumed marker",
        laws.SECRET,
        (Edit(Held, "intend", "self._write(dedupe, tokens)", "self._write(None, tokens)"),),
        ("impatience",),
        near=(149,),
    ),
    Mutant(
        "no version check",
        laws.TWICE,
        (Edit(MemoryStore, "_apply", "write.version != version or write.fence", "write.fence"),),
        near=(26,),
    ),
    Mutant(
        "fence ignored by the store",
        laws.OVERTAKEN,
        (Edit(MemoryStore, "_apply", " or write.fence < fence", ""),),
        ("short lives",),
        near=(4774,),
    ),
    Mutant(
        "fence ignored by late outcomes",
        laws.NOT_REFUSED,
        (Edit(Late, "_deliver", 'if settled.kind != "done" and held', "if False and held"),),
        ("doubts",),
        near=(69210,),
    ),
    Mutant(
        "no dedupe",
        laws.CHANGED_REPLY,
        (Edit(turn, "names_of", 'gateway.dedupe == "exact"', "False"),),
    ),
    Mutant(
        "dedupe after commit",
        laws.TAKEN_TWICE,
        (
            Edit(
                Held,
                "commit",
                "write = self._write(dedupe, working)",
                "await self._sessions.store.intent(self._write(None, working)); self.version += 1\n"
                "    write = self._write(dedupe, working)",
            ),
        ),
        near=(149,),
    ),
    Mutant(
        "fresh key per try",
        laws.MOVED_TWICE,
        (Edit(effects, "attempt", "step.effect(intent.token)", "step.effect(__import__('os').urandom(16).hex())"),),
        near=(6,),
    ),
    Mutant(
        "Refused stored under the key",
        laws.STUCK,
        (Edit(Run, "token", "self.attempts.get(key, 0)", "0"),),
        near=(40,),
    ),
    Mutant(
        "reply not stored",
        laws.CHANGED_REPLY,
        (Edit(_Turn, "_record", "None if response is None else _ENCODER.encode(response)", "None"),),
    ),
    Mutant(
        "lease never expires",
        laws.STUCK,
        (Edit(Leases, "take", "if held[1] > now:", "if True:"),),
        near=(1,),
    ),
    Mutant(
        "lease expires while renewed",
        laws.AT_WORK,
        (Edit(Late, "_renew", "now + LEASE", "now"),),
        near=(47,),
    ),
    Mutant(
        "recovery takes live leases",
        laws.AT_WORK,
        (
            Edit(MemoryStore, "due", "row.lease_until <= now and ", ""),
            Edit(Recovery, "_settle", " or held.at_work()", ""),
        ),
        near=(47,),
    ),
    Mutant(
        "outbox marked before sent",
        laws.MESSAGE_LOST,
        (
            Edit(
                Dispatcher,
                "_try",
                "outcome = await destination.tried(letter)",
                "await self._delivered(message, Delivered(), 0.0); outcome = await destination.tried(letter)",
            ),
        ),
        near=(3,),
    ),
    Mutant(
        "back crosses a barrier",
        laws.FORGOTTEN,
        (Edit(Run, "last_question", "self.barrier() - 1", "-1"),),
        near=(2,),
    ),
    Mutant(
        "truncation without a new epoch",
        laws.TWO_CONFIRMATIONS,
        (Edit(Run, "truncate", "    self.epoch += 1\n", ""),),
        near=(200,),
    ),
    Mutant(
        "no intent before the effect",
        laws.UNDURABLE,
        (Edit(Held, "intend", "write = self._write(dedupe, tokens)", "return"),),
    ),
    Mutant(
        "what was not found did not happen",
        laws.GUESSED,
        (Edit(effects, "settle", 'return Settled("unknown", reason=_reason(result.reason, secret))',
              'return Settled("voided")'),),
        near=(1,),
    ),
    Mutant(
        "crossed inbound taken",
        laws.UNSEEN,
        (Edit(_Turn, "_process", "held.version != self.arrival", "False"),),
        near=(93,),
    ),
    Mutant(
        "last piece of accumulated text taken",
        laws.UNSEEN,
        (Edit(accumulated, "_new_part", "length = dialogue.length", 'return text.rpartition("*")[2] or None'),),
        near=(2,),
    ),
    Mutant(
        "options of today",
        laws.UNSEEN,
        (Edit(Choice, "parse", "picked(given.text, options)", "picked(given.text, self.options())"),),
        ("lists that change",),
        near=(54,),
    ),
    Mutant(
        "only the newest key opens",
        laws.BROKE,
        (Edit(KeyRing, "unseal", "kid not in self._keys", "kid != self._active"),),
        ("keys rotated",),
    ),
    Mutant(
        "hashed with the newest key",
        laws.CHANGED_REPLY,
        (Edit(KeyRing, "__init__", "lookup or self._active", "self._active"),),
        ("keys rotated",),
        near=(74,),
    ),
)  # fmt: skip


class Caught(msgspec.Struct):
    """After how many seeds a mutant was noticed; 0 when it was not, and which laws it broke at all."""

    mutant: str
    seeds: int
    seed: int
    laws: list[str]


def hunt(name: str, seeds: int, first: int | None = None) -> Caught:
    """Let a mutant run until it breaks its law, for so many seeds at most, from `first` on or from where it was caught
    before."""
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == name)
    begin, *before = mutant.near[::-1] if first is None else (first,)
    order = itertools.chain(before[::-1], itertools.count(begin))
    also = {effects: runner} if any(edit.where is effects for edit in mutant.edits) else {}
    with mutant.at_large(), _imported(also):
        fit = (seed for seed in order if not mutant.weather or kind_of(seed).name in mutant.weather)
        tried = attempt_all(itertools.islice(fit, seeds), until=lambda broken: mutant.law in broken)
    found = [seed for seed, broken in tried.broken.items() if mutant.law in broken]
    others = sorted({law for broken in tried.broken.values() for law in broken})
    return Caught(name, tried.seeds if found else 0, found[0] if found else -1, others)


@contextmanager
def _imported(also: dict[Any, Any]) -> Iterator[None]:
    """Who imported a function of a module by name gets the edited one, too."""
    before: list[tuple[Any, str, Any]] = []
    for source, module in also.items():
        for name in ("attempt", "inquire"):
            before.append((module, name, getattr(module, name)))
            setattr(module, name, getattr(source, name))
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def hunt_all(seeds: int, *, first: int | None = None, workers: int | None = None) -> list[Caught]:
    """Every mutant, over all cores."""
    with ProcessPoolExecutor(workers or cores(), mp_context=get_context("spawn")) as pool:
        return list(
            pool.map(hunt, [m.name for m in MUTANTS], *zip(*[(seeds, first)] * len(MUTANTS), strict=True))
        )
