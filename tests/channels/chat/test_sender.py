"""What leaves to whom: what is known of the address is asked each time, and what a failure says of it is kept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kikao.channels.chat.message import Message, Parcel
from kikao.channels.chat.sender import LOOKS, ChatSender, OutsideWindow, Sending, Struck
from kikao.channels.outbox import Delivered, Letter, Outcome, Rejected, TryLater
from kikao.members.reach import DAY, Purpose, Verdict
from kikao.members.reaches import Reaches, RememberedReaches
from kikao.records import RecordsAway
from kikao.sessions.sealing import KeyRing
from kikao.testing import Clock

CLOUD = "whatsapp/cloud-api"
ASHA = "256772000001"


class Desk(ChatSender):
    """Keeps what it was given, and says what it is told to say."""

    def __init__(self, line: str = CLOUD) -> None:
        self.now = Clock()
        super().__init__(line, self.now)
        self.known = RememberedReaches(KeyRing({"k": bytes(32)}), clock=self.now)
        self.reach: Reaches | None = self.known
        self.sent: list[tuple[str, bool]] = []
        self.says: dict[bool, Sending] = {False: Delivered("wamid.1"), True: Delivered("wamid.2")}

    async def deliver(self, parcel: Parcel, letter: Letter, *, template: bool) -> Sending:
        self.sent.append((parcel.to, template))
        return self.says[template]

    async def asked(self, **fields: Any) -> Outcome:
        now = self.now()
        parcel = Parcel(
            **{"to": ASHA, "member": ASHA, "message": Message("hi"), "until": now + DAY, **fields}
        )
        return await self.send(Letter(bytes(16), self.line, parcel.written(), 1))


@pytest.fixture
async def desk() -> Desk:
    """Asha wrote a minute ago."""
    found = Desk()
    await found.known.heard("whatsapp", ASHA, CLOUD, found.now())
    found.now.advance(60)
    return found


async def test_a_parcel_leaves(desk: Desk) -> None:
    assert await desk.asked() == Delivered("wamid.1")
    assert desk.sent == [(ASHA, False)]


async def test_what_is_no_parcel_or_of_no_use_is_dead(desk: Desk) -> None:
    for body in (b"", b"\xc1", msgspec.msgpack.encode({"to": 1})):
        assert await desk.send(Letter(bytes(16), CLOUD, body, 1)) == Rejected("unreadable")
    assert await desk.asked(until=desk.now()) == Rejected("expired")
    assert await desk.asked(member="", to=" ") == Rejected("no address")
    assert desk.sent == []


@pytest.mark.parametrize("kind", ["reply", "notice", "marketing", "confirmation"])
async def test_who_blocked_the_line_gets_nothing(desk: Desk, kind: Purpose) -> None:
    await desk.known.tell("whatsapp", ASHA, CLOUD, "blocked", at=desk.now())
    assert await desk.asked(kind=kind) == Rejected("blocked")
    assert desk.sent == []


async def test_an_answer_to_what_was_written_since_leaves(desk: Desk) -> None:
    """Another process heard the member, and has not told yet."""
    await desk.known.tell("whatsapp", ASHA, CLOUD, "blocked", at=desk.now() - 30)
    assert await desk.asked() == Rejected("blocked")
    assert await desk.asked(heard_at=desk.now() - 1) == Delivered("wamid.1")


async def test_offers_wait_while_they_are_put_off_and_are_dead_where_they_are_refused(desk: Desk) -> None:
    await desk.known.tell("whatsapp", ASHA, CLOUD, "paused", at=desk.now(), until=desk.now() + 3600)
    assert await desk.asked(kind="marketing") == TryLater("marketing_paused", after=3600.0, held=True)
    assert await desk.asked(kind="marketing", until=desk.now() + 3600) == Rejected("marketing_paused")
    assert await desk.asked(kind="notice") == Delivered("wamid.1")
    await desk.known.tell("whatsapp", ASHA, CLOUD, "refuses_marketing", at=desk.now())
    assert await desk.asked(kind="marketing") == Rejected("marketing_refused")


async def test_outside_the_window_the_template_leaves(desk: Desk) -> None:
    desk.now.advance(DAY)
    assert await desk.asked(kind="notice", template=("receipt", ("500",))) == Delivered("wamid.2")
    assert desk.sent == [(ASHA, True)]


async def test_outside_the_window_a_notice_waits_for_the_member_and_an_answer_is_dead(desk: Desk) -> None:
    desk.now.advance(DAY)
    for kind in ("notice", "marketing"):
        assert await desk.asked(kind=kind) == TryLater("window_closed", after=LOOKS, held=True)
    for kind in ("reply", "confirmation"):
        assert await desk.asked(kind=kind) == Rejected("window_closed")
    assert desk.sent == []
    await desk.known.heard("whatsapp", ASHA, CLOUD, desk.now())
    assert await desk.asked(kind="notice") == Delivered("wamid.1")


async def test_the_provider_knows_better_whether_the_window_is_open(desk: Desk) -> None:
    desk.says[False] = OutsideWindow()
    assert await desk.asked(kind="notice") == TryLater("window_closed", after=LOOKS, held=True)
    assert await desk.asked(kind="notice", template=("receipt", ())) == Delivered("wamid.2")
    desk.says[True] = OutsideWindow()
    assert await desk.asked(kind="notice", template=("receipt", ())) == Rejected("window_closed")


async def test_what_a_failure_says_of_the_address_is_kept(desk: Desk) -> None:
    desk.says[False] = Struck(Rejected("131026"), "gone", "131026")
    assert await desk.asked() == Rejected("131026")
    assert await desk.asked() == Rejected("gone")
    assert len(desk.sent) == 1
    known = await desk.known.of("whatsapp", ASHA, CLOUD)
    assert (known.gone.at, known.gone.reason) == (desk.now(), "131026")


async def test_what_a_failed_template_says_is_kept_too(desk: Desk) -> None:
    desk.now.advance(DAY)
    desk.says[True] = Struck(TryLater("131049", after=9.0, held=True), "paused", "131049", desk.now() + 99)
    offer = {"kind": "marketing", "template": ("offer", ())}
    assert await desk.asked(**offer) == TryLater("131049", after=9.0, held=True)
    assert await desk.asked(**offer) == TryLater("marketing_paused", after=99.0, held=True)


async def test_a_group_is_an_address_of_its_own() -> None:
    desk = Desk("telegram/bot-api")
    await desk.known.tell("telegram", "-100500", desk.line, "blocked", at=desk.now())
    assert await desk.asked(to="-100500", member="") == Rejected("blocked")
    assert await desk.asked(to="-100500", member="77001") == Delivered("wamid.1")


async def test_a_number_is_an_address_of_sms() -> None:
    desk = Desk("sms/africastalking")
    await desk.known.tell("msisdn", f"+{ASHA}", desk.line, "stopped", at=desk.now())
    assert await desk.asked(to=f"+{ASHA}", member=f"+{ASHA}", kind="confirmation") == Delivered("wamid.1")
    assert await desk.asked(to=f"+{ASHA}", member=f"+{ASHA}") == Rejected("stopped")


class Away(RememberedReaches):
    """Records that do not answer."""

    async def may(self, *asked: Any, **more: Any) -> Verdict:
        raise RecordsAway("records: away")

    async def tell(self, *told: Any, **more: Any) -> bool:
        raise RecordsAway("records: away")


async def test_while_nobody_knows_it_waits() -> None:
    desk = Desk()
    desk.reach = Away(KeyRing({"k": bytes(32)}))
    assert await desk.asked() == TryLater("records away")
    desk.reach.may = desk.known.may  # type: ignore[method-assign]
    desk.says[True] = Struck(Rejected("131026"), "gone")
    assert await desk.asked(template=("receipt", ())) == Rejected("131026"), (
        "it is told again by the next one"
    )


async def test_without_anybody_who_knows_it_leaves() -> None:
    desk = Desk()
    desk.reach = None
    desk.says[False] = Struck(Rejected("131026"), "gone")
    assert await desk.asked() == Rejected("131026")
