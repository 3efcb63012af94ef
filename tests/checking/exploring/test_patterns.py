"""Texts that match a pattern."""

from __future__ import annotations

import re

import pytest

from kikao.checking.exploring.patterns import matching


@pytest.mark.parametrize(
    ("pattern", "longest"),
    [
        (r"[A-Z]{2}\d{4,8}", "AA77777777"),
        (r"(yes|no)", "yes"),
        (r"[^\W\d_]([^\W\d_]|[ .'-])*", "a" * 20),
        (r"^a.+b?$", "a" + "a" * 19),
        (r"[^a]x*?", "A" + "x" * 19),
        (r"[αβ]{3}", "ααα"),
        (r"[μ-ω]", "μ"),
        (r"\S\w\s?", "aa "),
    ],
)
def test_a_long_text_that_matches(pattern: str, longest: str) -> None:
    found = matching(pattern, 20)

    assert found[0] == longest
    assert all(re.fullmatch(pattern, each) for each in found)


@pytest.mark.parametrize("pattern", [None, "(", r"(a)\1b", r"(?=a)b"])
def test_what_is_not_simple_has_none(pattern: str | None) -> None:
    assert matching(pattern, 20) == []
