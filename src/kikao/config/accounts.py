"""Accounts that send SMS, with the settings of their own: `KIKAO_SMS_<GATEWAY>_…`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from kikao.config.gateways import Option
from kikao.config.smpp import CONNECTION, one_of, visible, whole
from kikao.config.values import Wrong, region


def _words(value: str) -> None:
    words = [word.strip() for word in value.split(",")]
    if not all(0 < len(word) <= 40 and word.isprintable() for word in words):
        raise ValueError("must be words of at most 40 characters, with commas between them")


def _region(value: str) -> None:
    try:
        region(value)
    except Wrong as error:
        raise ValueError(str(error)) from None


TEXTING: Final = (
    Option(
        "segments",
        "how many short messages one message may take; more is a page away",
        "3",
        default="6",
        check=whole(1, 10),
    ),
    Option(
        "per_second",
        "messages that may leave in a second, over all processes; 0 for as fast as it goes",
        "10",
        default="0",
        check=whole(0, 1000),
    ),
    Option("stop", "words in place of STOP, of every language", "STOP,ACHA", check=_words),
    Option("start", "words in place of START", "START,ANZA", check=_words),
    Option("help", "words in place of HELP", "HELP,MSAADA", check=_words),
)
"""What each account has."""

SMS: Final[Mapping[str, Sequence[Option]]] = {
    "africastalking": (
        Option("username", "the name of the app there; `sandbox` for the sandbox", "sandbox", required=True),
        Option("api_key", "the key of that app", "<what Africa's Talking shows>", required=True),
        *TEXTING,
    ),
    "smpp": (
        *CONNECTION,
        Option("service_type", "`service_type` of what is sent, if anything", "SMS", check=visible(5)),
        Option(
            "concatenation",
            "how parts of a long message are named: in a header of the text, or as optional parameters",
            "sar",
            default="udh",
            check=one_of("udh", "sar"),
        ),
        Option(
            "receipt_ids",
            "how receipts name a message: as the SMSC answered, or as the decimal number of that hexadecimal one",
            "decimal",
            default="same",
            check=one_of("same", "decimal"),
        ),
        Option(
            "region",
            "the country whose national numbers come, ISO 3166-1; international ones come without it",
            "UG",
            check=_region,
        ),
        *TEXTING,
    ),
}
"""By gateway. One of those with an `address` is connected to, and called by nobody."""
