"""What is done with phones that have a chat on them, and what came of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, cast, get_args

from kikao.channels.emulating.deliveries import Order
from kikao.console.simulator.chats.phone import ChatPhone
from kikao.console.simulator.chats.telling import ToldChats
from kikao.console.simulator.chats.views import ChatStep, Mood, WaitingView
from kikao.console.simulator.looking import Looking, Unseen
from kikao.console.simulator.problems import Problem
from kikao.console.simulator.seeing import wants_secret
from kikao.console.simulator.views import MASK
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import Outgoing
from kikao.sessions.store import StoreUnavailable

LONGEST: Final = 5000
"""Characters of a message: more than a channel takes, so that it can be seen what becomes of one."""

ORDERS: Final = {"in_order": "same", "backwards": "reversed", "in_one": "same"}
"""In which the provider tells what it held back."""


class ChatDesk:
    """Does it. `looking` finds the sessions, `told` writes the transcript, `push` has the app send what is due."""

    def __init__(
        self, looking: Looking, sessions: Sessions, told: ToldChats, push: Callable[[], Awaitable[None]]
    ) -> None:
        self._looking = looking
        self._sessions = sessions
        self._told = told
        self._push = push

    async def look(self, phone: ChatPhone, since: int) -> ChatStep:
        """The chat as it is, and the exchanges after that one."""
        if phone.is_entering and not phone.lock.locked() and self._told.has_news(phone):
            phone.is_entering = False
            self._told.entered(phone)
        waiting: tuple[WaitingView, ...] = ()
        secret = False
        try:
            seen = await self._looking.seen(phone)
            waiting = await self._waiting(phone)
        except (Unseen, StoreUnavailable):
            seen = None
        if seen is not None and seen.session is not None:
            secret = wants_secret(seen.session.conversation)
        exchanges = phone.endpoint.played.traffic.of(phone.identity, since)
        conversation = await self._looking.conversation(phone)
        return ChatStep(phone.shown(waiting), exchanges, secret, conversation)

    async def write(self, phone: ChatPhone, text: str, since: int) -> ChatStep:
        """A message. Raises `Problem`."""
        _expect(text)
        async with self._doing(phone):
            secret = not _is_command(text) and await self._looking.is_secret(phone, text)
            await phone.write(text, secret=secret)
            await self._settle(phone)
            self._told.wrote(phone, text, secret=secret)
        return await self.look(phone, since)

    async def tap(self, phone: ChatPhone, message: str, place: int, since: int) -> ChatStep:
        """A button of a message, however old, or a key. Raises `Problem`."""
        async with self._doing(phone):
            is_old = bool(message) and phone.member.chat.last.id != message
            label = await phone.tap(message, place)
            await self._settle(phone)
            self._told.tapped(phone, label, is_old=is_old)
        return await self.look(phone, since)

    async def share(self, phone: ChatPhone, what: str, since: int) -> ChatStep:
        """A photo, a document, a location, a contact. Raises `Problem`."""
        async with self._doing(phone):
            await phone.share(what)
            await self._settle(phone)
            self._told.shared(phone, what)
        return await self.look(phone, since)

    async def edit(self, phone: ChatPhone, text: str, since: int) -> ChatStep:
        """Change what was written last. Raises `Problem`."""
        _expect(text)
        async with self._doing(phone):
            await phone.edit(text)
            await self._settle(phone)
            self._told.changed(phone, text)
        return await self.look(phone, since)

    async def again(self, phone: ChatPhone, since: int) -> ChatStep:
        """The provider delivers the last thing that was done once more. Raises `Problem`."""
        async with self._doing(phone):
            await phone.again()
            await self._settle(phone)
            self._told.again(phone)
        return await self.look(phone, since)

    async def read(self, phone: ChatPhone, since: int) -> ChatStep:
        """Look at the chat, which WhatsApp tells. Raises `Problem`."""
        async with self._doing(phone):
            await phone.read()
            await self._settle(phone)
            self._told.read(phone)
        return await self.look(phone, since)

    async def block(self, phone: ChatPhone, blocked: bool, since: int) -> ChatStep:
        """Hear no more of it, or again."""
        async with self._doing(phone):
            await phone.block(blocked)
            await self._settle(phone)
            self._told.blocked(phone, blocked)
        return await self.look(phone, since)

    async def hold(self, phone: ChatPhone, since: int) -> ChatStep:
        """The provider keeps to itself what members of its channel do."""
        phone.endpoint.played.api.deliveries.held = True
        self._told.held(phone)
        return await self.look(phone, since)

    async def release(self, phone: ChatPhone, order: str, since: int) -> ChatStep:
        """It tells all that it kept, in an order of `ORDERS`. Raises `Problem`."""
        played = phone.endpoint.played
        if order not in ORDERS:
            raise Problem(400, f"the orders are {', '.join(ORDERS)}")
        batch = order == "in_one"
        if batch and not played.view.takes_batches:
            raise Problem(409, "Telegram tells one thing at a time")
        async with self._doing(phone):
            await played.api.deliveries.release(cast(Order, ORDERS[order]), batch=batch)
            await self._settle(phone)
            self._told.released(phone, order)
        return await self.look(phone, since)

    async def feel(self, phone: ChatPhone, mood: str, since: int) -> ChatStep:
        """The provider is in a mood, until another is said. Raises `Problem`."""
        if mood not in get_args(Mood):
            raise Problem(400, f"a provider is {', '.join(get_args(Mood))}")
        felt = cast(Mood, mood)
        phone.endpoint.played.feels(felt)
        self._told.felt(phone, felt)
        async with self._doing(phone):
            await self._settle(phone)
        return await self.look(phone, since)

    # --- how ---

    @contextlib.asynccontextmanager
    async def _doing(self, phone: ChatPhone) -> AsyncIterator[None]:
        """Alone with the phone; a call that names nobody is made for its member."""
        busy = phone.endpoint.played.traffic.busy
        async with phone.lock:
            phone.is_entering = False
            busy.append(phone.identity)
            try:
                yield
            finally:
                busy.remove(phone.identity)
                phone.met = phone.met or bool(phone.member.parcels)

    async def _settle(self, phone: ChatPhone) -> None:
        """What is due leaves, and what the provider tells of it arrives."""
        await self._push()
        await phone.endpoint.played.settle()

    async def _waiting(self, phone: ChatPhone) -> tuple[WaitingView, ...]:
        """What the app has for this member that did not get away."""
        sessions, line = self._sessions, phone.endpoint.played.line
        lanes = [await self._looking.key(phone), sessions.ring.lookup("message to", line, phone.identity)]
        found: list[Outgoing] = []
        for lane in lanes:
            stored = sessions.store.messages(session=lane)
            found += [message async for message in stored if message.to == line and message.state != "sent"]
        found.sort(key=lambda message: message.posted_at)
        return tuple(
            WaitingView(message.state == "dead", message.due_at, message.reason) for message in found
        )


def _expect(text: str) -> None:
    """Raises `Problem` for what nobody can send."""
    if not 0 < len(text) <= LONGEST:
        raise Problem(400, f"a message has 1 to {LONGEST} characters")
    if any((ord(char) < 32 and char != "\n") or 0xD800 <= ord(char) < 0xE000 for char in text):
        raise Problem(400, "nobody types control characters, nor halves of characters")
    if text.strip() == MASK:
        raise Problem(400, f"{MASK} stands for what is hidden here")


def _is_command(text: str) -> bool:
    """Such as /start: no secret, whatever is asked for."""
    return text.startswith("/") and text[1:].isalpha()
