"""What goes out over SMPP, written by aiosmpplib.

It is used for writing alone. What comes is read by `pdu`: aiosmpplib takes the parameters of USSD for ASCII texts (a
user's abort, 0x81, is none), refuses messages without a text, drops the connection at a status it does not know, and
shows the octets of a PDU in the log where it cannot read one.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack
from typing import Final

from aiosmpplib import (
    NPI,
    TON,
    BindTransceiver,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    OptionalParam,
    PhoneNumber,
    SmppCommandStatus,
    SubmitSm,
    Unbind,
    UnbindResp,
)

from kikao.channels.smpp.account import Account
from kikao.channels.smpp.alphabets import LATIN_1, UCS_2
from kikao.channels.smpp.pdu import Party
from kikao.channels.smpp.submission import Submission

LONGEST: Final = 254
"""Octets of `short_message`; a screen has 182 at most."""


def bind_transceiver(sequence: int, account: Account) -> bytes:
    """Raises `ValueError` for what has no place in it; `Account` has refused that."""
    written: bytes = BindTransceiver(
        sequence_num=sequence,
        system_id=account.system_id,
        password=account.password.reveal().decode(),
        system_type=account.system_type,
        addr_ton=TON.UNKNOWN,
        addr_npi=NPI.UNKNOWN,
        address_range=account.address_range,
    ).pdu()
    return written


def submit_sm(sequence: int, submission: Submission) -> bytes:
    """One message. Raises `ValueError` for an address or a text that has no place in it."""
    coding, octets = submission.text
    if not 0 < len(octets) <= LONGEST:
        raise ValueError(f"a message has 1 to {LONGEST} octets, not {len(octets)}")
    message = SubmitSm(
        sequence_num=sequence,
        short_message="-",  # it wants one; what is sent are the octets
        service_type=submission.service_type,
        source=_phone(submission.source),
        destination=_phone(submission.destination),
        esm_class=submission.esm_class,
        registered_delivery=submission.receipt,
        encoding=_ENCODINGS.get(coding),
        optional_params=[_Octets(tag, octets) for tag, octets in submission.parameters.items()],
    )
    message.set_encoded_message(octets)
    written: bytes = message.pdu()
    return written


def deliver_sm_resp(sequence: int, status: int) -> bytes:
    """The answer to a `deliver_sm`."""
    written: bytes = DeliverSmResp(sequence_num=sequence, command_status=SmppCommandStatus(status)).pdu()
    return written


def enquire_link(sequence: int) -> bytes:
    written: bytes = EnquireLink(sequence).pdu()
    return written


def enquire_link_resp(sequence: int) -> bytes:
    written: bytes = EnquireLinkResp(sequence).pdu()
    return written


def unbind(sequence: int) -> bytes:
    written: bytes = Unbind(sequence).pdu()
    return written


def unbind_resp(sequence: int) -> bytes:
    written: bytes = UnbindResp(sequence).pdu()
    return written


def generic_nack(sequence: int, status: int) -> bytes:
    """The answer to what is no request that is known here."""
    written: bytes = GenericNack(sequence_num=sequence, command_status=SmppCommandStatus(status)).pdu()
    return written


@dataclass
class _Octets(OptionalParam):  # type: ignore[misc]
    """An optional parameter that is octets, which aiosmpplib would take for ASCII."""

    def __post_init__(self) -> None:
        """Nothing is demanded of them."""

    @property
    def tlv(self) -> bytes:
        octets = bytes(self.value)
        return pack("!HH", self.tag, len(octets)) + octets


def _phone(party: Party) -> PhoneNumber:
    """A vendor's own type or plan goes back as unknown: the number says which it is."""
    ton = TON(party.ton) if party.ton in _TONS else TON.UNKNOWN
    npi = NPI(party.npi) if party.npi in _NPIS else NPI.UNKNOWN
    return PhoneNumber(party.number, ton, npi)


_ENCODINGS: Final = {LATIN_1: "latin_1", UCS_2: "ucs2"}
_TONS: Final = frozenset(int(each) for each in TON)
_NPIS: Final = frozenset(int(each) for each in NPI)
