"""What the simulator takes from others is what their packages hold, and nothing is fetched from anywhere else."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

from tests.vendored import there, written

ASSETS: Final = Path(__file__).parents[2] / "src/kikao/console/simulator/assets"
VENDORED: Final = ASSETS / "vendored"

OWN = [path for path in ASSETS.rglob("*") if path.is_file() and VENDORED not in path.parents]


def test_every_vendored_file_is_the_one_its_package_holds() -> None:
    assert there(VENDORED) == written(VENDORED)
    assert {"preact.LICENSE.txt", "htm.LICENSE.txt"} <= there(VENDORED).keys()


def test_the_page_names_no_other_host_and_holds_no_script_of_its_own() -> None:
    page = (ASSETS / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style|\bstyle=|\bon\w+=", page) == []
    for path in OWN:
        hosts = set(re.findall(r"https?://[\w.]+", path.read_text())) - {"http://www.w3.org"}  # a namespace
        assert not hosts, path.name


def test_every_module_and_file_that_is_named_is_there() -> None:
    page = (ASSETS / "index.html").read_text()
    named = [ASSETS / name for name in re.findall(r'"/simulator/assets/([^"]+)"', page)]
    for module in ASSETS.glob("*.js"):
        named += [
            ASSETS / name
            for name in re.findall(r'^import .* from "\./(.+)";$', module.read_text(), re.MULTILINE)
        ]
    assert len(named) > 20
    assert [path.name for path in named if not path.is_file()] == []


def test_every_file_of_ours_is_one_concept() -> None:
    lengths = {path.name: path.read_text().count("\n") for path in OWN if path.suffix in (".js", ".css")}
    assert {name: lines for name, lines in lengths.items() if lines > 200} == {}


def test_the_wheel_holds_every_file_of_the_page(tmp_path: Path) -> None:
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    repository = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        held = set(wheel.namelist())
    files = {str(path.relative_to(repository / "src")) for path in ASSETS.rglob("*") if path.is_file()}
    live = repository / "src/kikao/live/assets"
    files |= {str(path.relative_to(repository / "src")) for path in live.rglob("*") if path.is_file()}
    assert len(files) > 30
    assert files <= held
