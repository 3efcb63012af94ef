"""The client that is shipped and tested is the one that is published."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.vendored import there, written

VENDORED: Final = Path(__file__).parents[2] / "src/kikao/live/assets/vendored"


def test_every_vendored_file_is_the_one_its_package_holds() -> None:
    assert there(VENDORED) == written(VENDORED)
    assert {"phoenix.mjs", "phoenix.min.js", "phoenix.LICENSE.txt"} <= there(VENDORED).keys()


def test_the_client_loads_nothing_else() -> None:
    client = (VENDORED / "phoenix.mjs").read_text()
    assert re.findall(r"^import |\bimport\(", client, re.MULTILINE) == []
    assert re.findall(r"(?:src|href|fetch\()\s*=?\s*[\"']", client) == []
