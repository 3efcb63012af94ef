"""What a provider gives for a connection to its SMSC, as the settings have it (`KIKAO_USSD_SMPP_…`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, cast

import msgspec

from kikao.channels.ussd.smpp.alphabets import Alphabet
from kikao.config import Hidden, Option

Place = Literal["short_message", "destination_addr"]
"""Where a dial has what was dialled."""

Reference = Literal["auto", "its_session_info", "its_dialog_id", "user_message_reference"]
"""Which optional parameter names a dialogue."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one SMSC: how to get there, and how its USSD is. Times are seconds."""

    host: str
    port: int
    system_id: str
    password: Hidden
    system_type: str
    address_range: str
    tls: bool
    binds: int
    """How many processes may be bound at a time."""
    window: int
    """Screens that may be on their way at a time, without an answer of the SMSC."""
    enquire: float
    """After so much silence the SMSC is asked whether it is there."""
    patience: float
    """So long it may take to answer."""
    at_work: int
    """Requests of it that are processed at a time."""
    service_type: str
    dialled: Place
    session: Reference
    alphabet: Alphabet
    closing: int
    """What `ussd_service_op` is of a screen that closes the dialogue."""
    notifying: int
    """What it is of a notice."""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Account:
        """From the gateway's own settings, which have been checked."""
        return cls(
            host=given["host"],
            port=int(given["port"]),
            system_id=given["system_id"],
            password=Hidden(given["password"].encode()),
            system_type=given["system_type"],
            address_range=given["address_range"],
            tls=given["tls"] == "on",
            binds=int(given["binds"]),
            window=int(given["window"]),
            enquire=float(given["enquire_link"]),
            patience=float(given["response"]),
            at_work=int(given["at_once"]),
            service_type=given["service_type"],
            dialled=cast(Place, given["dialled_in"]),
            session=cast(Reference, given["session"]),
            alphabet=cast(Alphabet, given["alphabet"]),
            closing=octet(given["close_op"]),
            notifying=octet(given["notify_op"]),
        )


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


def _visible(longest: int) -> Callable[[str], None]:
    def check(value: str) -> None:
        if len(value) > longest or not value.isascii() or not value.isprintable():
            raise ValueError(f"must have at most {longest} visible ASCII characters")

    return check


def _number(least: int, most: int) -> Callable[[str], None]:
    def check(value: str) -> None:
        if not (value.isascii() and value.isdigit() and len(value) < 7 and least <= int(value) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}")

    return check


def _one_of(*values: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")

    return check


def _host(value: str) -> None:
    if len(value) > 253 or not value.isascii() or not value.isprintable() or set(value) & set(" /@\\"):
        raise ValueError("must be the name or the address of a machine, without port and path")


OPTIONS: Final = (
    Option(
        "host",
        "the SMSC: the name or the address of the machine",
        "smsc.example.net",
        guards=True,
        check=_host,
        required=True,
        address=True,
    ),
    Option("port", "its port", "2775", default="2775", check=_number(1, 65535), address=True),
    Option(
        "system_id", "who you are there, 15 characters at most", "acme", check=_visible(15), required=True
    ),
    Option("password", "your password there, 8 characters at most", "s3cret", check=_visible(8)),
    Option(
        "system_type", "what the provider wants for `system_type`, if anything", "USSD", check=_visible(12)
    ),
    Option(
        "address_range",
        "which addresses come to you, where the provider wants that said",
        "^384",
        check=_visible(40),
    ),
    Option(
        "tls",
        "`on` for TLS from the first octet on; the certificate must be good for the host",
        "on",
        default="off",
        check=_one_of("on", "off"),
    ),
    Option(
        "binds", "how many of your processes may be bound at a time", "2", default="1", check=_number(1, 64)
    ),
    Option(
        "window",
        "screens that may be unanswered at a time, on each bind",
        "20",
        default="10",
        check=_number(1, 1000),
    ),
    Option(
        "enquire_link",
        "seconds of silence after which the SMSC is asked whether it is there",
        "15",
        default="30",
        check=_number(1, 600),
    ),
    Option("response", "seconds that the SMSC may take to answer", "10", default="5", check=_number(1, 50)),
    Option(
        "at_once",
        "requests that are processed at a time, on each bind; more are told to come again",
        "200",
        default="64",
        check=_number(1, 10_000),
    ),
    Option("service_type", "`service_type` of what is sent", "USSD", default="USSD", check=_visible(5)),
    Option(
        "dialled_in",
        "where a dial has what was dialled: `short_message` or `destination_addr`",
        "destination_addr",
        default="short_message",
        check=_one_of("short_message", "destination_addr"),
    ),
    Option(
        "session",
        "what names a dialogue: `its_session_info`, `its_dialog_id` (its lowest bit tells the end), "
        "`user_message_reference`, or `auto` for the first or the last, whichever is there",
        "its_dialog_id",
        default="auto",
        check=_one_of("auto", "its_session_info", "its_dialog_id", "user_message_reference"),
    ),
    Option(
        "alphabet",
        "the SMSC's default alphabet, `data_coding` 0: `gsm7` or `latin1`",
        "latin1",
        default="gsm7",
        check=_one_of("gsm7", "latin1"),
    ),
    Option(
        "waits",
        "seconds that a dialogue waits for a screen, also while a connection is made anew",
        "60",
        default="30",
        check=_number(1, 600),
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
