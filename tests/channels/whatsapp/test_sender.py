"""What sends over a number: what a provider's answer comes to, and who has to wait."""

from __future__ import annotations

import json

import pytest

from kikao import Template
from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.chat.message import Message, Parcel
from kikao.channels.chat.sender import OutsideWindow, Struck
from kikao.channels.chat.templates import Templates
from kikao.channels.outbox.sender import Delivered, Letter, Outcome, Rejected, TryLater
from kikao.channels.whatsapp.calls import Calls
from kikao.channels.whatsapp.sender import PAIR, WhatsAppSender, paces
from kikao.config import Hidden
from kikao.config.settings import WhatsAppSettings
from kikao.testing import Clock

CALLS = Calls(WhatsAppSettings(phone_number_id="104520000000007", token=Hidden(b"token-of-ours")))
LATE = Template("late", {"en": "en"}, body=("name",))


class Meta:
    """Answers each call with what is next."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.sent: list[str] = []

    async def __call__(self, call: Call) -> Answer:
        self.sent.append(json.loads(call.body)["type"])
        code = self.codes.pop(0) if self.codes else 0
        if code < 0:
            raise Unanswered("ConnectTimeout")
        body = {"error": {"code": code}} if code else {"messages": [{"id": "wamid.1"}]}
        return Answer(400 if code else 200, (), json.dumps(body).encode())


def sender(meta: Meta, *templates: Template) -> WhatsAppSender:
    return WhatsAppSender("whatsapp/cloud-api", CALLS, Templates(templates), meta, Clock())


def letter(clock: float, template: tuple[str, tuple[str, ...]] | None = None) -> Letter:
    parcel = Parcel("256772000101", Message("Hello"), clock + 60.0, template=template)
    return Letter(b"i" * 16, "whatsapp/cloud-api", parcel.written(), 1)


async def outcome(
    meta: Meta, *templates: Template, filled: tuple[str, tuple[str, ...]] | None = None
) -> Outcome:
    own = sender(meta, *templates)
    return await own.send(letter(own.clock(), filled))


async def test_it_is_known_by_the_providers_name_from_then_on() -> None:
    assert await outcome(Meta()) == Delivered("wamid.1")


async def test_whether_it_arrived_is_not_known_where_nobody_answers() -> None:
    assert await outcome(Meta(-1)) == TryLater("ConnectTimeout")


async def test_where_free_text_is_not_taken_the_template_follows_at_once() -> None:
    meta = Meta(131047)
    assert await outcome(meta, LATE, filled=("late/en", ("Asha",))) == Delivered("wamid.1")
    assert meta.sent == ["text", "template"]
    assert await outcome(Meta(131047, 131047), LATE, filled=("late/en", ("Asha",))) == Rejected(
        "window_closed"
    )


@pytest.mark.parametrize(
    ("templates", "why"),
    [
        ((), "template late is not declared"),
        ((Template("late", {"en": "en"}),), "template late takes other values now"),
    ],
)
async def test_a_template_that_the_app_has_no_more_is_not_sent(
    templates: tuple[Template, ...], why: str
) -> None:
    meta = Meta(131047)
    assert await outcome(meta, *templates, filled=("late/en", ("Asha",))) == Rejected(why)
    assert meta.sent == ["text"]


async def test_what_a_failure_says_of_the_address_is_told() -> None:
    own = sender(Meta(131026, 131047, 131056))
    parcel = Parcel("256772000101", Message("Hello"), 0.0)
    own_letter = letter(own.clock())
    assert await own.deliver(parcel, own_letter, template=False) == Struck(
        Rejected("131026 gone"), "gone", "131026"
    )
    assert await own.deliver(parcel, own_letter, template=False) == OutsideWindow()
    assert await own.deliver(parcel, own_letter, template=False) == TryLater("131056 pair", 6.0, alone=True)


def test_each_member_has_a_pace_of_their_own() -> None:
    assert paces(letter(0.0).body) == (("pair:256772000101", PAIR),)
