"""A package whose sentences are translated, or not yet."""

from pathlib import Path

import pytest

from tests.cli.catalogs import CODE, Edit, messages, po_of, translate


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in the present folder, with the three sentences of CODE."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "flows.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def translated(package: Path) -> Path:
    assert messages("update", "shop", "--add", "lg").exit_code == 0
    translate(package)
    return package


@pytest.fixture
def edit(translated: Path) -> Edit:
    """Change the text of the catalog, as anybody may."""

    def change(old: str, new: str) -> None:
        path = po_of(translated)
        text = path.read_text()
        assert text.count(old) == 1, text
        path.write_text(text.replace(old, new))

    return change
