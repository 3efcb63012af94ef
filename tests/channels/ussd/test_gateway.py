"""What a member sees on the phone: lines, keys, and what happens when a screen is longer than a page."""

import pytest

from kikao.channels.ussd.gateways.africastalking import AfricasTalking
from kikao.channels.ussd.pages import Budget, TooLong
from kikao.conversation.navigation import Navigation
from kikao.conversation.screens import Option, Screen
from kikao.i18n.messages import Message, Text, t

SWAHILI = {"Send money": "Tuma pesa", "Back": "Rudi", "More": "Zaidi", "Hello {name}": "Habari {name}"}
BACK = Option("0", t("Back"), "back")
HOME = Option("00", t("Home"), "home")


def english(text: Text) -> str:
    return text.msgid.format(**text.params) if isinstance(text, Message) else text


def swahili(text: Text) -> str:
    if isinstance(text, str):
        return text
    return SWAHILI.get(text.msgid, text.msgid).format(**text.params)


def menu(*labels: str, keys: str = "123456789") -> tuple[Option, ...]:
    return tuple(Option(key, t(label), label) for key, label in zip(keys, labels, strict=False))


def turned(screen: Screen) -> Screen:
    """A screen as the engine shows it, with the app's keys for its pages."""
    return Navigation().displayed(screen)


LONG_MENU = menu(*(f"Pay the bill of company number {n}" for n in range(1, 8)))


def test_a_menu_in_the_member_s_language() -> None:
    screen = Screen((t("Hello {name}", name="Aisha"), "UGX 500"), menu("Send money", "Cash"), (BACK,))
    assert AfricasTalking().pages(screen, swahili) == ["Habari Aisha\nUGX 500\n1 Tuma pesa\n2 Cash\n0 Rudi"]


def test_an_empty_screen_is_one_empty_page() -> None:
    assert AfricasTalking().pages(Screen(()), english) == [""]
    assert AfricasTalking().pages(Screen(("", "Hi", "")), english) == ["Hi"]


def test_typographic_signs_do_not_halve_a_page() -> None:
    text = "Ng’ombe – “UGX\u00a0500”… " * 5
    assert AfricasTalking().pages(Screen((text.strip(),)), english) == [
        ('Ng\'ombe - "UGX 500"... ' * 5).strip()
    ]


def test_a_long_menu_goes_on_with_more_and_back() -> None:
    pages = AfricasTalking().pages(turned(Screen((t("Pay a bill"),), LONG_MENU)), swahili)
    assert len(pages) > 1
    assert [page.endswith("98 Zaidi") for page in pages] == [True] * (len(pages) - 1) + [False]
    assert [("\n0 Rudi" in page) for page in pages] == [False] + [True] * (len(pages) - 1)
    options = [line for page in pages for line in page.split("\n") if line[0] in "1234567"]
    assert options == [f"{o.key} {english(o.label)}" for o in LONG_MENU]


def test_back_in_the_footer_also_leads_to_the_page_before() -> None:
    pages = AfricasTalking().pages(turned(Screen(("Pay a bill",), LONG_MENU, (BACK, HOME))), english)
    assert len(pages) > 1
    for page in pages:
        assert page.count("\n0 Back") == 1
        assert page.count("\n00 Home") == 1


def test_lines_that_turn_the_page_stand_only_where_there_is_one() -> None:
    own = (HOME, Option("#", "Go on", "more"), Option("*", "Go back", "previous"))
    assert AfricasTalking().pages(Screen(("Short",), (), own), english) == ["Short\n00 Home"]
    first, *middle, last = AfricasTalking().pages(Screen(("Pay a bill " * 40,), LONG_MENU, own), english)
    assert first.endswith("\n# Go on\n00 Home")
    assert middle
    assert all(page.endswith("\n# Go on\n* Go back\n00 Home") for page in middle)
    assert last.endswith("\n* Go back\n00 Home")
    assert "# Go on" not in last


def test_without_such_lines_pages_have_none() -> None:
    pages = AfricasTalking().pages(Screen(("Pay a bill",), LONG_MENU), english)
    assert len(pages) > 1
    assert not any("More" in page or "Back" in page for page in pages)


def test_a_confirmation_is_never_cut() -> None:
    fits = Screen(("Send UGX 5,000 to Aisha? " * 6,), menu("Yes", "No"), whole=True)
    assert len(AfricasTalking(budget=Budget(182, 80)).pages(fits, english)) == 1
    with pytest.raises(TooLong):
        AfricasTalking().pages(Screen(("Send UGX 5,000 to Aisha? " * 8,), whole=True), english)


def test_the_budget_is_what_the_network_carries_less_the_envelope() -> None:
    gateway = AfricasTalking()
    assert gateway.budget == Budget(156, 76)
    assert len(gateway.pages(Screen(("a" * 156,)), english)) == 1
    assert len(gateway.pages(Screen(("a" * 157,)), english)) == 2
    assert len(gateway.pages(Screen(("ŋ" * 76,)), english)) == 1
    assert len(gateway.pages(Screen(("ŋ" * 77,)), english)) == 2
    assert AfricasTalking(budget=Budget(182, 80)).budget == Budget(178, 76)
