"""What is handed to an SMSC: a screen or a notice, without what only a connection can give it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kikao.channels.smpp.alphabets import Written
from kikao.channels.smpp.pdu import Party


class Submission(msgspec.Struct, frozen=True):
    """One `submit_sm`. `parameters` are its optional ones, by tag."""

    service_type: str
    source: Party
    destination: Party
    text: Written
    parameters: Mapping[int, bytes]
    esm_class: int = 0
    """0x40 where the text begins with a header (5.2.12)."""
    receipt: int = 0
    """1 where the SMSC is to tell how far it came (5.2.17)."""

    def __repr__(self) -> str:
        """Without the text and without the number."""
        return f"<a submission of {len(self.text.octets)} octets>"
