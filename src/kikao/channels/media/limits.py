"""What channels take: kinds, media types and sizes, as their providers document them.

Where a provider takes something else than stands here, it says so with an error of its own. `certain` is False where
only third parties say so, or where the provider's page leaves room.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from kikao.channels.media.kinds import Kind

KB: Final = 1000
MB: Final = 1000 * 1000
"""Providers do not say which megabytes they mean: of these none is too large."""


class Limit(msgspec.Struct, frozen=True):
    """What a channel takes of a kind."""

    most: int
    """Octets that are uploaded."""
    mimes: frozenset[str] = frozenset()
    """Media types; empty for any."""
    linked: int = 0
    """Octets of what the provider fetches by a link; 0 for the same as `most`."""
    certain: bool = True


WHATSAPP: Final[Mapping[Kind, Limit]] = {
    "image": Limit(5 * MB, frozenset({"image/jpeg", "image/png"})),
    "audio": Limit(
        16 * MB,
        frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}),
    ),
    "video": Limit(16 * MB, frozenset({"video/mp4", "video/3gpp"})),
    "document": Limit(
        100 * MB,
        frozenset(
            {
                "text/plain",
                "application/pdf",
                "application/msword",
                "application/vnd.ms-excel",
                "application/vnd.ms-powerpoint",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            }
        ),
    ),
}
"""Cloud API, "Media", "Supported media types": developers.facebook.com/documentation/business-messaging/whatsapp/
business-phone-numbers/media. Images are 8-bit RGB or RGBA, `audio/ogg` is Opus, videos H.264 with AAC: their first
octets do not tell, so the provider may refuse what fits here."""

WHATSAPP_STICKER: Final = Limit(100 * KB, frozenset({"image/webp"}))
WHATSAPP_ANIMATED_STICKER: Final = Limit(500 * KB, frozenset({"image/webp"}))
"""From the same page. Received like any image; kikao sends none."""

WHATSAPP_MEDIA_ID: Final = 30 * 86400.0
"""Seconds in which an uploaded file may be sent by its id ("Media IDs returned by the API expire after 30 days")."""

WHATSAPP_RECEIVED_ID: Final = 7 * 86400.0
"""Seconds in which what a member sent may be fetched ("Media IDs in webhooks expire after 7 days")."""

TELEGRAM: Final[Mapping[Kind, Limit]] = {
    "image": Limit(
        10 * MB, frozenset({"image/jpeg", "image/png", "image/webp"}), linked=5 * MB, certain=False
    ),
    "audio": Limit(50 * MB, frozenset({"audio/mpeg", "audio/mp4", "audio/ogg"}), linked=20 * MB),
    "video": Limit(50 * MB, frozenset({"video/mp4"}), linked=20 * MB),
    "document": Limit(50 * MB, linked=20 * MB),
}
"""Bot API, "Sending files" and the methods `sendPhoto`, `sendAudio`, `sendVoice`, `sendVideo`, `sendDocument`
(core.telegram.org/bots/api). What is none of these types goes as a document; `audio/ogg` is a voice message. Which
pictures `sendPhoto` takes is not listed there; width and height together are 10,000 at most, and their ratio 20. A file
of another bot, or of another kind, cannot be sent by its id."""

TELEGRAM_DOWNLOAD: Final = 20 * MB
"""What `getFile` gives of what a member sent; more only from a Bot API server of one's own."""

SOCKET: Final[Mapping[Kind, Limit]] = {
    "image": Limit(10 * MB, frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})),
    "audio": Limit(20 * MB, frozenset({"audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/wav"})),
    "video": Limit(20 * MB, frozenset({"video/mp4", "video/webm"})),
    "document": Limit(20 * MB),
}
"""What browsers show by themselves (the HTML Standard leaves the types to them: these all of them have), and no more
than a page waits for. Anything else is saved as a document."""

CHANNELS: Final[Mapping[str, Mapping[Kind, Limit]]] = {
    "whatsapp": WHATSAPP,
    "telegram": TELEGRAM,
    "socket": SOCKET,
}
"""Channels that show files; on any other they are said as text."""


CAPTION: Final = 1024
"""Characters of a caption, on every channel that has them; Telegram counts UTF-16 code units."""


def captioned(channel: str, kind: str) -> bool:
    """Whether a caption goes with what is shown: not with WhatsApp's recordings, nor with a contact on any channel."""
    if kind == "location":
        return channel == "whatsapp"
    return kind != "contact" and not (channel == "whatsapp" and kind == "audio")


def misfit(channel: str, kind: Kind, mime: str, size: int, *, linked: bool = False) -> str:
    """Why a channel does not take a file as this kind; empty if it does. Of a link neither type nor size is known."""
    limit = CHANNELS.get(channel, {}).get(kind)
    if limit is None:
        return f"{channel} shows no files"
    if linked:
        return ""
    if limit.mimes and mime not in limit.mimes:
        return f"{channel} takes no {mime or 'unknown type'} as {kind}"
    return "" if size <= limit.most else f"{channel} takes {limit.most:,} octets of {kind}, not {size:,}"
