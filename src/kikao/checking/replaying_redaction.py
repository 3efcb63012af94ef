"""Conversations without what anybody said: placeholders of the same form, and words of the code as they are.

A text that stands in the app's source (a choice, a status, the name of a flow, a currency) is the code's and is kept:
flows branch on those. What was typed as a text becomes `a`. Elsewhere every letter becomes `a` and every digit `1`. Of
a number the first digit is kept, of a day the decade, of a time the hour, of a phone number the country. The secret
of a run, names, texts on screens and references are left out.
"""

from __future__ import annotations

import ast
import datetime as dt
import functools
import math
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import structs

from kikao.app import App
from kikao.conversation.journal import Conversation, Entry, Intent, Pending, Run
from kikao.conversation.screens import Option, Screen
from kikao.i18n import Amount, Day, Moment
from kikao.i18n.messages import EMPTY

LONGEST: Final = 100
"""Characters of a word of the code; what is longer is prose."""

NO_SEED: Final = bytes(32)
COUNTRY: Final = 4
"""Characters of a phone number that are kept, with the plus sign."""


class Redactor:
    """Leaves out what members said of the conversations of an app."""

    def __init__(self, app: App) -> None:
        self._words: set[str] = {"type"}
        for kind in (Amount, Day, Moment):
            self._words.update(kind.__struct_fields__, [str(kind.__struct_config__.tag)])
        self._words.update(app.engine.locales, *[[flow.name] for flow in app.engine.flows])
        self._read: set[str] = set()
        for flow in app.engine.flows:
            self._learn(getattr(flow.function, "__module__", ""))

    def conversation(self, conversation: Conversation) -> Conversation:
        """A new one, with its runs."""
        return Conversation(
            conversation.locale,
            run=None if conversation.run is None else self._run(conversation.run),
            parked=[self._run(run) for run in conversation.parked],
            data={self._text(name): self._tagged(*kept) for name, kept in conversation.data.items()},
        )

    def msisdn(self, msisdn: str) -> str:
        """A number of the same country and length."""
        return _number(msisdn)

    def _run(self, run: Run) -> Run:
        redacted = structs.replace(
            run,
            id="",
            seed=NO_SEED,
            msisdn=_number(run.msisdn),
            member="",
            args={name: self._tagged(*kept) for name, kept in run.args.items()},
            journal=[self._entry(entry) for entry in run.journal],
            size=0,
            receipts={},
            notices=[],
            intents=[],
            pending=None if run.pending is None else self._pending(run.pending),
        )
        redacted.intents = [self._intent(intent, run, redacted) for intent in run.intents]
        return redacted

    def _entry(self, entry: Entry) -> Entry:
        value = entry.value
        if entry.kind == "refused":
            value = [value[0], msgspec.to_builtins(EMPTY)]
        elif entry.tag == "phone":
            value = _number(str(value))
        elif entry.tag == "date":
            value = f"{str(value)[:3]}0-01-01"
        elif entry.tag == "text":
            value = "a"  # whatever was typed, also where it is a word of the code by chance
        elif entry.kind == "read" and entry.key.rpartition("/")[2].startswith("now#"):
            value = _hour(str(value))
        else:
            value = self._tagged(entry.tag, value)[1]
        return Entry(entry.key, entry.kind, entry.tag, value)

    def _intent(self, intent: Intent, run: Run, redacted: Run) -> Intent:
        """With a proof of what is left, where it proves nothing but the journal; else with none."""
        proves = intent.proof == run.proof()
        return structs.replace(
            intent,
            token="",
            proof=redacted.proof() if proves else b"",
            since=0.0,
            entry=None if intent.entry is None else self._entry(intent.entry),
        )

    def _pending(self, pending: Pending) -> Pending:
        screen = pending.screen
        known = [each for each in screen.options if self._plain(each.value) == each.value]
        options = tuple(Option(each.key, "", each.value) for each in known)
        shown = Screen((), options, whole=screen.whole, secret=screen.secret)
        return Pending(pending.key, pending.tag, shown, tries=pending.tries, literal=pending.literal)

    def _tagged(self, tag: str, data: Any) -> tuple[str, Any]:
        self._learn(tag.strip("[]").partition(":")[0])
        return tag, self._plain(data)

    def _plain(self, data: Any) -> Any:
        if isinstance(data, str):
            return self._text(data)
        if data is None or isinstance(data, bool):
            return data
        if isinstance(data, int | float):
            return _first_digit(data)
        if isinstance(data, dict):
            return {self._plain(key): self._plain(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self._plain(item) for item in data]
        return None

    def _text(self, text: str) -> str:
        return text if text in self._words else "".join(map(_letter, text))

    def _learn(self, module: str) -> None:
        """Take in the words of a module, and of those in the same package."""
        package = module.partition(".")[0]
        if not package or package in self._read or package == "kikao":
            return
        self._read.add(package)
        for name, found in [*sys.modules.items()]:
            file = getattr(found, "__file__", None)
            if name.partition(".")[0] == package and isinstance(file, str) and file.endswith(".py"):
                self._words |= words_of(Path(file))


def words_of(file: Path) -> frozenset[str]:
    """Texts and names in a Python file; none of one that cannot be read."""
    try:
        return _words_of(file, file.stat().st_mtime_ns)
    except (OSError, SyntaxError, ValueError):
        return frozenset()


@functools.lru_cache(maxsize=1024)
def _words_of(file: Path, written: int) -> frozenset[str]:
    found: set[str] = set()
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)):
                found.add(text)
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.keyword(arg=str(name)) | ast.ClassDef(name=name)
            ):
                found.add(name)
    return frozenset(word for word in found if len(word) <= LONGEST)


def _letter(character: str) -> str:
    if character.isdigit():
        return "1"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character


def _number(msisdn: str) -> str:
    return msisdn[:COUNTRY] + "".join(map(_letter, msisdn[COUNTRY:]))


def _first_digit(number: float) -> float:
    if number == 0 or not math.isfinite(number):
        return number
    digit, _, exponent = f"{abs(number):.15e}".partition("e")
    rough = float(f"{digit[0]}e{exponent}")
    return (
        math.copysign(rough, number) if isinstance(number, float) else int(rough) * (1 if number > 0 else -1)
    )


def _hour(moment: str) -> str:
    try:
        return dt.datetime.fromisoformat(moment).replace(minute=0, second=0, microsecond=0).isoformat()
    except ValueError:
        return "".join(map(_letter, moment))
