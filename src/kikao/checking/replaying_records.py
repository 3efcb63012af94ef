"""Recordings: conversations in flight in a file, without what anybody said, to be replayed elsewhere.

One line of JSON each, behind a line that says what it is. A recording was tried: where a conversation without its
answers takes another way than with them, the line says only that, and a replay of it is `unknown`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec

from kikao.app import App
from kikao.checking.replaying import Outcome, Replayer
from kikao.checking.replaying_cases import Case
from kikao.checking.replaying_redaction import Redactor
from kikao.conversation.journal import Conversation, Run
from kikao.conversation.member import Member

FORMAT: Final = 1

LONGEST: Final = 4 * 1024 * 1024
"""Octets of a line: more than any session has."""


class NoRecording(Exception):
    """A file that is no recording, and why."""


class _Head(msgspec.Struct):
    kikao: Literal["conversations"] = "conversations"
    format: int = FORMAT
    release: int = 0
    """Of the code that recorded."""


class _Line(msgspec.Struct, omit_defaults=True):
    conversation: Conversation
    channel: str = ""
    msisdn: str = ""
    unsure: bool = False


class Recorder:
    """Makes lines of conversations. `replayer` has the same app: what is left of one must go its way."""

    def __init__(self, app: App, replayer: Replayer) -> None:
        self._redactor = Redactor(app)
        self._replayer = replayer
        self._release = app.engine.flows.release
        self.unsure = 0
        """How many do not go their way without their answers."""

    def head(self) -> bytes:
        """The first line."""
        return msgspec.json.encode(_Head(release=self._release)) + b"\n"

    async def line(self, case: Case) -> tuple[bytes, list[Outcome]]:
        """One conversation, and what becomes of it; it is used up by it."""
        redacted = self._redactor.conversation(case.conversation)
        msisdn = self._redactor.msisdn(case.member.msisdn)
        line = _ENCODER.encode(_Line(redacted, case.member.channel, msisdn))
        found = await self._replayer.outcomes(case.conversation, case.member)
        tried = _read(line, case.name)
        again = await self._replayer.outcomes(tried.conversation, tried.member)
        if [*map(_way, found)] != [*map(_way, again)]:
            self.unsure += 1
            line = _ENCODER.encode(_Line(_bare(redacted), case.member.channel, msisdn, unsure=True))
        return line + b"\n", found


@contextlib.contextmanager
def writing(path: Path) -> Generator[BinaryIO]:
    """A new file that only its owner may read; it is removed if it does not get whole.

    Raises `OSError`, `FileExistsError` for one that is there.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(fd, "wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def recorded(path: Path) -> Iterator[Case]:
    """The conversations of a file, one after the other. Raises `NoRecording`, `OSError`."""
    with path.open("rb") as file:
        try:
            head = msgspec.json.decode(file.readline(LONGEST), type=_Head)
        except msgspec.DecodeError:
            raise NoRecording(f"{path} is no recording of kikao replay") from None
        if head.format > FORMAT:
            raise NoRecording(f"{path} was recorded by a newer kikao (format {head.format})")
        number = 1
        while line := file.readline(LONGEST):
            number += 1
            try:
                yield _read(line, f"line {number}")
            except msgspec.DecodeError as error:
                raise NoRecording(f"{path}:{number}: this is no recorded conversation ({error})") from None


def _read(line: bytes, name: str) -> Case:
    found = _DECODER.decode(line)
    return Case(name, found.conversation, Member("", found.channel, found.msisdn), unsure=found.unsure)


def _bare(conversation: Conversation) -> Conversation:
    """What stands open, and nothing of how it came there."""
    runs = [_bare_run(run) for run in conversation.runs()]
    running = runs.pop(0) if conversation.run is not None else None
    return Conversation(run=running, parked=runs)


def _bare_run(run: Run) -> Run:
    return Run(
        "", run.flow, run.seed, run.release, run.format, pending=run.pending, intents=run.intents, journal=[]
    )


def _way(outcome: Outcome) -> tuple[object, ...]:
    return outcome.verdict, outcome.flow, outcome.at, outcome.standing, outcome.comes_to, outcome.dropped


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Line)
