"""Whom a member can call."""

from __future__ import annotations

import msgspec

from kikao.conversation import Chat
from kikao.i18n import Message, t


class Support(msgspec.Struct, frozen=True):
    """A service's own line for its members. Give yours in `App(services={Support: Support(phone=...)})`."""

    phone: str = "0800 000 000"
    """As members dial it; the default is an example."""


def support(chat: Chat) -> Support:
    """The app's."""
    return chat.service(Support)


def locked(chat: Chat) -> Message:
    """What a member reads whose account is locked."""
    return t("Your account is locked. Call {phone} to unlock it.", phone=support(chat).phone)
