"""What a provider gives for USSD over its SMSC, as the settings have it (`KIKAO_USSD_SMPP_…`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from kikao.channels.smpp.account import Account
from kikao.config import Option
from kikao.config.smpp import CONNECTION, one_of, visible, whole

Place = Literal["short_message", "destination_addr"]
"""Where a dial has what was dialled."""

Reference = Literal["auto", "its_session_info", "its_dialog_id", "user_message_reference"]
"""Which optional parameter names a dialogue."""


class UssdAccount(Account, frozen=True, kw_only=True):
    """One account at one SMSC: how to get there, and how its USSD is."""

    dialled: Place
    session: Reference
    closing: int
    """What `ussd_service_op` is of a screen that closes the dialogue."""
    notifying: int
    """What it is of a notice."""

    @classmethod
    def fields(cls, given: Mapping[str, str]) -> dict[str, Any]:
        """See `Account.fields`."""
        return {
            **super().fields(given),
            "dialled": cast(Place, given["dialled_in"]),
            "session": cast(Reference, given["session"]),
            "closing": octet(given["close_op"]),
            "notifying": octet(given["notify_op"]),
        }


def octet(value: str) -> int:
    """An octet as settings have it: `17` or `0x11`. Raises `ValueError`."""
    hexadecimal = value[:2].lower() == "0x"
    found = int(value, 16 if hexadecimal else 10) if value.isascii() and value.isalnum() else -1
    if not 0 <= found <= 0xFF:
        raise ValueError("must be an octet, 0 to 255 or 0x00 to 0xff")
    return found


def _octet(value: str) -> None:
    try:
        octet(value)
    except ValueError:
        raise ValueError("must be an octet, 0 to 255 or 0x00 to 0xff") from None


OPTIONS: Final = (
    *CONNECTION,
    Option("service_type", "`service_type` of what is sent", "USSD", default="USSD", check=visible(5)),
    Option(
        "dialled_in",
        "where a dial has what was dialled: `short_message` or `destination_addr`",
        "destination_addr",
        default="short_message",
        check=one_of("short_message", "destination_addr"),
    ),
    Option(
        "session",
        "what names a dialogue: `its_session_info`, `its_dialog_id` (its lowest bit tells the end), "
        "`user_message_reference`, or `auto` for the first or the last, whichever is there",
        "its_dialog_id",
        default="auto",
        check=one_of("auto", "its_session_info", "its_dialog_id", "user_message_reference"),
    ),
    Option(
        "waits",
        "seconds that a dialogue waits for a screen, also while a connection is made anew",
        "60",
        default="30",
        check=whole(1, 600),
    ),
    Option(
        "close_op",
        "`ussd_service_op` of a screen that closes the dialogue",
        "0x17",
        default="17",
        check=_octet,
    ),
    Option("notify_op", "`ussd_service_op` of a notice", "3", default="3", check=_octet),
)
"""The settings of the gateway `smpp`, besides those of all."""
