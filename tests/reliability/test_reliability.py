"""Proof that each check of the kill loop can fail. The loop itself runs in `make reliability`, and its slice in CI."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.sessions.keeper import Sessions
from kikao.sessions.policy import session_key
from kikao.sessions.sealing import KeyRing
from kikao.sessions.stores import MemoryStore
from kikao_apps.wallet.audit import Audit
from tests.reliability import kill_loop
from tests.reliability.members import APOLOGY, Member, Receipt, Transfer
from tests.sessions import bystanders

NUMBER = "+256772000001"

# --- the checks of the kill loop ---


async def test_who_waits_and_is_lost_is_found() -> None:
    sessions = Sessions(MemoryStore(), KeyRing({"k1": bytes(range(32))}))
    await bystanders.fill(sessions, 3)
    assert await bystanders.missing(sessions, 3) == []

    await sessions.store.end(session_key(sessions.ring, bystanders.parts_of(1)))

    lost = await bystanders.missing(sessions, 3)
    assert lost
    assert all(line.startswith("bystander 1") for line in lost)


def member(*, patient: bool = True, reply: bytes = b"") -> Member:
    async def send(exchange: Exchange) -> Response:
        return Response(200, (), reply)

    async def at_once() -> None:
        return None

    found = Member(NUMBER, send, at_once, seed=1, patient=patient)
    found.asked_for.add(Transfer(NUMBER, "+2", 1000))
    found.receipts.add(Receipt("REF22222", NUMBER, "+2", 1000))
    return found


def test_right_payments_pass() -> None:
    assert kill_loop.check_payments([Receipt("REF22222", NUMBER, "+2", 1000)], [member()]) == []


@pytest.mark.parametrize(
    ("payments", "words"),
    [
        ([], "0 times in the books"),
        ([Receipt("REF22222", NUMBER, "+2", 1000)] * 2, "paid 2 times"),
        ([Receipt("REF22222", NUMBER, "+2", 1000), Receipt("REF33333", NUMBER, "+2", 1000)], "paid 2 times"),
        ([Receipt("REF22222", NUMBER, "+2", 1000), Receipt("REF33333", NUMBER, "+3", 9)], "nobody asked"),
        ([Receipt("REF22222", NUMBER, "+2", 1000), Receipt("REF33333", NUMBER, "+2", 1000)], "never told"),
    ],
)
def test_a_wrong_payment_is_found(payments: list[Receipt], words: str) -> None:
    assert any(words in violation for violation in kill_loop.check_payments(payments, [member()]))


def test_wrong_books_are_found() -> None:
    right = Audit(sums={"UGX": 0}, drift={}, overdrawn=0, unkept=0, payments=2)

    assert kill_loop.check_audit(right, 2) == []
    assert kill_loop.check_audit(right, 3)
    assert kill_loop.check_audit(Audit(sums={"UGX": 1}, drift={}, overdrawn=0, unkept=0, payments=2), 2)


@pytest.mark.parametrize(("reply", "changed"), [(b"CON A", 0), (APOLOGY, 0), (b"CON B", 1)])
async def test_a_reply_that_changed_is_found(reply: bytes, changed: int) -> None:
    person = member(reply=reply)
    exchange = Exchange("", (), b"text=1")
    person.acknowledged[exchange] = b"CON A"

    await person.check(exchange)

    assert len(person.changed) == changed


def test_what_broke_is_found_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "data.log"
    log.write_text(
        '{"event":"turn.duplicated"}\n{"event":"turn.committed","what":"failed"}\nTraceback\n{"event":'
    )

    counted, noise = kill_loop.read_log(log)

    assert counted["turn.duplicated"] == 1
    assert len(noise) == 2
