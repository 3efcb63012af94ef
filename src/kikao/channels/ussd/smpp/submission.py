"""What is handed to an SMSC: a screen or a notice, without what only a connection can give it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kikao.channels.ussd.smpp.alphabets import Written
from kikao.channels.ussd.smpp.pdu import Party


class Submission(msgspec.Struct, frozen=True):
    """One `submit_sm`. `parameters` are its optional ones, by tag."""

    service_type: str
    source: Party
    destination: Party
    text: Written
    parameters: Mapping[int, bytes]

    def __repr__(self) -> str:
        """Without the text and without the number."""
        return f"<a submission of {len(self.text.octets)} octets>"
