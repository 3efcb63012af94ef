"""SMS over SMPP 3.4: one account at a message centre (SMSC). What goes over its connection is in `smpp_link`.

Contract: SMPP Protocol Specification v3.4, and 3GPP TS 23.040 for messages of several parts. Not checked on a live
line; message centres differ in what the settings ask for, in how receipts name a message, and in whether they send any.

- A message goes as a `submit_sm` for each part, the last of them with a request for a receipt. The reference of its
  parts comes from its id, so that parts that are sent again replace those that arrived.
- What members send comes as a `deliver_sm` without an id. One that comes again while the same is processed, or after a
  connection ended of which nobody knows what was read on it, is a copy; see `smpp_link`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from kikao.channels.calling import Make
from kikao.channels.channel import Dedupe
from kikao.channels.chat.message import Parcel
from kikao.channels.numbers import international, national
from kikao.channels.outbox.sender import Destination
from kikao.channels.smpp.account import Account
from kikao.channels.smpp.alphabets import UCS_2, Written, written
from kikao.channels.smpp.pdu import Party
from kikao.channels.smpp.submission import Submission
from kikao.channels.sms.parts import UDHI, Part, header, parameters
from kikao.channels.sms.segments import split
from kikao.channels.sms.texting import SmsGateway
from kikao.config.settings import SmsSettings
from kikao.i18n.gsm7 import septets

SLUG: Final = "smpp"

INTERNATIONAL, NATIONAL, NAME = 1, 2, 5
"""Types of number (5.2.5)."""

ISDN: Final = 1
"""The numbering plan of telephones, E.164 (5.2.6)."""


class SmppSms(SmsGateway):
    """One account. `settings` have its connection among their options; `sender` is a short code, a number or a name."""

    dedupe: Dedupe = "window"
    connects = True

    def __init__(self, settings: SmsSettings) -> None:
        super().__init__(SLUG, settings)
        self.account = Account.of(self.given)

    @property
    def api_url(self) -> str:
        """Where it is connected to."""
        return f"smpp://{self.account.host}:{self.account.port}"

    def destination(self, make: Make, clock: Callable[[], float]) -> Destination:
        """Never: its parcels go over its connection, see `smpp_link`."""
        raise AssertionError(f"{self.line} is not called over HTTP")

    def submissions(self, parcel: Parcel, id_: bytes) -> list[Submission]:
        """What is handed to the SMSC, in order; `id_` is the message's in the outbox."""
        text, latin = parcel.message.text, self.account.alphabet == "latin1"
        wide = septets(text) is None or (latin and any(character > "\xff" for character in text))
        texts = split(text, wide=wide)
        source = self._source(dict(parcel.echo).get("to") or self.settings.sender)
        return [
            self._submission(source, parcel.to, each, Part(id_[0], len(texts), number), wide=wide)
            for number, each in enumerate(texts, 1)
        ]

    def reference(self, id_: str) -> str:
        """The one name by which receipts are found, of what the SMSC answered (`hexadecimal` to some)."""
        if self.given["receipt_ids"] == "decimal" and _HEX(id_):
            return str(int(id_, 16))
        return id_

    def number(self, party: Party) -> str | None:
        """Of who sent a message, in E.164; None for a name, or for a number of which nobody knows the country."""
        value, region = party.number, self.given["region"]
        if party.ton == NATIONAL or value.startswith("0"):
            return national(value if value.startswith("0") else f"0{value}", region) if region else None
        return None if party.ton == NAME else international(value, bare=True)

    def _submission(self, source: Party, to: str, text: str, part: Part, *, wide: bool) -> Submission:
        coded = (
            Written(UCS_2, text.encode("utf-16-be", "replace"))
            if wide
            else written(text, self.account.alphabet)
        )
        several, udh = part.total > 1, self.given["concatenation"] == "udh"
        octets = header(part) + coded.octets if several and udh else coded.octets
        return Submission(
            self.account.service_type,
            source,
            Party(INTERNATIONAL, ISDN, to.removeprefix("+")),
            Written(coded.data_coding, octets),
            parameters(part) if several and not udh else {},
            esm_class=UDHI if several and udh else 0,
            receipt=int(part.number == part.total),
        )

    def _source(self, sender: str) -> Party:
        """By its shape: a name, an international number, or a short code."""
        if not sender or not sender.removeprefix("+").isdecimal():
            return Party(NAME if sender else 0, 0, sender)
        international = sender.startswith("+")
        return Party(INTERNATIONAL if international else 0, ISDN, sender.removeprefix("+"))


_HEX = re.compile("[0-9a-fA-F]{1,16}").fullmatch
