"""The other side of a gateway: the requests a provider sends for a phone. For `kikao chat` and for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlencode

import msgspec

FORM: Final = (("content-type", "application/x-www-form-urlencoded"),)
JSON: Final = (("content-type", "application/json"),)


class Exchange(msgspec.Struct, frozen=True):
    """One request, as the provider would make it. `path` is filled in by who knows the server."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Client(Protocol):
    """A phone as seen through a provider."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """A new dialogue, with the provider's id for it; `ahead` is what was dialled behind the code."""
        ...

    def answer(self, text: str) -> Exchange:
        """What the member typed on the present screen."""
        ...

    def hang_up(self) -> Exchange | None:
        """The member ended the dialogue: what the provider tells of it, None where it tells nothing."""
        ...

    def read(self, body: bytes) -> tuple[str, bool]:
        """The text of a reply, and whether the dialogue goes on."""
        ...


class AfricasTalkingClient:
    """Form posts with everything typed since the dial, joined by `*`."""

    def __init__(self, number: str, code: str) -> None:
        self._number = number
        self._code = code
        self._dialogue = ""
        self._text = ""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self._dialogue, self._text = dialogue, ahead
        return self._exchange()

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        self._text = f"{self._text}*{text}" if self._text else text
        return self._exchange()

    def hang_up(self) -> Exchange:
        """An end notification. Its `input` repeats everything that was typed, as the provider's does."""
        fields = {
            "date": "2026-01-05 10:20:30",
            "sessionId": self._dialogue,
            "serviceCode": self._code,
            "networkCode": "99999",
            "phoneNumber": self._number,
            "status": "Incomplete",
            "cost": "0",
            "durationInMillis": "20000",
            "hopsCount": "2",
            "input": self._text,
            "lastAppResponse": "",
            "errorMessage": "",
        }
        return Exchange("", FORM, urlencode(fields).encode())

    def read(self, body: bytes) -> tuple[str, bool]:
        """See `Client.read`."""
        state, _, text = body.decode().partition(" ")
        return text, state == "CON"

    def _exchange(self) -> Exchange:
        fields = {
            "sessionId": self._dialogue,
            "phoneNumber": self._number,
            "networkCode": "99999",
            "serviceCode": self._code,
            "text": self._text,
        }
        return Exchange("", FORM, urlencode(fields).encode())


class NaloClient:
    """JSON with the last answer only; numbers of Ghana come without their `+`."""

    def __init__(self, number: str, code: str) -> None:
        self._number = number.removeprefix("+") if number.startswith("+233") else number
        self._code = code
        self._dialogue = ""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self._dialogue = dialogue
        return self._exchange(
            f"{self._code.removesuffix('#')}*{ahead}#" if ahead else self._code, begins=True
        )

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange(text, begins=False)

    def hang_up(self) -> None:
        """Nothing is told."""
        return

    def read(self, body: bytes) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(body)
        return fields["MSG"], fields["MSGTYPE"]

    def _exchange(self, typed: str, *, begins: bool) -> Exchange:
        fields = {
            "USERID": "KIKAO",
            "MSISDN": self._number,
            "USERDATA": typed,
            "MSGTYPE": begins,
            "NETWORK": "MTN",
            "SESSIONID": self._dialogue,
        }
        return Exchange("", JSON, msgspec.json.encode(fields))


CLIENTS: Final[dict[str, Callable[[str, str], Client]]] = {
    "africastalking": AfricasTalkingClient,
    "nalo": NaloClient,
}
"""By gateway; each is made with a member's number and a service code."""
