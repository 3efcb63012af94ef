"""What connects to a message centre (SMSC) over SMPP has to know: settings that USSD and SMS share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kikao.config.gateways import Option


def visible(longest: int) -> Callable[[str], None]:
    """Checks a text of SMPP, which is ASCII."""

    def check(value: str) -> None:
        if len(value) > longest or not value.isascii() or not value.isprintable():
            raise ValueError(f"must have at most {longest} visible ASCII characters")

    return check


def whole(least: int, most: int) -> Callable[[str], None]:
    """Checks a whole number."""

    def check(value: str) -> None:
        if not (value.isascii() and value.isdigit() and len(value) < 7 and least <= int(value) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}")

    return check


def one_of(*values: str) -> Callable[[str], None]:
    """Checks a word."""

    def check(value: str) -> None:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")

    return check


def _host(value: str) -> None:
    if len(value) > 253 or not value.isascii() or not value.isprintable() or set(value) & set(" /@\\"):
        raise ValueError("must be the name or the address of a machine, without port and path")


CONNECTION: Final = (
    Option(
        "host",
        "the SMSC: the name or the address of the machine",
        "smsc.example.net",
        guards=True,
        check=_host,
        required=True,
        address=True,
    ),
    Option("port", "its port", "2775", default="2775", check=whole(1, 65535), address=True),
    Option("system_id", "who you are there, 15 characters at most", "acme", check=visible(15), required=True),
    Option("password", "your password there, 8 characters at most", "s3cret", check=visible(8)),
    Option(
        "system_type", "what the provider wants for `system_type`, if anything", "USSD", check=visible(12)
    ),
    Option(
        "address_range",
        "which addresses come to you, where the provider wants that said",
        "^384",
        check=visible(40),
    ),
    Option(
        "tls",
        "`on` for TLS from the first octet on; the certificate must be good for the host",
        "on",
        default="off",
        check=one_of("on", "off"),
    ),
    Option(
        "binds", "how many of your processes may be bound at a time", "2", default="1", check=whole(1, 64)
    ),
    Option(
        "window",
        "messages that may be unanswered at a time, on each bind",
        "20",
        default="10",
        check=whole(1, 1000),
    ),
    Option(
        "enquire_link",
        "seconds of silence after which the SMSC is asked whether it is there",
        "15",
        default="30",
        check=whole(1, 600),
    ),
    Option("response", "seconds that the SMSC may take to answer", "10", default="5", check=whole(1, 50)),
    Option(
        "at_once",
        "requests that are processed at a time, on each bind; more are told to come again",
        "200",
        default="64",
        check=whole(1, 10_000),
    ),
    Option(
        "alphabet",
        "the SMSC's default alphabet, `data_coding` 0: `gsm7` or `latin1`",
        "latin1",
        default="gsm7",
        check=one_of("gsm7", "latin1"),
    ),
)
"""The connection itself, and who may send how much over it."""
