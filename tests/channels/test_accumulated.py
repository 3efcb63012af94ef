"""What is new in a text that a gateway repeats from the first answer on."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from kikao.channels.accumulated import closed, understand
from kikao.channels.inbound import Happening, Inbound
from kikao.conversation import Secret
from kikao.conversation.inputs import Dial, Event, Reply, Show
from kikao.sessions.session import Dialogue


def hashed(purpose: str, text: str) -> bytes:
    return hashlib.sha256(f"{purpose}/{text}".encode()).digest()[:16]


AMA, KOFI = "+256772000001", "+256772000002"


class Line:
    """A member's dialogue, as the engine remembers it."""

    def __init__(self, *, accumulated: bool = True, code_length: int = 0) -> None:
        self.dialogue: Dialogue | None = None
        self.accumulated = accumulated
        self.code_length = code_length
        self.message_id: Secret | None = None

    def hear(
        self,
        text: str,
        *,
        session: str = "s1",
        happening: Happening = "reply",
        gateway: str = "any",
        secret: bool = False,
        ahead: str | None = None,
        number: str = AMA,
        consumed: bool = False,
    ) -> str:
        """What is understood, in words.

        `secret` where a PIN is asked for, `ahead` where only the id tells a dial, `consumed` of what came before.
        """
        dialled = None if ahead is None else Secret(ahead)
        sent = self.inbound(text, session, happening, gateway)
        inbound = dataclasses.replace(sent, dialled=dialled, identity=number)
        event, self.dialogue = understand(inbound, self.dialogue, hashed, secret=secret, consumed=consumed)
        return said(event)

    def close(self, text: str, *, session: str = "s1") -> None:
        """The reply to this text closed its dialogue."""
        assert self.dialogue is not None
        self.dialogue = closed(self.dialogue, self.inbound(text, session), hashed)

    def inbound(
        self, text: str, session: str, happening: Happening = "reply", gateway: str = "any"
    ) -> Inbound:
        return Inbound(
            "ussd",
            gateway,
            AMA,
            happening,
            Secret(text),
            session,
            message_id=self.message_id,
            accumulated=self.accumulated,
            code_length=self.code_length,
        )


def said(event: Event) -> str:
    if isinstance(event, Dial):
        return " ".join(["dial", *(repr(answer.reveal()) for answer in event.ahead)])
    if isinstance(event, Reply):
        return repr(event.text.reveal())
    assert isinstance(event, Show)
    return "late" if event.late else "again"


def test_each_text_gives_its_new_answer() -> None:
    line = Line()
    assert [line.hear(text) for text in ("", "1", "1*500", "1*500*1")] == ["dial", "'1'", "'500'", "'1'"]


def test_an_answer_may_hold_the_separator() -> None:
    line = Line()
    assert [line.hear(text) for text in ("", "1", "1*a*b", "1*a*b*2")] == ["dial", "'1'", "'a*b'", "'2'"]
    line = Line()
    assert [line.hear(text) for text in ("", "*", "**1")] == ["dial", "'*'", "'1'"]


def test_the_same_answer_twice_is_two_answers() -> None:
    line = Line()
    assert [line.hear(text) for text in ("", "1", "1*1", "1*1*1")] == ["dial", "'1'", "'1'", "'1'"]


def test_an_empty_answer_is_an_answer() -> None:
    line = Line()
    assert [line.hear(text) for text in ("", "1", "1*", "1**5")] == ["dial", "'1'", "''", "'5'"]


def test_the_same_text_again_is_no_answer() -> None:
    line = Line()
    assert [line.hear(text) for text in ("", "1", "1", "1*2")] == ["dial", "'1'", "again", "'2'"]


def test_a_text_that_does_not_go_on_from_what_was_heard_shows_the_screen_and_is_the_new_base() -> None:
    line = Line()
    heard = [line.hear(text) for text in ("", "1", "1*5", "1*6", "1*6*7")]
    assert heard == ["dial", "'1'", "'5'", "again", "'7'"]
    line = Line()
    assert [line.hear(text) for text in ("", "1*5", "1", "1*2")] == ["dial", "'1*5'", "again", "'2'"]


def test_a_longer_text_of_another_past_is_no_answer() -> None:
    line = Line()
    assert [line.hear(text) for text in ("", "1*5", "1*6*7", "1*6*7*8")] == ["dial", "'1*5'", "again", "'8'"]


def test_an_answer_that_only_begins_like_the_last_one_is_not_a_longer_one() -> None:
    line = Line()
    assert [line.hear(text) for text in ("", "1", "12", "12*3")] == ["dial", "'1'", "again", "'3'"]


def test_another_session_of_the_provider_is_a_new_dial() -> None:
    line = Line()
    line.hear("")
    line.hear("1")
    assert line.hear("1*500", session="s2") == "dial '1' '500'"
    assert line.hear("1*500*2", session="s2") == "'2'"


def test_a_dialogue_met_in_the_middle_is_a_long_dial() -> None:
    assert Line().hear("1*500*1") == "dial '1' '500' '1'"


def test_what_comes_late_from_the_dialogue_before_is_no_long_dial() -> None:
    line = Line()
    assert [line.hear(text) for text in ("", "1", "1*500")] == ["dial", "'1'", "'500'"]
    assert line.hear("", session="s2") == "dial"
    assert line.hear("1*500*1") == "late"
    assert line.hear("2", session="s2") == "'2'", "the present dialogue goes on"


def test_what_was_consumed_shows_the_screen_to_whoever_still_waits_for_it() -> None:
    assert Line().hear("1", consumed=True) == "again", "nothing else is known"
    line = Line()
    assert [line.hear(text) for text in ("", "1")] == ["dial", "'1'"]
    assert line.hear("1", consumed=True) == "again"
    assert line.hear("1*2") == "'2'"
    assert line.hear("1", consumed=True) == "late"
    assert line.hear("1*2*3") == "'3'", "the copy is no new base"


@pytest.mark.parametrize("accumulated", [True, False])
def test_what_was_consumed_is_late_in_the_dialogue_after_it(*, accumulated: bool) -> None:
    line = Line(accumulated=accumulated)
    line.hear("", happening="new")
    line.hear("", session="s2", happening="new")
    assert line.hear("", happening="new", consumed=True) == "late"
    assert line.hear("1", session="s2") == "'1'"


def test_what_was_consumed_is_late_where_a_screen_was_shown_elsewhere_since() -> None:
    line = single()
    line.hear("", happening="new")
    line.hear("", gateway="other", happening="new")
    assert line.hear("", happening="new", consumed=True) == "late"
    assert line.hear("1", gateway="other") == "'1'"


# --- texts that begin with the end of the dialled code ---


def test_the_end_of_the_code_is_neither_an_answer_nor_dialled_ahead() -> None:
    line = Line(code_length=1)
    assert [line.hear(text) for text in ("7", "7", "7*1", "7*1*7")] == ["dial", "again", "'1'", "'7'"]
    assert line.hear("7*1*500", session="s2") == "dial '1' '500'"
    assert Line(code_length=4).hear("52*7*1") == "dial '1'"


def test_answers_of_stars_are_told_from_each_other_and_from_none() -> None:
    line = Line(code_length=1)
    heard = [line.hear(text) for text in ("7", "7*a*b", "7*a*b*****", "7*a*b*****", "7*a*b******")]
    assert heard == ["dial", "'a*b'", "'****'", "again", "''"]


def test_an_empty_first_answer_is_not_the_dial_once_more() -> None:
    line = Line(code_length=1)
    assert [line.hear(text) for text in ("7", "7*", "7*", "7**")] == ["dial", "''", "again", "''"]


# --- gateways that send the last answer only ---


def single() -> Line:
    return Line(accumulated=False)


def test_single_answers() -> None:
    line = single()
    assert line.hear("", happening="new") == "dial"
    assert line.hear("1") == "'1'"
    assert line.hear("1") == "'1'"
    assert line.hear("a*b") == "'a*b'"
    assert line.hear("") == "''"
    assert line.hear("", happening="new") == "dial", "the provider says so, though the id is the same"
    assert line.hear("1*500", session="s2", happening="new") == "dial '1' '500'"


def test_without_ids_answers_are_answers() -> None:
    line = single()
    assert line.hear("", session="", happening="new") == "dial"
    assert [line.hear(text, session="") for text in ("1", "1", "2")] == ["'1'", "'1'", "'2'"]


def test_an_id_that_changes_in_the_middle_does_not_make_an_answer_a_dial() -> None:
    line = single()
    line.hear("", happening="new")
    assert line.hear("1", session="s2") == "'1'"
    assert line.hear("2", session="s3") == "'2'"
    assert line.hear("3", session="") == "'3'"


def test_an_answer_that_comes_late_from_the_dialogue_before_is_none() -> None:
    line = single()
    line.hear("", happening="new")
    line.hear("1")
    line.hear("", session="s2", happening="new")
    assert line.hear("1") == "late"
    assert line.hear("2", session="s2") == "'2'", "the present dialogue goes on"
    assert line.hear("1") == "late"
    assert line.hear("", happening="new") == "dial", "a dial is one whatever its id"


def test_a_pin_that_comes_again_is_none_to_a_question_that_asks_for_no_pin() -> None:
    line = single()
    line.hear("", happening="new")
    assert line.hear("4321", secret=True) == "'4321'"
    assert [line.hear("4321"), line.hear("4321", session="s2")] == ["again", "again"]
    assert line.hear("yes", session="s2") == "'yes'"
    assert line.hear("4321", session="s2") == "'4321'", "after another answer it may be an amount"


def test_a_pin_that_comes_again_where_a_pin_is_asked_for_is_one() -> None:
    line = single()
    line.hear("", happening="new")
    assert [line.hear("4321", secret=True) for _ in range(2)] == ["'4321'", "'4321'"]
    assert line.hear("4321") == "again"


def test_where_a_copy_has_an_id_of_its_own_a_pin_may_be_an_answer() -> None:
    line = single()
    line.message_id = Secret("m1")
    line.hear("", happening="new")
    assert [line.hear("4321", secret=True), line.hear("4321")] == ["'4321'", "'4321'"]


# --- gateways whose ids alone tell that a dialogue begins ---


class ById(Line):
    """What is dialled behind the code is known only when it is a dial."""

    def __init__(self) -> None:
        super().__init__(accumulated=False)

    def told(
        self, text: str, session: str = "s1", *, ahead: str = "", secret: bool = False, number: str = AMA
    ) -> str:
        return self.hear(text, session=session, ahead=ahead, secret=secret, number=number)


def test_an_id_not_met_before_is_a_dial_and_the_next_requests_are_answers() -> None:
    line = ById()
    assert [line.told(text) for text in ("*284#", "1", "1", "")] == ["dial", "'1'", "'1'", "''"]
    assert line.told("*284#", "s2") == "dial"
    assert line.told("2", "s2") == "'2'"


def test_of_a_dial_only_what_was_dialled_behind_the_code_counts() -> None:
    line = ById()
    assert line.told("*284*1*500#", ahead="1*500") == "dial '1' '500'"
    assert line.told("*284*1*500#", "s1", ahead="1*500") == "again"
    assert line.told("*284*1*500#", "s1", ahead="1*500") == "'*284*1*500#'", (
        "an answer, whatever it looks like"
    )


def test_a_start_that_comes_twice_is_one_but_a_member_may_mean_the_same_text() -> None:
    line = ById()
    assert [line.told(text) for text in ("", "", "", "")] == ["dial", "again", "''", "''"]
    line = ById()
    assert [line.told(text) for text in ("284", "500", "284")] == ["dial", "'500'", "'284'"]


def test_an_answer_that_began_a_dialogue_because_its_id_was_new_is_one_when_it_is_typed_again() -> None:
    line = ById()
    assert [line.told(text) for text in ("1", "1", "1")] == ["dial", "'1'", "'1'"]


def test_where_a_copy_has_an_id_of_its_own_the_text_of_the_start_is_an_answer() -> None:
    line = ById()
    line.message_id = Secret("m1")
    assert [line.told(text) for text in ("", "")] == ["dial", "''"]


def test_an_id_that_changes_in_the_middle_makes_no_answer_of_what_was_typed() -> None:
    line = ById()
    line.told("*284#")
    line.told("1")
    assert line.told("4321", "s2", secret=True) == "dial"
    assert line.dialogue is not None
    assert "4321" not in repr(line.dialogue)
    assert line.told("1", "s2") == "'1'", "which takes the offer to go on"
    assert line.told("4321", "s2", secret=True) == "'4321'"


def test_what_comes_late_from_former_dialogues_is_neither_a_dial_nor_an_answer() -> None:
    line = ById()
    for dialogue in ("s1", "s2", "s3"):
        assert line.told("*284#", dialogue) == "dial"
    assert [line.told("1", "s1"), line.told("*284#", "s2", ahead="1")] == ["late", "late"]
    assert line.told("2", "s3") == "'2'", "the present dialogue goes on"


def test_a_start_that_the_provider_may_send_again_begins_nothing_anew_whenever_it_comes() -> None:
    line = ById()
    assert line.hear("*284*1#", happening="new", ahead="1") == "dial '1'"
    assert line.hear("*284*1#", happening="new", ahead="1") == "again"
    assert line.told("4321", secret=True) == "'4321'"
    assert [line.hear("*284*9#", happening="new", ahead="9") for _ in range(2)] == ["again", "again"]
    assert line.told("4321") == "again", "a PIN that comes twice is still known"
    assert line.hear("*284#", session="s2", happening="new", ahead="") == "dial"
    assert line.hear("*284*1#", session="s1", happening="new", ahead="1") == "late"


def test_without_any_id_a_dialogue_lasts_until_it_is_closed() -> None:
    line = ById()
    assert [line.told(text, "") for text in ("hello", "1", "2")] == ["dial", "'1'", "'2'"]
    line.close("2", session="")
    assert [line.told(text, "", ahead="7") for text in ("2", "1")] == ["dial '7'", "'1'"]
    assert line.hear("", session="", happening="new") == "dial"
    assert line.told("1", "") == "'1'"


def test_each_of_two_phones_has_its_way_back() -> None:
    line = ById()
    assert line.told("*284#", "a", number=AMA) == "dial"
    assert line.told("*284#", "k", number=KOFI) == "dial"
    assert line.told("1", "a", number=AMA) == "again", "another screen was shown since"
    assert line.told("1", "a", number=AMA) == "'1'"
    assert [line.told("2", "k", number=KOFI) for _ in range(2)] == ["again", "'2'"]


def test_the_pin_of_a_dialogue_whose_id_tells_is_no_answer_a_second_time() -> None:
    line = ById()
    line.told("*284#")
    assert [line.told("4321", secret=True), line.told("4321")] == ["'4321'", "again"]


def test_an_id_is_one_of_its_gateway() -> None:
    line = ById()
    line.told("*284#")
    assert line.hear("*284#", gateway="other", ahead="") == "dial"


def test_a_provider_may_say_that_a_dialogue_begins_whose_id_else_tells() -> None:
    line = ById()
    assert line.hear("1*2", happening="new") == "dial '1' '2'"
    assert [line.told("3"), line.told("4", "s2")] == ["'3'", "dial"]


@pytest.mark.parametrize("accumulated", [True, False])
def test_what_was_sent_before_the_last_answer_is_no_answer(*, accumulated: bool) -> None:
    line = Line(accumulated=accumulated)
    line.hear("", happening="new")
    inbound = line.inbound("1", "s1")

    def hears(sent_at: float | None, text: str) -> Event:
        sent = dataclasses.replace(inbound, sent_at=sent_at, text=Secret(text))
        event, line.dialogue = understand(sent, line.dialogue, hashed)
        return event

    assert isinstance(hears(1000.0, "1"), Reply)
    assert hears(990.0, "1*0") == Show(late=True)
    assert isinstance(hears(1000.0, "1*2"), Reply), "in the same second"
    assert isinstance(hears(None, "1*2*3"), Reply), "nobody says when"
    assert isinstance(hears(990.0, "1*2*3*4"), Reply), "nothing to compare with"


def test_an_answer_to_nothing_is_left_to_the_session_that_knows_it_has_expired() -> None:
    assert single().hear("1") == "'1'"


def test_an_answer_on_one_gateway_is_none_to_the_screen_of_another() -> None:
    line = single()
    line.hear("", happening="new")
    assert line.hear("1", gateway="other", happening="new") == "dial '1'"
    assert line.hear("2") == "again"
    assert line.hear("3") == "'3'", "that screen was shown here"
    assert line.hear("3", gateway="other", session="s9") == "again"


def test_a_repeated_text_on_one_gateway_is_none_to_the_screen_of_another() -> None:
    line = Line()
    assert [line.hear(text) for text in ("", "1")] == ["dial", "'1'"]
    line.accumulated = False
    assert line.hear("", gateway="other", happening="new") == "dial"
    line.accumulated = True
    assert line.hear("1*2") == "again"
    assert line.hear("1*2*3") == "'3'"


def test_the_text_is_not_kept() -> None:
    line = Line()
    line.hear("")
    line.hear("73915")
    assert line.dialogue is not None
    assert "73915" not in repr(line.dialogue)
    assert line.dialogue.length == 5


def test_of_a_single_answer_only_a_secret_leaves_a_trace_and_that_is_a_hash() -> None:
    line = single()
    line.hear("", happening="new")
    line.hear("73915")
    assert line.dialogue is not None
    assert line.dialogue.text == b""
    line.hear("73915", secret=True)
    assert line.dialogue.text == hashed("text", "73915")
    assert "73915" not in repr(line.dialogue)


def test_of_a_closed_dialogue_nothing_is_known_that_pins_could_be_tried_against() -> None:
    line = Line()
    line.hear("")
    line.hear("1*2580")
    line.close("1*2580")
    assert line.dialogue is not None
    assert line.dialogue.text == b""
    assert line.hear("1*2580*1") == "again", "and nothing extends it"
    assert line.hear("", session="s2") == "dial"


def test_a_late_reply_closes_its_own_dialogue_only() -> None:
    line = Line()
    line.hear("")
    line.hear("1", session="s2")
    line.close("1*2", session="s1")
    assert line.hear("1*500", session="s2") == "'500'"


def test_a_single_answer_is_known_after_the_end() -> None:
    line = Line(accumulated=False)
    line.hear("", happening="new")
    line.hear("2580", secret=True)
    line.close("2580")
    assert line.hear("2580") == "again"
