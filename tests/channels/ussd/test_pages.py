"""How screens become USSD pages: what a member reads, and the laws that hold for every screen."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.channels.ussd.pages import Budget, Page, TooLong, paginate
from kikao.i18n.gsm7 import cost, fits

SERVICES = [
    f"{number} {name}"
    for number, name in enumerate(
        "Send money,Withdraw cash,Buy airtime,Pay a bill,School fees,Save,Borrow,My account,Change PIN,Help".split(
            ","
        ),
        1,
    )
]


def pages(
    body: str = "",
    options: list[str] | None = None,
    footer: list[str] | None = None,
    *,
    budget: Budget | None = None,
    previous: str | None = None,
    whole: bool = False,
) -> tuple[Page, ...]:
    return paginate(
        body,
        options or [],
        ["0 Back"] if footer is None else footer,
        budget=budget or Budget(),
        more="98 More",
        previous=previous,
        whole=whole,
    )


# --- what a member reads ---


def test_a_short_menu_is_one_page() -> None:
    assert pages("Wallet", ["1 Send", "2 Withdraw"]) == (
        Page("Wallet\n1 Send\n2 Withdraw\n0 Back", False, (0, 1)),
    )


def test_a_long_menu_breaks_between_options() -> None:
    first, second = pages("Welcome to the wallet. What do you want to do?", SERVICES, previous="97 Previous")
    assert first.text == (
        "Welcome to the wallet. What do you want to do?\n"
        "1 Send money\n2 Withdraw cash\n3 Buy airtime\n4 Pay a bill\n5 School fees\n6 Save\n7 Borrow\n8 My account\n"
        "98 More\n0 Back"
    )
    assert (first.more, first.options) == (True, (0, 1, 2, 3, 4, 5, 6, 7))
    assert second.text == "9 Change PIN\n10 Help\n97 Previous\n0 Back"
    assert (second.more, second.options) == (False, (8, 9))


def test_an_early_line_break_does_not_end_a_page() -> None:
    first, *_ = pages("Terms of the service.\n" + "You agree to pay a fee of UGX 500 per transfer, " * 6)
    assert cost(first.text).units > 140


def test_a_page_ends_with_a_sentence_when_that_fills_it_well() -> None:
    body = (
        "A" + "a" * 59 + " " + "b" * 59 + ". Next sentence that goes on for a while and ends. The last words."
    )
    first, second = pages(body)
    assert first.text.endswith("b.\n98 More\n0 Back")
    assert second.text.startswith("Next sentence")


def test_a_better_ending_never_costs_a_page() -> None:
    sentences = "The fee is due today. " * 13
    most = 160 - len("\n98 More\n0 Back")
    assert len(pages(sentences.strip())) == -(-len(sentences) // most)


def test_options_follow_the_end_of_a_body_that_spans_pages() -> None:
    *_, last = pages("You agree to the terms of the service in full. " * 5, ["1 Agree", "2 Refuse"])
    assert last.text.endswith("in full.\n1 Agree\n2 Refuse\n0 Back")
    assert last.options == (0, 1)


def test_one_letter_outside_the_alphabet_halves_its_own_page_only() -> None:
    options = ["1 Okuŋŋaanya", *(f"{number} Okusasula ebisale" for number in range(2, 12))]
    first, second, *_ = pages("", options)
    assert (cost(first.text).alphabet, first.options) == ("ucs2", (0, 1, 2))
    assert (cost(second.text).alphabet, second.options) == ("gsm7", (3, 4, 5, 6, 7, 8, 9))


def test_an_amount_stays_with_its_currency() -> None:
    first, second = pages("x" * 136 + " UGX 12,500 is what you have left.")
    assert first.text == "x" * 136 + "\n98 More\n0 Back"
    assert second.text.startswith("UGX 12,500 is")


def test_a_word_longer_than_a_page_is_cut_to_fill_pages() -> None:
    first, second = pages("Key: " + "k" * 240)
    assert first.text == "Key: " + "k" * 140 + "\n98 More\n0 Back"
    assert second.text == "k" * 100 + "\n0 Back"


def test_a_long_word_that_fits_on_a_page_stays_whole() -> None:
    first, second = pages("Your receipt is at " + "u" * 140)
    assert first.text == "Your receipt is at\n98 More\n0 Back"
    assert second.text == "u" * 140 + "\n0 Back"


@pytest.mark.parametrize(
    "seen",
    ["👩\u200d🌾", "e\u0323\u0301", "🇺🇬", "👍🏾", "क्ष", "✈\ufe0f", "\ud83d\ude00", "가\u11a8"],
    ids=["joined emoji", "accents", "flag", "skin tone", "conjunct", "variation", "surrogates", "hangul"],
)
def test_a_cut_falls_between_characters_as_members_see_them(seen: str) -> None:
    for shift in range(len(seen) + 1):
        cut = pages("x" * shift + seen * 60, footer=[])
        assert len(cut) > 1
        for page in cut:
            content = page.text.removesuffix("\n98 More").lstrip("x")
            assert content == seen * (len(content) // len(seen))


def test_a_character_longer_than_a_page_is_cut_all_the_same() -> None:
    cut = pages("a" + "\u0301" * 200)
    assert all(fits(page.text, Budget()) for page in cut)
    assert sum(page.text.count("\u0301") for page in cut) == 200


def test_a_long_option_stays_whole_by_giving_up_the_footer_of_its_page() -> None:
    option = "1 " + "school " * 21
    first, second, third = pages("Choose", [option, "2 Other"], ["0 Back", "00 Home"])
    assert first.text == "Choose\n98 More\n0 Back\n00 Home"
    assert second == Page(option.strip() + "\n98 More", True, (0,))
    assert third.text == "2 Other\n0 Back\n00 Home"


def test_an_option_longer_than_a_page_is_cut_and_belongs_to_its_first_page() -> None:
    first, second = pages("", ["1 " + "school " * 30, "2 Other"])
    assert first.options == (0,)
    assert second.options == (1,)
    assert (first.text + second.text).count("school") == 30


def test_empty_lines_are_left_out_but_an_empty_option_keeps_its_place() -> None:
    assert pages("", ["", "1 A"], [""]) == (Page("1 A", False, (0, 1)),)
    *_, last = pages("x" * 200, ["1 A", ""])
    assert last.options == (0, 1)


def test_navigation_without_end_leaves_a_quarter_of_the_page_to_the_content() -> None:
    footer = ["0 Back", "00 " + "Home" * 40]
    first, *_ = pages("word " * 40, footer=footer)
    assert first.text.endswith("word\n98 More\n0 Back")
    with_long_labels = paginate("word " * 60, [], [], budget=Budget(), more="m" * 150, previous="p" * 150)
    assert [page.more for page in with_long_labels] == [True, False]
    assert not any("m" in page.text or "p" in page.text for page in with_long_labels)


def test_white_space_that_is_left_out_does_not_change_the_price_of_what_stays() -> None:
    cut = pages("€" * 75 + " \t " + "ŋ" * 75, footer=[], budget=Budget(140, 90))
    assert all(fits(page.text, Budget(140, 90)) for page in cut)


# --- confirmations ---


def test_a_confirmation_that_fits_is_one_page() -> None:
    (page,) = pages("Send UGX 12,500 to Amina 0772 123456? Fee UGX 500", ["1 Yes", "2 No"], whole=True)
    assert page.text.endswith("Fee UGX 500\n1 Yes\n2 No\n0 Back")


def test_a_confirmation_gives_up_its_footer_before_it_fails() -> None:
    body = "Send UGX 12,500 to " + "n" * 116 + "?"
    (page,) = pages(body, ["1 Yes", "2 No"], ["0 Back", "00 Home"], whole=True)
    assert page.text == f"{body}\n1 Yes\n2 No\n0 Back"
    (page,) = pages(body + "n" * 10, ["1 Yes", "2 No"], ["0 Back", "00 Home"], whole=True)
    assert page.text == f"{body}{'n' * 10}\n1 Yes\n2 No"


def test_a_confirmation_that_does_not_fit_is_an_error_that_names_cost_and_budget() -> None:
    with pytest.raises(TooLong, match="takes 211 septets, a page holds 160") as error:
        pages("n" * 200, ["1 Yes", "2 No"], whole=True)
    assert (error.value.cost.units, error.value.budget) == (211, Budget())
    with pytest.raises(TooLong, match=r"takes 101 UTF-16 units, a page holds 80.*outside of GSM-7") as error:
        pages("ŋ" + "n" * 100, whole=True)


# --- the laws ---

words = st.one_of(
    st.sampled_from(
        "Salio lako ni UGX 12,500. Tuma! pesa? okuŋŋaanya € [x] ^ 😀 👩\u200d🌾 e\u0301 \ud83d \n \n\n አማርኛ".split(
            " "
        )
    ),
    st.text(st.sampled_from("ab{€ŋ😀\u0301\u200d \n\t\u00a0"), max_size=12),
    st.integers(1, 220).map(lambda length: "w" * length),
    st.integers(1, 90).map(lambda length: "ŋ" * length),
)
texts = st.lists(words, max_size=40).map(" ".join)
labels = st.lists(words, max_size=6).map(" ".join)
screens = st.fixed_dictionaries(
    {
        "body": texts,
        "options": st.lists(labels, max_size=12).map(
            lambda them: [f"{n} {it}" for n, it in enumerate(them, 1)]
        ),
        "footer": st.lists(st.one_of(st.sampled_from(["0 Back", "00 Home", "0 Ŋŋ", ""]), labels), max_size=3),
        "more": st.one_of(st.sampled_from(["98 More", "98 Ebirala"]), labels),
        "previous": st.one_of(st.none(), st.just("97 Previous"), labels),
        "budget": st.one_of(
            st.sampled_from([Budget(), Budget(182, 80), Budget(140, 70)]),
            st.builds(Budget, st.integers(2, 200), st.integers(2, 100)),
        ),
    }
)


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


@settings(max_examples=80)
@given(screens)
def test_no_page_is_ever_over_budget_and_there_is_an_end(screen: dict[str, object]) -> None:
    cut = paginate(**screen)  # type: ignore[arg-type]
    assert all(fits(page.text, screen["budget"]) for page in cut)  # type: ignore[arg-type]
    assert [page.more for page in cut] == [True] * (len(cut) - 1) + [False]
    content = f"{screen['body']}{''.join(screen['options'])}".replace("\u00a0", "x")  # type: ignore[arg-type]
    assert len(cut) <= max(1, len(bare(content)))


@settings(max_examples=80)
@given(screens)
def test_every_option_is_on_exactly_one_page_in_order(screen: dict[str, object]) -> None:
    cut = paginate(**screen)  # type: ignore[arg-type]
    options = screen["options"]
    assert isinstance(options, list)
    assert [place for page in cut for place in page.options] == list(range(len(options)))


@settings(max_examples=80)
@given(
    texts,
    st.lists(labels, max_size=12),
    st.sampled_from([Budget(), Budget(182, 80), Budget(100, 90), Budget(8, 4)]),
)
def test_the_pages_together_say_everything_once(body: str, options: list[str], budget: Budget) -> None:
    cut = paginate(body, options, [], budget=budget, more="", previous=None)
    assert bare("".join(page.text for page in cut)) == bare(body + "".join(options))


@settings(max_examples=80)
@given(texts, st.lists(labels, max_size=12), st.lists(st.sampled_from(["0 Back", "00 Home"]), max_size=2))
def test_navigation_stands_below_the_content_and_is_all_that_is_added(
    body: str, options: list[str], footer: list[str]
) -> None:
    cut = pages(body, options, footer, previous="97 Previous")
    below = "".join(f"\n{line}" for line in footer)
    found = ""
    for number, page in enumerate(cut):
        text = page.text
        for line in reversed(["98 More"] * page.more + ["97 Previous"] * (number > 0) + footer):
            if not text.endswith(f"\n{line}") and text != line:
                assert line != "98 More"
                assert page.options, f"only a long option makes a page give up a line: {text!r} {below!r}"
                continue
            text = text.removesuffix(line).removesuffix("\n")
        found += text
    assert bare(found) == bare(body + "".join(options))


@settings(max_examples=80)
@given(screens)
def test_a_whole_screen_is_one_page_or_an_error(screen: dict[str, object]) -> None:
    body, options, budget = screen["body"], screen["options"], screen["budget"]
    assert isinstance(body, str)
    assert isinstance(options, list)
    assert isinstance(budget, Budget)
    content = "\n".join([body, *options] if body else options)
    if fits(content, budget):
        (page,) = paginate(**screen, whole=True)  # type: ignore[arg-type]
        assert page.text.startswith(content)
        assert fits(page.text, budget)
        return
    with pytest.raises(TooLong) as error:
        paginate(body, options, [], budget=budget, more="98 More", previous=None, whole=True)
    assert error.value.cost == cost(content)


@settings(max_examples=80)
@given(st.lists(st.integers(1, 20).map(lambda length: "w" * length), min_size=1, max_size=200))
def test_pages_of_plain_words_are_as_few_as_can_be(all_words: list[str]) -> None:
    needed, used = 1, -1
    room = 160 - len("\n98 More")
    for place, word in enumerate(all_words):
        if used + 1 + len(word) > room and len(" ".join(all_words[place:])) + used + 1 > 160:
            needed, used = needed + 1, -1
        used += 1 + len(word)
    assert len(pages(" ".join(all_words), footer=[])) == needed
