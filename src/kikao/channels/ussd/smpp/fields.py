"""PDUs as fields that the gateway reads and writes, like those of any provider: one JSON object each.

Names are those of the specification. Numbers stay numbers; octets, which only USSD's optional parameters have, are
hexadecimal: `"ussd_service_op": "01"`, `"its_session_info": "0042"`. An optional parameter without a name here is there
by its tag, `tlv_1403`, and without its value.
"""

from __future__ import annotations

from typing import Final

import msgspec

from kikao.channels.smpp.alphabets import Alphabet, read, written
from kikao.channels.smpp.pdu import BadPdu, Party, Tag, short_message
from kikao.channels.smpp.submission import Submission


def fields(body: bytes, alphabet: Alphabet) -> bytes:
    """The body of a `deliver_sm`, as its fields. Raises `BadPdu`."""
    message = short_message(body)
    try:
        text = read(message.octets, message.data_coding, alphabet)
    except ValueError as error:
        raise BadPdu(str(error)) from None
    found: dict[str, object] = {
        "service_type": message.service_type,
        "source_addr_ton": message.source.ton,
        "source_addr_npi": message.source.npi,
        "source_addr": message.source.number,
        "dest_addr_ton": message.destination.ton,
        "dest_addr_npi": message.destination.npi,
        "destination_addr": message.destination.number,
        "esm_class": message.esm_class,
        "data_coding": message.data_coding,
        "short_message": text.replace("\0", ""),  # of a C string, by which no answer ends
    }
    for tag, value in message.parameters.items():
        name = _NAMES.get(tag)
        found[name or f"tlv_{tag:04x}"] = value.hex() if name else ""
    return msgspec.json.encode(found)


def submission(body: bytes, alphabet: Alphabet) -> tuple[Submission, dict[str, str]]:
    """The `submit_sm` that has these fields, written by the gateway; and those that name its dialogue."""
    said = _DECODER.decode(body)
    octets = {"ussd_service_op": said.ussd_service_op, "its_session_info": said.its_session_info}
    octets["user_message_reference"] = said.user_message_reference
    named = {name: value for name, value in octets.items() if value}
    return (
        Submission(
            said.service_type,
            Party(said.source_addr_ton, said.source_addr_npi, said.source_addr),
            Party(said.dest_addr_ton, said.dest_addr_npi, said.destination_addr),
            written(said.short_message, alphabet),
            {tag: bytes.fromhex(named[name]) for tag, name in _NAMES.items() if name in named},
        ),
        named,
    )


class Submitted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A `submit_sm` as its fields. It may say anything: do not log or show it."""

    service_type: str
    source_addr: str
    destination_addr: str
    short_message: str
    ussd_service_op: str
    its_session_info: str = ""
    user_message_reference: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0

    def __repr__(self) -> str:
        return "<a submission>"


_DECODER: Final = msgspec.json.Decoder(Submitted)
_NAMES: Final[dict[int, str]] = {
    Tag.USSD_SERVICE_OP: "ussd_service_op",
    Tag.ITS_SESSION_INFO: "its_session_info",
    Tag.USER_MESSAGE_REFERENCE: "user_message_reference",
}
