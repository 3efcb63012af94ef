"""What comes over SMPP is read as an implementation that shares nothing with kikao writes it, or refused by name."""

from __future__ import annotations

import json
import random

import pytest
import smpp34
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.smpp.alphabets import read, written
from kikao.channels.smpp.pdu import HEADER, BadPdu, Header, Party, header, short_message
from kikao.channels.smpp.submission import Submission
from kikao.channels.smpp.writing import submit_sm
from kikao.channels.ussd.smpp.fields import fields

CANARY = "4321"


def delivered(text: bytes = CANARY.encode(), **more: object) -> bytes:
    """The body of a `deliver_sm`."""
    given = {"service_type": "USSD", "source_addr_ton": 1, "source_addr_npi": 1, **more}
    return smpp34.DeliverSm("256700000001", "384", text, **given).encode()[HEADER:]  # type: ignore[arg-type]


def test_a_message_is_read_as_it_was_written() -> None:
    body = delivered(
        data_coding=8, esm_class=4, tlvs=[smpp34.Tlv(0x0501, b"\x81"), smpp34.Tlv(0x1403, b"\xff")]
    )
    message = short_message(body)
    assert (message.service_type, message.data_coding, message.esm_class) == ("USSD", 8, 4)
    assert message.source == Party(1, 1, "256700000001")
    assert message.destination == Party(0, 0, "384")
    assert (message.octets, message.parameters) == (CANARY.encode(), {0x0501: b"\x81", 0x1403: b"\xff"})
    assert CANARY not in repr(message)


def test_a_text_may_be_in_a_parameter_of_its_own() -> None:
    message = short_message(delivered(b"", tlvs=[smpp34.Tlv(0x0424, b"4321")]))
    assert (message.octets, message.parameters) == (b"4321", {})
    with pytest.raises(BadPdu, match="another in message_payload"):
        short_message(delivered(b"1", tlvs=[smpp34.Tlv(0x0424, b"4321")]))


def test_a_message_that_is_cut_off_anywhere_is_refused_without_a_word_of_it() -> None:
    body = delivered(tlvs=[smpp34.Tlv(0x0501, b"\x12")])
    whole = len(delivered())
    for length in (length for length in range(len(body)) if length != whole):
        with pytest.raises(BadPdu) as refused:
            short_message(body[:length])
        assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"USSDXX\0" + delivered()[5:], "service_type has no end within 6 octets"),
        (delivered().replace(b"384", b"3\x1b4"), "destination_addr is not visible ASCII"),
        (delivered(tlvs=[smpp34.Tlv(0x0501, b"\x12")] * 2), "optional parameter 0x0501 is given twice"),
    ],
)
def test_what_is_wrong_with_a_message_is_named(body: bytes, problem: str) -> None:
    with pytest.raises(BadPdu, match=problem):
        short_message(body)


@given(st.binary(max_size=120))
def test_no_octets_break_the_reader(octets: bytes) -> None:
    try:
        short_message(octets)
    except BadPdu:
        return


def test_messages_that_were_spoilt_are_read_or_refused() -> None:
    dice = random.Random(7)
    for _ in range(2000):
        body = bytearray(delivered(tlvs=[smpp34.Tlv(0x0501, b"\x12"), smpp34.Tlv(0x1383, b"\0\x42")]))
        for _ in range(dice.randint(1, 4)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        try:
            json.loads(fields(bytes(body), "gsm7"))
        except BadPdu:
            continue


def test_a_header_that_would_lead_nowhere_is_refused() -> None:
    assert header(bytes.fromhex("00000010000000150000000000000007")) == Header(16, 0x15, 0, 7)
    for length in (0, 15, 8193, 2**32 - 1):
        with pytest.raises(BadPdu, match="command_length"):
            header(length.to_bytes(4, "big") + bytes(12))


# --- alphabets ---


@pytest.mark.parametrize(
    ("text", "coding", "octets"),
    [
        ("@£{€}\n", 0x00, "0001 1b28 1b65 1b29 0a"),
        ("ŋ é", 0x08, "014b 0020 00e9"),
        ("✅😀", 0x08, "2705 d83d de00"),
        ("half \ud800", 0x08, "0068 0061 006c 0066 0020 003f"),
    ],
)
def test_a_text_is_written_in_gsm_7_where_it_can_be(text: str, coding: int, octets: str) -> None:
    found = written(text, "gsm7")
    if "\ud800" in text:
        assert found.octets.decode("latin-1" if found.data_coding == 0 else "utf-16-be") == "half ?"
        return
    assert (found.data_coding, found.octets) == (coding, bytes.fromhex(octets))
    assert read(found.octets, found.data_coding, "gsm7") == text


@pytest.mark.parametrize(("text", "coding"), [("@£{}é", 0x03), ("€", 0x08), ("Δ", 0x08)])
def test_or_in_latin_1_where_that_is_the_alphabet(text: str, coding: int) -> None:
    found = written(text, "latin1")
    assert found.data_coding == coding
    assert read(found.octets, coding, "latin1") == text


def test_what_no_coding_says_is_refused_without_a_word_of_it() -> None:
    assert read(b"\x00@", 0x00, "latin1") == "\0@"
    assert read(b"\x00", 0x0F, "latin1") == "@"
    assert read(b"4321", 0x01, "gsm7") == "4321"
    for octets, coding in ((b"\xff4321", 0x00), (b"4321\xff", 0x01), (b"43214", 0x08), (b"4321", 0x04)):
        with pytest.raises(ValueError, match=f"data_coding {coding}") as refused:
            read(octets, coding, "gsm7")
        assert CANARY not in str(refused.value)


# --- what goes ---


@given(st.text(min_size=1, max_size=80), st.sampled_from(["gsm7", "latin1"]))
def test_a_screen_is_written_as_others_read_it(text: str, alphabet: str) -> None:
    submission = Submission(
        "USSD",
        Party(0, 1, "384"),
        Party(1, 1, "256700000001"),
        written(text, alphabet),  # type: ignore[arg-type]
        {0x0501: b"\x02", 0x1383: b"\xff\x00"},
    )
    if not submission.text.octets:
        return
    message = smpp34.decode(submit_sm(7, submission))
    assert isinstance(message, smpp34.SubmitSm)
    assert (message.sequence_number, message.service_type) == (7, "USSD")
    assert (message.source_addr, message.destination_addr) == ("384", "256700000001")
    assert (message.dest_addr_ton, message.dest_addr_npi, message.registered_delivery) == (1, 1, 0)
    assert (message.data_coding, message.short_message) == submission.text
    assert {tlv.tag: tlv.value for tlv in message.tlvs} == submission.parameters
    assert repr(submission) == f"<a submission of {len(submission.text.octets)} octets>"


def test_a_vendor_s_own_type_of_number_goes_back_as_unknown() -> None:
    submission = Submission("", Party(9, 2, "384"), Party(1, 1, "2567"), written("Hi", "gsm7"), {})
    message = smpp34.decode(submit_sm(1, submission))
    assert isinstance(message, smpp34.SubmitSm)
    assert (message.source_addr_ton, message.source_addr_npi) == (0, 0)


def test_a_screen_that_fits_nowhere_is_not_written() -> None:
    for text in ("", "a" * 255):
        with pytest.raises(ValueError, match="1 to 254 octets"):
            submit_sm(1, Submission("", Party(0, 0, "1"), Party(0, 0, "2"), written(text, "gsm7"), {}))
