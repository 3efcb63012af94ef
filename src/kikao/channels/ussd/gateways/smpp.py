"""USSD over SMPP 3.4 (operators and aggregators that speak no HTTP): a connection that kikao makes, no URL.

Contract: the specification (5.3.2.44 `ussd_service_op`), and what open-source transports were seen to do. Vendors
differ in nearly everything else; what is known to differ is a setting. Nothing was checked on a live line.

- The SMSC sends `deliver_sm`. `ussd_service_op` 0x01 (PSSR indication) begins a dialogue, 0x12 (USSR confirm) is an
  answer, 0x81 a hang-up; 0x13 (USSN confirm) says that a notice arrived. It gets its `deliver_sm_resp` once the turn is
  committed, and not before.
- Screens are `submit_sm` of their own: `ussd_service_op` 0x02 (USSR request) goes on, 0x11 (PSSR response) ends; one
  production library sends 0x17 there, so that it is a setting.
- The dialogue is named by `its_session_info`, of which one vendor's lowest bit tells the end, or by
  `user_message_reference`, which is unique with the number only. It goes back as it came.
- What was dialled is in `short_message` or in `destination_addr`.
- Nothing names a message: `dedupe` is "window", and the link knows more (`smpp.link`).

What stands here is read from the fields into which `smpp.fields` turns a PDU; so a request of this gateway can be
written, kept and shown like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

import msgspec
from msgspec import structs

from kikao.channels.calling import Answer, Call, Make, judged
from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.outbox.sender import Delivered, Destination, Outcome
from kikao.channels.reading import MAX_NAMES
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_CODE, dialled_ahead
from kikao.channels.ussd.notices import NotifyingGateway
from kikao.channels.ussd.pages import Budget
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.smpp.account import OPTIONS, UssdAccount
from kikao.channels.ussd.smpp.fields import Submitted
from kikao.config import Hidden
from kikao.conversation.screens import Screen
from kikao.conversation.secrets import Secret
from kikao.i18n.messages import Translate

NATIONAL: Final = 2
"""Type of number (5.2.5): without a country code, and mostly without the 0 before it."""

CONTINUE: Final = 0x02
"""USSR request: a screen that waits for an answer."""

RECEIPT: Final = 0x04
"""In `esm_class`: a delivery receipt."""

SPARE: Final = 1.0
"""Seconds that a try may take beyond the patience with the SMSC."""

STATUS: Final = "x-command-status"
"""The header that says how an SMSC answered."""


class Smpp(NotifyingGateway):
    """The gateway `smpp`. `codes` are needed for long dials, as for any gateway that sends what was dialled."""

    slug = "smpp"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end", "abort", "notice"})
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    bare_numbers = True
    connects = True
    options = OPTIONS
    contract = Contract(
        provider="SMPP",
        places="operators and aggregators everywhere",
        certainty="seen",
        source="SMPP 3.4, 5.3.2.44, and open-source transports that talk to production message centres",
        new="`ussd_service_op` is 0x01 (PSSR indication)",
        reply="`ussd_service_op` is 0x12 (USSR confirm)",
        end="the lowest bit of `its_session_info` is 1, where `KIKAO_USSD_SMPP_SESSION` is `its_dialog_id`",
        abort="`ussd_service_op` is 0x81, which is a vendor's own",
        notice="`ussd_service_op` is 0x13 (USSN confirm), or it is a delivery receipt",
        copies="the same answer in the same dialogue within a second of its reply, or while the message centre may "
        "not have read that the first was taken",
        authentication=("key",),
        limits=(
            "`system_id` has 15 characters at most, `password` 8",
            "the message centre gets 5 seconds to answer (`KIKAO_USSD_SMPP_RESPONSE`)",
        ),
        setup=(
            "Set `KIKAO_USSD_SMPP_PASSWORD` to your password there",
            "Install the extra: `pip install './kikao[smpp]'` beside a checkout of kikao",
            "Ask the provider what of the settings below differs there: [what to ask]"
            "(../how-to/connect-smpp.md#1-ask-the-provider)",
        ),
        notes=(
            "There is no URL: kikao connects, and binds as a transceiver: a provider that wants a transmitter and a "
            "receiver apart is not served.",
            "A `deliver_sm` is answered when its turn is committed: ESME_ROK; ESME_RX_T_APPN when it cannot be taken "
            "now and should come again; ESME_RX_R_APPN when it is not what this page says.",
        ),
        on_a_phone=(
            "A last screen closes the dialogue: if the phone waits on, `KIKAO_USSD_SMPP_CLOSE_OP` is another",
            "`@ $ _ { } é` come through, both ways: if not, `KIKAO_USSD_SMPP_ALPHABET` is another",
        ),
        wanted=(
            "which `ussd_service_op` closes: 0x11 by the table, 0x17 in one production library",
            "an id that tells a `deliver_sm` that is sent again",
            "how a message centre tells that nobody answered in time",
        ),
    )

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.patience = float(self.given["waits"])

    @cached_property
    def account(self) -> UssdAccount:
        """How to get to the SMSC, and how its USSD is."""
        return UssdAccount.of(self.given)

    def parse(self, request: Request) -> Inbound:
        """One `deliver_sm`, as `smpp.fields` has it. Raises `BadRequest`."""
        fields = self.json(request)
        operation = self._octets(fields, "ussd_service_op", 1) if self._says(fields) else ""
        happening = _HAPPENINGS.get(operation)
        if happening is None:
            raise self.refuse("field ussd_service_op is none that a message centre sends")
        identity, msisdn = self._sender(fields)
        dialogue, over = self._dialogue(fields)
        destination = self._destination(fields)
        typed, note = self.typed(fields, "short_message"), ""
        if happening == "new":
            dialled = destination if self.account.dialled == "destination_addr" else typed
            ahead = dialled_ahead(dialled, self.codes)
            note = self.untaken(dialled) if ahead is None else ""
            typed = ahead or ""
        elif over and happening == "reply":
            happening = "end"
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=identity,
            happening=happening,
            text=Secret(typed),
            dialogue=f"{identity.removeprefix('+')}:{dialogue}" if dialogue else "",
            service_code=self._code(destination),
            msisdn=msisdn,
            unknown_fields=self._unlisted(fields),
            note=note,
            echo=self._echo(fields),
        )

    def acknowledge(self, inbound: Inbound) -> Response:
        """An empty 200, which is ESME_ROK."""
        return Response(200, (), b"")

    @property
    def url(self) -> str:
        """Where kikao connects to."""
        return f"smpp://{self.account.host}:{self.account.port}"

    def call(self, pushed: Pushed, message: str) -> Call:
        """The `submit_sm` of a page, as its fields: whoever makes the call writes the PDU."""
        return self._submitted(pushed, self.account.closing if pushed.ends else CONTINUE)

    def notice(self, number: str, text: str, *, code: str) -> Call:
        """A notice that no member asked for (USSN request), E.164 and the service code that it comes from.

        The phone shows it, and its `USSN confirm` comes as a "notice".
        """
        echo = (
            ("source_addr", number.removeprefix("+")),
            ("source_addr_ton", "1"),
            ("source_addr_npi", "1"),
            ("destination_addr", code.strip("*#")),
            ("dest_addr_ton", "0"),
            ("dest_addr_npi", "1"),
        )
        return self._submitted(Pushed(text, True, 0.0, number, "", code, echo), self.account.notifying)

    def outcome(self, answer: Answer, now: float) -> Outcome:
        """By the status of its `submit_sm_resp`, whose name is the reason."""
        outcome = judged(answer, now)
        if isinstance(outcome, Delivered) or not (status := answer.header(STATUS)):
            return outcome
        return structs.replace(outcome, reason=status)

    def destination(self, make: Make, clock: Callable[[], float]) -> Destination:
        """See `CallingGateway.destination`. A try takes as long as the SMSC may, or its answer comes to nobody."""
        return structs.replace(super().destination(make, clock), timeout=self.account.patience + SPARE)

    def pages(self, screen: Screen, translate: Translate) -> list[str]:
        """See `UssdGateway.pages`.

        Where the SMSC's alphabet is Latin-1, some of GSM 7-bit is not in it (`€`, Greek): such a screen goes as UCS-2,
        and has to fit so.
        """
        pages = super().pages(screen, translate)
        if self.account.alphabet == "latin1" and not all(map(self._is_latin, pages)):
            narrow = min(self.budget.septets, self.budget.units)
            return Smpp(budget=Budget(narrow, narrow)).pages(screen, translate)
        return pages

    def _submitted(self, pushed: Pushed, operation: int) -> Call:
        came = dict(pushed.echo)
        session = came.get("its_session_info", "")
        if session and self.account.session == "its_dialog_id":
            session = f"{int(session, 16) & 0xFFFE | (operation == self.account.closing):04x}"
        submitted = Submitted(
            service_type=self.account.service_type,
            source_addr=came["destination_addr"],
            source_addr_ton=int(came["dest_addr_ton"]),
            source_addr_npi=int(came["dest_addr_npi"]),
            destination_addr=came["source_addr"],
            dest_addr_ton=int(came["source_addr_ton"]),
            dest_addr_npi=int(came["source_addr_npi"]),
            short_message=pushed.text,
            ussd_service_op=f"{operation:02x}",
            its_session_info=session,
            user_message_reference=came.get("user_message_reference", ""),
        )
        return Call(Hidden(self.url.encode()), _HEADERS, msgspec.json.encode(submitted))

    # --- fields ---

    def _says(self, fields: dict[str, object]) -> bool:
        """Whether it has an operation; a receipt needs none. Raises `BadRequest` where it should."""
        if "ussd_service_op" not in fields and self._whole(fields, "esm_class") & 0x3C == RECEIPT:
            return False
        self.required(fields, "ussd_service_op")
        return True

    def _sender(self, fields: dict[str, object]) -> tuple[str, str]:
        if self._whole(fields, "source_addr_ton") == NATIONAL:
            bare = self.token(fields, "source_addr", MAX_ADDRESS)
            return self.sender({"source_addr": bare if bare[0] == "0" else f"0{bare}"}, "source_addr")
        return self.sender(fields, "source_addr")

    def _dialogue(self, fields: dict[str, object]) -> tuple[str, bool]:
        """What the SMSC calls the dialogue, in hexadecimal, and whether it says that this was the end of it."""
        wanted = self.account.session
        if wanted == "user_message_reference" or (wanted == "auto" and "its_session_info" not in fields):
            if wanted == "auto" and "user_message_reference" not in fields:
                return "", False
            return self._octets(fields, "user_message_reference", 2), False
        session = self._octets(fields, "its_session_info", 2)
        if wanted != "its_dialog_id":
            return session, False
        number = int(session, 16)
        return f"{number >> 1:04x}", bool(number & 1)

    def _destination(self, fields: dict[str, object]) -> str:
        if self.required(fields, "destination_addr") == "":
            return ""
        return self.token(fields, "destination_addr", MAX_CODE)

    def _code(self, destination: str) -> str:
        """The service code as members dial it: `*384#` of `384`, `*384#` or `*384*1*500#`, empty where none is said.

        It is the same in every request of a dialogue, since it is part of whose session it is.
        """
        for code in sorted(self.codes, key=len, reverse=True):
            if dialled_ahead(destination, (code,)) is not None:
                return code
        plain = destination.strip("*#")
        return f"*{plain}#" if plain else ""

    def _echo(self, fields: dict[str, object]) -> tuple[tuple[str, str], ...]:
        numbers = ("source_addr_ton", "source_addr_npi", "dest_addr_ton", "dest_addr_npi")
        texts = ("source_addr", "destination_addr", "its_session_info", "user_message_reference")
        kept = [(name, self.required(fields, name)) for name in texts if name in fields]
        return (*kept, *((name, str(self._whole(fields, name))) for name in numbers))

    def _octets(self, fields: dict[str, object], name: str, count: int) -> str:
        value = self.required(fields, name)
        if len(value) != 2 * count or _HEX(value) is None:
            raise self.refuse(f"field {name} must be {count} octet{'s'[: count > 1]} in hexadecimal")
        return value.lower()

    def _whole(self, fields: dict[str, object], name: str) -> int:
        value = fields.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 0xFF:
            raise self.refuse(f"field {name} must be a number from 0 to 255")
        return value

    def _unlisted(self, fields: dict[str, object]) -> tuple[str, ...]:
        """A vendor's optional parameters by their tags, which are no answers, and whatever else there is."""
        tags = tuple(name for name in fields if _TAGGED(name))[:MAX_NAMES]
        return tags + self.unknown({name: None for name in fields if name not in tags}, _REQUEST)

    def _is_latin(self, page: str) -> bool:
        return len(page) <= self.budget.units or all(character <= "\xff" for character in page)


MAX_ADDRESS: Final = 20
"""Characters of an address (5.2.8)."""

_HAPPENINGS: Final[dict[str, Happening]] = {
    "": "notice",
    "01": "new",
    "12": "reply",
    "13": "notice",
    "81": "abort",
}
_REQUEST: Final = frozenset(
    {
        "service_type",
        "source_addr_ton",
        "source_addr_npi",
        "source_addr",
        "dest_addr_ton",
        "dest_addr_npi",
        "destination_addr",
        "esm_class",
        "data_coding",
        "short_message",
        "ussd_service_op",
        "its_session_info",
        "user_message_reference",
    }
)
_HEADERS: Final = (("content-type", "application/json"),)
_HEX = re.compile("[0-9a-fA-F]+").fullmatch
_TAGGED = re.compile("tlv_[0-9a-f]{4}").fullmatch
