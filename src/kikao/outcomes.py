"""Tells members what became of their request when it was not ready in time: a chat goes on by itself, and after a USSD
dialogue an SMS comes.

The outcome is in the journal before, and with it a letter to here in the outbox. In a chat the letter becomes a turn
that no message asked for: it shows the next screen, and is stored with it as any turn. On USSD, where nobody can be
shown anything, a message says what the next dial will say, too.

Each outcome is told once, whatever dies in between: a turn that finds nothing untold is none, and a message is stored
once under the key of its effect. Whoever wrote or dialled meanwhile has seen it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar, cast

from kikao.channels.chat.gateway import ChatGateway
from kikao.channels.chat.message import MessageRefused
from kikao.channels.chat.messages import Messages
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.outbox.sender import Delivered, Destination, Letter, Outcome, Rejected, TryLater
from kikao.conversation.effects import Settled, Work, outcomes
from kikao.conversation.inputs import Tell
from kikao.conversation.journal import EFFECTS, Run
from kikao.conversation.member import Member
from kikao.conversation.secrets import Secret
from kikao.i18n.e164 import is_e164
from kikao.i18n.messages import Text, Translate, t
from kikao.members import UnknownMember
from kikao.sessions.keeper import Held
from kikao.sessions.outcomes import Left
from kikao.sessions.posting import OUTCOMES
from kikao.sessions.working import Services
from kikao.turn import Turns

T = TypeVar("T")

GOOD_FOR: Final = 6 * 3600.0
"""Seconds in which an SMS about an outcome has to leave."""

WAIT: Final = 1.0
"""Seconds that a session which somebody else has is waited for."""

LOOKING: Final = 2.0
"""Seconds that a flow may take to say what it would show."""

TIMEOUT: Final = 6.0
"""Seconds that one try may take: a wait for the session, and a turn."""

TRIES: Final = 200
"""How often it is tried, over most of a day."""

OVER: Final = ("sms", "ussd", "socket")
"""Over what outcomes are told after a dialogue of USSD, unless the app says otherwise: the first on which the member
can be reached. `socket` is the web chat of a member who has a user id."""


class Outcomes:
    """Tells outcomes. The server's, and the sender of the destination `outcomes`.

    `lines` are the chats of the settings, by name; `over` the channels that tell what no dialogue of USSD can.
    """

    def __init__(
        self,
        turns: Turns,
        lines: Mapping[str, ChatGateway],
        messages: Messages,
        services: Services,
        translate: Callable[[str], Translate],
        *,
        over: Sequence[str] = OVER,
    ) -> None:
        self._turns = turns
        self._sessions = turns.sessions
        self._lines = lines
        self._messages = messages
        self._services = services
        self._translate = translate
        self._over = tuple(each for each in over if messages.has(each))

    @property
    def destinations(self) -> dict[str, Destination]:
        """Where letters about outcomes go; nowhere if nothing could be told."""
        if not self._lines and not self._over:
            return {}
        told = Destination(
            sender=self,
            timeout=TIMEOUT,
            tries=TRIES,
            first=1.0,
            longest=600.0,
            sent_kept=0.0,
            dead_kept=86400.0,
        )
        return {OUTCOMES: told}

    def tells(self, held: Held) -> bool:
        """Whether an outcome that is written into this session now is told by itself."""
        if not held.session.conversation.untold or (place := _place(held)) is None:
            return False
        channel, gateway, identity = place
        if channel == "ussd":
            return bool(self._ways(_number(held, identity), held.session.member))
        return f"{channel}/{gateway}" in self._lines

    async def send(self, letter: Letter) -> Outcome:
        """Tell one outcome. See `Sender`."""
        left = Left.read(letter.body)
        held = await self._sessions.claim(left.session, wait=WAIT)
        if held is None:
            return Delivered()  # the session is gone, and with it what waited
        if not isinstance(held, Held):
            return TryLater("busy")
        said: _Said | None = None
        try:
            place = _place(held)
            if place is None or held.working() or not held.session.conversation.untold:
                return Delivered()  # whoever wrote or dialled meanwhile has seen it, or will
            channel, gateway, identity = place
            if channel == "ussd":
                said = await self._said(held, _number(held, identity))
        finally:
            await self._sessions.release_quietly(held)
        if said is not None:
            return await self._write(left, said)
        return await self._go_on(left, f"{channel}/{gateway}", identity, held)

    async def _go_on(self, left: Left, line: str, identity: str, held: Held) -> Outcome:
        """The turn of a chat that nobody asked for."""
        gateway, dialogue = self._lines.get(line), held.session.dialogue
        if gateway is None or dialogue is None:
            return Rejected("its line is not in the settings")
        to, group = dialogue.place
        code = held.address.service_code  # of SMS: the number that the member wrote to
        identity = held.address.identity if group else identity  # a dialogue in a group is called by that
        inbound = Inbound(
            channel=gateway.channel,
            gateway=gateway.slug,
            identity=identity,
            happening="outcome",
            text=Secret(""),
            service_code=code,
            msisdn=identity if gateway.channel == "sms" else "",
            message_id=Secret(f"outcome {_named(left)}"),
            chat=Chatted(to=to, group=group),
            echo=(("to", code),) if code else (),
        )
        response = await self._turns.handle(inbound, gateway)
        return Delivered() if response.status == 200 else TryLater("no turn yet")

    async def _write(self, left: Left, said: _Said) -> Outcome:
        """The message after a dialogue of USSD."""
        key, refused = f"outcome {_named(left)}", "no number, or nothing to tell it over"
        ways = self._ways(said.number, said.member)
        for over in ways:
            try:
                if over == "socket":
                    await self._messages.send_to_member(
                        key, said.member, said.text, over=(over,), good_for=GOOD_FOR
                    )
                else:
                    await self._messages.send(key, said.number, said.text, over=over, good_for=GOOD_FOR)
            except (MessageRefused, UnknownMember) as error:
                refused = str(error)
            else:
                return Delivered()
        # Who has no web chat either hears of it at their next dial: nobody has to look into that.
        return Delivered() if ways == ["socket"] else Rejected(refused)

    def _ways(self, number: str, member: str) -> list[str]:
        """Over what somebody could be told who has these."""
        return [each for each in self._over if (member if each == "socket" else number)]

    async def _said(self, held: Held, number: str) -> _Said:
        """What the next dial would tell. Nothing of this look is kept: it changes a copy, and performs no effect."""
        conversation, code = held.session.conversation, held.address.service_code
        run, translate = conversation.run, self._translate(conversation.locale)
        known = list(conversation.notices)
        if run is not None:
            known += [*run.notices, *outcomes(run, _last_effects(run))]
        dial = t("Dial {code} to go on.", code=code) if code else t("Dial again to go on.")
        text: list[Text] = [*known, dial]
        member = Member(held.session.member, held.address.channel, number)
        looking = _Looking(self._services, self._sessions.clock())
        with contextlib.suppress(Exception):  # what is in the journal is told without the flow
            async with asyncio.timeout(LOOKING):
                turned = await self._turns.engine.advance(conversation, Tell(), member, looking)
            if turned.what in ("ended", "refused"):
                text = list(turned.screen.body)
            elif turned.what == "asked":
                text = [*known, *(each for each in turned.told if each not in known), dial]
        return _Said(number, held.session.member, "\n".join(filter(None, map(translate, text))))


class _Said(NamedTuple):
    """What is told after a dialogue of USSD, and to whom."""

    number: str
    """In E.164; empty where nobody knows it."""
    member: str
    """The id of the member; empty where there are none."""
    text: str


class _Acts(Exception):
    """A flow came to an effect: it is for a turn to perform."""


class _Looking:
    """The engine's host for a look at what a flow would show. It keeps nothing and performs nothing."""

    def __init__(self, services: Services, now: float) -> None:
        self.now = dt.datetime.fromtimestamp(now, dt.UTC)
        self.deadline = asyncio.get_running_loop().time() + LOOKING
        self.destinations: Collection[str] | None = None
        self._services = services

    def new_run(self) -> tuple[str, bytes]:
        """See `Host`."""
        return os.urandom(16).hex(), os.urandom(32)

    def service(self, kind: Callable[..., T]) -> T:
        """See `Host`."""
        return cast(T, self._services[kind])

    async def intend(self, works: Sequence[Work]) -> None:
        """Never: see the class."""
        raise _Acts

    async def perform(self, works: Sequence[Work]) -> list[Settled | None]:
        """Never: see the class."""
        raise _Acts


def _place(held: Held) -> tuple[str, str, str] | None:
    """Where the member is now: channel, gateway and address."""
    dialogue = held.session.dialogue
    if dialogue is None or dialogue.line.count("/") < 2:
        return None
    channel, gateway, identity = dialogue.line.split("/", 2)
    return channel, gateway, identity


def _number(held: Held, identity: str) -> str:
    """In E.164; empty where the operator hides it."""
    return identity if is_e164(identity) else held.address.msisdn


def _named(left: Left) -> str:
    return hashlib.blake2b(left.token.encode(), digest_size=16).hexdigest()


def _last_effects(run: Run) -> int:
    """Where the journal's entries of the effects begin that were settled last."""
    since = len(run.journal)
    while since and run.journal[since - 1].kind in _EFFECTS:
        since -= 1
    return since


_EFFECTS: Final = EFFECTS | {"refused"}
