"""Transcripts that are played: every step of kikao's, what is said when one fails, and what is accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kikao.testing import (
    NAME,
    Play,
    PlayFailed,
    ScreenDiffers,
    Stage,
    StepFailed,
    chat_steps,
    perform,
    play,
    step,
)
from kikao.testing.playing import run
from kikao.testing.registry import BUILT_IN
from kikao.transcripts import parse
from tests.gateways import EACH_WAY
from tests.testing.shop import AWAY, CHECKING, CLOSING, WORKING, an_app

PIN_PAGE = """
    Enter PIN
    0 Back
    00 Home
"""

TOLD = {
    "a sale": f"""
Asha's PIN is 2580.
Asha dials.
    A cup is 300. How many?
Asha answers 0 then 3.
{PIN_PAGE}
Asha looks at her phone.
{PIN_PAGE}
Asha answers 1111 then her PIN.
    3 cups sold. Ref ...
    (end)
The gateway sends the request again.
    3 cups sold. Ref S1
    (end)
Nobody keeps Asha's PIN.
""",
    "two members, each on a phone of their own": f"""
Asha is +256700000001 on nalo.
Binta is +256700000002 dialling *284#.
Asha dials while Binta dials 2.
    (Asha sees)
    A cup is 300. How many?
    (Binta sees)
    Enter PIN
    0 Back
    00 Home
The usual number is "4".
Asha answers the usual number.
{PIN_PAGE}
Asha answers 2580 while Binta answers 2580.
    (Asha sees)
    4 cups sold. Ref ...
    (end)
    (Binta sees)
    2 cups sold. Ref ...
    (end)
""",
    "a key by its label": f"""
Asha dials and answers 3.
{PIN_PAGE}
Asha chooses back.
    A cup is 300. How many?
The gateway sends Asha's request before that again.
{PIN_PAGE}
""",
    "lines that are lost": f"""
Asha dials and answers 3.
{PIN_PAGE}
Asha's line drops.
Asha dials.
    Continue where you stopped?
    1 Continue
    2 Start again
Asha answers 1.
    A cup is 300. How many?
Asha hangs up.
6 minutes pass.
Asha dials.
    A cup is 300. How many?
""",
    "an answer that comes late": f"""
Asha dials.
    A cup is 300. How many?
Asha answers 3, which arrives late.
Asha's line drops.
Asha dials.
    A cup is 300. How many?
Asha's late answer arrives.
    A cup is 300. How many?
Asha looks at her phone.
    A cup is 300. How many?
Asha answers 2.
{PIN_PAGE}
""",
    "a server that dies": f"""
Asha dials and answers 3.
{PIN_PAGE}
The server dies before the next commit.
Asha answers 2580.
    (no reply: the connection was dropped)
    (end)
The server starts again.
Asha dials.
    3 cups sold. Ref S1
    (end)
The server dies.
Asha dials.
    (no reply: the connection was dropped)
    (end)
The server starts again.
""",
    "a store that is away": f"""
Asha dials.
    A cup is 300. How many?
The store is away.
Asha answers 3.
    {AWAY}
    (end)
The store is back.
Asha dials.
    A cup is 300. How many?
""",
    "a commit without an answer": f"""
Asha dials and answers 3.
{PIN_PAGE}
The store keeps the next commit without an answer.
Asha answers 2580.
    3 cups sold. Ref S1
    (end)
""",
    "a slow till": f"""
Asha dials and answers 3.
{PIN_PAGE}
The till is slow to answer pay and find.
Asha answers 2580.
    {CLOSING}
    (end)
Asha dials.
    {WORKING}
    (end)
The till is well again.
Asha dials.
    3 cups sold. Ref S1
    (end)
""",
    "a till that stalls, breaks off and is away": f"""
The till stalls at pay, once.
Asha dials and answers 3 then 2580.
    {CLOSING}
    (end)
The till is well again.
The server comes to rest.
Asha dials.
    3 cups sold. Ref S1
    (end)
1 hour passes.
The till breaks off after pay, once.
The till is away for find.
Asha dials and answers 3 then 2580.
    {CHECKING}
    (end)
Asha dials.
    We are checking your last request: it may still go through.
    1 Check again
    2 Start again
The till is well again.
""",
}


def told(text: str, title: str = "T") -> str:
    return f"# {title}\n{text}"


UNTOLD = {"an answer that comes late", "a slow till"}
"""What is another story where no id tells one dialogue from another."""


@pytest.mark.parametrize(
    ("title", "gateway"),
    [(title, slug) for title in TOLD for slug in EACH_WAY if slug != "imimobile" or title not in UNTOLD],
)
async def test_it_comes_true(title: str, gateway: str) -> None:
    (transcript,) = parse(told(TOLD[title], title), "told.txt")
    async with Stage(an_app()) as stage:
        await play(transcript, stage, gateway=gateway)


def test_every_step_of_kikao_is_played() -> None:
    lines = [step.text for text in TOLD.values() for step in parse(told(text))[0].steps]
    met = {kind.form for kind in BUILT_IN for line in lines if kind.pattern.fullmatch(line)}
    assert {kind.form for kind in BUILT_IN if kind.act.__module__ != chat_steps.__name__} == met


@pytest.fixture
def own_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    from kikao.testing import registry

    monkeypatch.setattr(registry, "_PROJECT", [])


async def fails(text: str, kind: type[PlayFailed] = StepFailed) -> str:
    (transcript,) = parse(told(text), "told.txt")
    async with Stage(an_app()) as stage:
        with pytest.raises(kind) as failed:
            await play(transcript, stage)
    return str(failed.value)


async def test_another_screen_is_shown_beside_what_was_expected() -> None:
    said = await fails(
        "Asha dials.\n    A cup is 300. How many?\nAsha answers 3.\n    Enter PIN\n    (end)\n", ScreenDiffers
    )
    assert (
        said
        == """\
told.txt:4: T (africastalking)
  Asha dials.
> Asha answers 3.
┌─ expected ───────────────┐   ┌─ seen ───────────────────┐
│ Enter PIN                │   │ Enter PIN                │
│ (end)                    │ ≠ │ 0 Back                   │
│                          │ ≠ │ 00 Home                  │
└──────────────────────────┘   └──────────────────────────┘"""
    )


async def test_a_screen_that_is_not_written_is_shown() -> None:
    said = await fails("Asha dials.\n", ScreenDiffers)
    assert (
        said
        == """\
told.txt:2: T (africastalking)
> Asha dials.
no screen is written below this step; seen:
┌─────────────────────────┐
│ A cup is 300. How many? │
└─────────────────────────┘"""
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Asha dails.", "nobody knows how to do this: Asha dails.\nsteps that come close:\n  {Asha} dials"),
        ("Asha is on fire while Binta sleeps.", "nobody knows how to do this"),
        ("Asha answers ____.", "fill in the blank: a recorder never writes a secret"),
        ("Asha answers 1.", "no dialogue to give answer 1 of 1 in"),
        (
            "Asha dials and answers her PIN.",
            "nobody said what Asha's PIN is. Write it above: Asha's PIN is 1234.",
        ),
        (
            "Asha dials and answers the PIN.",
            'The PIN is 1234. Or put an answer that is meant word for word in quotes: "the PIN"',
        ),
        ('Asha dials and answers her.PIN then "x.', "is no answer"),
        ("Asha dials and answers “2”.", "or in straight double quotes"),
        ("Asha dials and answers 3.\n    ...\nAsha is +256700000001.", "Asha has acted already"),
        ("Asha is +256700000001 on smoke.\nAsha dials.", "no phone speaks 'smoke'"),
        ("The gateway sends the request again.", "nobody has sent a request yet"),
        ("Asha's late answer arrives.", "no answer of Asha's is under way"),
        ("Asha hangs up.\n    Hello", "nobody sees a screen after this step"),
        ("The bank is slow.", "no service is called 'The bank'; the stage has Till"),
        (
            "The till is slow to answer bribe.",
            "MemoryTill has no async method 'bribe'; it has find, pay, price",
        ),
        ("The server dies.\nThe store is away.", "the process is dead"),
        ("Asha dials.\n    ...\nAsha chooses Nothing.", "0 lines say 'Nothing', not one:\n┌─ +256772000001"),
    ],
)
async def test_a_step_that_cannot_be_done(text: str, says: str) -> None:
    assert says in await fails(text)


async def test_a_secret_that_is_kept_is_told() -> None:
    said = await fails(
        "The number is 3.\nAsha dials and answers the number.\n    ...\nNobody keeps the number."
    )
    assert "the number is kept in a session, or was told in an event" in said


@pytest.mark.parametrize(
    "text",
    [
        "Asha’s PIN is 2580.\nAsha dials and answers 2 then Asha’s PIN.",
        "Asha's\u00a0PIN  is 2580.\nAsha  dials and answers 2 then her PIN.",
        "Élodie's PIN is 2580.\nÉlodie dials and answers 2 then Élodie's PIN.",
        "E\u0301lodie's PIN is 2580.\nE\u0301lodie dials and answers 2 then her PIN.",
        "አሻ's PIN is 2580.\nአሻ dials and answers 2 then አሻ's PIN.",
    ],
)
async def test_names_and_what_word_processors_do_to_them(text: str) -> None:
    async with Stage(an_app()) as stage:
        (told,) = parse(f"# T\n{text}\n    You have 2.\n    ...\n", "told.txt")
        with pytest.raises(ScreenDiffers, match="2 cups"):
            await play(told, stage)


async def test_members_have_numbers_by_the_order_in_which_they_come_up() -> None:
    (transcript,) = parse(told("Asha dials.\n    ...\nBinta dials.\n    ...\nChidi dials.\n    ...\n"))
    async with Stage(an_app()) as stage:
        played = await play(transcript, stage, members={"Binta": "+256772000001"})
    numbers = {who: phone.number for who, phone in played.phones.items()}
    assert numbers == {"Asha": "+256772000002", "Binta": "+256772000001", "Chidi": "+256772000003"}


async def test_screens_may_be_accepted_and_steps_may_not() -> None:
    (transcript,) = parse(
        told(
            "Asha dials.\nAsha answers 3.\n    Enter ...\n    ...\nAsha answers 2580.\n    No\nAsha flies.\n"
        )
    )
    async with Stage(an_app()) as stage:
        with pytest.raises(StepFailed, match="Asha flies"):
            await run(Play(transcript, stage), accept=True)
    (transcript,) = parse(
        told("Asha dials.\nAsha answers 3.\n    Enter ...\n    ...\nAsha answers 2580.\n    No\n")
    )
    async with Stage(an_app()) as stage:
        seen = await run(Play(transcript, stage), accept=True)
    assert seen == {0: ("A cup is 300. How many?",), 2: ("3 cups sold. Ref S1", "(end)")}


async def test_what_was_seen_before_a_step_failed_may_be_accepted() -> None:
    (transcript,) = parse(told("Asha dials.\nAsha answers 3 then 2580 then 1.\n"))
    async with Stage(an_app()) as stage:
        with pytest.raises(StepFailed) as failed:
            await run(Play(transcript, stage), accept=True)
    assert failed.value.accepted == {0: ("A cup is 300. How many?",)}


async def test_steps_at_the_top_of_a_file_show_nothing() -> None:
    transcripts = parse("Asha dials and answers 3.\n\n# A\nAsha answers 2580.\n    3 cups ...\n    (end)\n")
    async with Stage(an_app()) as stage:
        played = await play(transcripts[0], stage, language="en")
    assert played.phone("Asha").lines == ("3 cups sold. Ref S1", "(end)")


# --- steps of a project ---


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Stage(an_app()) as stage:
        yield stage


async def test_steps_of_a_project(own_steps: None, stage: Stage) -> None:
    @step(rf"(?P<who>{NAME}) buys (?P<cups>\d+)\.")
    async def buys(play: Play, who: str, cups: str) -> object:
        phone = play.phone(who)
        await phone.dial(cups)
        return phone

    @step(r"Both dial\.")
    async def both(play: Play) -> object:
        for who in ("Asha", "Binta"):
            await play.phone(who).dial()
        return [play.phone("Asha"), play.phone("Binta")]

    @step(r"The shop says (?P<text>.+)\.")
    def says(play: Play, text: str) -> str:
        return text

    @step(r"The server dies\.")
    def mine(play: Play) -> None:
        """Instead of kikao's."""

    @step(r"The shop breaks\.")
    def breaks(play: Play) -> None:
        raise RuntimeError("broken")

    @step(r"The shop is odd\.")
    def odd(play: Play) -> object:
        return 17

    played = Play(parse(told("The shop says Hello.\n"))[0], stage)
    assert await perform(played, "Asha buys 3.") == ("Enter PIN", "0 Back", "00 Home")
    assert await perform(played, "Both dial.") == (
        "(Asha sees)",
        "Continue where you stopped?",
        "1 Continue",
        "2 Start again",
        "(Binta sees)",
        "A cup is 300. How many?",
    )
    assert await perform(played, "The shop says Hello.") == ("Hello",)
    assert await perform(played, "The server dies.") is None
    assert stage.server
    with pytest.raises(RuntimeError) as broken:
        await perform(played, "The shop breaks.")
    assert "> The shop breaks." in broken.value.__notes__
    with pytest.raises(TypeError, match="a step returns what was seen"):
        await perform(played, "The shop is odd.")
