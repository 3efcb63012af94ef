"""What members are in the middle of goes on, whichever release stored it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.corpus.recording import CONVERSATIONS, FOLDER, Journal, main, process_at, put, record, reply_to

RELEASES = sorted(FOLDER.glob("*.json"))


def test_there_is_a_corpus() -> None:
    assert RELEASES


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: str(release.stem))
async def test_stored_conversations_of_a_release_go_on(release: Path) -> None:
    journals = msgspec.json.decode(release.read_bytes(), type=list[Journal])
    assert {journal.conversation for journal in journals} <= CONVERSATIONS.keys()
    assert len(journals) > 20
    for journal in journals:
        process = process_at(journal.now)
        await put(process, journal)
        assert await reply_to(process, journal.text, journal.dialogue) == journal.reply, (
            f"{journal.conversation}, before {journal.text!r}"
        )


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
