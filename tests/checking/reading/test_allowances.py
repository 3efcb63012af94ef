"""`# kikao: allow K407 - why`."""

from pathlib import Path

import pytest

from kikao.checking.findings import RULES, Finding
from kikao.checking.reading import apply


def left(folder: Path, text: str, *found: tuple[str, int], judged: frozenset[str] | None = None) -> list[str]:
    """What is left of findings (code, line) in a file of this text."""
    path = folder / "shop.py"
    path.write_text(text)
    findings = [Finding(code=code, message="", file="shop.py", line=line) for code, line in found]
    rest = apply(findings, [(path, "shop.py")], RULES.keys() if judged is None else judged)
    return [f"{each.line}: {each.code}" for each in rest]


@pytest.mark.parametrize(
    ("text", "found", "rest"),
    [
        ("now()  # kikao: allow K404 - the demo's clock\n", [("K404", 1)], []),
        ("# kikao: allow K404 - the demo's clock\n\n# more\nnow()\n", [("K404", 4)], []),
        ("now()  # kikao: allow K404, K405: both\n", [("K404", 1), ("K405", 1)], []),
        ("now()  # kikao: allow K404 - why\n", [("K405", 1)], ["1: K405", "1: K001"]),
        ("now()  # kikao: allow K404 K405 - why\n", [("K405", 1)], ["1: K001"]),
        ("now()  # kikao: allow K404\n", [("K404", 1)], ["1: K404", "1: K002"]),
        ("now()  # kikao: allow K404 -  \n", [("K404", 1)], ["1: K404", "1: K002"]),
        ("now()  # kikao: allow - why\n", [("K404", 1)], ["1: K404", "1: K002"]),
        ("now()  # kikao: allow K999 - why\n", [], ["1: K002"]),
        ("x = '# kikao: allow K404 - why'\n", [("K404", 1)], ["1: K404"]),
        ("now()  # kikao: allow K404 - why\nnow()\n", [("K404", 2)], ["2: K404", "1: K001"]),
        ("def broken(:\n  '''", [("K404", 1)], ["1: K404"]),
    ],
)
def test_allowances(tmp_path: Path, text: str, found: list[tuple[str, int]], rest: list[str]) -> None:
    assert left(tmp_path, text, *found) == rest


def test_what_was_not_looked_for_is_not_known_to_be_needless(tmp_path: Path) -> None:
    text = "ask()  # kikao: allow K101 - it is long in Luganda\n"

    assert left(tmp_path, text, judged=frozenset({"K404"})) == []
