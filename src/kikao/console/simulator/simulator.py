"""Phones on a table, the app they talk to, and the clock above them."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Final, NamedTuple

from msgspec import structs

from kikao.channels.channel import Response
from kikao.channels.line import Posted, Send
from kikao.config import Settings
from kikao.console.simulator.chats.desk import ChatDesk
from kikao.console.simulator.chats.endpoints import ChatEndpoint, chat_endpoints
from kikao.console.simulator.chats.phone import ChatPhone
from kikao.console.simulator.chats.played import PlayedLines
from kikao.console.simulator.chats.telling import ToldChats
from kikao.console.simulator.clock import SimulatedClock
from kikao.console.simulator.endpoints import Endpoint, endpoints
from kikao.console.simulator.listening import Done, listening
from kikao.console.simulator.looking import Looking, Unseen
from kikao.console.simulator.phone import SimulatedPhone
from kikao.console.simulator.problems import Problem
from kikao.console.simulator.pushes import Pushes
from kikao.console.simulator.seeing import lines_on, wants_secret
from kikao.console.simulator.telling import Told
from kikao.console.simulator.views import (
    Conversation,
    CostView,
    Moment,
    PhoneView,
    ReplyView,
    RequestView,
    Setup,
    Step,
)
from kikao.console.simulator.web.face import WebEndpoint, WebFace, WebPhone, user_of
from kikao.console.simulator.web.site import WebSite
from kikao.conversation.journal import Conversation as Kept
from kikao.conversation.screens import Screen
from kikao.events import ScreenShown, TurnCommitted
from kikao.i18n.e164 import is_e164
from kikao.i18n.gsm7 import cost
from kikao.i18n.messages import Translate
from kikao.members import UnknownMember
from kikao.records import CommitUnknown, RecordsAway
from kikao.turn import WINDOW, Turns

MOST: Final = 24
"""Phones on the table; of more, the one that was put there first goes."""

NUMBERS: Final = ("+256772000001", "+256772000002", "+254712000001", "+255712000001", "+233241234567")
"""Numbers to begin with: two of Uganda, so that one can send to the other, and one each of their neighbours."""

LONGEST: Final = 1000
"""Characters of an answer: more than a phone takes, so that it can be seen what becomes of one."""


class Simulator:
    """The phones of a running app.

    `send` passes a request through the app's own HTTP door; `settled` is called after time was moved, and has the
    sweeper and recovery look at what that changed. `pushes` hears the screens that come by a call of their own, and
    `push` has those sent that are due. `translate` gives the texts of a language. `lines` are those of chats that are
    played, `web` is the web chat.
    """

    def __init__(
        self,
        settings: Settings,
        turns: Turns,
        clock: SimulatedClock,
        *,
        send: Send,
        settled: Callable[[], Awaitable[None]],
        pushes: Pushes,
        push: Callable[[], Awaitable[None]],
        translate: Callable[[str], Translate],
        keeps_members: bool,
        lines: PlayedLines | None = None,
        web: WebFace | None = None,
    ) -> None:
        self._settings = settings
        self._turns = turns
        self._clock = clock
        self._send = send
        self._settled = settled
        self._pushes = pushes
        self._push = push
        self._translate = translate
        self._keeps_members = keeps_members
        self._lines = lines
        self._web = web
        self._texts = None if lines is None else lines.texts
        self._looking = Looking(turns, translate)
        self._phones: dict[str, SimulatedPhone | ChatPhone | WebPhone] = {}
        self.told = Told()
        """The transcript."""
        self.chats = ChatDesk(self._looking, turns.sessions, ToldChats(self.told), push)
        """What is done with phones that have a chat on them."""
        self.web_site = WebSite(self._looking, turns.members if keeps_members else None)
        """What is done with phones that are web chats."""
        if lines is not None:
            lines.connect(send, push)

    @functools.cached_property
    def _endpoints(self) -> Mapping[str, Endpoint]:
        """Made when somebody looks: most servers never have a phone on the table."""
        return endpoints(self._settings)

    @functools.cached_property
    def _chat_endpoints(self) -> Mapping[str, ChatEndpoint]:
        played = {} if self._lines is None else self._lines.played
        return chat_endpoints(self._settings, played, self._endpoints)

    @functools.cached_property
    def _web_endpoints(self) -> Mapping[str, WebEndpoint]:
        taken = [*self._endpoints, *self._chat_endpoints]
        return {} if self._web is None else self._web.endpoints(self._settings, taken)

    @property
    def setup(self) -> Setup:
        """What there is to choose from."""
        chats = (endpoint.view for endpoint in self._chat_endpoints.values())
        webs = (endpoint.view for endpoint in self._web_endpoints.values())
        views = (*(endpoint.view for endpoint in self._endpoints.values()), *chats, *webs)
        is_live = self._web is not None and not self._web.is_own
        return Setup(views, self._turns.engine.locales, NUMBERS, self.moment, is_live)

    @property
    def moment(self) -> Moment:
        """What time it is."""
        return Moment(self._clock(), self._clock.offset)

    @property
    def phones(self) -> tuple[PhoneView, ...]:
        """The phones on the table, in the order in which they were put there."""
        texts = self._texts
        return tuple(
            phone.view if texts is None else structs.replace(phone.view, texts=texts.of(phone.number))
            for phone in self._phones.values()
        )

    def add(self, endpoint: str, number: str) -> PhoneView:
        """Put a phone on the table. Raises `Problem`."""
        if endpoint not in {**self._endpoints, **self._chat_endpoints, **self._web_endpoints}:
            there = ", ".join([*self._endpoints, *self._chat_endpoints, *self._web_endpoints])
            raise Problem(400, f"there is no such endpoint; there are {there}")
        if endpoint not in self._web_endpoints and not is_e164(number):
            raise Problem(
                400, "the number must be international: + and 7 to 15 digits, such as +256772000001"
            )
        phone: SimulatedPhone | ChatPhone | WebPhone
        if endpoint in self._web_endpoints:
            phone = WebPhone(self._web_endpoints[endpoint], user_of(number))
        elif endpoint in self._endpoints:
            phone = SimulatedPhone(self._endpoints[endpoint], number)
        else:
            phone = ChatPhone(self._chat_endpoints[endpoint], number)
        self._phones[phone.id] = phone
        if self._texts is not None:
            self._texts.expect(number)
        while len(self._phones) > MOST:
            self.remove(next(iter(self._phones)))
        return phone.view

    def remove(self, id_: str) -> None:
        """Take a phone off the table; nothing is told to the server. Raises `Problem`."""
        phone = self.any(id_)
        phone.forget()
        if self._texts is not None:
            self._texts.forget(phone.number)
        del self._phones[id_]

    async def close(self) -> None:
        """Forget what was typed on any phone, and tell the app nothing more of chats."""
        for phone in self._phones.values():
            phone.forget()
        self._phones.clear()
        if self._lines is not None:
            await self._lines.close()

    def phone(self, id_: str) -> SimulatedPhone:
        """One that dials. Raises `Problem` for one that is not there, or has a chat on it."""
        phone = self.any(id_)
        if not isinstance(phone, SimulatedPhone):
            raise Problem(409, "that phone has a chat on it: it dials nothing")
        return phone

    def chat(self, id_: str) -> ChatPhone:
        """One with a chat on it. Raises `Problem` for one that is not there, or dials."""
        phone = self.any(id_)
        if not isinstance(phone, ChatPhone):
            raise Problem(409, "that phone has no chat of a provider on it")
        return phone

    def any(self, id_: str) -> SimulatedPhone | ChatPhone | WebPhone:
        """One of whatever kind. Raises `Problem` for one that is not there."""
        if id_ not in self._phones:
            raise Problem(
                404, "there is no such phone; it was taken off the table, or the server started again"
            )
        return self._phones[id_]

    # --- what is done with a phone ---

    async def dial(self, id_: str, ahead: str = "") -> Step:
        """Dial the endpoint's code, with `ahead` behind it."""
        phone = self.phone(id_)
        if len(_typed(ahead)) > LONGEST:
            raise Problem(400, f"what is dialled has at most {LONGEST} characters")
        async with phone.lock:
            posted = phone.dial(ahead)
            self._pushes.expect(phone.endpoint.of.gateway, phone.dialogue)
            delivered = await self._deliver(phone, posted)
            taken = delivered.turn.taken if isinstance(delivered.turn, TurnCommitted) else 0
            phone.took(ahead, taken)
            dropped = ahead != "" and taken < len(ahead.split("*"))
            self.told.dialled(phone, delivered.reply.status, ahead, secret=dropped)
            return await self._step(phone, phone.request, delivered)

    async def answer(self, id_: str, text: str) -> Step:
        """Type an answer on the screen that is shown."""
        phone = self.phone(id_)
        if len(_typed(text)) > LONGEST:
            raise Problem(400, f"an answer has at most {LONGEST} characters")
        async with phone.lock:
            before = phone.last
            secret = await self._looking.is_secret(phone, text)
            posted = phone.answer(text, secret=secret)
            if posted == before and phone.endpoint.gateway.dedupe == "window":
                # Such a gateway's redeliveries are told by their haste; whoever types twice takes longer.
                self._move(WINDOW)
            delivered = await self._deliver(phone, posted)
            self.told.answered(phone, delivered.reply.status, text, secret=secret)
            return await self._step(phone, phone.request, delivered, hidden=secret)

    async def again(self, id_: str) -> Step:
        """The gateway delivers the last request once more, byte for byte."""
        phone = self.phone(id_)
        async with phone.lock:
            if phone.last is None:
                raise Problem(409, "nothing was sent, or too long ago: dial first")
            delivered = await self._deliver(phone, phone.last)
            self.told.again(phone, delivered.reply.status)
            return await self._step(phone, phone.request, delivered)

    async def hang_up(self, id_: str) -> Step:
        """The member ends the dialogue, and the gateway tells of it if it is one that does."""
        phone = self.phone(id_)
        async with phone.lock:
            if phone.alive:
                self.told.hung_up(phone)
            told = phone.hang_up()
            if told is None:
                return await self._step(phone)
            posted, shown = told
            return await self._step(phone, shown, await self._sent(posted))

    async def drop(self, id_: str) -> Step:
        """The line drops: nobody tells the server."""
        phone = self.phone(id_)
        async with phone.lock:
            if phone.alive:
                self.told.lost(phone)
            phone.drop()
            return await self._step(phone)

    async def speak(self, id_: str, locale: str) -> Conversation:
        """The member prefers another language, as if it had been chosen elsewhere. Raises `Problem`."""
        phone, locales = self.any(id_), self._turns.engine.locales
        if locale not in locales:
            raise Problem(400, f"the app has no such language; it has {', '.join(locales)}")
        if not self._keeps_members:
            raise Problem(409, "this app keeps no members, so it keeps no language of theirs")
        async with phone.lock:
            try:
                known = await self._turns.members.meet(*self._looking.named(phone))
                await self._turns.members.remember(known.id, locale=locale)
            except (RecordsAway, CommitUnknown, UnknownMember):
                raise Problem(503, "the directory of members does not answer; try again") from None
            except ValueError as problem:  # what the app calls its language is no code of one
                raise Problem(409, str(problem)) from None
            phone.met = True
            if not isinstance(phone, WebPhone):
                self.told.prefers(phone, locale)
            return await self.conversation(id_)

    async def advance(self, seconds: float) -> Moment:
        """Move time forward, between what the phones do; then have expired and due things looked at."""
        async with AsyncExitStack() as stack:
            for phone in list(self._phones.values()):
                await stack.enter_async_context(phone.lock)
            try:
                later = self._clock.after(seconds)
            except ValueError as problem:
                raise Problem(400, str(problem)) from None
            await self._turns.late.hold_on(later)
            self._move(seconds)
        self.told.passed(seconds)
        await self._settled()
        if self._lines is not None:
            await self._lines.settle()
        return self.moment

    async def conversation(self, id_: str) -> Conversation:
        """The conversation as the engine sees it. Raises `Problem`."""
        return await self._looking.conversation(self.any(id_))

    # --- how ---

    def _move(self, seconds: float) -> None:
        try:
            self._clock.advance(seconds)
        except ValueError as problem:
            raise Problem(409, str(problem)) from None
        except OSError as problem:
            raise Problem(503, f"the clock cannot be kept in the data folder ({problem.strerror})") from None

    async def _deliver(self, phone: SimulatedPhone, posted: Posted) -> _Delivered:
        """Send a request of a phone, which then shows the reply."""
        delivered = await self._sent(posted)
        done = delivered.reply.status < HTTPStatus.MULTIPLE_CHOICES
        phone.met = phone.met or done
        if phone.waits and done:
            delivered = await self._called(phone, delivered)
        else:
            phone.show(delivered.response)
        if delivered.shown is not None:
            phone.page, phone.pages = delivered.shown.page, delivered.shown.pages
        elif not done:
            phone.page, phone.pages = 1, 1
        return delivered

    async def _called(self, phone: SimulatedPhone, delivered: _Delivered) -> _Delivered:
        """Wait for the screen, where one is on its way: of a copy there comes none, and what is shown stays."""
        await self._push()
        call = await self._pushes.last(
            phone.endpoint.of.gateway, phone.dialogue, until=lambda: delivered.shown is None
        )
        return delivered if call is None else delivered._replace(pushed=phone.called(call))

    async def _sent(self, posted: Posted) -> _Delivered:
        began = time.perf_counter()
        with listening() as heard:
            response = await self._send(posted)
        ms = round((time.perf_counter() - began) * 1000, 2)
        reply = ReplyView(response.status, dict(response.headers), response.body.decode(errors="replace"))
        shown = [event for event in heard if isinstance(event, ScreenShown)]
        turns = [event for event in heard if not isinstance(event, ScreenShown)]
        return _Delivered(response, reply, ms, turns[-1] if turns else None, shown[-1] if shown else None)

    async def _step(
        self,
        phone: SimulatedPhone,
        request: RequestView | None = None,
        delivered: _Delivered | None = None,
        *,
        hidden: bool = False,
    ) -> Step:
        """What came of it; without a request where nothing was sent."""
        reply = delivered.reply if delivered is not None else None
        what = delivered.turn.what if delivered is not None and delivered.turn is not None else ""
        try:
            seen, problem = await self._looking.seen(phone), ""
        except Unseen as unseen:
            seen, problem = None, str(unseen)
        kept = seen.session.conversation if seen is not None and seen.session is not None else Kept()
        asked = self._turns.engine.asked(kept) if phone.alive else None
        translate = self._translate(kept.locale)
        options, navigation = lines_on(phone.screen, asked or Screen(()), translate)
        # A screen from before, which a copy of an old request brings back, is still what the member answers.
        phone.secret = phone.alive and (wants_secret(kept) or (what == "duplicate" and phone.secret))
        return Step(
            screen=phone.screen,
            alive=phone.alive,
            status=reply.status if reply is not None else 0,
            ms=delivered.ms if delivered is not None else 0.0,
            repeated=what == "duplicate",
            what=what,
            hidden=hidden,
            cost=_cost_view(phone.screen, phone.endpoint),
            page=phone.page,
            pages=phone.pages,
            secret=phone.secret,
            options=options,
            navigation=navigation,
            request=request,
            reply=reply,
            pushed=delivered.pushed if delivered is not None else None,
            conversation=Conversation(problem=problem) if problem else await self._looking.shown(phone, seen),
        )


class _Delivered(NamedTuple):
    """What came back to a request."""

    response: Response
    reply: ReplyView
    ms: float
    turn: Done | None
    """None where there was no turn, because the request was refused."""
    shown: ScreenShown | None
    """None where no screen was made: of a copy, the phone shows the one it shows already."""
    pushed: RequestView | None = None
    """The call by which the screen came."""


def _typed(text: str) -> str:
    """A text that a phone can type. Raises `Problem`."""
    if not text.isprintable() and any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 for char in text):
        raise Problem(400, "a phone types no control characters and no halves of characters")
    return text


def _cost_view(screen: str, endpoint: Endpoint) -> CostView:
    taken, budget = cost(screen), endpoint.gateway.budget
    return CostView(taken.alphabet, taken.units, budget.septets if taken.alphabet == "gsm7" else budget.units)
