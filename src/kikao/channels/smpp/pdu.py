"""What comes over SMPP, read strictly: headers, and the layout that `deliver_sm` and `submit_sm` share.

Source: SMPP Protocol Specification v3.4, 3.2 (header), 4.4.1 and 4.6.1 (layout), 5.3 (optional parameters). An error
names the field, never a value: a text may be a PIN.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

import msgspec

HEADER: Final = 16
"""Octets of a header."""

MAX_PDU: Final = 8192
"""Octets of a PDU: a screen or an answer has some 200. One that is longer is no message of USSD."""

RESPONSE: Final = 0x8000_0000
"""The bit of a command that makes it a response."""


class Command(IntEnum):
    """What kinds of PDUs there are here."""

    BIND_TRANSCEIVER = 0x0009
    UNBIND = 0x0006
    SUBMIT_SM = 0x0004
    DELIVER_SM = 0x0005
    ENQUIRE_LINK = 0x0015
    GENERIC_NACK = 0x8000_0000
    BIND_TRANSCEIVER_RESP = 0x8000_0009
    UNBIND_RESP = 0x8000_0006
    SUBMIT_SM_RESP = 0x8000_0004
    DELIVER_SM_RESP = 0x8000_0005
    ENQUIRE_LINK_RESP = 0x8000_0015


class Tag(IntEnum):
    """Optional parameters that mean something here (5.3.2)."""

    USER_MESSAGE_REFERENCE = 0x0204
    MESSAGE_PAYLOAD = 0x0424
    USSD_SERVICE_OP = 0x0501
    ITS_SESSION_INFO = 0x1383


class BadPdu(Exception):
    """A PDU that cannot be read; names what is wrong with it, and no value."""


class Header(NamedTuple):
    """The first 16 octets. `command` and `status` may be a vendor's own."""

    length: int
    command: int
    status: int
    sequence: int


class Party(NamedTuple):
    """An address: type of number, numbering plan, and the number or name itself (5.2.5 to 5.2.9)."""

    ton: int
    npi: int
    number: str


class ShortMessage(msgspec.Struct, frozen=True):
    """What `deliver_sm` and `submit_sm` hold. `octets` is the text, wherever it stood."""

    service_type: str
    source: Party
    destination: Party
    esm_class: int
    data_coding: int
    octets: bytes
    parameters: Mapping[int, bytes]
    """The other optional parameters, by tag, as they came."""

    def __repr__(self) -> str:
        """Without the text."""
        return f"<a short message of {len(self.octets)} octets>"


def header(octets: bytes) -> Header:
    """Raises `BadPdu` where the length is none that a PDU can have here: nobody knows where the next one begins."""
    found = Header(*_HEADER.unpack(octets))
    if not HEADER <= found.length <= MAX_PDU:
        raise BadPdu(f"command_length is not between {HEADER} and {MAX_PDU}")
    return found


def message_id(body: bytes) -> str:
    """What the body of a `submit_sm_resp` calls the message (4.4.2); empty where it does not, or illegibly."""
    found, end, _ = body.partition(b"\0")
    return found.decode("ascii", "replace") if end and found.isascii() and len(found) <= 64 else ""


def short_message(body: bytes) -> ShortMessage:
    """The body of a `deliver_sm` or `submit_sm`. Raises `BadPdu`."""
    reading = _Reading(body)
    service_type = reading.c_string("service_type", 6)
    source = reading.party("source_addr")
    destination = reading.party("destination_addr")
    esm_class = reading.octet("esm_class")
    reading.octets("protocol_id and priority_flag", 2)
    reading.c_string("schedule_delivery_time", 17)
    reading.c_string("validity_period", 17)
    reading.octets("registered_delivery and replace_if_present_flag", 2)
    data_coding = reading.octet("data_coding")
    reading.octet("sm_default_msg_id")
    text = reading.octets("short_message", reading.octet("sm_length"))
    parameters = reading.parameters()
    payload = parameters.pop(Tag.MESSAGE_PAYLOAD, b"")
    if text and payload:
        raise BadPdu("there is a text in short_message and another in message_payload")
    return ShortMessage(
        service_type, source, destination, esm_class, data_coding, text or payload, parameters
    )


class _Reading:
    """A body, read from its beginning to its end."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def octets(self, name: str, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise BadPdu(f"{name} is cut off")
        found = self._body[self._at : end]
        self._at = end
        return found

    def octet(self, name: str) -> int:
        return self.octets(name, 1)[0]

    def c_string(self, name: str, longest: int) -> str:
        """Printable ASCII that ends in NUL; `longest` counts that, too (3.1)."""
        end = self._body.find(0, self._at, self._at + longest)
        if end < 0:
            raise BadPdu(f"{name} has no end within {longest} octets")
        found = self._body[self._at : end]
        self._at = end + 1
        if not all(0x20 <= octet < 0x7F for octet in found):
            raise BadPdu(f"{name} is not visible ASCII")
        return found.decode("ascii")

    def party(self, name: str) -> Party:
        return Party(self.octet(f"{name}_ton"), self.octet(f"{name}_npi"), self.c_string(name, 21))

    def parameters(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        while self._at < len(self._body):
            tag, length = _TLV.unpack(self.octets("an optional parameter's head", 4))
            if tag in found:
                raise BadPdu(f"optional parameter 0x{tag:04x} is given twice")
            found[tag] = self.octets(f"optional parameter 0x{tag:04x}", length)
        return found


_HEADER: Final = Struct("!IIII")
_TLV: Final = Struct("!HH")
