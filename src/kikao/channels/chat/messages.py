"""Messages that no inbound asked for, over whatever line: one service for all of them.

    messages = chat.service(Messages)
    await chat.step("tell", lambda key: messages.send(key, "+256772000002", text, over="sms"), retry="key")

What is sent is stored, sealed, and leaves through the outbox: at least once, in order for each recipient and line,
after the replies that others wait for, and not after `good_for`. Whether it may be sent at all (STOP, a block, the
window of WhatsApp) is decided when it leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import structs

from kikao.channels.chat.gateway import ChatGateway
from kikao.channels.chat.message import Kind, MessageRefused, Parcel
from kikao.channels.chat.templates import Filling
from kikao.channels.inbound import Inbound
from kikao.channels.ussd.notices import UssdNotices
from kikao.conversation.screens import Screen
from kikao.conversation.secrets import Secret
from kikao.i18n.e164 import is_e164
from kikao.i18n.messages import Text, Translate
from kikao.members.reach import KINDS, OnlyTemplate, Yes
from kikao.sessions.keeper import Sessions
from kikao.sessions.limits import Rate
from kikao.sessions.outgoing import Outgoing
from kikao.sessions.posting import announce
from kikao.sessions.sealing import KeyRing, message_to

if TYPE_CHECKING:
    from kikao.members.directory import Directory

GOOD_FOR: Final = 3600.0
"""Seconds in which a message has to leave, unless it is said: what is told of later was better told otherwise."""

URGENCY: Final = {"reply": 0, "confirmation": 0, "notice": 1, "marketing": 2}
"""Replies go first."""

MAX_ADDRESS: Final = 128
"""Characters of an id on a channel."""


class TooMany(MessageRefused):
    """An address got as many as its limit lets through."""


class Messages:
    """Sends messages. Flows and services reach it as a service of the app at work.

    `lines` are those of the settings, by name; `notices` shows pages on phones over USSD, where a gateway can.
    `translate` gives the sentences of a language, `locale` is the one of who has none; `members` knows addresses.
    """

    def __init__(
        self,
        lines: Mapping[str, ChatGateway],
        notices: UssdNotices,
        sessions: Sessions,
        translate: Callable[[str], Translate],
        *,
        locale: str = "",
        members: Directory | None = None,
    ) -> None:
        self._lines = lines
        self._notices = notices
        self._sessions = sessions
        self._translate = translate
        self._locale = locale
        self._members = members

    def has(self, over: str) -> bool:
        """Whether something can be sent there: a channel, or a line of it."""
        return self._found(over) is not None or (
            over.partition("/")[0] == "ussd" and bool(self._notices.there)
        )

    async def send(
        self,
        key: str,
        to: str,
        text: Text | Screen,
        *,
        over: str,
        kind: Kind = "notice",
        template: Filling | None = None,
        good_for: float = GOOD_FOR,
        locale: str = "",
        code: str = "",
        limit: Rate | None = None,
    ) -> str:
        """Store a message, to leave soon; its id, 32 hex digits.

        The same `key` stores it once on a line, however often it is sent: give the key of the step. `to` is an address
        on the channel: a number in E.164 for `sms`, `ussd` and `whatsapp`, or the id that a provider gave. `over` is a
        channel, which is its first line in the settings, or a line (`sms/africastalking`, `telegram/bot-api`); with
        `ussd` it is one page on the phone, from the service code `code` or the first of the gateway's. A text that is
        a message of a catalog is written in the language `locale`. `kind` says what it is by the rules of who stopped
        what; `template` is what WhatsApp takes where it takes no free text, one of the app's with its values. It is
        not sent after `good_for` seconds. Of messages with a `limit` an address gets no more than that on a line,
        whichever process sends them; they stand in a line of their own. Two processes that count at the same moment
        may each let one through.

        Raises `MessageRefused` for a line that there is not, for what is no address there, and for a text that is
        empty, asks something, or is too long; `TooMany` of them; what the store raises where it is away.
        """
        if over.partition("/")[0] == "ussd":
            page = self._written(text, locale)
            _, _, slug = over.partition("/")
            return await self._notices.send(key, to, page, gateway=slug, code=code, good_for=good_for)
        gateway = self._found(over)
        if gateway is None:
            there = ", ".join(self._lines) or "none in the settings"
            raise MessageRefused(f"no line {over[:40]!r} to send over. There are: {there}.")
        if template is not None and gateway.channel != "whatsapp":
            raise MessageRefused(f"{gateway.line} has no templates: only WhatsApp needs them.")
        to = _address(gateway.channel, to)
        ring, name = self._sessions.ring, (gateway.line, key)
        lane = ring.lookup("message to", gateway.line, to)
        if limit is not None:
            lane = ring.lookup("limited message to", gateway.line, to)
            await self._count(lane, _id(ring, name, 0), limit)
        return await self._post(gateway, to, text, lane, name, kind, template, good_for, locale)

    async def send_to_member(
        self,
        key: str,
        member_id: str,
        text: Text | Screen,
        *,
        over: Sequence[str] = (),
        kind: Kind = "notice",
        template: Filling | None = None,
        good_for: float = GOOD_FOR,
        locale: str = "",
    ) -> str:
        """Store a message for a member, on the first line on which they may be written to now; its id, as of `send`.

        `over` are the channels or lines to try, in order; all of the settings unless they are said. The same `key`
        stores it once, on whichever line that was. It is written in the member's language unless `locale` is said,
        and `template` is for where free text may not be.

        Raises `MessageRefused` where there is no line, or none that may be used, `UnknownMember`, and as `send` does.
        """
        members = self._members
        if members is None:
            raise MessageRefused("the app keeps no members: send to an address instead.")
        profile = await members.show(member_id)
        identities: dict[str, str] = {}
        for linked in profile.addresses:
            identities.setdefault(linked.address.kind, linked.address.identity)
        ring, locale = self._sessions.ring, locale or profile.locale or ""
        lane, name = ring.lookup("message to member", profile.id), ("member", profile.id, key)
        for gateway in self._wanted(over):
            to = identities.get(KINDS[gateway.channel])
            if to is None:
                continue
            verdict = await members.reach.may(KINDS[gateway.channel], to, gateway.line, kind)
            fitting = template if gateway.channel == "whatsapp" else None
            if isinstance(verdict, Yes) or (isinstance(verdict, OnlyTemplate) and fitting is not None):
                return await self._post(gateway, to, text, lane, name, kind, fitting, good_for, locale)
        raise MessageRefused("there is no line on which this member may be written to now.")

    async def _count(self, lane: bytes, id_: bytes, limit: Rate) -> None:
        """Look whether one more may stand in a lane; one that stands there already may. Raises `TooMany`."""
        since, found = self._sessions.clock() - limit.per, 0
        async for message in self._sessions.store.messages(session=lane):
            if message.id == id_:
                return
            found += message.posted_at > since
        if found >= limit.count:
            raise TooMany("this address was sent as many as it may get.")

    async def _post(
        self,
        gateway: ChatGateway,
        to: str,
        text: Text | Screen,
        lane: bytes,
        name: tuple[str, ...],
        kind: Kind,
        template: Filling | None,
        good_for: float,
        locale: str,
    ) -> str:
        """Store it in a lane, under a name that nothing else has."""
        if template is not None and template.template not in gateway.templates:
            raise MessageRefused(
                f"template {template.template.name} is none of the app's: declare it in App(templates=[...])."
            )
        sessions, ring, now = self._sessions, self._sessions.ring, self._sessions.clock()
        parcels = self._parcels(gateway, to, text, now + good_for, locale)
        language = locale or self._locale
        filled = None if template is None else template.written(self._translate(language), language)
        outgoing = []
        for number, parcel in enumerate(parcels):
            heard_at = now if kind == "reply" and gateway.channel == "sms" else 0.0
            first = filled if number == 0 else None
            parcel = structs.replace(parcel, kind=kind, template=first, heard_at=heard_at)
            id_ = _id(ring, name, number)
            outgoing.append(
                Outgoing(
                    id=id_,
                    session=lane,
                    to=gateway.line,
                    payload=ring.seal(parcel.written(), id_, message_to(gateway.line)),
                    due_at=now,
                    expires_at=now + good_for,
                    posted_at=now,
                    urgency=URGENCY[kind],
                )
            )
        await sessions.store.post(outgoing)
        announce(outgoing, lane, posted=sessions.posted, pushed=sessions.pushed)
        return outgoing[0].id.hex()

    def _wanted(self, over: Sequence[str]) -> list[ChatGateway]:
        lines = list(self._lines.values())
        return (
            [line for each in over for line in lines if each in (line.line, line.channel)] if over else lines
        )

    def _found(self, over: str) -> ChatGateway | None:
        if "/" in over:
            return self._lines.get(over)
        return next((gateway for gateway in self._lines.values() if gateway.channel == over), None)

    def _parcels(
        self, gateway: ChatGateway, to: str, text: Text | Screen, until: float, locale: str
    ) -> list[Parcel]:
        screen = _screen(text)
        translate = self._translate(locale or self._locale)
        try:
            pages = gateway.pages(screen, translate)
        except ValueError as error:
            raise MessageRefused(f"it does not fit into one message: {error}") from None
        if len(pages) != 1:
            raise MessageRefused(f"a message is one page: on {gateway.line} this takes {len(pages)}.")
        if not str(pages[0]).strip():
            raise MessageRefused("the message is empty.")
        inbound = Inbound(gateway.channel, gateway.slug, to, "notice", Secret(""))
        return [Parcel.read(each) for each in gateway.pushed(inbound, pages[0], ends=True, until=until)]

    def _written(self, text: Text | Screen, locale: str) -> str:
        translate = self._translate(locale or self._locale)
        return "\n".join(filter(None, map(translate, _screen(text).body)))


def _id(ring: KeyRing, name: tuple[str, ...], number: int) -> bytes:
    """Of the part of this number of what was sent under a name."""
    return ring.lookup("message", *name, str(number))[:16]


def _screen(text: Text | Screen) -> Screen:
    if not isinstance(text, Screen):
        return Screen(tuple(text.split("\n")) if isinstance(text, str) else (text,))
    if text.options:
        raise MessageRefused(
            "nobody waits for an answer to it: a message that was not asked for asks nothing."
        )
    return structs.replace(text, navigation=())


def _address(channel: str, to: str) -> str:
    """As the provider has it. Raises `MessageRefused`."""
    if channel == "sms":
        if not is_e164(to):
            raise MessageRefused("an SMS goes to a number in E.164: + and 7 to 15 digits.")
        return to
    if channel == "whatsapp" and is_e164(to):
        return to.removeprefix("+")
    if not 0 < len(to) <= MAX_ADDRESS or not to.isprintable() or any(map(str.isspace, to)):
        raise MessageRefused(f"that is no address on {channel}.")
    return to
