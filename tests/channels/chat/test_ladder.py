"""The ladder: buttons, a list, numbered text with pages; what is typed means what is shown, and no text is torn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.chat.ladder import laid_out, layout_of, meant, parts
from kikao.channels.chat.message import Choice
from kikao.conversation.navigation import Navigation
from kikao.conversation.screens import Option, Screen
from kikao.i18n import Catalogs
from tests.channels.chat.talk import LIMITS

english = Catalogs().translate("en")

BACK = (Option("0", "Back", "back"),)


def menu(*labels: str) -> tuple[Option, ...]:
    return tuple(Option(str(number), label, label) for number, label in enumerate(labels, 1))


def test_up_to_three_short_options_are_buttons_and_the_way_back_is_one_where_there_is_room() -> None:
    (page,) = laid_out(Screen(("Which?",), menu("Tea", "Coffee"), BACK), english, LIMITS)
    assert (page.layout, page.text) == ("buttons", "Which?")
    assert [choice.label for choice in page.choices] == ["Tea", "Coffee", "Back"]


def test_up_to_ten_are_a_list_with_the_navigation_in_it_where_there_is_room() -> None:
    (page,) = laid_out(Screen(("Which?",), menu(*"abcd"), BACK), english, LIMITS)
    assert (page.layout, page.opens) == ("list", "Choose")
    assert [choice.key for choice in page.choices] == ["1", "2", "3", "4", "0"]
    (page,) = laid_out(Screen(("Which?",), menu(*"abcdefghij"), BACK), english, LIMITS)
    assert (page.layout, len(page.choices), page.text) == ("list", 10, "Which?\n0 Back")


def test_a_label_that_no_button_holds_makes_a_list_and_one_that_no_row_holds_makes_text() -> None:
    long = "Send money to a phone number"
    (page,) = laid_out(Screen(("Which?",), menu("Tea", long)), english, LIMITS)
    assert page.layout == "list"
    (page,) = laid_out(Screen(("Which?",), menu("Tea", long * 4)), english, LIMITS)
    assert (page.layout, page.text) == ("text", f"Which?\n1 Tea\n2 {long * 4}")


def test_labels_that_look_the_same_once_they_are_cut_are_numbered_all_of_them() -> None:
    one, other = "A very long label that ends in one", "A very long label that ends in two"
    (page,) = laid_out(Screen(("Which?",), menu(one, other)), english, LIMITS)
    assert (page.layout, page.text) == ("text", f"Which?\n1 {one}\n2 {other}")


def test_more_are_pages_of_numbered_text_with_buttons_to_turn_them() -> None:
    screen = Navigation().displayed(Screen(("Which?",), menu(*map(str, range(100, 150))), BACK))
    pages = laid_out(screen, english, LIMITS)
    assert len(pages) == 3
    assert [[choice.key for choice in page.choices] for page in pages] == [["98", "0"], ["98", "0"], ["0"]]
    shown = [line for page in pages for line in page.text.splitlines() if line != "Which?"]
    assert shown == [f"{number} {99 + number}" for number in range(1, 51)]


def test_a_confirmation_is_one_message_however_many_options() -> None:
    (page,) = laid_out(Screen(("Sure?",), menu(*map(str, range(30))), whole=True), english, LIMITS)
    assert page.text.count("\n") == 30


def test_a_label_means_its_option_in_full_or_as_it_was_cut_and_a_number_is_left_alone() -> None:
    screen = Screen(("Which?",), menu("Send money to a phone number", "5"), BACK)
    for typed in (
        "send money to a phone NUMBER",
        " Send money to a phone n…",
        "1 send money to a phone number",
    ):
        assert meant(typed, screen, english, LIMITS) == "1"
    assert meant("back", screen, english, LIMITS) == "0"
    assert meant("5", screen, english, LIMITS) == "5"
    assert meant("something", screen, english, LIMITS) == "something"


def test_nine_thousand_ethiopic_letters_are_three_messages() -> None:
    pieces = parts("ሰ" * 9000, 4096)
    assert list(map(len, pieces)) == [4096, 4096, 808]


@given(st.text(alphabet="ab \nሰ😀", max_size=200), st.integers(4, 40), st.integers(4, 40))
def test_parts_lose_nothing_but_the_spaces_they_are_cut_at(text: str, most: int, last: int) -> None:
    last = min(last, most)
    pieces = parts(text, most, last)
    assert all(len(piece) <= most for piece in pieces)
    assert len(pieces[-1]) <= last
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(st.lists(st.text(alphabet="ab ", min_size=1, max_size=30), min_size=1, max_size=14))
def test_what_is_tapped_is_told_apart(labels: list[str]) -> None:
    choices = [Choice(str(number), label) for number, label in enumerate(labels)]
    if layout_of(choices, LIMITS) != "text":
        assert len({" ".join(label.split()) for label in labels}) == len(labels)
