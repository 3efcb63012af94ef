"""What happens to a database of records when a newer kikao starts, or an older one."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from kikao.members.directory import MIGRATIONS as MEMBERS
from kikao.records import Migrated, Records, RecordsAway, RecordsRefused, upgrading
from kikao.records.sqlite import Sqlite
from tests.records.notes import Revisions, bodies, contents, execute, modes, note, query

OWNER = "INSERT INTO owners (id) VALUES (1)"
NOTE = "INSERT INTO notes (body, owner) VALUES ('mine', 1)"


def write_shopping_list(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("bread, milk, tea\n" * 100)


def fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_a_fresh_file_gets_its_tables_and_needs_no_copy(records: Records, path: Path) -> None:
    await note(records, "works")
    await records.close()
    assert modes(path.parent).keys() == {"data", "records.db"}


async def test_a_second_set_of_tables_needs_no_copy_of_a_first_that_holds_nothing(
    path: Path, revisions: Revisions, tmp_path: Path
) -> None:
    for version_table in ("notes_version", "kikao_members_version"):
        scripts = revisions() if version_table == "notes_version" else MEMBERS
        records = Records(path)
        await records.migrate(scripts, version_table)
        await records.close()
    assert modes(path.parent).keys() == {"data", "records.db"}


async def test_an_upgrade_keeps_a_copy_of_what_was_there(path: Path, revisions: Revisions) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    await note(old, "of old")
    await old.close()
    before = contents(path)

    new = Records(path)
    await new.migrate(revisions("op.rename_table('notes', 'letters')"), "notes_version")
    assert await query(new, "SELECT body FROM letters") == ["of old"]
    await new.close()

    copy = path.with_name("records.db.before-notes_version-0002")
    assert contents(copy) == before
    assert modes(path.parent)[copy.name] == 0o600


async def test_an_upgrade_may_rebuild_a_table_that_others_refer_to(path: Path, revisions: Revisions) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    await execute(old, OWNER, NOTE)
    await old.close()

    rebuild = """
    op.execute("CREATE TABLE rebuilt (id INTEGER PRIMARY KEY, name TEXT)")
    op.execute("INSERT INTO rebuilt (id) SELECT id FROM owners")
    op.drop_table("owners")
    op.rename_table("rebuilt", "owners")
"""
    new = Records(path)
    await new.migrate(revisions(rebuild), "notes_version")
    assert await bodies(new) == ["mine"]
    with pytest.raises(IntegrityError):
        await execute(new, "DELETE FROM owners")
    await new.close()


@pytest.mark.parametrize(
    ("second", "error"),
    [
        ("op.drop_table('notes'); 1 / 0", ZeroDivisionError),
        ("op.execute('DELETE FROM owners')", RecordsRefused),
        ("op.drop_table('notes'); op.execute('nonsense')", RecordsAway),
    ],
)
async def test_an_upgrade_that_fails_changes_nothing(
    second: str, error: type[Exception], path: Path, revisions: Revisions
) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    await execute(old, OWNER, NOTE)
    await old.close()
    before = contents(path)

    new = Records(path)
    with pytest.raises(error):
        await new.migrate(revisions(second), "notes_version")
    await new.close()

    assert contents(path) == before


async def test_a_database_of_a_newer_kikao_is_left_alone(path: Path, revisions: Revisions) -> None:
    newer = Records(path)
    await newer.migrate(revisions("op.rename_table('notes', 'letters')"), "notes_version")
    await newer.close()
    before = fingerprint(path)

    older = Records(path)
    with pytest.raises(RecordsRefused, match=r"revision 0002 of notes_version.*its newest is 0001") as caught:
        await older.migrate(revisions(), "notes_version")
    await older.close()

    assert str(path) in str(caught.value)
    assert fingerprint(path) == before
    assert modes(path.parent).keys() == {"data", "records.db"}


async def test_without_room_for_the_copy_there_is_no_upgrade(path: Path, revisions: Revisions) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    await note(old, "milk")
    await old.close()
    before = contents(path)
    path.with_name("records.db.before-notes_version-0002").mkdir()

    new = Records(path)
    with pytest.raises(RecordsRefused, match="was not upgraded"):
        await new.migrate(revisions("op.rename_table('notes', 'letters')"), "notes_version")
    await new.close()

    assert contents(path) == before


async def test_an_upgrade_can_be_left_to_the_operator(path: Path, revisions: Revisions) -> None:
    records = Records(path)
    with pytest.raises(RecordsRefused, match="Make a backup, then run: kikao migrate"):
        await records.migrate(revisions(), "notes_version", upgrade=False)
    await records.migrate(revisions(), "notes_version")
    await records.migrate(revisions(), "notes_version", upgrade=False)
    await records.close()


async def test_who_migrates_hears_what_was_done(path: Path, revisions: Revisions) -> None:
    heard: list[Migrated] = []
    records = Records(path)
    with upgrading(heard.append):
        await records.migrate(revisions(), "notes_version")
        await records.migrate(revisions(), "notes_version")
        with pytest.raises(RecordsRefused, match="lacks an upgrade"):
            await records.migrate(
                revisions("op.rename_table('notes', 'letters')"), "notes_version", upgrade=False
            )
    await records.migrate(revisions(), "notes_version")
    await records.close()
    where = records.where
    assert heard == [
        Migrated(where, "notes_version", "0001", True),
        Migrated(where, "notes_version", "0001", False),
    ]


async def test_a_database_that_does_not_upgrade_itself_is_upgraded_by_who_says_so(
    path: Path, revisions: Revisions, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Migrated] = []
    records = Records(path)
    monkeypatch.setattr(Sqlite, "upgrades_at_start", False)  # as PostgreSQL, which other machines may use
    with pytest.raises(RecordsRefused, match="run: kikao migrate"):
        await records.migrate(revisions(), "notes_version")
    with upgrading(heard.append):
        await records.migrate(revisions(), "notes_version")
    await records.migrate(revisions(), "notes_version")
    await records.close()
    assert [migrated.upgraded for migrated in heard] == [True]


async def test_sets_of_tables_start_together(path: Path, tmp_path: Path, revisions: Revisions) -> None:
    """Two apps on one database, started by two processes at once."""
    other = revisions()
    text_of = (other / "versions" / "first.py").read_text()
    (other / "versions" / "first.py").write_text(text_of.replace("owners", "people").replace("notes", "mail"))
    mine = revisions()
    one, two = Records(path), Records(path)
    await asyncio.gather(
        one.migrate(mine, "notes_version"),
        two.migrate(other, "mail_version"),
        two.migrate(mine, "notes_version"),
    )
    await note(one, "fine")
    assert await bodies(two) == ["fine"]
    await one.close()
    await two.close()


async def test_a_file_that_is_no_database_is_named(path: Path, revisions: Revisions) -> None:
    write_shopping_list(path)
    records = Records(path)
    with pytest.raises(RecordsRefused, match=r"records\.db does not answer \(file is not a database\)"):
        await records.migrate(revisions(), "notes_version")
    await records.close()


async def test_another_set_of_tables_in_a_file_made_a_moment_ago_needs_no_copy(
    path: Path, revisions: Revisions
) -> None:
    for table in ("notes_version", "other_version"):
        records = Records(path)
        try:
            scripts = revisions()
            if table == "other_version":
                await execute(records, "INSERT INTO notes (body) VALUES ('here')")
                first = scripts / "versions" / "first.py"
                first.write_text(first.read_text().replace("notes", "others").replace("owners", "keepers"))
            await records.migrate(scripts, table)
        finally:
            await records.close()
    assert [each.name for each in path.parent.glob("*before*")] == []
