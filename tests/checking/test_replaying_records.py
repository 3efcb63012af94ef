"""Recordings: what a file tells of members, which is nothing they said, and that it is replayed as the store is."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kikao import App
from kikao.checking.replaying import LEFT_OUT, Outcome, Replayer
from kikao.checking.replaying_cases import Case, stored
from kikao.checking.replaying_records import NoRecording, Recorder, recorded, writing
from kikao.checking.replaying_redaction import words_of
from kikao.sessions.sealing import KeyRing
from kikao.sessions.stores.sqlite import SQLiteStore
from kikao.testing import Stage
from tests.checking.edits import Program, Say, foretold
from tests.checking.lender import ANSWERS, PERSONAL, an_app
from tests.checking.test_replaying import paying, with_open_payment


def replayer_of(app: App, stage: Stage) -> Replayer:
    return Replayer(app, now=dt.datetime.fromtimestamp(stage.clock.now, dt.UTC))


async def recording(stage: Stage, app: App, store: Path, into: Path) -> str:
    """Record what is in a store; the text of the file."""
    recorder = Recorder(app, replayer_of(app, stage))
    with writing(into) as file:
        file.write(recorder.head())
        for each in stored(store, KeyRing(stage.settings.secret_keys), app.policies, now=stage.clock.now):
            assert isinstance(each, Case)
            file.write((await recorder.line(each))[0])
    return into.read_text()


async def replayed(stage: Stage, app: App, file: Path) -> list[Outcome]:
    replayer = replayer_of(app, stage)
    return [
        outcome
        for case in recorded(file)
        for outcome in await replayer.outcomes(case.conversation, case.member, unsure=case.unsure)
    ]


@asynccontextmanager
async def borrowing(
    tmp_path: Path, app: App | None = None, *, answers: int = 7
) -> AsyncIterator[tuple[Stage, Path]]:
    path = tmp_path / "sessions.db"
    async with Stage(app or an_app(), store=SQLiteStore(path)) as stage:
        phone = stage.phone("+256772000001")
        await phone.dial()
        await phone.reply(*ANSWERS[:answers])
        yield stage, path


async def test_a_recording_has_nothing_that_anybody_said(tmp_path: Path) -> None:
    file = tmp_path / "flight.jsonl"
    async with borrowing(tmp_path) as (stage, path):
        text = await recording(stage, an_app(), path, file)
        (session,) = await stage.stored()
        run = session.conversation.run
        assert run is not None
        found = [
            word for word in (*PERSONAL, session.id, session.member, run.id, run.seed.hex()) if word in text
        ]
        assert found == []
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        head, line = map(json.loads, text.splitlines())
        assert head == {"kikao": "conversations", "format": 1, "release": 0}
        journal = {entry[0]: entry[3] for entry in line["conversation"]["run"]["journal"]}
        assert journal["account#1"]["holder"] == "Aaaaaa Aaaaaaa"
        assert journal["account#1"]["status"] == "active"
        assert journal["account#1"]["balance"]["minor"] == 900_000
        assert journal["guarantor#1"] == "+256111111111"
        assert (journal["born#1"], journal["name#1"]) == ("1990-01-01", "a")
        assert journal["friend#1"] == "1111 Aaaaaa"
        assert (journal["kind#1"], journal["amount#1"]) == ("long", ["UGX", 7_000])
        assert line["msisdn"] == "+256111111111"


@pytest.mark.parametrize(
    "edit",
    [{}, {"question": "reason"}, {"fee": True}, {"at": 9_000}],
    ids=["same", "renamed", "inserted", "branch"],
)
async def test_a_recording_is_replayed_as_its_store_is(tmp_path: Path, edit: dict[str, object]) -> None:
    for answers in (0, 3, 6):
        folder = tmp_path / str(answers)
        folder.mkdir()
        async with borrowing(folder, answers=answers) as (stage, path):
            await recording(stage, an_app(), path, folder / "flight.jsonl")
            edited = an_app(**edit)  # type: ignore[arg-type]
            assert await replayed(stage, edited, folder / "flight.jsonl") == await foretold(
                stage, edited, path
            )


async def test_where_the_way_depends_on_what_is_left_out_it_is_unknown(tmp_path: Path) -> None:
    app = an_app(at=7_500)  # asked of those who borrow 7,654, of which a recording keeps 7,000
    async with borrowing(tmp_path, app, answers=6) as (stage, path):
        text = await recording(stage, app, path, tmp_path / "flight.jsonl")
        assert json.loads(text.splitlines()[1])["conversation"]["run"].get("journal") is None
        (found,) = await replayed(stage, app, tmp_path / "flight.jsonl")
        assert (found.verdict, found.at, found.reason) == ("unknown", "why", LEFT_OUT)


@pytest.mark.parametrize(
    ("args", "later", "verdict"),
    [(None, None, "goes on"), (None, {"rate": 3}, "parked"), ({"rate": 3}, {"rate": 3}, "unknown")],
)
async def test_open_effects_are_proved_by_what_is_left(
    tmp_path: Path, args: object, later: object, verdict: str
) -> None:
    async with with_open_payment(tmp_path, args=args) as (stage, path):
        await recording(stage, paying(args=args), path, tmp_path / "flight.jsonl")
        (found,) = await replayed(stage, paying(args=later), tmp_path / "flight.jsonl")
        assert (found.verdict, found.standing) == (verdict, "effect")


async def test_a_refusal_and_many_shapes_survive(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    program = (Say("number", "a"), Say("read", "r"), Say("confirm", "c"), Say("step", "s"), Say("text", "d"))
    async with Stage(Program(*program).app, store=SQLiteStore(path)) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.reply("42", "1")
        await recording(stage, Program(*program).app, path, tmp_path / "flight.jsonl")
        same = await replayed(stage, Program(*program).app, tmp_path / "flight.jsonl")
        assert [each.verdict for each in same] == ["goes on"]
        parked = await replayed(stage, Program(*program[1:]).app, tmp_path / "flight.jsonl")
        assert [each.verdict for each in parked] == ["parked"]


def test_a_recording_takes_the_place_of_nothing_and_is_whole_or_not_there(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for path in (there, link):
        with pytest.raises(FileExistsError), writing(path):
            pass
    assert there.read_text() == "mine"
    with pytest.raises(TypeError), writing(tmp_path / "half") as file:
        file.write(None)  # type: ignore[call-overload]
    assert sorted(os.listdir(tmp_path)) == ["link", "there"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is no recording of kikao replay"),
        ("hello\n", "is no recording of kikao replay"),
        ('{"kikao":"conversations","format":2}\n', "by a newer kikao (format 2)"),
        (
            '{"kikao":"conversations","format":1}\n{"conversation":{"run":7}}\n',
            "2: this is no recorded conversation",
        ),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "flight.jsonl"
    path.write_text(content)
    with pytest.raises(NoRecording) as caught:
        list(recorded(path))
    assert problem in str(caught.value)


def test_words_of_what_cannot_be_read_are_none(tmp_path: Path) -> None:
    assert words_of(tmp_path / "nowhere.py") == set()
    broken = tmp_path / "broken.py"
    broken.write_text("def (")
    assert words_of(broken) == set()
