"""A file is replaced whole, and by one at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kikao.transcripts import exclusively, replace_file


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    replace_file(path, "a\r\n")
    assert path.read_bytes() == b"a\r\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    path, link = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text("a")
    path.chmod(0o644)
    link.symlink_to(path)
    replace_file(link, "b")
    assert (link.is_symlink(), path.read_text(), path.stat().st_mode & 0o777) == (True, "b", 0o644)
    replace_file(path, "c", 0o600)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")
    with pytest.raises(UnicodeEncodeError):
        replace_file(path, "\ud800")
    assert path.read_text() == "a"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_read_only_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="it is read-only"):
        replace_file(path, "b")
    assert path.read_text() == "a"
    assert list(tmp_path.iterdir()) == [path]


def test_one_at_a_time(tmp_path: Path) -> None:
    path, order = tmp_path / "a.txt", []
    entered = threading.Event()

    def other() -> None:
        entered.set()
        with exclusively(path):
            order.append("other")

    with exclusively(path):
        thread = threading.Thread(target=other)
        thread.start()
        entered.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "other"]
