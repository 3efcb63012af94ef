"""Which files make up an app, and which of them changed."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest

import kikao
from kikao.cli.watching import Watched, changes, from_app, of_process


def test_what_is_new_gone_or_different_is_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flows, catalog = tmp_path / "flows.py", tmp_path / "locales" / "lg" / "LC_MESSAGES" / "messages.po"
    catalog.parent.mkdir(parents=True)
    for path in (flows, catalog, tmp_path / "notes.txt"):
        path.write_text("1")
    watched = Watched([str(tmp_path)], [str(tmp_path / "locales"), "nowhere"], [str(tmp_path / "kikao.toml")])
    before = watched.look()
    assert sorted(map(os.path.relpath, before)) == ["flows.py", "locales/lg/LC_MESSAGES/messages.po"]
    assert changes(before, watched.look()) == []

    flows.unlink()
    catalog.write_text("12")
    for name in ("menu.py", "kikao.toml", "notes.txt"):
        (tmp_path / name).write_text("2")
    assert changes(before, watched.look()) == [
        "flows.py",
        "kikao.toml",
        "locales/lg/LC_MESSAGES/messages.po",
        "menu.py",
    ]


def test_two_ways_of_watching_are_one(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    both = Watched(["nowhere"]) | Watched([str(tmp_path)])
    assert list(both.look()) == [str(tmp_path / "a.py")]


def test_folders_of_loaded_modules_are_watched_but_not_those_of_kikao_and_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "kiosk_watched"
    package.mkdir()
    (package / "__init__.py").write_text("from kiosk_watched import flows")
    (package / "flows.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("kiosk_watched")
    sources = of_process(str(tmp_path)).sources
    assert {str(tmp_path), str(package)} <= sources
    assert os.path.dirname(kikao.__file__) not in sources
    assert os.path.dirname(os.__file__) not in sources


def test_what_could_not_be_loaded_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "deep_watched"
    deep.mkdir()
    (deep / "__init__.py").write_text("")
    (deep / "broken.py").write_text("def (")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SyntaxError) as caught:
        importlib.import_module("deep_watched.broken")
    assert str(deep) in of_process("elsewhere", caught.value).sources
    assert from_app(None) is None
