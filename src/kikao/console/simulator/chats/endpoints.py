"""What a phone with a chat on it can write to: a line that is played, as the page shows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from kikao.config import Settings, SimulatedEndpoint
from kikao.console.simulator.chats.played import Played
from kikao.console.simulator.endpoints import dressed, unlike, view_of
from kikao.console.simulator.views import EndpointView

LOOKS: Final = {
    "whatsapp": SimulatedEndpoint(
        name="WhatsApp",
        gateway="cloud-api",
        description="A chat with the business, by the Cloud API",
        icon="chat",
        colour="#0b6e4f",
        channel="whatsapp",
    ),
    "telegram": SimulatedEndpoint(
        name="Telegram",
        gateway="bot-api",
        description="A chat with the bot, by the Bot API",
        icon="plane",
        colour="#1f5fa8",
        channel="telegram",
    ),
}
"""How a line looks where no setting says how."""


@dataclass(frozen=True, slots=True)
class ChatEndpoint:
    """An endpoint with all that was left out filled in, and the line behind it."""

    id: str
    of: SimulatedEndpoint
    played: Played

    @property
    def view(self) -> EndpointView:
        """What the page is told of it."""
        return view_of(self.id, self.of)


def chat_endpoints(
    settings: Settings, played: Mapping[str, Played], taken: Collection[str]
) -> dict[str, ChatEndpoint]:
    """By id, none of which is `taken`: those of the settings, or one for each line."""
    found: dict[str, ChatEndpoint] = {}
    for given in settings.endpoints or (LOOKS[channel] for channel in played):
        line = played.get(given.channel)
        if line is None:
            continue
        of = structs.replace(dressed(given, LOOKS[given.channel]), gateway=line.slug, path=line.path)
        id_ = unlike(given.name, {*taken, *found})
        found[id_] = ChatEndpoint(id_, of, line)
    return found
