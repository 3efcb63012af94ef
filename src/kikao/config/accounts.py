"""Accounts that send SMS, with the settings of their own: `KIKAO_SMS_<GATEWAY>_…`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from kikao.config.gateways import Option


def whole(least: int, most: int) -> Callable[[str], None]:
    """Checks a whole number."""

    def check(value: str) -> None:
        if not (value.isascii() and value.isdigit() and len(value) < 7 and least <= int(value) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}")

    return check


def _words(value: str) -> None:
    words = [word.strip() for word in value.split(",")]
    if not all(0 < len(word) <= 40 and word.isprintable() for word in words):
        raise ValueError("must be words of at most 40 characters, with commas between them")


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
}
"""By gateway. One of those with an `address` is connected to, and called by nobody."""
