"""A business on WhatsApp: its numbers, templates and files, and what it is told of people."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Callable, Sequence
from typing import Any

from kikao.channels.emulating.chats import TICKS, Media, Message
from kikao.channels.emulating.deliveries import Parcel, Send
from kikao.channels.emulating.emulator import Emulator
from kikao.channels.whatsapp.emulated.parties import Number, Person
from kikao.channels.whatsapp.emulated.rules import Breach
from kikao.channels.whatsapp.emulated.templates import Approved


class Business(Emulator):
    """What there is of one business, whoever asks. How it is called is for those who derive from it."""

    def __init__(
        self,
        number: Number,
        templates: Sequence[Approved],
        *,
        path: str,
        send: Send | None,
        clock: Callable[[], float] | None,
        chance: random.Random | None,
    ) -> None:
        super().__init__(path=path, send=send, clock=clock, chance=chance, batches=True)
        self.numbers = [number]
        self.templates = list(templates)
        self.ordered = False
        """Whether messages of one member wait for each other. WhatsApp does not: they overtake what was not taken."""
        self.files: dict[str, Media] = {}
        """By their ids."""
        self.people: dict[str, Person] = {}
        """By phone, and by user id."""
        self.heard: dict[str, Person] = {}
        """Who wrote each message, by its id."""

    def new_id(self) -> str:
        """Of a message."""
        return f"wamid.{base64.b64encode(self.chance.randbytes(24)).decode()}"

    def message(self, sender: dict[str, Any], kind: str, content: dict[str, Any]) -> dict[str, Any]:
        """A new message of a member, as a webhook has it."""
        return {**sender, "id": self.new_id(), "timestamp": str(int(self.clock())), "type": kind, **content}

    def file(self, media: Media) -> dict[str, Any]:
        """Keep a file; how a message tells of it."""
        name = str(self.chance.randrange(10**15, 10**16))
        self.files[name] = media
        digest = base64.b64encode(hashlib.sha256(media.data or b"").digest()).decode()
        return {"id": name, "mime_type": media.mime, "sha256": digest}

    def renumbered(self, old: str, person: Person) -> None:
        """Somebody has another number, and the old one is nobody's."""
        self.people.pop(old, None)
        self.people[person.phone] = person

    async def tell(self, field: str, number: Number | None, value: dict[str, Any]) -> Parcel:
        """Something happened at a number: to the webhook at once."""
        parcel = self._post(field, number or self.numbers[0], value)
        await self.deliver()
        return parcel

    def report(
        self, message: Message, status: str, person: Person, number: Number, breach: Breach | None = None
    ) -> None:
        """What became of a message; it is delivered with what is due next."""
        if status in TICKS and message.ticks in TICKS and TICKS.index(status) < TICKS.index(message.ticks):
            pass  # told, but what is known already says more
        else:
            message.ticks = status
        said: dict[str, Any] = {"id": message.id, "status": status, "timestamp": str(int(self.clock()))}
        said |= {"recipient_id": person.phone} if person.phone else {"recipient_user_id": person.user_id}
        if message.raw and "biz_opaque_callback_data" in message.raw:
            said["biz_opaque_callback_data"] = message.raw["biz_opaque_callback_data"]
        if breach is not None:
            said["errors"] = [breach.reported()]
        else:
            category = "utility" if message.kind == "template" else "service"
            said["pricing"] = {
                "billable": message.kind == "template",
                "pricing_model": "PMP",
                "category": category,
            }
        self._post("messages", number, {"statuses": [said]})

    def _post(self, field: str, number: Number, value: dict[str, Any]) -> Parcel:
        metadata = {"display_phone_number": number.display, "phone_number_id": number.id}
        said = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        first = value.get("messages", [{}])[0] if self.ordered else {}
        lane = first.get("from") or first.get("from_user_id") or ""
        return self.deliveries.post((number.account, field, said), lane)
