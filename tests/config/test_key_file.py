"""The file of secret keys: made once, for its owner alone, and never in place of keys that were lost."""

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from kikao.config import load
from tests.config.asking import KEY, KEY_TEXT, problem, problems


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = load({}, tmp_path, makes_keys=True)
    path = tmp_path / "kikao-data" / "secret-keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["secret-keys"]
    text = path.read_bytes()
    assert dict(load({}, tmp_path).secret_keys) == dict(first.secret_keys)
    assert path.read_bytes() == text
    assert not any(part in "\n".join(first.describe()) for part in text.decode().split())


def test_a_wide_umask_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load({}, tmp_path, makes_keys=True)
    finally:
        os.umask(before)
    path = tmp_path / "kikao-data" / "secret-keys"
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent)] == [0o600, 0o700]


def test_a_key_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "kikao-data" / "secret-keys"
    keys = dict(load({}, tmp_path, makes_keys=True).secret_keys)
    path.chmod(0o644)

    assert dict(load({}, tmp_path, makes_keys=True).secret_keys) == keys
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def keys_seen(cwd: Path) -> dict[str, bytes]:
    return dict(load({}, cwd, makes_keys=True).secret_keys)


def test_processes_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        seen = pool.map(keys_seen, [tmp_path] * 8, chunksize=1)
    assert all(keys == seen[0] for keys in seen)


def test_a_process_that_was_faster_keeps_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kikao-data" / "secret-keys"
    fsync = os.fsync

    def rival_wins(fd: int) -> None:
        if not path.exists():
            path.write_text(f"dev:{KEY_TEXT}\n")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", rival_wins)
    assert dict(load({}, tmp_path, makes_keys=True).secret_keys) == {"dev": KEY}
    assert path.read_text() == f"dev:{KEY_TEXT}\n"
    assert [each.name for each in path.parent.iterdir()] == ["secret-keys"]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"dev:", b"not keys", b"\xff", f"dev:{KEY_TEXT[:20]}".encode()]
)
def test_a_damaged_key_file_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kikao-data" / "secret-keys"
    path.parent.mkdir()
    path.write_bytes(content)
    told = problem({}, tmp_path)
    assert told.startswith(f"{path}: ")
    assert "Restore a copy" in told
    assert KEY_TEXT[:20] not in told
    assert path.read_bytes() == content


def test_no_key_file_where_keys_are_set_or_settings_are_wrong(tmp_path: Path) -> None:
    load({"KIKAO_SECRET_KEYS": f"k1:{KEY_TEXT}"}, tmp_path)
    problems({"KIKAO_RELEASE": "x"}, tmp_path)
    assert not (tmp_path / "kikao-data").exists()


def test_only_who_serves_makes_keys(tmp_path: Path) -> None:
    assert dict(load({}, tmp_path).secret_keys) == {}
    assert not (tmp_path / "kikao-data").exists()
    made = load({}, tmp_path, makes_keys=True)
    assert dict(load({}, tmp_path).secret_keys) == dict(made.secret_keys)


@pytest.mark.parametrize("makes_keys", [False, True])
@pytest.mark.parametrize("name", ["sessions.db", "records.db"])
def test_no_new_keys_for_data_that_has_had_others(tmp_path: Path, name: str, makes_keys: bool) -> None:
    folder = tmp_path / "kikao-data"
    folder.mkdir()
    (folder / name).write_text("")
    told = problem({}, tmp_path, makes_keys=makes_keys)
    assert told.startswith("KIKAO_SECRET_KEYS: not set")
    assert str(folder / name) in told
    assert [each.name for each in folder.iterdir()] == [name]


def test_records_that_an_app_had_before_may_stand_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("")
    environ = {"KIKAO_RECORDS": "shop.db"}
    problem(environ, tmp_path)
    assert load(environ, tmp_path, makes_keys=True).secret_keys


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = problem({"KIKAO_DATA": "file/data"}, tmp_path, makes_keys=True)
    assert "cannot be made or read" in told
    assert "KIKAO_SECRET_KEYS" in told
    assert "is not a folder" in problem({"KIKAO_DATA": "file"}, tmp_path)
