"""`kikao chat --record`: what is done in the terminal becomes a transcript, without its secrets."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kikao.channels.ussd.clients.client import Exchange
from kikao.cli.recording import Record, recorder_of
from kikao.testing import Stage, play
from kikao.transcripts import Recorder, parse
from tests.http.forked import run
from tests.http.servers import environment
from tests.testing.shop import PIN, WRONG, an_app

REQUEST = Exchange("/ussd/africastalking", (), b"")


def chat(folder: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "shop.py").write_text("from tests.testing.shop import an_app\n\napp = an_app()\n")
    return run(("chat", *words), folder=folder, env=environment(folder / "data"), typed=typed)


async def test_what_was_recorded_can_be_played_once_its_blanks_are_filled(tmp_path: Path) -> None:
    path = tmp_path / "told.txt"
    typed = ["x", "3", WRONG, "0", "4", PIN, "/again", "", "/hangup", "", "2", PIN, "/quit"]
    done = chat(tmp_path, "shop:app", "--record", "told.txt", typed="\n".join(typed) + "\n")
    assert done.returncode == 0, done.stderr
    assert "recording into told.txt; secrets stay blank" in done.stdout
    done = chat(
        tmp_path, "shop:app", "--gateway", "nalo", "--code", "*99#", "--record", "told.txt", typed="3\n"
    )
    assert done.returncode == 0, done.stderr

    text = path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o777 == 0o600
    assert PIN not in text
    assert WRONG not in text
    first, second = parse(text, "told.txt")
    assert [step.text for step in first.steps] == [
        "Asha is +256772000001.",
        "Asha's PIN is ____.",
        "Asha's second PIN is ____.",
        "Asha dials.",
        "Asha answers x.",
        "Asha answers 3.",
        "Asha answers their PIN.",
        "Asha answers 0.",
        "Asha answers 4.",
        "Asha answers their second PIN.",
        "The gateway sends Asha's request again.",
        "Asha dials.",
        "Asha hangs up.",
        "Asha dials.",
        "Asha answers 2.",
        "Asha answers their second PIN.",
    ]
    assert (second.title, second.steps[0].text) == (
        "A conversation 2",
        "Asha is +256772000001 on nalo dialling *99#.",
    )
    filled = text.replace("PIN is ____", f"PIN is {WRONG}", 1).replace("____", PIN)
    for told in parse(filled)[:1]:
        async with Stage(an_app()) as stage:
            await play(told, stage)


def test_a_server_elsewhere_does_not_say_what_is_a_secret(tmp_path: Path) -> None:
    done = chat(tmp_path, "--url", "http://127.0.0.1:9", "--record", "told.txt")
    assert done.returncode == 2
    assert "--record needs MODULE:APP" in done.stderr
    assert not (tmp_path / "told.txt").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [("print(1)\n", "has something else than transcripts, and is left as it is"), ("\xff", "can't decode")],
)
def test_a_file_with_something_else_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, says: str
) -> None:
    path = tmp_path / "told.txt"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(SystemExit):
        a_recorder(path)
    assert says in capsys.readouterr().err
    assert path.read_bytes() == content.encode("latin-1")


def test_a_file_that_cannot_be_written_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        a_recorder(tmp_path / "none" / "told.txt")
    assert "cannot record into" in capsys.readouterr().err


# --- one record ---


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "told.txt"


def a_recorder(path: Path) -> Recorder:
    return recorder_of(path, "+256772000001", "africastalking", "*284#")


def a_record(path: Path, asks_secret: Callable[[Exchange], bool] = lambda _: False) -> Record:
    return Record(path, a_recorder(path), asks_secret)


def test_a_pin_that_comes_after_its_screen_expired_is_no_less_a_secret(path: Path) -> None:
    open_questions = iter([True, False, False])  # at the dial, before the answer, after it
    record = a_record(path, lambda _: next(open_questions))
    record.dialled(REQUEST, "Enter PIN\n0 Back", False)
    record.answer(REQUEST, "2580")(REQUEST, "Hello", False)
    assert "2580" not in path.read_text()


def test_a_pin_that_the_screen_did_not_ask_for_yet_is_one_when_the_session_does(path: Path) -> None:
    open_questions = iter([False, True, False])
    record = a_record(path, lambda _: next(open_questions))
    record.dialled(REQUEST, "Hello", False)
    record.answer(REQUEST, "2580")(REQUEST, "Hello", False)
    assert "2580" not in path.read_text()


def test_a_pin_that_is_a_word_of_the_screen_is_no_less_a_secret(path: Path) -> None:
    record = a_record(path, lambda _: True)
    record.dialled(REQUEST, "Send\n2580 UGX to Binta.\nEnter PIN\n0 Back", False)
    record.answer(REQUEST, "2580")(REQUEST, "Sent", False)
    assert "answers 2580" not in path.read_text()
    assert "Asha answers their PIN." in path.read_text()


def test_long_pauses_are_part_of_the_story(path: Path) -> None:
    times = iter([100.0, 110.0, 470.2])
    record = Record(path, a_recorder(path), lambda _: False, lambda: next(times))
    record.dialled(REQUEST, "Hello", False)
    record.again(REQUEST, "Hello", False)
    record.hung_up()
    assert [step.text for step in parse(path.read_text())[0].steps][1:] == [
        "Asha dials.",
        "The gateway sends Asha's request again.",
        "6 minutes pass.",
        "Asha hangs up.",
    ]


def test_what_stood_there_before_stays_and_keeps_its_mode(path: Path) -> None:
    path.write_text("// Ours.\n\n# A conversation\n\nAsha dials.\n    Hello\n")
    path.chmod(0o644)
    record = a_record(path)
    record.dialled(REQUEST, "Hello", False)
    path.write_text(path.read_text().replace("// Ours.", "// Ours and theirs."))
    record.hung_up()
    assert path.read_text() == (
        "// Ours and theirs.\n\n# A conversation\n\nAsha dials.\n    Hello\n\n\n"
        "# A conversation 2\n\nAsha is +256772000001.\nAsha dials.\n    Hello\n\nAsha hangs up.\n"
    )
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_is_edited_meanwhile_stays_and_the_story_goes_on_behind_it(path: Path) -> None:
    record = a_record(path, lambda _: True)
    record.dialled(REQUEST, "Enter PIN", False)
    record.answer(REQUEST, "2580")(REQUEST, "Wrong", False)
    edited = path.read_text().replace("____", "2580").replace("# A conversation", "# Paying")
    path.write_text(edited)
    record.answer(REQUEST, "1379")(REQUEST, "Hello", False)
    record.hung_up()
    assert path.read_text() == (
        f"{edited}\nAsha's second PIN is ____.\nAsha answers their second PIN.\n    Hello\n\nAsha hangs up.\n"
    )
    (told,) = parse(path.read_text())
    assert told.title == "Paying"


@pytest.mark.parametrize("added", ["# B\n\nAsha dials.\n", None])
def test_a_story_that_is_no_longer_the_last_one_is_told_once_more(path: Path, added: str | None) -> None:
    path.write_text("# A\n\nAsha dials.\n")
    record = a_record(path)
    record.dialled(REQUEST, "Hello", False)
    path.write_text("# A\n\nAsha dials.\n" if added is None else path.read_text() + added)
    record.hung_up()
    record.hung_up()
    told = parse(path.read_text())
    assert [each.title for each in told] == (
        ["A", "A conversation"] if added is None else ["A", "A conversation", "B", "A conversation 2"]
    )
    assert [step.text for step in told[-1].steps][1:] == ["Asha dials.", "Asha hangs up.", "Asha hangs up."]


def test_a_conversation_goes_on_when_it_can_not_be_recorded(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = a_record(path)
    path.unlink()
    record.dialled(REQUEST, "Hello", False)
    assert "not recorded: " in capsys.readouterr().err
