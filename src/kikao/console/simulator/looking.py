"""Looks at the stored session of whoever holds a phone, and at what the directory has of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kikao.channels.channel import Request
from kikao.channels.edge import request_url
from kikao.channels.inbound import Inbound
from kikao.console.simulator.handset import Behind
from kikao.console.simulator.seeing import conversation_of, wants_secret
from kikao.console.simulator.views import Conversation
from kikao.control import CommandRefused
from kikao.i18n.messages import Translate
from kikao.records import RecordsAway
from kikao.sessions.finding import Finder, Seen
from kikao.sessions.policy import MissingIdentifier, address_kind, session_key
from kikao.sessions.store import StoreUnavailable
from kikao.turn import Turns


class Held(Protocol):
    """A phone in somebody's hand."""

    secret: bool
    """Whether what it shows asks for a secret."""
    met: bool
    """Whether the directory may be asked who this is."""

    @property
    def endpoint(self) -> Behind: ...
    @property
    def inbound(self) -> Inbound: ...


class Unseen(Exception):
    """The stored session cannot be looked at now."""


class Looking:
    """Looks for what is behind a phone. `translate` gives the texts of a language."""

    def __init__(self, turns: Turns, translate: Callable[[str], Translate]) -> None:
        self._turns = turns
        self._translate = translate
        self._finder = Finder(turns.sessions)

    async def seen(self, phone: Held) -> Seen | None:
        """The stored session of a phone; None where there is none. Raises `Unseen`."""
        try:
            return await self._finder.look(await self.key(phone))
        except CommandRefused as problem:
            raise Unseen(str(problem)) from None
        except StoreUnavailable as problem:
            raise Unseen(f"the session store does not answer {problem}".strip()) from None

    async def key(self, phone: Held) -> bytes:
        """That of the session. Raises `Unseen`."""
        turns = self._turns
        try:
            address = turns.address(phone.inbound, self._url(phone))
            return (await self._finder.path(session_key(turns.sessions.ring, address.parts)))[-1]
        except (MissingIdentifier, CommandRefused) as problem:
            raise Unseen(str(problem)) from None
        except StoreUnavailable as problem:
            raise Unseen(f"the session store does not answer {problem}".strip()) from None

    async def conversation(self, phone: Held) -> Conversation:
        """The conversation as the engine sees it."""
        try:
            seen = await self.seen(phone)
        except Unseen as problem:
            return Conversation(problem=str(problem))
        return await self.shown(phone, seen)

    async def shown(self, phone: Held, seen: Seen | None) -> Conversation:
        """The same, of a session that was found."""
        language = await self._language(phone)
        if seen is None:
            return Conversation(language=language)
        locale = seen.session.conversation.locale if seen.session is not None else ""
        policy = self._turns.sessions.policies[phone.inbound.channel]
        return conversation_of(seen, self._turns.sessions, policy, self._translate(locale), language)

    async def is_secret(self, phone: Held, text: str) -> bool:
        """Whether an answer may be a secret: where one is asked for, on this screen or by now, all but a command is."""
        try:
            seen = await self.seen(phone)
        except Unseen:
            return True
        kept = seen.session.conversation if seen is not None and seen.session is not None else None
        if kept is None or not wants_secret(kept):
            return phone.secret
        pending = kept.run.pending if kept.run is not None else None
        assert pending is not None
        navigation = self._turns.engine.navigation
        command = navigation.command(
            text, pending.screen, pending.literal, page=pending.page, pages=pending.pages
        )
        return command is None

    def named(self, phone: Held) -> tuple[str, str]:
        """Who the member is: a kind and an identity, which is a token where the provider hides numbers."""
        return address_kind(self._turns.address(phone.inbound, self._url(phone)))

    def _url(self, phone: Held) -> str:
        of = phone.endpoint.of
        return request_url(Request("POST", of.path, b"", {"host": of.host}, b""))

    async def _language(self, phone: Held) -> str:
        if not phone.met:
            return ""
        try:
            return (await self._turns.members.meet(*self.named(phone))).locale
        except RecordsAway:
            return ""
