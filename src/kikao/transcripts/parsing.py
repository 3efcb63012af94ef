"""Reading transcripts: titles, steps, and the screens below them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

INDENT: Final = "    "
COMMENT: Final = "//"
SETTINGS: Final = ("Language", "Gateways")
"""What may be set at the top of a file, or below a title."""

TOLD: Final = 10
"""Wrong lines that a message names; `problems` has all."""

FORMS: Final = """a line may be
  # A title                      a transcript begins
  Language: lg                   at the top, or below a title; also: Gateways: africastalking, nalo
  Asha dials and answers 2.      a step: a sentence with its full stop, at the left
      Enter your PIN             a line of the screen it leads to, behind four spaces
      (end)                      the last line of a screen: the dialogue is over
  // a note                      for readers only"""


class Step(msgspec.Struct, frozen=True):
    """A step and the screen it leads to. Lines are counted from 1."""

    text: str
    line: int
    screen: tuple[str, ...] | None = None
    """None where none is written."""
    screen_line: int = 0
    """Where the screen begins; the line below the step where none is written."""
    screen_end: int = 0
    """The line behind its last one."""


class Transcript(msgspec.Struct, frozen=True):
    """One conversation, told from its beginning."""

    title: str
    line: int
    steps: tuple[Step, ...]
    opening: tuple[Step, ...] = ()
    """The steps at the top of the file, which come before those of each transcript in it."""
    settings: Mapping[str, str] = {}
    """Those of the file and its own, by name."""
    name: str = ""
    """The file, as messages name it."""


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a line."""

    line: int
    what: str


class TranscriptError(ValueError):
    """A text that is no transcript. `problems` are all that were found; the message gives each as `file:line: what`."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.name = name
        self.problems = tuple(problems)
        told = [f"{name}:{problem.line}: {problem.what}" for problem in self.problems[:TOLD]]
        more = len(self.problems) - len(told)
        super().__init__("\n".join([*told, *([f"and {more} more"] if more else []), FORMS]))


def parse(text: str, name: str = "transcript") -> list[Transcript]:
    """The transcripts of a file, in their order. Raises `TranscriptError` naming every line that is wrong."""
    reader = _Reader(name)
    for number, line in enumerate(_lines(text), 1):
        reader.read(number, _INDENTED.sub(lambda match: " " * len(match[0]), line.rstrip()))
    return reader.end()


class _Reader:
    """A file as far as it was read."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._problems: list[Problem] = []
        self._wrong_before = (0, "")
        self._settings: dict[str, str] = {}
        self._opening: tuple[Step, ...] = ()
        self._found: list[Transcript] = []
        self._title: tuple[str, int] | None = None
        self._own_settings: dict[str, str] = {}
        self._steps: list[Step] = []
        self._screen: list[str] = []
        self._screen_line = 0
        self._closed = True
        """Whether nothing indented may follow: no step is open, or a comment stands behind its screen."""

    def read(self, number: int, line: str) -> None:
        if not line:
            if self._screen:
                self._screen.append("")
        elif line.startswith(("\t", INDENT)):
            self._read_screen(number, line.removeprefix("\t") if line[0] == "\t" else line[len(INDENT) :])
        elif line[0] == " ":
            self._wrong(number, "a line of a screen stands behind four spaces, a step at the very left")
        elif line.startswith(COMMENT):
            self._end_screen()
            self._closed = self._closed or bool(self._steps and self._steps[-1].screen is not None)
        else:
            self._end_screen()
            self._read_left(number, line)

    def end(self) -> list[Transcript]:
        self._end_transcript()
        if not self._found and not self._problems:
            self._wrong(1, "no transcript begins here: a title is missing")
        if self._problems:
            raise TranscriptError(self._name, self._problems)
        return self._found

    def _read_left(self, number: int, line: str) -> None:
        if line.startswith("#"):
            self._begin(number, line)
        elif match := _SETTING(line):
            self._set(number, match["name"], match["value"])
        elif line.endswith("."):
            self._steps.append(Step(line, number, None, number + 1, number + 1))
            self._closed = False
        else:
            self._closed = True
            self._wrong(
                number,
                f"{line!r} is no step, which ends with a full stop; a line of a screen stands behind four spaces",
            )

    def _read_screen(self, number: int, line: str) -> None:
        if self._screen:
            self._screen.append(line)
        elif self._closed or (self._steps and self._steps[-1].screen is not None):
            self._wrong(number, "a screen stands below the step that leads to it, in one piece")
            self._closed = True
        elif self._title is None:
            self._wrong(number, "steps at the top of the file, before the first title, show no screen")
            self._closed = True
        else:
            self._screen, self._screen_line = [line], number

    def _begin(self, number: int, line: str) -> None:
        self._end_transcript()
        title = line[1:].strip()
        if not title or line[1] != " ":
            self._wrong(number, "a title is missing behind `# `")
        for other in self._found:
            if other.title == title:
                self._wrong(number, f"line {other.line} has this title, too: each transcript has its own")
        self._title = (title, number)

    def _set(self, number: int, name: str, value: str) -> None:
        settings = self._settings if self._title is None else self._own_settings
        if name not in SETTINGS:
            self._wrong(number, f"there is no setting {name!r}; there are {' and '.join(SETTINGS)}")
        elif self._steps:
            self._wrong(number, "a setting stands above the steps")
        elif name in settings:
            self._wrong(number, f"{name} is set already")
        else:
            settings[name] = value

    def _end_screen(self) -> None:
        if self._screen:
            while not self._screen[-1]:
                self._screen.pop()
            end = self._screen_line + len(self._screen)
            self._steps[-1] = msgspec.structs.replace(
                self._steps[-1], screen=tuple(self._screen), screen_line=self._screen_line, screen_end=end
            )
            self._screen = []

    def _end_transcript(self) -> None:
        self._end_screen()
        steps, self._steps = tuple(self._steps), []
        if self._title is None:
            self._opening = steps
        else:
            title, line = self._title
            settings = self._settings | self._own_settings
            if not steps:
                self._wrong(line, f"nothing happens in {title!r}: it has no steps")
            self._found.append(Transcript(title, line, steps, self._opening, settings, self._name))
        self._own_settings = {}
        self._closed = True

    def _wrong(self, line: int, what: str) -> None:
        if self._wrong_before != (line - 1, what):  # of several such lines the first is enough
            self._problems.append(Problem(line, what))
        self._wrong_before = (line, what)


def _lines(text: str) -> list[str]:
    """Only what every editor takes for the end of a line is one."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")


_INDENTED: Final = re.compile("^\u00a0[\u00a0 ]*")
"""What is pasted from a page or a word processor, and looks like spaces."""

_SETTING: Final = re.compile(r"(?P<name>[A-Z][a-z]+): +(?P<value>.*\S)").fullmatch
