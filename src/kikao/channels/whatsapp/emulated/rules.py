"""What the Cloud API refuses, and how it says so.

https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
"""

from __future__ import annotations

from typing import Any, Final

from kikao.channels.emulating.limits import Rate

TEXT: Final = 4096
SHORT: Final = 1024
"""Characters: a text; a caption, or the body of one with buttons."""

EDGE: Final = 60
"""Characters of a header or a footer."""

BUTTONS: Final = 3
TITLE: Final = 20
ROWS: Final = 10
ROW: Final = 24
ABOUT: Final = 72
OPENS: Final = 20
CTA: Final = 20
FLOW_CTA: Final = 30
BUTTON_ID: Final = 256
ROW_ID: Final = 200
OPAQUE: Final = 512
"""Characters of what comes back in reports."""

WINDOW: Final = 24 * 3600.0
"""Seconds after a member's last message in which anything may be said."""

LINK: Final = 300.0
"""Seconds that the URL of a file is good for."""

SIZES: Final = {
    "image": 5 * 2**20,
    "audio": 16 * 2**20,
    "video": 16 * 2**20,
    "document": 100 * 2**20,
    "sticker": 500 * 2**10,
}
"""Octets of media. https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media"""

TITLES: Final = {
    100: "Invalid parameter",
    190: "Invalid OAuth access token",
    130429: "Rate limit hit",
    131000: "Something went wrong",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131021: "Recipient cannot be sender",
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131050: "This recipient has chosen to stop receiving marketing messages",
    131051: "Unsupported message type",
    131052: "Media download error",
    131053: "Media upload error",
    131056: "(Business account, consumer account) pair rate limit hit",
    131062: "Business-scoped user ID recipients are not supported for this message",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132005: "Translated text too long",
    132012: "Parameter format does not match format in the created template",
    132015: "Template is paused",
    132016: "Template is disabled",
}
"""Codes that are played here, with their titles."""

LATER: Final = frozenset({131026, 131047, 131050})
"""Codes that the real API may also tell by a `failed` status, of a message that it took: `api.told_later |= LATER`."""


class Rates:
    """How much may be sent: 80 messages a second from a number, and 45 to one member in a burst, one in 6 s on average.

    `CloudApi(rates=CloudApi.RATES)` has these; `CloudApi.RATES.scaled(10)` ten times as much.
    """

    def __init__(
        self,
        number: Rate | None = Rate(80, 1.0),  # noqa: B008 - immutable
        pair: Rate | None = Rate(45, 270.0),  # noqa: B008
    ) -> None:
        self.number = number
        self.pair = pair

    def scaled(self, factor: float) -> Rates:
        """So many times as much."""
        return Rates(*(rate and rate.scaled(factor) for rate in (self.number, self.pair)))


class Breach(Exception):
    """A call that the Cloud API does not take."""

    def __init__(self, code: int, details: str, status: int = 400) -> None:
        super().__init__(details)
        self.code = code
        self.details = details
        self.status = status

    def error(self) -> dict[str, Any]:
        """As the answer to a call tells it."""
        title = TITLES.get(self.code, "Error")
        return {
            "message": f"(#{self.code}) {title}",
            "type": "OAuthException",
            "code": self.code,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": "AemulatedTrace",
        }

    def reported(self) -> dict[str, Any]:
        """As a `failed` status tells it."""
        title = TITLES.get(self.code, "Error")
        return {
            "code": self.code,
            "title": title,
            "message": title,
            "error_data": {"details": self.details},
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        }


def missing(name: str) -> Breach:
    return Breach(131008, f"Parameter '{name}' is required.")


def invalid(details: str) -> Breach:
    return Breach(131009, details)


def text_of(given: Any, name: str, where: str, most: int, *, needed: bool = True) -> str:
    """A text of some length; empty where it is not needed and not there. Raises `Breach`."""
    value = given.get(name) if isinstance(given, dict) else None
    if value is None and not needed:
        return ""
    if value is None or value == "":
        raise missing(f"{where}.{name}")
    if not isinstance(value, str):
        raise invalid(f"{where}.{name} must be a string")
    if len(value) > most:
        raise invalid(f"{where}.{name} must be at most {most} characters long, not {len(value)}")
    return value


def object_of(given: Any, name: str, where: str = "") -> dict[str, Any]:
    """An object that must be there. Raises `Breach`."""
    value = given.get(name) if isinstance(given, dict) else None
    full = f"{where}.{name}" if where else name
    if value is None:
        raise missing(full)
    if not isinstance(value, dict):
        raise invalid(f"{full} must be an object")
    return value


def list_of(given: Any, name: str, where: str, most: int) -> list[Any]:
    """A list that must not be empty. Raises `Breach`."""
    value = given.get(name) if isinstance(given, dict) else None
    if not value:
        raise missing(f"{where}.{name}")
    if not isinstance(value, list):
        raise invalid(f"{where}.{name} must be a list")
    if len(value) > most:
        raise invalid(f"{where}.{name} must have at most {most}, not {len(value)}")
    return value
