"""Keys: each can be changed and switched off, none steals an answer, and what a page shows is what happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.conversation import Chat, Choice, Confirm, Flows, Key, Navigation, Number, Pin, Text
from kikao.conversation.answers import Answer
from kikao.conversation.navigation import Command, word
from kikao.conversation.screens import Option, Screen
from kikao.i18n.messages import t
from tests.talk import PlainGateway, Talk, start

MENU = Screen(("Menu",), (Option("1", "Send", 1), Option("2", "Withdraw", 2)))
OPEN = Screen(("Name?",))


def keys_of(screen: Screen) -> dict[object, str]:
    return {line.value: line.key for line in screen.navigation}


class TestReadingKeys:
    @pytest.mark.parametrize(
        ("typed", "page", "pages", "command"),
        [
            ("0", 0, 1, "back"),
            ("0", 1, 2, "previous"),
            (" 00 ", 0, 1, "home"),
            ("98", 0, 2, "more"),
            ("#", 0, 2, "more"),
            ("98", 0, 1, None),
            ("98", 1, 2, None),
            ("CANCEL", 0, 1, "cancel"),
            ("97", 0, 1, "language"),
            ("٩٩", 0, 1, "cancel"),
            ("1", 0, 1, None),
            ("", 0, 1, None),
        ],
    )
    def test_what_is_typed_is_a_command_or_an_answer(
        self, typed: str, page: int, pages: int, command: Command | None
    ) -> None:
        assert Navigation().command(typed, MENU, page=page, pages=pages) == command

    def test_keys_are_compared_as_members_type_them(self) -> None:
        keys = Navigation(cancel=Key(("Stop it",), "Stop"), home=Key(("٠٠",), "Home"))
        assert keys.command(" stop  IT ", MENU) == "cancel"
        assert keys.command("00", MENU) == "home"

    def test_an_option_is_never_a_command(self) -> None:
        keys = Navigation(back=Key(("1", "b"), "Back"), home=Key(("B",), "Home"))
        assert keys.command("1", MENU) is None
        assert keys.command("1", OPEN) == "back"
        assert keys.command("b", Screen(("?",), (Option("B", "Beer", "beer"),))) is None

    @pytest.mark.parametrize("command", ["back", "home", "more", "cancel", "language"])
    def test_any_command_can_be_switched_off_and_moved(self, command: str) -> None:
        own = {"back": "0", "home": "00", "more": "98", "cancel": "99", "language": "97"}
        off = Navigation(**{command: Key((), "Off")})
        assert off.command(own[command], MENU, pages=2) is None
        moved = Navigation(**{command: Key(("55",), "Moved")})
        assert moved.command(own[command], MENU, pages=2) is None
        assert moved.command("55", MENU, pages=2) == command

    def test_with_a_key_of_two_commands_the_one_that_shows_it_has_it(self) -> None:
        keys = Navigation(back=Key(("#",), "Back"), cancel=Key(("97", "stop"), "Stop"))
        assert keys.command("#", MENU, pages=2) == "back"
        assert keys.command("98", MENU, pages=2) == "more"
        assert keys.command("97", MENU) == "cancel"
        assert keys.command("language", MENU) == "language"

    def test_two_shown_commands_with_one_key_are_refused(self) -> None:
        with pytest.raises(ValueError, match="'0' is the key of back and of home"):
            Navigation(home=Key(("0",), "Home"))
        Navigation(home=Key(("0",), "Home"), back=Key((), "Back"))
        Navigation(home=Key(("99",), "Home"))

    @pytest.mark.parametrize("key", ["", "  ", "x" * 21])
    def test_a_key_that_nobody_can_type_is_refused(self, key: str) -> None:
        with pytest.raises(ValueError, match="a key of home must have 1 to 20 characters"):
            Navigation(home=Key((key,), "Home"))


class TestLinesUnderAQuestion:
    def test_a_command_without_keys_has_no_line(self) -> None:
        lines, _ = Navigation(back=Key((), "Back")).offered(Text(), back=True, home=True)
        assert [line.key for line in lines] == ["00"]

    def test_a_key_that_is_an_answer_is_not_offered(self) -> None:
        lines, literal = Navigation().offered(Number(min=0, max=50), back=True, home=True)
        assert [line.key for line in lines] == ["00"]
        assert literal == ("0",)

    def test_the_next_key_of_a_command_is_offered_in_its_place(self) -> None:
        keys = Navigation(back=Key(("0", "*"), "Back"))
        lines, _ = keys.offered(Number(min=0), back=True, home=True)
        assert [line.key for line in lines] == ["*", "00"]
        assert keys.command("*", OPEN, ("0",)) == "back"

    @pytest.mark.parametrize("answer", [Confirm(), Choice(["A", "B"])])
    def test_a_key_that_is_a_choice_is_not_offered(self, answer: Answer[object]) -> None:
        keys = Navigation(back=Key(("1",), "Back"), home=Key(("9",), "Home"))
        lines, literal = keys.offered(answer, back=True, home=True)
        assert [line.key for line in lines] == ["9"]
        assert literal == ("1",)

    def test_an_answer_of_ones_own_leaves_the_keys_alone(self) -> None:
        class Plate(Answer[str]):
            tag = "plate"

        lines, literal = Navigation().offered(Plate(), back=True, home=False)
        assert [line.key for line in lines] == ["0"]
        assert literal == ()


class TestKeysThatTurnPages:
    def test_they_are_the_app_s(self) -> None:
        keys = Navigation(more=Key(("11",), "Next"), back=Key(("22",), "Previous"))
        assert keys_of(keys.displayed(MENU)) == {"more": "11", "previous": "22"}

    def test_back_in_the_footer_leads_to_the_page_before(self) -> None:
        lines, _ = Navigation().offered(Text(), back=True, home=True)
        shown = Navigation().displayed(Screen(("Name?",), (), lines))
        assert keys_of(shown) == {"back": "0", "home": "00", "more": "98"}

    def test_a_number_is_an_answer_so_another_key_turns_the_page(self) -> None:
        _, literal = Navigation().offered(Number(min=0), back=False, home=False)
        shown = keys_of(Navigation().displayed(OPEN, literal))
        assert shown == {"more": "#", "previous": "*"}
        for number in ("0", "98", "99", "97"):
            assert Navigation().command(number, OPEN, literal, pages=2) is None

    def test_a_choice_with_many_options_keeps_their_numbers(self) -> None:
        many = Choice([f"Number {n}" for n in range(1, 121)])
        _, literal = Navigation().offered(many, back=False, home=False)
        screen = Screen(("Pick",), many.options())
        assert keys_of(Navigation().displayed(screen, literal)) == {"more": "#", "previous": "0"}
        assert Navigation().command("98", screen, literal, pages=5) is None
        only_digits = Navigation(more=Key(("98",), "More"), home=Key(("#",), "Home"))
        _, literal = only_digits.offered(many, back=False, home=False)
        assert keys_of(only_digits.displayed(screen, literal))["more"] == "*"

    def test_where_every_key_is_an_answer_the_page_is_turned_until_the_last(self) -> None:
        keys = Navigation()
        _, literal = keys.offered(Text(literal=True), back=True, home=True)
        assert {"0", "00", "98", "#", "99", "97"} <= set(literal)
        assert keys_of(keys.displayed(OPEN, literal)) == {"more": "98"}
        assert keys.command("98", OPEN, literal, page=0, pages=2) == "more"
        assert keys.command("98", OPEN, literal, page=1, pages=2) is None
        assert keys.command("#", OPEN, literal, page=0, pages=2) is None
        assert keys.command("0", OPEN, literal, page=1, pages=2) is None

    def test_a_key_that_is_hidden_works_but_never_takes_an_answer(self) -> None:
        keys = Navigation(more=Key(("98",), "More", shown=False))
        assert keys_of(keys.displayed(MENU)) == {"previous": "0"}
        assert keys.command("98", MENU, pages=2) == "more"
        _, literal = keys.offered(Text(literal=True), back=False, home=False)
        assert keys.command("98", OPEN, literal, pages=2) is None

    def test_switched_off_they_are_not_shown(self) -> None:
        keys = Navigation(more=Key((), "More"), back=Key((), "Back"))
        assert keys.displayed(MENU) == MENU
        assert keys.command("98", MENU, pages=2) is None

    def test_a_confirmation_has_no_pages_and_a_last_screen_no_way_back(self) -> None:
        assert Navigation().displayed(Screen(("Sure?",), whole=True)).navigation == ()
        assert keys_of(Navigation().displayed(Screen(("Bye",), ends=True))) == {"more": "98"}


KEYS = st.lists(
    st.sampled_from(["0", "00", "98", "#", "99", "97", "1", "2", "*", "b", "B", "cancel", "٣"]), max_size=3
).map(tuple)
ANSWERS = st.sampled_from(
    [
        Text(),
        Text(literal=True),
        Text(max=1, literal=True),
        Number(),
        Number(min=0),
        Number(0, 98),
        Confirm(),
        Pin(1),
        Pin((1, 2)),
        Choice(["A", "b"]),
        Choice(["#", "*"]),
        Choice([f"Option {n}" for n in range(120)]),
    ]
)


@st.composite
def navigations(draw: st.DrawFn) -> Navigation:
    keys = {
        name: Key(draw(KEYS), name, shown=draw(st.booleans()))
        for name in ("back", "home", "more", "cancel", "language")
    }
    try:
        return Navigation(**keys)
    except ValueError:
        return Navigation()


@settings(max_examples=120)
@given(navigations(), ANSWERS, st.booleans(), st.booleans(), st.integers(0, 2))
def test_every_line_does_what_it_says_and_no_key_does_two_things(
    keys: Navigation, answer: Answer[object], back: bool, home: bool, page: int
) -> None:
    lines, literal = keys.offered(answer, back=back, home=home)
    screen = keys.displayed(Screen(("?",), answer.options(), lines, whole=answer.whole), literal)
    for line in screen.navigation:
        on_this_page = {"more": page < 2, "previous": page > 0}.get(str(line.value), True)
        if on_this_page:
            wanted = "previous" if line.value == "back" and page > 0 else line.value
            assert keys.command(line.key, screen, literal, page=page, pages=3) == wanted
    for option in screen.options:
        assert keys.command(option.key, screen, literal, page=page, pages=3) is None
    shown = [word(line.key) for line in (*screen.options, *screen.navigation)]
    assert len(shown) == len(set(shown))
    if keys.more.keys and keys.more.shown and not answer.whole:
        assert "more" in keys_of(screen)


class TestKeysInAConversation:
    """The same keys on every screen the engine shows: questions, its own questions, last screens."""

    def setup_method(self) -> None:
        self.keys = Navigation(
            back=Key(("B", "*"), t("Back")),
            home=Key(("H",), t("Home")),
            more=Key(("N",), t("Next")),
            cancel=Key(("X",), t("Stop")),
            language=Key(("L",), t("Language")),
        )
        self.flows = Flows()

        @self.flows.flow("bags")
        async def bags(chat: Chat) -> None:
            name = await chat.ask("name", Text(), "Name")
            await chat.say("How")
            await chat.say("many")
            count = await chat.ask("count", Number(min=0), "bags?")
            for line in "abcd":
                await chat.say(line)
            await chat.end(f"{count} for {name}")

    async def begin(self, lines: int = 2, **options: object) -> Talk:
        talk = await start(self.flows, "bags", navigation=self.keys, **options)
        talk.gateway = PlainGateway(page_lines=lines)
        return talk

    async def test_on_questions_and_on_the_pages_of_a_last_screen(self) -> None:
        talk = await self.begin()
        assert await talk.dial() == "Name\nX Stop"
        assert (await talk.say("Asha")).startswith("How")
        assert await talk.say("b") == "Name\nX Stop"
        assert await talk.say("Asha", "0") == "a\nb\nN Next"
        assert await talk.say("98") == "a\nb\nN Next", "not a key of this app"
        assert await talk.say("n") == "c\nd\nN Next"
        assert await talk.say("B") == "a\nb\nN Next"
        assert await talk.say("n", "n") == "0 for Asha"
        assert talk.ended

    async def test_on_the_offer_to_continue(self) -> None:
        talk = await self.begin()
        await talk.dial()
        await talk.say("Asha")
        assert await talk.dial() == "Continue where you stopped?\n1 Continue\nN Next"
        assert await talk.say("98") == "Invalid choice. Try again.\nContinue where you stopped?\nN Next"
        assert await talk.say(" n ") == "1 Continue\n2 Start again"
        assert await talk.say("b") == "Invalid choice. Try again.\nContinue where you stopped?\nN Next"
        assert (await talk.say("١")).startswith("How"), "digits of any script choose here, too"

    async def test_where_a_key_of_the_app_is_an_option_of_the_engine_the_option_has_it(self) -> None:
        self.keys = Navigation(more=Key(("1",), t("Next")), back=Key(("2",), t("Back")))
        talk = await self.begin()
        await talk.dial()
        await talk.say("Asha")
        assert await talk.dial() == "Continue where you stopped?\n1 Continue\n98 Next"
        assert await talk.say("98") == "2 Start again"
        assert (await talk.say("1")).startswith("How")

    async def test_on_the_choice_of_a_language(self) -> None:
        talk = await self.begin(locales={"en": "English", "lg": "Luganda", "sw": "Kiswahili"})
        await talk.dial()
        assert await talk.say("l") == "Choose language\n1 English\nB Back\nN Next"
        assert await talk.say("N") == "2 Luganda\n3 Kiswahili\nB Back"
        assert await talk.say("*") == "Choose language\n1 English\nB Back\nN Next"
        assert await talk.say("b") == "Name\nX Stop\nL Language", "back leads out of it"
        assert await talk.say("L", "kiswahili") == "Name\nX Stop\nL Language", "names can be typed"

    async def test_a_key_for_languages_is_not_shown_where_there_is_one(self) -> None:
        talk = await self.begin()
        assert await talk.dial() == "Name\nX Stop"
        assert (await talk.say("L")).startswith("How"), "so it is an answer"

    async def test_everything_switched_off_leaves_answers_only(self) -> None:
        off = Key((), "Off")
        self.keys = Navigation(back=off, home=off, more=off, cancel=off, language=off)
        talk = await self.begin(lines=9, locales={"en": "English", "lg": "Luganda"})
        for place, key in enumerate(("0", "00", "98", "#", "99", "97", "cancel", "language")):
            member = Talk(talk.process, f"+25677200000{place}", talk.gateway)
            assert await member.dial() == "Name"
            assert await member.say(key) == "How\nmany\nbags?", key

    async def test_a_page_key_that_could_be_the_answer_is_the_answer(self) -> None:
        self.keys = Navigation()
        talk = await self.begin()
        await talk.dial()
        assert await talk.say("Asha") == "How\nmany\n00 Home\n# More"
        assert await talk.say("#") == "bags?\n00 Home"
        assert (await talk.say("98", "98", "98")).startswith("98 for Asha")

    @pytest.mark.parametrize("literal", ["0", "00", "98", "#", "99", "97", "cancel", "language"])
    async def test_every_key_can_be_a_literal_answer(self, literal: str) -> None:
        flows = Flows()

        @flows.flow("word")
        async def ask(chat: Chat) -> None:
            await chat.say("Which")
            await chat.say("word")
            answer = await chat.ask("word", Text(literal=True), "please?")
            await chat.end(f"Got {answer}")

        talk = await start(flows, "word")
        talk.gateway = PlainGateway(page_lines=2)
        assert await talk.dial() == "Which\nword\n98 More"
        if literal == "98":
            assert await talk.say("98") == "please?", "shown as a key, so it is one here"
        assert await talk.say(literal) == f"Got {literal}"
