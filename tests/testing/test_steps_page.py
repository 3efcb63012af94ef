"""The page of the reference has the steps there are, in tables made from them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from kikao.testing.playing import STEPS
from kikao.testing.registry import BUILT_IN

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "transcripts.md"


def table(module: ModuleType) -> str:
    rows = [f"| `{kind.form}` | {kind.told} |" for kind in BUILT_IN if kind.act.__module__ == module.__name__]
    return "\n".join(["| step | |", "|---|---|", *rows, ""])


@pytest.mark.parametrize("module", STEPS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_step_is_in_the_reference(module: ModuleType) -> None:
    assert table(module) in PAGE.read_text(encoding="utf-8")


def test_every_step_says_what_it_does() -> None:
    assert all(kind.told.endswith(".") for kind in BUILT_IN)
