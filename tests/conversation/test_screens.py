"""What members see: choices as displayed, ways to move, what a redial offers, last screens, errors."""

from __future__ import annotations

from typing import Any

import pytest

from kikao.conversation import (
    BackendError,
    Chat,
    ErrorCode,
    Flows,
    Key,
    Navigation,
    Number,
    Pin,
    Refused,
    RefusedError,
    Text,
)
from kikao.conversation.errors import TEXTS, WAYS_ON, WayOn
from kikao.events import TurnCommitted, TurnRejected
from kikao.i18n.messages import t
from kikao.sessions.policy import SessionPolicy
from tests.bank import PIN
from tests.talk import PlainGateway, Talk, start, whats

RESUME = "Continue where you stopped?\n1 Continue\n2 Start again"


def last(talk: Talk) -> TurnCommitted | TurnRejected:
    return [event for event in talk.process.events if isinstance(event, TurnCommitted | TurnRejected)][-1]


async def pay(key: str) -> str:
    return "ok"


async def use(pin: Any, key: str) -> Any:
    return "ok" if pin.reveal() == PIN else Refused(ErrorCode.WRONG_SECRET)


class TestChoicesMeanWhatWasDisplayed:
    def setup_method(self) -> None:
        self.offers = [("Small", "s"), ("Large", "l")]
        self.flows = Flows()

        @self.flows.flow("shop")
        async def shop(chat: Chat) -> None:
            size = await chat.choose("size", "Size", self.offers)
            await chat.ask("ok", Text(), f"Size {size}")

    async def test_two_means_what_two_was_even_after_the_options_moved(self) -> None:
        talk = await start(self.flows, "shop")
        assert await talk.dial() == "Size\n1 Small\n2 Large"
        self.offers.insert(0, ("Tiny", "t"))
        assert (await talk.say("2")).startswith("Size l")

    async def test_an_option_that_is_gone_is_asked_again_with_those_of_today(self) -> None:
        talk = await start(self.flows, "shop")
        await talk.dial()
        self.offers[1] = ("Huge", "h")
        assert await talk.say("2") == "That option is no longer available.\nSize\n1 Small\n2 Huge"
        assert (await talk.say("2")).startswith("Size h")

    async def test_an_answer_given_is_kept_though_it_is_not_offered_any_more(self) -> None:
        talk = await start(self.flows, "shop")
        await talk.dial()
        await talk.say("2")
        self.offers.pop()
        await talk.dial()
        assert (await talk.say("1")).startswith("Size l")

    async def test_no_answer_carries_over_to_the_next_question(self) -> None:
        talk = await start(self.flows, "shop")
        await talk.dial()
        assert await talk.say("7") == "Invalid choice. Try again.\nSize\n1 Small\n2 Large"
        assert await talk.say("") == "Invalid choice. Try again.\nSize\n1 Small\n2 Large"


class TestMovingAround:
    def setup_method(self) -> None:
        flows = Flows()

        @flows.flow("top-up", title="Top up")
        async def top_up(chat: Chat) -> None:
            amount = await chat.ask("amount", Number(min=0), "Amount")
            await chat.confirm("ok", f"Buy {amount}?")
            await chat.end("Bought")

        @flows.flow("menu")
        async def menu(chat: Chat) -> None:
            await chat.menu("menu", "Menu", [top_up])

        self.flows = flows

    async def test_the_start_offers_no_way_back_and_no_way_home(self) -> None:
        talk = await start(self.flows, "menu")
        assert await talk.dial() == "Menu\n1 Top up"
        assert await talk.say("0") == "You are at the start.\nMenu\n1 Top up"

    async def test_back_home_and_cancel(self) -> None:
        talk = await start(self.flows, "menu")
        await talk.dial()
        await talk.say("1", "50")
        assert talk.text == "Buy 50?\n1 Confirm\n2 Cancel\n0 Back\n00 Home"
        assert await talk.say("0") == "Amount\n00 Home"
        await talk.say("50")
        assert await talk.say("00") == "Menu\n1 Top up"
        await talk.say("1", "50")
        assert await talk.say("99") == "Cancelled."
        assert talk.ended
        assert await talk.dial() == "Menu\n1 Top up"

    async def test_a_no_to_a_confirmation_ends_it(self) -> None:
        talk = await start(self.flows, "menu")
        await talk.dial()
        assert await talk.say("1", "50", "2") == "Cancelled."
        assert talk.ended

    async def test_a_zero_is_a_number_where_numbers_are_asked(self) -> None:
        talk = await start(self.flows, "menu")
        await talk.dial()
        await talk.say("1")
        assert talk.text == "Amount\n00 Home", "0 is an answer here, so it is not offered as a key"
        assert (await talk.say("0")).startswith("Buy 0?")

    async def test_words_work_in_any_case_but_not_where_they_are_answers(self) -> None:
        flows = Flows()

        @flows.flow("note")
        async def note(chat: Chat) -> None:
            await chat.ask("title", Text(literal=True), "Title")
            await chat.ask("text", Text(), "Text")

        talk = await start(flows, "note")
        await talk.dial()
        assert (await talk.say("Cancel")).startswith("Text")
        assert await talk.say("CANCEL") == "Cancelled."

    async def test_an_app_has_its_own_keys_and_texts(self) -> None:
        navigation = Navigation(
            back=Key(("#",), t("Previous")), home=Key((), t("Home")), cancel=Key(("9",), t("Stop"))
        )
        talk = await start(self.flows, "menu", navigation=navigation)
        await talk.dial()
        await talk.say("1", "50")
        assert talk.text == "Buy 50?\n1 Confirm\n2 Cancel\n# Previous\n9 Stop"
        assert await talk.say("#") == "Amount\n# Previous"
        await talk.say("50")
        assert (await talk.say("00")).startswith("Invalid choice.")
        assert await talk.say("9") == "Cancelled."

    async def test_leaving_after_a_payment_tells_what_was_paid(self) -> None:
        flows = Flows()

        @flows.flow("buy")
        async def buy(chat: Chat) -> None:
            await chat.step("pay", pay, retry="key", done=t("Paid. Ref A1"))
            await chat.ask("note", Text(), "Note")

        talk = await start(flows, "buy")
        await talk.dial()
        assert await talk.say("99") == "Paid. Ref A1\nCancelled."


class TestADroppedDialogue:
    """Dial again: continue the last plain answer, never a confirmation or a PIN."""

    def setup_method(self) -> None:
        self.flows = Flows()

        @self.flows.flow("send")
        async def send(chat: Chat) -> None:
            to = await chat.ask("to", Text(), "To")
            amount = await chat.ask("amount", Number(), "Amount")
            await chat.confirm("ok", f"Send {amount} to {to}?")
            await chat.secret("pin", Pin(), "PIN", use=use, done=t("Paid. Ref A1"))
            await chat.ask("note", Text(), "Note")
            await chat.confirm("sms", "Send an SMS?")
            await chat.end("Bye")

    async def test_at_the_first_question_there_is_nothing_to_continue(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        assert await talk.dial() == "To"

    async def test_at_a_plain_question(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        await talk.say("Ann")
        assert await talk.dial() == RESUME
        assert await talk.say("1") == "Amount\n00 Home"
        assert (await talk.say("5")).startswith("Send 5 to Ann?")

    async def test_at_a_confirmation(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        await talk.say("Ann", "5")
        await talk.dial()
        assert (await talk.say("1")).startswith("Amount")

    async def test_at_a_pin(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        await talk.say("Ann", "5", "1")
        await talk.dial()
        assert (await talk.say("1")).startswith("Amount")
        assert (await talk.say("6")).startswith("Send 6 to Ann?")

    async def test_at_a_question_after_a_payment(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        await talk.say("Ann", "5", "1", PIN)
        assert await talk.dial() == RESUME
        assert await talk.say("1") == "Note\n00 Home"

    async def test_at_a_confirmation_after_a_payment_and_an_answer(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        await talk.say("Ann", "5", "1", PIN, "thanks")
        await talk.dial()
        assert (await talk.say("1")).startswith("Note")

    async def test_at_a_confirmation_right_after_a_payment_the_payment_is_told(self) -> None:
        flows = Flows()

        @flows.flow("buy")
        async def buy(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.step("pay", pay, retry="key", done=t("Paid. Ref A1"))
            await chat.confirm("sms", "Send an SMS?")

        talk = await start(flows, "buy")
        await talk.dial()
        await talk.say("milk")
        assert await talk.dial() == "Paid. Ref A1\nWhat"

    async def test_start_again(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        await talk.say("Ann")
        await talk.dial()
        assert await talk.say("2") == "To"

    async def test_anything_else_is_asked_again(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        await talk.say("Ann")
        await talk.dial()
        assert await talk.say("x") == f"Invalid choice. Try again.\n{RESUME}"

    async def test_not_after_the_resume_window(self) -> None:
        talk = await start(self.flows, "send", policy=SessionPolicy(idle=600, resume=60))
        await talk.dial()
        await talk.say("Ann")
        talk.process.clock.advance(61)
        assert await talk.dial() == "To"

    async def test_a_drop_at_the_offer_itself(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        await talk.say("Ann")
        await talk.dial()
        assert await talk.dial() == RESUME
        assert (await talk.say("1")).startswith("Amount")


class TestALongDial:
    def setup_method(self) -> None:
        self.flows = Flows()
        self.down = False

        async def fee() -> int:
            if self.down:
                raise BackendError
            return 1

        @self.flows.flow("send")
        async def send(chat: Chat) -> None:
            to = await chat.ask("to", Text(), "To")
            amount = await chat.ask("amount", Number(), "Amount")
            await chat.read("fee", fee)
            await chat.confirm("ok", f"Send {amount} to {to}?")
            await chat.secret("pin", Pin(), "PIN", use=use)
            await chat.end("Sent")

    async def test_answers_dialled_with_the_code_are_answers(self) -> None:
        talk = await start(self.flows, "send")
        assert (await talk.dial("Ann")).startswith("Amount")
        assert (await talk.say("5")).startswith("Send 5 to Ann?")

    async def test_it_stops_at_a_confirmation(self) -> None:
        talk = await start(self.flows, "send")
        assert (await talk.dial("Ann*5*1*4321")).startswith("Send 5 to Ann?")
        assert await talk.say("1", PIN) == "Sent"

    async def test_it_stops_at_a_pin(self) -> None:
        flows = Flows()

        @flows.flow("send")
        async def send(chat: Chat) -> None:
            await chat.ask("to", Text(), "To")
            await chat.secret("pin", Pin(), "PIN", use=use)
            await chat.end("Sent")

        talk = await start(flows, "send")
        assert (await talk.dial("Ann*4321")).startswith("PIN")
        assert await talk.say(PIN) == "Sent"

    async def test_it_stops_at_the_first_invalid_answer(self) -> None:
        talk = await start(self.flows, "send")
        assert (await talk.dial("Ann*many*5*1")).startswith("Enter a number, in digits only.\nAmount")
        assert (await talk.say("5")).startswith("Send 5 to Ann?")

    async def test_a_look_up_that_fails_stops_it_at_the_question_before(self) -> None:
        self.down = True
        talk = await start(self.flows, "send")
        text = await talk.dial("Ann*5*1")
        assert text.startswith("Service unavailable. Try again later.\nAmount")
        self.down = False
        assert (await talk.say("5")).startswith("Send 5 to Ann?")

    async def test_it_does_not_bring_back_the_question_of_an_earlier_dialogue(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        await talk.say("Ann", "5", "1")
        self.down = True
        text = await talk.dial("Bob*6")
        assert "PIN" not in text
        assert text.startswith("Service unavailable. Try again later.\nAmount")
        self.down = False
        assert (await talk.say("6")).startswith("Send 6 to Bob?")

    async def test_a_dial_that_fails_at_once_shows_no_question_of_an_earlier_dialogue(self) -> None:
        flows = Flows()

        async def account() -> str:
            if self.down:
                raise BackendError
            return "Ann"

        @flows.flow("send")
        async def send(chat: Chat) -> None:
            await chat.read("account", account)
            await chat.ask("amount", Number(), "Amount")
            await chat.confirm("ok", "Sure?")
            await chat.end("Sent")

        talk = await start(flows, "send")
        await talk.dial()
        await talk.say("5")
        self.down = True
        assert await talk.dial("6") == "Service unavailable. Try again later."
        assert talk.ended
        assert await talk.dial() == RESUME, "and nothing of it is lost"

    async def test_what_waits_to_be_told_is_shown_first(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        process = talk.process
        held = await process.sessions.claim(await key_of(talk), wait=0)
        held.session.conversation.notices.append("Done. Ref A1")  # type: ignore[union-attr]
        held.session.conversation.run = None  # type: ignore[union-attr]
        await held.commit()  # type: ignore[union-attr]
        assert await talk.dial("Ann*5") == "Done. Ref A1\nTo"

    async def test_what_nobody_came_to_hear_for_a_week_is_not_told_any_more(self) -> None:
        talk = await start(self.flows, "send")
        await talk.dial()
        held = await talk.process.sessions.claim(await key_of(talk), wait=0)
        held.session.conversation.notices.append("Done. Ref A1")  # type: ignore[union-attr]
        held.session.conversation.run = None  # type: ignore[union-attr]
        await held.commit()  # type: ignore[union-attr]
        talk.process.clock.advance(7 * 86400 + 1)
        assert await talk.dial() == "To"


async def key_of(talk: Talk) -> bytes:
    (key,) = [record.key async for record in talk.process.store.scan()]
    return key


class TestLastScreens:
    def setup_method(self) -> None:
        self.flows = Flows()

        @self.flows.flow("news")
        async def news(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            for line in "abcd":
                await chat.say(line)
            await chat.end("e")

    async def test_a_long_one_is_read_page_by_page_and_then_over(self) -> None:
        talk = await start(self.flows, "news")
        talk.gateway = PlainGateway(page_lines=2)
        await talk.dial()
        assert await talk.say("x") == "a\nb\n98 More"
        assert not talk.ended
        assert await talk.say("98") == "c\nd\n98 More"
        assert await talk.say("0") == "a\nb\n98 More"
        assert await talk.say("98", "98") == "e"
        assert talk.ended

    async def test_anything_else_shows_the_same_page_and_home_goes_home(self) -> None:
        talk = await start(self.flows, "news")
        talk.gateway = PlainGateway(page_lines=2)
        await talk.dial()
        await talk.say("x")
        assert await talk.say("hello") == "a\nb\n98 More"
        assert await talk.say("00") == "Q"

    async def test_hanging_up_in_the_middle_ends_it(self) -> None:
        talk = await start(self.flows, "news")
        talk.gateway = PlainGateway(page_lines=2)
        await talk.dial()
        await talk.say("x")
        assert await talk.dial() == "Q"

    async def test_a_flow_that_just_returns_says_thank_you(self) -> None:
        flows = Flows()

        @flows.flow("f")
        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")

        talk = await start(flows, "f")
        await talk.dial()
        assert await talk.say("x") == "Thank you."

    async def test_what_was_said_is_shown_once(self) -> None:
        flows = Flows()

        @flows.flow("f")
        async def f(chat: Chat) -> None:
            await chat.say("Welcome")
            await chat.ask("q", Text(), "Q")
            await chat.say("And now")
            await chat.secret("pin", Pin(), "PIN", use=use)
            await chat.ask("r", Text(), "R")

        talk = await start(flows, "f")
        assert await talk.dial() == "Welcome\nQ"
        assert (await talk.say("x")).startswith("And now\nPIN")
        assert (await talk.say("1111")).startswith("Wrong PIN. Try again.\nAnd now\nPIN")
        assert (await talk.say(PIN)).startswith("R")

    async def test_what_was_said_before_going_elsewhere_is_shown_there(self) -> None:
        flows = Flows()

        @flows.flow("menu")
        async def menu(chat: Chat) -> None:
            await chat.ask("q", Text(), "Menu")
            await chat.say("Saved.")
            await chat.goto("menu")

        talk = await start(flows, "menu")
        await talk.dial()
        assert await talk.say("x") == "Saved.\nMenu"


class TestErrors:
    """The error and the question together; a failed turn keeps what was."""

    async def test_a_look_up_that_fails_keeps_the_question(self) -> None:
        problem: list[BaseException] = [BackendError()]
        flows = Flows()

        async def look() -> str:
            if problem:
                raise problem.pop()
            return "found"

        @flows.flow("f")
        async def f(chat: Chat) -> None:
            await chat.ask("a", Text(), "A")
            await chat.ask("b", Text(), f"B {await chat.read('x', look)}")

        talk = await start(flows, "f")
        await talk.dial()
        for error, text in [
            (BackendError(), "Service unavailable. Try again later."),
            (BackendError(ErrorCode.LIMITED), "Too many attempts. Try again later."),
            (BackendError(text=t("The bank is closed.")), "The bank is closed."),
            (ConnectionError("secret host"), "Service unavailable. Try again later."),
            (TimeoutError(), "The service took too long. Try again."),
            (KeyError("x"), "Something went wrong. Try again."),
        ]:
            problem[:] = [error]
            before = (await talk.process.conversation()).run
            assert await talk.say("x") == f"{text}\nA"
            after = (await talk.process.conversation()).run
            assert before is not None
            assert after is not None
            assert after.journal == before.journal
            assert whats(talk.process.events)[-1] == "failed"
            assert "secret host" not in last(talk).error
        assert await talk.say("x") == "B found\n0 Back\n00 Home"

    async def test_an_error_is_gone_with_the_next_good_answer(self) -> None:
        flows = Flows()

        @flows.flow("f")
        async def f(chat: Chat) -> None:
            await chat.ask("a", Number(), "A")
            await chat.ask("b", Number(), "B")

        talk = await start(flows, "f")
        await talk.dial()
        assert (await talk.say("x")).startswith("Enter a number, in digits only.\nA")
        assert (await talk.say("1")).startswith("B")

    async def test_a_flow_that_cannot_start_says_so_and_keeps_nothing(self) -> None:
        flows = Flows()
        broken = [True]

        @flows.flow("f")
        async def f(chat: Chat) -> None:
            if broken:
                raise ValueError("nothing works")
            await chat.ask("a", Text(), "A")

        talk = await start(flows, "f")
        assert await talk.dial() == "Something went wrong. Try again."
        assert talk.ended
        broken.clear()
        assert await talk.dial() == "A"

    async def test_a_limit_on_wrong_answers(self) -> None:
        flows = Flows()

        @flows.flow("f")
        async def f(chat: Chat) -> None:
            await chat.choose("a", "A", ["x", "y"], attempts=3)

        talk = await start(flows, "f")
        await talk.dial()
        await talk.say("7", "8")
        assert await talk.say("9") == "Invalid choice. Try again."
        assert talk.ended

    @pytest.mark.parametrize("code", list(ErrorCode))
    async def test_every_refusal_has_its_sentence_and_its_way_on(self, code: ErrorCode) -> None:
        flows = Flows()

        async def refuse(key: str) -> Any:
            raise RefusedError(code)

        @flows.flow("f")
        async def f(chat: Chat) -> None:
            await chat.ask("a", Text(), "A")
            await chat.confirm("ok", "Sure?")
            await chat.step("do", refuse, retry="key")

        talk = await start(flows, "f")
        await talk.dial()
        await talk.say("x")
        text = await talk.say("1")
        sentence = TEXTS[code].msgid
        match WAYS_ON[code]:
            case WayOn.END:
                assert (text, talk.ended) == (sentence, True)
            case WayOn.EARLIER:
                assert text == f"{sentence}\nA"
            case WayOn.SAME:
                assert text.startswith(f"{sentence}\nSure?")
