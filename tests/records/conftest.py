from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kikao.records import Records
from tests.records.notes import ENV, FIRST, SECOND, Revisions


@pytest.fixture
def revisions(tmp_path: Path) -> Revisions:
    def write(second: str = "") -> Path:
        folder = tmp_path / f"scripts{len(list(tmp_path.glob('scripts*')))}"
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_text(ENV)
        (folder / "versions" / "first.py").write_text(FIRST)
        if second:
            (folder / "versions" / "second.py").write_text(SECOND.format(what=second))
        return folder

    return write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "records.db"


@pytest.fixture
async def records(path: Path, revisions: Revisions) -> AsyncIterator[Records]:
    records = Records(path)
    await records.migrate(revisions(), "notes_version")
    yield records
    await records.close()
