"""What is done on a phone in the terminal, written into a file of transcripts as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import click

from kikao.channels.ussd.clients.client import Exchange
from kikao.cli.serving import give_up
from kikao.transcripts import Recorder, TranscriptError, exclusively, parse, replace_file

WHO: Final = "Asha"
"""What the member at the terminal is called."""

TITLE: Final = "A conversation"

PAUSE: Final = 30.0
"""Seconds without a step that are part of the story: sessions may expire in them."""

KEY: Final = 2
"""Characters of a key that a screen shows, at most. A longer word may be an amount, and somebody's PIN at once."""

USUAL: Final = ("africastalking", "*284#")
"""Gateway and code that a transcript does not name."""

Tell = Callable[[Exchange, str, bool], None]
"""Told of a request, the page that came back, and whether the dialogue ended."""


def recorder_of(path: Path, number: str, gateway: str, code: str) -> Recorder:
    """A recorder for the next transcript of a file. Ends the command where nothing can be added to it."""
    try:
        text = path.read_bytes().decode("utf-8") if path.exists() else ""
        titles = {told.title for told in parse(text, str(path))} if text.strip() else set()
        with path.open("a"):
            pass
        if not text:
            path.chmod(0o600)
    except (TranscriptError, UnicodeDecodeError) as error:
        give_up(f"{path} has something else than transcripts, and is left as it is:\n{error}")
    except OSError as error:
        give_up(f"cannot record into {path}: {error.strerror}")
    recorder = Recorder(_free(titles))
    usual_gateway, usual_code = USUAL
    recorder.member(
        WHO,
        number,
        gateway=None if gateway == usual_gateway else gateway,
        code=None if code == usual_code else code,
    )
    click.secho(f"recording into {path}; secrets stay blank", dim=True)
    return recorder


class Record:
    """A transcript at the end of a file, which is written after each step; what stands before it stays.

    `asks_secret` says whether the question that is open for whoever sends such a request asks for a secret; `now` is
    the time in seconds.
    """

    def __init__(
        self,
        path: Path,
        recorder: Recorder,
        asks_secret: Callable[[Exchange], bool],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._path = path
        self._recorder = recorder
        self._asks_secret = asks_secret
        self._written = ""
        self._titles = 0
        """Titles in the file, of which the last is ours; 0 before it was written."""
        self._told = (0, 0)
        """How much of what was recorded stands in it."""
        self._last = 0.0
        self._keys: set[str] = set()
        """Short words that lines of the screen begin with, such as 98: an answer that is one of them is no secret."""
        self._secret = False
        """Whether the screen that is shown asks for a secret."""

    def dialled(self, exchange: Exchange, page: str, ended: bool, *, ahead: str = "") -> None:
        """A dial, and what came."""
        self._passed()
        # A PIN may be behind it, which no dial is asked for and which is dropped: nobody tells here how much was taken.
        self._recorder.dialled(WHO, ahead, page, ended, secret=bool(ahead))
        self._saw(exchange, page, ended)

    def answer(self, present: Exchange, text: str) -> Tell:
        """An answer that is about to be sent after the `present` request; who is to be told what comes back."""
        secret = text not in self._keys and (self._secret or self._asks_secret(present))

        def answered(exchange: Exchange, page: str, ended: bool) -> None:
            self._passed()
            self._recorder.answered(WHO, text, page, ended, secret=secret)
            self._saw(exchange, page, ended)

        return answered

    def again(self, exchange: Exchange, page: str, ended: bool) -> None:
        """The same request once more."""
        self._passed()
        self._recorder.again(WHO, page, ended)
        self._saw(exchange, page, ended)

    def hung_up(self) -> None:
        """The end of the dialogue."""
        self._passed()
        self._recorder.hung_up(WHO)
        self._save()

    def _passed(self) -> None:
        now = self._now()
        if self._last and now - self._last >= PAUSE:
            self._recorder.passed(now - self._last)
        self._last = now

    def _saw(self, exchange: Exchange, page: str, ended: bool) -> None:
        words = {line.partition(" ")[0] for line in page.splitlines()}
        self._keys = {word for word in words if len(word) <= KEY}
        self._secret = not ended and self._asks_secret(exchange)
        self._save()

    def _save(self) -> None:
        """Write what was told so far; what another hand did to the file meanwhile stays."""
        try:
            with exclusively(self._path):
                replace_file(self._path, self._with_all(self._path.read_bytes().decode("utf-8")))
                self._told = self._recorder.told
        except (OSError, UnicodeDecodeError) as error:
            click.secho(f"not recorded: {error}", fg="red", err=True)

    def _with_all(self, text: str) -> str:
        """The text of the file with all that was told in it."""
        recorder = self._recorder
        titles = [line[2:].strip() for line in text.splitlines() if line.startswith("# ")]
        if self._written and not text.endswith(self._written):
            if len(titles) == self._titles:  # ours was edited: it has another title, or a blank filled in
                return f"{text.rstrip()}\n\n{recorder.since(self._told)}\n"
            recorder.title, self._written, self._titles = _free(titles), "", 0
        before = text.removesuffix(self._written).rstrip("\n")
        self._titles = self._titles or len(titles) + 1
        self._written = f"\n\n\n{recorder.text()}" if before else recorder.text()
        return before + self._written


def _free(titles: Collection[str]) -> str:
    """The title of the next transcript."""
    return next(title for n in range(1, len(titles) + 2) if (title := _title(n)) not in titles)


def _title(count: int) -> str:
    return TITLE if count == 1 else f"{TITLE} {count}"
