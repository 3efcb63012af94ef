"""Long dials that an app has made public: `*284*1*0772000002*500#`; and commands of chats, with what stands behind.

What is dialled behind a code is printed on posters and kept in phones: it outlives the numbering of menus and the order
of questions. So a path names its flow, and the answers behind it name the questions that they are for. A question that
is not the one next in line gets no answer, and the member sees it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from kikao.conversation.flows import Flow, Flows
from kikao.conversation.secrets import Secret


class Shortcut:
    """What a path behind the code stands for: a flow, and the keys of the questions that are answered by what follows.

    `Shortcut("send", "to", "amount")`: of `*284*1*0772000002*500#`, with the path `1`, the number answers the question
    `to` and 500 the question `amount`, as long as the flow asks exactly these, in this order. Confirmations and secrets
    are never answered by a dial.

    A path that is a word is for chats: with the path `send`, `/send 0772000002 500` means the same, and so does a link
    that brings `send_0772000002_500`.
    """

    def __init__(self, flow: Flow | str, *asks: str) -> None:
        self.flow = flow if isinstance(flow, str) else flow.name
        self.asks = asks

    def __repr__(self) -> str:
        return f"Shortcut({', '.join(map(repr, (self.flow, *self.asks)))})"


RESERVED: Final = frozenset({"start", "back", "home", "cancel", "language"})
"""Words that mean something without an app."""


class Meant(NamedTuple):
    """What a long dial stands for."""

    flow: str
    path: int
    """How many of the dialled pieces are the path."""
    answers: tuple[tuple[str, Secret], ...]
    """The keys of questions, with what was dialled for each."""


class Shortcuts:
    """The paths of an app. Raises `ValueError` for a path or a flow that cannot be dialled."""

    def __init__(self, paths: Mapping[str, Shortcut], flows: Flows) -> None:
        self.paths: Final = dict(paths)
        self.words: Final[dict[str, Shortcut]] = {}
        """Those whose path is a word."""
        self._by_pieces: Final[dict[tuple[str, ...], Shortcut]] = {}
        for path, shortcut in self.paths.items():
            _refuse_wrong(path, shortcut, flows)
            if is_word(path):
                self.words[path] = shortcut
                self._by_pieces[tuple(path.split("_"))] = (
                    shortcut  # as a link has it, which divides by the same
                )
            self._by_pieces[tuple(path.split("*"))] = shortcut
        self.dialled: Final = len(self.words) < len(self.paths)
        """Whether some are for a dial: then nothing else is that is dialled behind the code."""
        self._longest = max((len(pieces) for pieces in self._by_pieces), default=0)

    def meant(self, dialled: Sequence[Secret]) -> Meant | None:
        """What was dialled, by the longest path that it begins with; None where it begins with none."""
        pieces = tuple(piece.reveal() for piece in dialled[: self._longest])
        for length in range(len(pieces), 0, -1):
            shortcut = self._by_pieces.get(pieces[:length])
            if shortcut is not None:
                answers = zip(shortcut.asks, dialled[length:], strict=False)
                return Meant(shortcut.flow, length, tuple(answers))
        return None


def is_word(path: str) -> bool:
    """Whether a path is a word: a command of a chat, and the beginning of what a link to it brings."""
    return _WORD(path) is not None


def _refuse_wrong(path: str, shortcut: Shortcut, flows: Flows) -> None:
    if path in RESERVED:
        raise ValueError(f"the path {path!r} is a command of kikao's own: {', '.join(sorted(RESERVED))}")
    if not _PATH(path) and not is_word(path):
        raise ValueError(
            f"the path {path!r} cannot be dialled, nor be a command: digits, divided by *, six pieces at most; or a "
            "word of up to 32 of a-z, 0-9 and _, a letter first"
        )
    flow = flows.get(shortcut.flow)
    if flow is None:
        raise ValueError(
            f"the path {path!r} leads to {shortcut.flow!r}, which is not defined; defined are {[f.name for f in flows]}"
        )
    needs = [
        name
        for name, parameter in list(inspect.signature(flow.function).parameters.items())[1:]
        if parameter.default is parameter.empty and parameter.kind not in _ANY
    ]
    if needs:
        raise ValueError(
            f"the path {path!r} leads to {flow.name!r}, which cannot begin without {', '.join(needs)}"
        )
    if len(set(shortcut.asks)) < len(shortcut.asks) or not all(shortcut.asks):
        raise ValueError(f"the path {path!r}: each question is answered once, by its key: {shortcut}")


_ANY: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}").fullmatch
_PATH = re.compile(r"[0-9]{1,10}(\*[0-9]{1,10}){0,5}").fullmatch
