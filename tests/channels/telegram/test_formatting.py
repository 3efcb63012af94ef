"""Texts as Telegram takes them: counted in UTF-16, cut nowhere but between characters, and data makes no links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.telegram.formatting import JOINER, cut, parts, unlinked, utf16
from kikao.i18n import Catalogs
from kikao.i18n.messages import Text, t

TEXTS = st.text(st.sampled_from("ab \n😀éሰ\u0301"), max_size=60)


@given(TEXTS, st.integers(2, 12))
def test_a_text_is_divided_and_nothing_is_lost(text: str, most: int) -> None:
    pieces = parts(text, most)
    assert all(utf16(piece) <= most for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "most", "pieces"),
    [
        ("short", 10, ["short"]),
        ("", 10, [""]),
        ("one two three", 8, ["one two", "three"]),
        ("one\ntwo three", 10, ["one", "two three"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("😀😀😀", 3, ["😀", "😀", "😀"]),
    ],
)
def test_where_it_is_divided(text: str, most: int, pieces: list[str]) -> None:
    assert parts(text, most) == pieces


def test_a_long_ethiopic_text_is_three_messages() -> None:
    assert [len(piece) for piece in parts("ሰ" * 9000, 4096)] == [4096, 4096, 808]


@given(TEXTS, st.integers(2, 12))
def test_what_is_cut_says_so(text: str, most: int) -> None:
    short = cut(text, most)
    assert utf16(short) <= most
    assert short == text or short.endswith("…")


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ("evil.example.com", f"evil.{JOINER}example.{JOINER}com"),
        ("https://x.io", f"https:{JOINER}//{JOINER}x.{JOINER}io"),
        ("tg://resolve", f"tg:{JOINER}//{JOINER}resolve"),
        ("@kikao_bot", f"@{JOINER}kikao_bot"),
        ("a@b.c", f"a@{JOINER}b.{JOINER}c"),
        ("#tag $USD /start", f"#{JOINER}tag ${JOINER}USD /{JOINER}start"),
        ("1,500.00", "1,500.00"),
        ("Mr. Kato", "Mr. Kato"),
        ("TX-81/2", "TX-81/2"),
        ("*bold* _it_ <b>", "*bold* _it_ <b>"),
    ],
)
def test_data_makes_no_links(data: str, shown: str) -> None:
    render = unlinked(Catalogs(default="en").translate("en"))
    texts: list[Text] = [data, t("{name}", name=data), t("{inner}", inner=t("{name}", name=data))]
    for text in texts:
        assert render(text) == shown
    assert render(t("See kikao.example")) == "See kikao.example"
    assert render(t("{n} at kikao.example", n=5)) == "5 at kikao.example"
