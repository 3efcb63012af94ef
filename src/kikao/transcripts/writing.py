"""Writing transcripts, and putting other screens into those there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kikao.transcripts.parsing import INDENT, Step, Transcript, parse


def write(transcripts: Iterable[Transcript]) -> str:
    """The text of a file. The settings and opening steps of the first stand at its top, for all of them."""
    told = list(transcripts)
    shared = dict(told[0].settings) if told else {}
    top = [*(f"{name}: {value}" for name, value in shared.items())]
    opening = [step.text for step in told[0].opening] if told else []
    blocks = ["\n".join(lines) for lines in (top, opening) if lines]
    for transcript in told:
        own = [f"{name}: {value}" for name, value in transcript.settings.items() if shared.get(name) != value]
        blocks.append(
            "\n\n".join(filter(None, [f"# {transcript.title}", "\n".join(own), steps_text(transcript.steps)]))
        )
    return "".join(
        f"{block}\n" if n == 0 else f"\n{_apart(block)}{block}\n" for n, block in enumerate(blocks)
    )


def with_screens(text: str, told: Transcript, screens: Mapping[int, Sequence[str]]) -> str:
    """The text of a file with other screens below steps of one transcript, by their places from 0; the rest as it was.

    Raises `TranscriptError` for what is no transcript, `LookupError` when `told`, with its steps, is not in it.
    """
    steps = [step.text for step in told.steps]
    here = [each for each in parse(text, told.name) if each.title == told.title]
    if not here or [step.text for step in here[0].steps] != steps:
        raise LookupError(f"{told.name}: {told.title!r} has changed meanwhile")
    transcript = here[0]
    end = "\r" if text.partition("\n")[0].endswith("\r") else ""
    lines = text.split("\n")
    for place in sorted(screens, reverse=True):
        step = transcript.steps[place]
        screen = [f"{INDENT}{line}".rstrip() for line in screens[place]]
        before, behind = lines[: step.screen_line - 1], lines[step.screen_end - 1 :]
        if step.screen is None and screen and behind and behind[0].strip():
            screen.append("")
        if len(before) == len(lines):
            before[-1] += end
        lines = [*before, *(f"{line}{end}" for line in screen), *behind]
        if not behind:
            lines[-1] = lines[-1].removesuffix(end)
    return "\n".join(lines)


def steps_text(steps: Sequence[Step]) -> str:
    """Steps with their screens; an empty line behind each screen."""
    lines: list[str] = []
    for step in steps:
        lines.append(step.text)
        if step.screen is not None:
            lines += [*(f"{INDENT}{line}".rstrip() for line in step.screen), ""]
    return "\n".join(lines).rstrip("\n")


def _apart(block: str) -> str:
    """Titles stand a little apart."""
    return "\n" if block.startswith("# ") else ""
