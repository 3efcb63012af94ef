"""A transcript is played: each step is done, and what a phone shows is compared with the screen that is written."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from kikao.testing import chat_steps, fault_steps, member_steps
from kikao.testing.context import Play
from kikao.testing.differences import boxed, side_by_side
from kikao.testing.registry import Match, UnknownStep, matches
from kikao.testing.stage import Stage
from kikao.transcripts import Step, Transcript, blanks, fits, screen_lines

BEFORE: Final = 3
"""Steps that are told again before the one that failed."""

STEPS: Final = (member_steps, chat_steps, fault_steps)
"""Where kikao's own steps are."""

Seen = dict[int, tuple[str, ...]]
"""Lines of screens by the place of their step in the transcript, from 0; steps that open the file are below 0."""


@runtime_checkable
class Screen(Protocol):
    """What a step may return to have a screen looked for: a `Phone`, or something of your own."""

    screen: str
    ended: bool


class PlayFailed(AssertionError):
    """A transcript that does not come true. The message says where, after which steps, and what was seen."""

    def __init__(self, play: Play, step: Step, what: str) -> None:
        self.step = step
        self.what = what
        self.accepted: Seen = {}
        """Other screens that were accepted before."""
        super().__init__(f"{where(play, step)}\n{_told_before(play, step)}\n{what}")


class StepFailed(PlayFailed):
    """A step that could not be done, or shows no screen where one is written."""


class ScreenDiffers(PlayFailed):
    """Another screen than the one that is written, or none is written."""

    def __init__(self, play: Play, step: Step, seen: Sequence[str]) -> None:
        self.seen = tuple(seen)
        if step.screen is None:
            lines = ["no screen is written below this step; seen:", *boxed(seen)]
        else:
            lines = side_by_side(step.screen, seen)
        super().__init__(play, step, "\n".join(lines))


async def play(
    transcript: Transcript,
    stage: Stage,
    *,
    gateway: str = "africastalking",
    members: Mapping[str, str] | None = None,
    language: str = "",
    path: Path | None = None,
) -> Play:
    """Play a transcript on a stage, for test runners without the plugin. Raises `PlayFailed`; see `Play`."""
    played = Play(transcript, stage, gateway=gateway, members=members, language=language, path=path)
    await run(played)
    return played


async def run(play: Play, *, accept: bool = False) -> Seen:
    """Play it to its end.

    Raises `PlayFailed` at the first step that fails or shows another screen. With `accept` other screens are no
    failure: they come back, and a step that fails has them in `PlayFailed.accepted`.
    """
    transcript = play.transcript
    plan = [(step, _meaning(play, step)) for step in (*transcript.opening, *transcript.steps)]
    seen: Seen = {}
    for place, (step, meaning) in enumerate(plan, -len(transcript.opening)):
        try:
            _compare(play, step, await _do(play, step, meaning), opening=place < 0)
        except ScreenDiffers as differs:
            if not accept:
                raise
            seen[place] = differs.seen
        except PlayFailed as failed:
            failed.accepted = seen
            raise
    return seen


async def perform(play: Play, line: str) -> tuple[str, ...] | None:
    """Do what one line says; what was seen, None when the step shows no screen. Raises `PlayFailed`."""
    step = Step(line, 0)
    return await _do(play, step, _meaning(play, step))


def where(play: Play, step: Step) -> str:
    """File and line of a step, and how it was played."""
    told = play.transcript
    how = f"{play.gateway}, {play.language}" if play.language else play.gateway
    return f"{told.name}:{step.line}: {told.title} ({how})"


def _told_before(play: Play, step: Step) -> str:
    steps = [*play.transcript.opening, *play.transcript.steps]
    place = steps.index(step) if step in steps else 0
    first = max(place - BEFORE, 0)
    before = [*(["..."] if first else []), *(each.text for each in steps[first:place])]
    return "\n".join([*(f"  {text}" for text in before), f"> {step.text}"])


def _meaning(play: Play, step: Step) -> list[Match]:
    if blanks(step.text):
        raise StepFailed(play, step, "fill in the blank: a recorder never writes a secret, its author does")
    try:
        return matches(step.text, play.path)
    except UnknownStep as unknown:
        raise StepFailed(play, step, str(unknown)) from None


async def _do(play: Play, step: Step, meaning: list[Match]) -> tuple[str, ...] | None:
    """The lines that were seen; None when the step shows no screen."""
    try:
        results = await asyncio.gather(*(_act(play, match) for match in meaning))
        shown = [
            (match.groups.get("who") or "", each)
            for match, result in zip(meaning, results, strict=True)
            for each in (result if isinstance(result, list | tuple) else (result,))
            if each is not None
        ]
        screens = [(_owner(play, each, who), _lines(each)) for who, each in shown]
    except PlayFailed:
        raise
    except (AssertionError, LookupError, ValueError) as error:
        raise StepFailed(play, step, _said(error)) from error
    except Exception as error:
        error.add_note(where(play, step))
        error.add_note(f"> {step.text}")
        raise
    if len(screens) < 2:
        return screens[0][1] if screens else None
    return tuple(line for who, lines in screens for line in (f"({who} sees)", *lines))


async def _act(play: Play, match: Match) -> Any:
    result = match.kind.act(play, **match.groups)
    return await result if inspect.isawaitable(result) else result


def _compare(play: Play, step: Step, seen: tuple[str, ...] | None, *, opening: bool) -> None:
    if seen is None:
        if step.screen is not None:
            raise StepFailed(play, step, "nobody sees a screen after this step, but one is written below it")
    elif not opening and (step.screen is None or not fits(step.screen, seen)):
        raise ScreenDiffers(play, step, seen)


def _owner(play: Play, shown: Any, who: str) -> str:
    return next((name for name, phone in play.phones.items() if phone is shown), who)


def _lines(shown: Any) -> tuple[str, ...]:
    if isinstance(shown, Screen):
        return screen_lines(shown.screen, shown.ended)
    if isinstance(shown, str):
        return screen_lines(shown, False)
    raise TypeError(
        f"a step returns what was seen: a phone, something with screen and ended, or a text; not {shown!r}"
    )


def _said(error: BaseException) -> str:
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    return str(said) or type(error).__name__
