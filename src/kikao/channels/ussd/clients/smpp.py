"""A message centre, as it delivers and as it is handed screens, in the fields that `smpp.fields` makes of PDUs."""

from __future__ import annotations

import hashlib

import msgspec

from kikao.channels.calling import Answer, Call
from kikao.channels.ussd.clients.client import JSON, Exchange, Shown
from kikao.channels.ussd.clients.waiting import WaitingClient
from kikao.channels.ussd.smpp.account import octet
from kikao.channels.ussd.smpp.fields import Submitted


class SmppClient(WaitingClient):
    """A `deliver_sm` for all that a member does; the dialogue is named by `its_session_info`."""

    _session = 0

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`. Two octets name the dialogue, and the lowest bit is no part of it."""
        self._session = (
            int.from_bytes(hashlib.blake2s(dialogue.encode(), digest_size=2).digest(), "big") & 0xFFFE
        )
        self.dialogue = f"{self.number.removeprefix('+')}:{self._session:04x}"
        if self.setting("dialled_in") == "destination_addr":
            return self._delivered(0x01, "", destination_addr=self.dialled(ahead))
        return self._delivered(0x01, self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._delivered(0x12, text)

    def hang_up(self) -> Exchange:
        """The abort of a vendor."""
        return self._delivered(0x81, "")

    def read_pushed(self, call: Call) -> Shown:
        """See `Client.read_pushed`."""
        screen = msgspec.json.decode(call.body, type=Submitted)
        operation = int(screen.ussd_service_op, 16)
        closing = octet(self.setting("close_op", "17"))
        if operation not in (0x02, closing):
            raise ValueError("ussd_service_op")
        session = screen.its_session_info or screen.user_message_reference
        dialogue = f"{screen.destination_addr}:{int(session, 16) & 0xFFFE:04x}"
        return Shown(dialogue, screen.short_message, operation != closing)

    def taken(self) -> Answer:
        """See `Client.taken`."""
        return Answer(200, (("x-command-status", "ESME_ROK"),))

    def _delivered(self, operation: int, text: str, **more: str) -> Exchange:
        by_reference = self.setting("session") == "user_message_reference"
        fields = {
            "service_type": "USSD",
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": self.number.removeprefix("+"),
            "dest_addr_ton": 0,
            "dest_addr_npi": 1,
            "destination_addr": self.code.strip("*#"),
            "esm_class": 0,
            "data_coding": 0,
            "short_message": text,
            "ussd_service_op": f"{operation:02x}",
            "user_message_reference" if by_reference else "its_session_info": f"{self._session:04x}",
            **more,
        }
        return Exchange("", JSON, msgspec.json.encode(fields))
