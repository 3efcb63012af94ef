"""A bot, as far as it knows itself: what of a chat is meant for it depends on that."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from kikao.i18n.messages import Message, Text, Translate

CHANNEL: Final = "telegram"


class Bot:
    """One bot. Its id stands in its token, its username in the settings, or it is known once Telegram was asked."""

    def __init__(self, slug: str, id_: int = 0, username: str = "") -> None:
        self.slug = slug
        self.line = f"{CHANNEL}/{slug}"
        self.id = id_
        """0 where the token does not tell."""
        self.username = username
        """Without `@`; empty as long as it is not known."""
        self.commands: Collection[str] = frozenset()
        """The commands that the app has, in lower case: in a group, others are for other bots."""
        self.shares_groups = False
        """Whether all members of a group hold one conversation there."""
        self.translate: Callable[[str], Translate] = lambda _: _as_written

    def is_called(self, name: str) -> bool:
        """Whether this is its username, without `@`; capitals do not matter."""
        return bool(self.username) and name.casefold() == self.username.casefold()

    def link(self, payload: str = "") -> str:
        """Where a private chat with it opens, and says `payload`; empty as long as its username is not known."""
        if not self.username:
            return ""
        return f"https://t.me/{self.username}" + (f"?start={payload}" if payload else "")


def _as_written(text: Text) -> str:
    return text.msgid if isinstance(text, Message) else text
