"""What operators are told of one session: everything but what was said, by any of its names."""

from __future__ import annotations

import msgspec
import pytest

from kikao.control import CommandRefused, Visitor
from kikao.conversation import Unknown
from kikao.sessions.keeper import Held
from tests.sessions.operating.shop import ASHA, BEN, Office


async def test_everything_but_what_was_said(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    await talk.say("Serengeti", "42")

    detail = await office.show(ASHA)

    assert detail.line == (await office.lines())[0]
    (run,) = detail.runs
    assert [(entry.key, entry.kind, entry.type) for entry in run.journal] == [
        ("session.set note#1", "read", ""),
        ("what#1", "ask", "text"),
        ("stock#1", "read", ""),
        ("count#1", "ask", "number"),
    ]
    assert [entry.size for entry in run.journal] == [1, len("Serengeti") + 1, len("Kilimanjaro") + 3, 1]
    assert (run.question, run.accepts, run.secret, run.flow) == ("pin#1", "pin", True, "shop")
    (note,) = detail.data
    assert (note.key, note.type.rpartition(":")[2], note.size) == (
        "note",
        "Note",
        len("text") + len("Zanzibar") + 3,
    )
    assert detail.parts == (
        "flow:shop",
        "channel:ussd",
        "gateway:ussd/plain",
        "msisdn:+25677****01",
        "code:*284#",
    )
    assert detail.rules is not None
    assert (detail.rules.idle, detail.rules.absolute, detail.rules.resume) == (300, 3600, 60)
    assert detail.rules.idle_until == detail.line.seen_at + 300
    assert detail.rules.absolute_until == detail.line.created_at + 3600
    assert detail.typed == len("Serengeti*42")
    told = msgspec.json.encode([detail, await office.lines(), await office.explain(ASHA)]).decode()
    for said in (
        "Serengeti",
        "42*",
        "Kilimanjaro",
        "Zanzibar",
        "Mwangaza",
        "How many",
        "PIN for",
        ASHA,
        ASHA[1:],
    ):
        assert said not in told


async def test_an_open_effect_and_who_works_on_it(office: Office) -> None:
    talk, clock = office.phone(), office.process.clock
    office.service.outcome = Unknown("timeout")
    await talk.dial()
    await talk.say("Tea", "2")
    began = clock()
    await talk.say("2580")

    detail = await office.show(ASHA)
    (run,) = detail.runs
    (intent,) = run.intents
    assert (intent.key, intent.kind, intent.retry, intent.tries) == ("pin#1", "secret", "check", 1)
    assert (intent.since, intent.lease_until, intent.settled) == (began, 0.0, False)
    assert intent.due_at == began + 5
    assert detail.line.waiting
    assert detail.line.open == 1
    clock.advance(5)
    await office.process.recovery.once()
    ((again,),) = [run.intents for run in (await office.show(ASHA)).runs]
    assert (again.tries, again.since, again.due_at) == (2, began, began + 5 + 10)


async def test_a_turn_at_work_is_not_waited_for(office: Office) -> None:
    await office.phone().dial()
    (line,) = await office.lines()
    held = await office.process.sessions.claim(bytes.fromhex(await whole_key(office)), wait=0.0)
    assert isinstance(held, Held)
    detail = await office.show(line.key)
    await held.release()

    assert detail.at_work
    assert not (await office.show(line.key)).at_work


async def whole_key(office: Office) -> str:
    (record,) = [record async for record in office.process.store.scan()]
    return record.key.hex()


async def test_a_session_by_any_of_its_names(office: Office) -> None:
    await office.phone(ASHA).dial()
    await office.phone(BEN).dial()
    ben = next(line for line in await office.lines() if line.address.endswith("02"))

    for who in (BEN, "+256 752-000 002", f"msisdn:{BEN}", ben.key, ben.key[:6], ben.id, ben.member):
        assert (await office.show(who)).line == ben


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("", "name a session by"),
        ("abc", "name a session by"),
        ("0772000001", "no stored session is meant"),
        ("Asha", "name a session by"),
        ("+1", "no stored session is meant"),
        ("+", "no stored session is meant"),
        ("telegram:", "name a session by"),
        ("telegram:12", "no stored session is meant"),
        ("f" * 64, "no stored session is meant"),
        ("\ud800", "name a session by"),
    ],
)
async def test_a_name_that_means_none(office: Office, who: str, told: str) -> None:
    await office.phone(ASHA).dial()
    if "\ud800" in who and isinstance(office.ask, Visitor):
        return  # what no request can carry
    for ask in (office.show, office.end):
        with pytest.raises(CommandRefused, match=told):
            await ask(who)


async def test_a_number_with_several_sessions_is_asked_for_one(office: Office) -> None:
    for gateway in ("one", "two"):
        talk = office.phone()
        talk.gateway.slug = gateway
        await talk.dial()
    keys = sorted(line.key for line in await office.lines())

    for ask in (office.show, office.end, office.explain):
        with pytest.raises(CommandRefused, match="one of several: ") as refused:
            await ask(ASHA)
        assert all(f"{key} (ussd/" in str(refused.value) for key in keys)
        assert ASHA not in str(refused.value)
    assert (await office.show(keys[0])).line.key == keys[0]
