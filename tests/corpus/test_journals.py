"""What members are in the middle of goes on, whichever release stored it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.corpus.recording import main, process_at, put, record, replay_all, reply_to


async def test_stored_conversations_of_every_release_go_on() -> None:
    found, broken = await replay_all()

    assert broken == []
    assert found["0.1.0"] > 40


async def test_a_journal_that_is_not_understood_is_noticed() -> None:
    journal = (await record("register"))[-1]
    process = process_at(journal.now)
    await put(process, msgspec.structs.replace(journal, state=(await record("register"))[0].state))
    assert await reply_to(process, journal.text, journal.dialogue) != journal.reply


def test_a_corpus_is_never_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.corpus.recording.FOLDER", tmp_path)
    main("1.2.3")
    with pytest.raises(FileExistsError):
        main("1.2.3")
