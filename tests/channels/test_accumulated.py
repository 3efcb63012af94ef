"""What is new in a text that a gateway repeats from the first answer on."""

from __future__ import annotations

import hashlib

from kikao.channels.accumulated import understand
from kikao.channels.inbound import Happening, Inbound
from kikao.conversation import Secret
from kikao.conversation.inputs import Dial, Event, Reply, Show
from kikao.sessions.session import Dialogue


def hashed(purpose: str, text: str) -> bytes:
    return hashlib.sha256(f"{purpose}/{text}".encode()).digest()[:16]


class Line:
    """A member's dialogue, as the engine remembers it."""

    def __init__(self, *, accumulated: bool = True) -> None:
        self.dialogue: Dialogue | None = None
        self.accumulated = accumulated

    def hear(self, text: str, *, session: str = "s1", happening: Happening = "reply") -> str:
        """What is understood, in words."""
        inbound = Inbound(
            "ussd", "any", "+256772000001", happening, Secret(text), session, accumulated=self.accumulated
        )
        event, self.dialogue = understand(inbound, self.dialogue, hashed)
        return said(event)


def said(event: Event) -> str:
    if isinstance(event, Dial):
        return " ".join(["dial", *(repr(answer.reveal()) for answer in event.ahead)])
    if isinstance(event, Reply):
        return repr(event.text.reveal())
    assert isinstance(event, Show)
    return "again"


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


def test_single_answers() -> None:
    line = Line(accumulated=False)
    assert line.hear("*284#", happening="new") == "dial"
    assert line.hear("1") == "'1'"
    assert line.hear("1") == "'1'"
    assert line.hear("1", session="s2") == "dial", "the provider says reply, but nobody dialled here"
    assert line.hear("1", session="s2", happening="new") == "dial"


def test_the_text_is_not_kept() -> None:
    line = Line()
    line.hear("")
    line.hear("73915")
    assert line.dialogue is not None
    assert "73915" not in repr(line.dialogue)
    assert line.dialogue.length == 5
