"""SMS over SMPP, with a message centre that shares nothing with kikao: texts, parts, receipts, and what comes twice."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kikao.channels.chat.message import Message, Parcel
from kikao.channels.smpp.pdu import Party, ShortMessage
from kikao.channels.sms.parts import ALONE, KEPT, MOST, Part, Parts, header, parameters, read
from kikao.channels.sms.receipts import Receipt, receipt
from kikao.channels.sms.smpp import SmppSms
from kikao.config import Hidden, load
from kikao.config.settings import SmsSettings
from kikao.events import Event, LinkBound, MessageDead, MessageReported, MessageRetried, RequestRefused
from kikao.server import Server
from kikao.sessions.outgoing import Status
from kikao.sessions.stores.memory import MemoryStore
from tests.channels.sms.test_africastalking import shop
from tests.channels.ussd.smpp.smsc import Smsc
from tests.waiting import until

ASHA = "256772000001"
LONG = "The hare ran on and on. " * 20


def account(port: int = 2775, sender: str = "KIKAO", **options: str) -> SmsSettings:
    given = {"host": "127.0.0.1", "port": str(port), "system_id": "kikao", "password": "secret"} | options
    return SmsSettings(sender=sender, options={name: Hidden(value.encode()) for name, value in given.items()})


@contextlib.asynccontextmanager
async def serving(
    smsc: Smsc,
    folder: Path,
    *,
    events: list[Event] | None = None,
    channels: tuple[str, ...] = ("sms",),
    **options: str,
) -> AsyncIterator[Server]:
    found = load({"KIKAO_SIMULATOR": "off"}, folder, gateways=None, makes_keys=True)
    found = structs.replace(found, sms={"smpp": account(smsc.port, **options)})
    heard = [] if events is None else events
    async with shop(channels).serving(found, store=MemoryStore(), subscribers=[heard.append]) as server:
        await until(lambda: server.texting and server.texting.bound, "the link to be bound")
        yield server


async def texts(smsc: Smsc, number: int) -> list[str]:
    """So many that a phone has got."""
    await smsc.until(lambda: len(smsc.shown) >= number)
    return [shown.text for shown in smsc.shown]


# --- conversations ---


async def test_a_conversation_and_its_answers(tmp_path: Path) -> None:
    async with Smsc().serving() as smsc, serving(smsc, tmp_path):
        for number, text in enumerate(("Hi", "2", "Asha"), 1):
            assert await smsc.text(ASHA, text) == 0
            await texts(smsc, number)
        shown = smsc.shown
    assert [each.text for each in shown] == [
        "What would you like?\n1 Tea\n2 Milk",
        "Your name?\n0 Back\n00 Home",
        "milk for Asha is coming.",
    ]
    assert {(each.number, each.source, each.receipt, each.esm_class) for each in shown} == {
        (ASHA, "22384", 1, 0)
    }


async def test_a_stop_is_answered_and_kept(tmp_path: Path) -> None:
    async with Smsc().serving() as smsc, serving(smsc, tmp_path) as server:
        assert await smsc.text(ASHA, "STOP") == 0
        assert (await texts(smsc, 1))[0].startswith("You will get no more messages")
        reach = await server.reach.of("msisdn", f"+{ASHA}", "sms/smpp")
        assert reach.standing == "stopped"


async def test_what_comes_again_after_a_connection_ended_is_a_copy(tmp_path: Path) -> None:
    async with Smsc().serving() as smsc, serving(smsc, tmp_path) as server:
        smsc.hears_answers = False
        answered = smsc.text(ASHA, "Hi")
        await texts(smsc, 1)
        smsc.hears_answers = True
        smsc.cut()
        await smsc.bound(2)
        assert await answered == 0
        await until(lambda: server.texting and server.texting.bound, "the link to be bound")
        assert await smsc.text(ASHA, "1") == 0
        await texts(smsc, 2)
    assert len(smsc.shown) == 2


async def test_parts_of_a_message_are_one_in_whatever_order(tmp_path: Path) -> None:
    async with Smsc().serving() as smsc, serving(smsc, tmp_path):
        await smsc.text(ASHA, "Hi")
        await smsc.text(ASHA, "1")
        await texts(smsc, 2)
        for number, text in ((2, "of Kampala"), (1, "Asha ")):
            octets = header(Part(7, 2, number)) + text.encode()
            assert await smsc.text(ASHA, "", esm_class=0x40, octets=octets) == 0
        assert (await texts(smsc, 3))[-1] == "tea for Asha of Kampala is coming."


async def test_what_cannot_be_read_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    events: list[Event] = []
    async with Smsc().serving() as smsc, serving(smsc, tmp_path, events=events):
        assert await smsc.text(ASHA, "", octets=b"\xff4321") == 0x66
        assert await smsc.text("MTN", "Offer", ton=5) == 0
    (refused,) = [event for event in events if isinstance(event, RequestRefused)]
    assert "4321" not in refused.reason
    assert not smsc.shown


# --- what goes, and how far it came ---


async def test_a_long_message_goes_in_parts_and_its_receipt_counts(tmp_path: Path) -> None:
    events: list[Event] = []
    async with Smsc().serving() as smsc, serving(smsc, tmp_path, events=events) as server:
        await server.messages.send("k", f"+{ASHA}", LONG, over="sms")
        got = await texts(smsc, 4)
        assert "".join(got) == LONG
        assert [each.receipt for each in smsc.shown] == [0, 0, 0, 1]
        heads = [each.octets[:6] for each in smsc.shown]
        assert [head[:3] + head[4:] for head in heads] == [
            bytes((5, 0, 3, 4, number)) for number in (1, 2, 3, 4)
        ]
        assert len({head[3] for head in heads}) == 1
        assert {(each.source, each.source_ton) for each in smsc.shown} == {("KIKAO", 5)}
        last = smsc.shown[-1].id
        receipt_text = (
            f"id:{last} sub:001 dlvrd:001 submit date:2611220330 done date:2611220331 stat:DELIVRD err:000"
        )
        assert await smsc.text(ASHA, f"{receipt_text} text:{LONG[:20]}", esm_class=0x04) == 0
        assert await smsc.text(ASHA, "id:nobody stat:DELIVRD", esm_class=0x04) == 0
        assert await smsc.text(ASHA, "hello", esm_class=0x04) == 0
        await until(lambda: [e for e in events if isinstance(e, MessageReported)], "the receipt to be heard")
    assert [event.status for event in events if isinstance(event, MessageReported)] == ["delivered"]


async def test_a_message_centre_that_is_full_is_waited_for_and_one_that_refuses_is_not(
    tmp_path: Path,
) -> None:
    events: list[Event] = []
    statuses = itertools.chain([0x58, 0, 0x0B], itertools.repeat(0x08))
    async with Smsc().serving() as smsc, serving(smsc, tmp_path, events=events) as server:
        smsc.judge = lambda _: next(statuses)
        await server.messages.send("k1", f"+{ASHA}", "Hello", over="sms/smpp")
        await until(lambda: smsc.shown, "it to be taken")
        await server.messages.send("k2", f"+{ASHA}", "Again", over="sms")
        await until(lambda: [e for e in events if isinstance(e, MessageDead)], "it to be refused")
        await server.messages.send("k3", f"+{ASHA}", "Later", over="sms")
        await until(lambda: len([e for e in events if isinstance(e, MessageRetried)]) == 2, "it to wait")
    assert [shown.text for shown in smsc.shown] == ["Hello"]
    assert [event.reason for event in events if isinstance(event, MessageDead)] == ["ESME_RINVDSTADR"]
    assert [event.reason for event in events if isinstance(event, MessageRetried)] == [
        "ESME_RTHROTTLED",
        "ESME_RSYSERR",
    ]
    assert [event.gateway for event in events if isinstance(event, LinkBound)] == ["smpp"]


# --- pieces ---


def parcel(text: str) -> Parcel:
    return Parcel(to=f"+{ASHA}", message=Message(text), until=1.0)


@pytest.mark.parametrize(
    ("text", "alphabet", "codings", "parts"),
    [
        ("Hello", "gsm7", {0}, 1),
        ("a" * 161, "gsm7", {0}, 2),
        ("ŋ" + "a" * 70, "gsm7", {8}, 2),
        ("a" * 80 + "ŋ", "gsm7", {8}, 2),
        ("é" * 160, "latin1", {3}, 1),
        ("€" + "a" * 100, "latin1", {8}, 2),
    ],
)
def test_all_parts_of_a_message_are_in_one_alphabet(
    text: str, alphabet: str, codings: set[int], parts: int
) -> None:
    found = SmppSms(account(alphabet=alphabet)).submissions(parcel(text), b"\x42" * 16)
    assert ({each.text.data_coding for each in found}, len(found)) == (codings, parts)
    assert all(len(each.text.octets) <= 160 for each in found)


def test_parts_may_be_named_by_parameters() -> None:
    found = SmppSms(account(concatenation="sar")).submissions(parcel("a" * 200), b"\x42" * 16)
    assert [each.parameters for each in found] == [parameters(Part(0x42, 2, number)) for number in (1, 2)]
    assert not any(each.esm_class for each in found)


@pytest.mark.parametrize(
    ("sender", "party"),
    [
        ("KIKAO", Party(5, 0, "KIKAO")),
        ("+256700000900", Party(1, 1, "256700000900")),
        ("22384", Party(0, 1, "22384")),
        ("", Party(0, 0, "")),
    ],
)
def test_a_sender_is_known_by_its_shape(sender: str, party: Party) -> None:
    (found,) = SmppSms(account(sender=sender)).submissions(parcel("Hello"), bytes(16))
    assert found.source == party


@pytest.mark.parametrize(
    ("party", "region", "number"),
    [
        (Party(1, 1, ASHA), "", f"+{ASHA}"),
        (Party(0, 1, f"+{ASHA}"), "", f"+{ASHA}"),
        (Party(2, 1, "772000001"), "UG", f"+{ASHA}"),
        (Party(0, 1, "0772000001"), "UG", f"+{ASHA}"),
        (Party(0, 1, "0772000001"), "", None),
        (Party(5, 0, "MTN"), "", None),
    ],
)
def test_who_sent_a_message_is_a_number_or_nobody(party: Party, region: str, number: str | None) -> None:
    assert SmppSms(account(region=region) if region else account()).number(party) == number


def test_receipts_may_name_a_message_by_another_number() -> None:
    assert SmppSms(account()).reference("A1") == "A1"
    assert SmppSms(account(receipt_ids="decimal")).reference("A1") == "161"
    assert SmppSms(account(receipt_ids="decimal")).reference("x-1") == "x-1"


def short(
    octets: bytes, *, esm_class: int = 0x04, parameters: dict[int, bytes] | None = None
) -> ShortMessage:
    return ShortMessage("", Party(1, 1, ASHA), Party(0, 1, "1"), esm_class, 0, octets, parameters or {})


@pytest.mark.parametrize(
    ("octets", "parameters", "found"),
    [
        (b"id:A1 sub:001 stat:DELIVRD err:0 text:id:B2", {}, Receipt("A1", Status.DELIVERED)),
        (b"ID: a-1 STAT: undeliv", {}, Receipt("a-1", Status.FAILED)),
        (b"id:A1 stat:UNKNOWN", {}, None),
        (b"stat:DELIVRD", {}, None),
        (b"text:id:A1 stat:DELIVRD", {}, None),
        (b"", {0x1E: b"A1\0", 0x427: b"\x02"}, Receipt("A1", Status.DELIVERED)),
        (b"id:B2 stat:REJECTD", {0x1E: b"A1\0"}, Receipt("A1", Status.FAILED)),
        (b"", {0x1E: b"A1\0", 0x427: b"\x07"}, None),
        (b"id:" + b"9" * 80 + b" stat:DELIVRD", {}, None),
    ],
)
def test_receipts_are_read_as_they_are_written(
    octets: bytes, parameters: dict[int, bytes], found: Receipt | None
) -> None:
    assert receipt(short(octets, parameters=parameters)) == found


@given(st.binary(max_size=80), st.sampled_from([0x00, 0x04, 0x40, 0x44]))
@settings(max_examples=150)
def test_no_octets_break_the_readers(octets: bytes, esm_class: int) -> None:
    part, text = read(short(octets, esm_class=esm_class))
    assert 1 <= part.number <= part.total
    assert octets.endswith(text)
    receipt(short(octets, esm_class=esm_class))


def test_headers_of_both_kinds_and_parameters_say_the_same() -> None:
    part = Part(7, 3, 2)
    assert read(short(header(part) + b"x", esm_class=0x40)) == (part, b"x")
    wide = bytes((8, 0x24, 0, 8, 4, 1, 7, 3, 2))  # a language, then a reference of 16 bits
    assert read(short(wide + b"x", esm_class=0x40)) == (Part(0x107, 3, 2), b"x")
    assert read(short(b"x", parameters=parameters(part))) == (part, b"x")
    assert read(short(header(Part(7, 0, 0)) + b"x", esm_class=0x40)) == (ALONE, b"x")


@given(st.permutations(range(1, 6)))
@settings(max_examples=30)
def test_the_last_part_that_comes_makes_it_whole(order: list[int]) -> None:
    found, key = Parts(), ("a", "b")
    texts = [found.add(key, Part(1, 5, number), str(number), 0.0) for number in order]
    assert texts == [None] * 4 + ["12345"]
    assert found.add(key, Part(1, 5, order[-1]), str(order[-1]), 1.0) == "12345", "its last part came again"
    found.forget(key, Part(1, 5, 1))
    assert len(found) == 0


def test_parts_whose_others_never_come_are_forgotten() -> None:
    found, key = Parts(), ("a", "b")
    assert found.add(key, ALONE, "x", 0.0) == "x"
    for number in range(MOST + 5):
        found.add(key, Part(number, 2, 1), "x", 0.0)
    assert len(found) == MOST
    assert found.add(key, Part(MOST, 2, 2), "y", KEPT + 1) is None, "another message by the same reference"
    assert len(found) == 1
