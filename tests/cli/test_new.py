"""`kikao new`: what it makes is whole, passes its own checks, and takes the place of nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kikao.cli import main
from kikao.cli.new.making import FILES, TEMPLATE


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty present folder, in a shell that finds this Python first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    return tmp_path


def new(*words: str) -> Result:
    return CliRunner().invoke(main, ["new", *words])


def make(folder: Path, target: str) -> str:
    """What `make` says in a project, which does as it is told with this interpreter and without a network."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("KIKAO_", "PYTEST_"))}
    if not any(
        each.name == "kikao" for each in entry_points(group="pytest11")
    ):  # installed before it had a plugin
        plain["PYTEST_ADDOPTS"] = "-p kikao.testing.plugin"
    done = subprocess.run(
        ["make", target, f"PYTHON={sys.executable}"],
        cwd=folder,
        env=plain | {"PYTHONDONTWRITEBYTECODE": "1", "PIP_INDEX_URL": "http://127.0.0.1:9/"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_is_made_is_whole_passes_its_checks_and_has_nothing_to_translate(empty: Path) -> None:
    done = new("tea-shop")
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        ["tea-shop is ready. Next: cd tea-shop, then `make test` and `make run`."],
    )
    project = empty / "tea-shop"
    found = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert found == {place.format(module="tea_shop") for place in FILES}
    whole = b"".join(path.read_bytes() for path in project.rglob("*") if path.is_file())
    assert b"@name@" not in whole
    assert b"@module@" not in whole

    assert "tea_shop:app: nothing found" in make(project, "check")
    before = (project / "tea_shop/locales/sw/LC_MESSAGES/messages.mo").read_bytes()
    assert "up to date, 3 sentences, 0 to translate" in make(project, "messages")
    assert (project / "tea_shop/locales/sw/LC_MESSAGES/messages.mo").read_bytes() == before
    assert not (project / ".venv").exists()


def test_a_kikao_that_make_would_not_find_is_named(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty / "python3").touch(0o755)
    monkeypatch.setenv("PATH", str(empty))
    assert f"`make test PYTHON={sys.executable}`" in new("tea").stdout


def test_a_kikao_that_cannot_be_installed_leaves_nothing_and_says_what_to_do(empty: Path) -> None:
    new("tea")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("KIKAO_", "PIP_"))}
    without = empty / "without"
    venv.create(without)
    done = subprocess.run(
        ["make", "test", f"PYTHON={without / 'bin' / 'python'}", "KIKAO=/nowhere/kikao"],
        cwd=empty / "tea",
        env=plain | {"PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "make PYTHON=/path/to/python" in done.stderr
    assert not (empty / "tea/.venv").exists()


def test_what_is_made_passes_its_test(empty: Path) -> None:
    new("tea")
    assert "1 passed" in make(empty / "tea", "test")


def test_what_is_made_has_no_settings_of_plugins_that_it_does_not_install(empty: Path) -> None:
    new("tea")
    assert "asyncio" not in (empty / "tea/pyproject.toml").read_text()


def test_every_file_of_the_template_is_used() -> None:
    assert {path.name for path in TEMPLATE.iterdir()} == set(FILES.values())


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Tea", "is no name for a project"),
        ("tea shop", "is no name for a project"),
        ("../tea", "is no name for a project"),
        ("2tea", "is no name for a project"),
        ("tea-", "is no name for a project"),
        ("t" * 41, "is no name for a project"),
        ("class", "is a word of Python"),
        ("match", "is a word of Python"),
        ("json", "is the name of another module"),
        ("kikao", "is the name of another module"),
        ("msgspec", "a module 'msgspec' is installed"),
    ],
)
def test_a_name_that_would_not_do_is_refused(name: str, problem: str, empty: Path) -> None:
    done = new(name)
    assert (done.exit_code, problem in done.stderr) == (2, True)
    assert list(empty.iterdir()) == []


def test_nothing_is_overwritten(empty: Path) -> None:
    (empty / "tea").mkdir()
    (empty / "tea" / "mine").write_text("1")
    (empty / "file").write_text("1")
    (empty / "link").symlink_to(empty / "elsewhere")
    for directory in ("tea", "file", "link"):
        done = new("tea", "--directory", directory)
        assert (done.exit_code, "is there already" in done.stderr) == (2, True)
    assert (empty / "tea" / "mine").read_text() == "1"
    assert sorted(path.name for path in empty.iterdir()) == ["file", "link", "tea"]


def test_an_empty_folder_and_one_further_down_will_do(empty: Path) -> None:
    (empty / "here").mkdir()
    assert new("tea", "--directory", "here").exit_code == 0
    assert new("tea", "--directory", "far/away").exit_code == 0
    assert (empty / "here" / "tea" / "__init__.py").exists()
    assert sorted(path.name for path in (empty / "far").iterdir()) == ["away"]


def test_the_present_folder_will_do(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty / "shop").mkdir()
    monkeypatch.chdir(empty / "shop")
    done = new("tea", "--directory", ".")
    assert done.exit_code == 0
    assert done.stdout.startswith("tea is ready. Next: `make test")
    assert (empty / "shop/tea/__init__.py").exists()
    assert [path.name for path in empty.iterdir()] == ["shop"]


def test_where_it_cannot_be_made_it_says_why(empty: Path) -> None:
    (empty / "file").write_text("")
    done = new("tea", "--directory", "file/tea")
    assert (done.exit_code, "cannot be made" in done.stderr) == (2, True)
