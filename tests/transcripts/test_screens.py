"""A page as lines, and lines that a page fits."""

from __future__ import annotations

import pytest

from kikao.transcripts import DROPPED, fits, parse, screen_lines


@pytest.mark.parametrize(
    ("page", "ended", "lines"),
    [
        ("Hello\n1 Go", False, ("Hello", "1 Go")),
        ("Bye", True, ("Bye", "(end)")),
        ("\n a  \r\n\n b\n \n", False, (" a", "", " b")),
        ("", True, ("(end)",)),
        ("", False, ()),
        (DROPPED, True, (DROPPED, "(end)")),
        ("(end)\n\\(end)\n(Asha sees)", True, ("\\(end)", "\\\\(end)", "\\(Asha sees)", "(end)")),
    ],
)
def test_the_lines_of_a_page(page: str, ended: bool, lines: tuple[str, ...]) -> None:
    assert screen_lines(page, ended) == lines


def test_lines_of_a_page_come_back_from_a_file() -> None:
    for page in ("Hello\n\n  1 Go", "a\u2028b", "# x", "// y"):
        lines = screen_lines(page, True)
        text = "# A\nAsha dials.\n" + "".join(f"    {line}\n" for line in lines)
        assert parse(text)[0].steps[0].screen == lines


@pytest.mark.parametrize(
    ("written", "seen", "fit"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a"], ["a", "b"], False),
        (["Ref ..."], ["Ref 42UFS2FR"], True),
        (["Ref ... (new)"], ["Ref 42 (new)"], True),
        (["Ref ..."], ["Paid. Ref 42"], False),
        (["Ref ..."], ["Ref 4", "2"], False),
        (["a", "..."], ["a"], True),
        (["a", "...", "d"], ["a", "b", "c", "d"], True),
        (["..."], [], True),
        (["a..."], ["a..."], True),
        (["a.c"], ["abc"], False),
    ],
)
def test_what_fits(written: list[str], seen: list[str], fit: bool) -> None:
    assert fits(written, seen) is fit
