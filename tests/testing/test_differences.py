"""Screens side by side."""

from __future__ import annotations

from kikao.testing.differences import boxed, columns, side_by_side


def test_a_screen_in_a_frame() -> None:
    assert boxed(["Hello", "1 Go"], "Asha") == [
        "┌─ Asha ─┐",
        "│ Hello  │",
        "│ 1 Go   │",
        "└────────┘",
    ]
    assert boxed([]) == [
        "┌───────────┐",
        "│ (nothing) │",
        "└───────────┘",
    ]


def test_lines_that_differ_are_marked_and_the_others_stand_beside_each_other() -> None:
    assert side_by_side(["Hello", "Ref ...", "1 Go"], ["Hello", "News", "Ref 17", "1 Go"]) == [
        "┌─ expected ───────────────┐   ┌─ seen ───────────────────┐",
        "│ Hello                    │   │ Hello                    │",
        "│ Ref ...                  │ ≠ │ News                     │",
        "│                          │ ≠ │ Ref 17                   │",
        "│ 1 Go                     │   │ 1 Go                     │",
        "└──────────────────────────┘   └──────────────────────────┘",
    ]


def test_a_line_that_fits_is_not_marked() -> None:
    assert (
        side_by_side(["Ref ...", "No"], ["Ref 17", "Yes"])[1]
        == "│ Ref ...                  │   │ Ref 17                   │"
    )


def test_a_difference_that_nobody_sees_is_named() -> None:
    assert side_by_side(["Don't"], ["Don’t"])[-1] == (
        "line 1, character 4: expected \"'\" (U+0027 apostrophe), seen '’' (U+2019 right single quotation mark)"
    )
    assert side_by_side(["Pay now"], ["Pay now\u00ad"])[-1] == (
        "line 1, character 8: expected the end of the line, seen '\\xad' (U+00AD soft hyphen)"
    )


def test_wide_and_combining_characters_keep_the_frame_straight() -> None:
    assert columns("日本") == 4
    assert columns("e\u0301") == 1
    assert {columns(line) for line in boxed(["日本", "e\u0301"])} == {8}
