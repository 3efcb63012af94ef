"""What a provider tells: reports find their message whenever they come, and what is said of an address is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.calling import Make
from kikao.channels.chat.gateway import ChatGateway
from kikao.channels.chat.hearing import TRIES, Hearing
from kikao.channels.chat.told import Changed, Report
from kikao.channels.outbox import Delivered, Destination, Dispatcher, Letter, Outcome
from kikao.conversation.journal import Posted
from kikao.events import Event, GatewayTold, MessageReported
from kikao.members import No, Yes
from kikao.members.reach import Told
from kikao.members.reaches import RememberedReaches
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import Status
from kikao.sessions.posting import outgoing
from kikao.sessions.sealing import KeyRing
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from tests.channels.chat.talk import LIMITS

CLOUD = "whatsapp/cloud-api"
ASHA = "256772000001"


class Cloud(ChatGateway):
    """A number of which 131026 says that a member is not on WhatsApp."""

    channel = "whatsapp"
    limits = LIMITS

    @property
    def api_url(self) -> str:
        return "https://graph.example"

    def destination(self, make: Make, clock: Callable[[], float]) -> Destination:
        raise AssertionError("nothing is called here")

    def closed_by(self, codes: Sequence[int]) -> tuple[Told, str] | None:
        return ("gone", "131026") if 131026 in codes else None


class Sent:
    """A sender whose provider calls each message by its own text."""

    async def send(self, letter: Letter) -> Outcome:
        return Delivered(letter.body.decode())


class Desk:
    """A line, with what it told."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore()
        self.sessions = Sessions(self.store, KeyRing({"k": bytes(32)}), clock=self.clock)
        self.events: list[Event] = []
        self.screens = Dispatcher(
            self.sessions, {CLOUD: Destination(sender=Sent())}, self.events.append, chance=lambda: 1.0
        )
        self.reach = RememberedReaches(self.sessions.ring, clock=self.clock)
        self.hearing = Hearing(
            self.sessions, {CLOUD: Cloud("cloud-api")}, self.screens, self.reach, self.events.append
        )
        self.woken: list[bytes] = []
        self.hearing.stored = self.woken.append
        self.kept = Dispatcher(
            self.sessions, self.hearing.destinations, lambda event: None, chance=lambda: 1.0
        )

    async def post(self, name: str) -> None:
        posts = [Posted(name.encode().ljust(16), CLOUD, name.encode())]
        await self.store.post(outgoing(self.sessions.ring, b"session", posts, self.clock()))

    async def tells(self, reference: str, status: Status, **more: object) -> bool:
        report = Report(line=CLOUD, reference=reference, status=status, at=self.clock(), **more)  # type: ignore[arg-type]
        return await self.hearing.hears[Report](report)

    async def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.kept.once()

    async def rows(self) -> list[tuple[str, str, Status]]:
        return sorted([(each.to, each.state, each.status) async for each in self.store.messages()])


async def test_a_report_raises_what_is_known_of_a_message() -> None:
    desk = Desk()
    await desk.post("wamid.1")
    await desk.screens.once()
    for status in (Status.READ, Status.DELIVERED, Status.READ):
        assert await desk.tells("wamid.1", status)
    assert await desk.rows() == [(CLOUD, "sent", Status.READ)]
    assert [event.status for event in desk.events if isinstance(event, MessageReported)] == ["read"]


async def test_a_report_that_comes_before_what_was_sent_is_stored_is_kept_until_then() -> None:
    desk = Desk()
    await desk.post("wamid.1")
    assert await desk.tells("wamid.1", Status.DELIVERED)
    assert await desk.tells("wamid.1", Status.DELIVERED)
    assert len(desk.woken) == 2
    assert [row for row in await desk.rows() if row[0] != CLOUD] == [
        (f"status/{CLOUD}", "waiting", Status.WAITING)
    ], "once"
    await desk.passes(1)
    await desk.screens.once()
    await desk.passes(2)
    assert await desk.rows() == [
        (f"status/{CLOUD}", "sent", Status.SENT),
        (CLOUD, "sent", Status.DELIVERED),
    ]
    await desk.store.sweep(now=desk.clock() + 1, limit=10)
    assert await desk.rows() == [(CLOUD, "sent", Status.DELIVERED)]


async def test_a_report_about_what_others_sent_is_forgotten_and_is_no_trouble() -> None:
    desk = Desk()
    await desk.tells("of another app", Status.READ)
    for _ in range(TRIES + 2):
        await desk.passes(60)
    assert await desk.rows() == [(f"status/{CLOUD}", "sent", Status.SENT)]


@given(
    st.lists(
        st.sampled_from([Status.SENT, Status.FAILED, Status.DELIVERED, Status.READ]), min_size=1, max_size=5
    ),
    st.integers(0, 5),
)
async def test_in_whatever_order_reports_come_the_highest_is_known(said: list[Status], before: int) -> None:
    """Some come before it is stored that the message was sent."""
    desk = Desk()
    await desk.post("wamid.1")
    for place, status in enumerate(said):
        if place == before:
            await desk.screens.once()
        await desk.tells("wamid.1", status)
    await desk.screens.once()
    for _ in range(4):
        await desk.passes(5)
    [(_, _, status)] = [row for row in await desk.rows() if row[0] == CLOUD]
    assert status == max(said)


async def test_why_a_message_failed_may_shut_its_address() -> None:
    desk = Desk()
    await desk.reach.heard("whatsapp", ASHA, CLOUD, desk.clock() - 5)
    await desk.tells("wamid.1", Status.FAILED, codes=(131000,), identity=ASHA)
    assert isinstance(await desk.reach.may("whatsapp", ASHA, CLOUD, "notice"), Yes)
    await desk.tells("wamid.1", Status.FAILED, codes=(131026,), identity=ASHA)
    assert await desk.reach.may("whatsapp", ASHA, CLOUD, "notice") == No("gone")
    await desk.tells("wamid.2", Status.FAILED, codes=(131026,))


@pytest.mark.parametrize(
    ("what", "reason", "verdict"),
    [("blocked", "Forbidden: bot was blocked", No("blocked")), ("stopped", "STOP", No("stopped"))],
)
async def test_what_is_said_of_an_address_is_kept(what: Told, reason: str, verdict: No) -> None:
    desk = Desk()
    changed = Changed(line=CLOUD, identity=ASHA, what=what, at=0.0, reason=reason)  # type: ignore[arg-type]
    assert await desk.hearing.hears[Changed](changed)
    assert await desk.reach.may("whatsapp", ASHA, CLOUD, "notice") == verdict
    known = await desk.reach.of("whatsapp", ASHA, CLOUD)
    assert known.since == desk.clock(), "now, where the provider does not say"
    assert known.reason in ("forbidden_bot_was_blocked", "stop")


async def test_what_is_said_of_nobody_is_noted() -> None:
    desk = Desk()
    assert await desk.hearing.change(Changed(line=CLOUD, identity="", what="blocked", at=1.0))
    [told] = desk.events
    assert isinstance(told, GatewayTold)


async def test_a_row_that_nobody_can_read_is_dead() -> None:
    desk = Desk()
    [again] = {each.sender for each in desk.hearing.destinations.values()}
    outcome = await again.send(Letter(bytes(16), f"status/{CLOUD}", b"\xc1", 1))
    assert type(outcome).__name__ == "Rejected"
