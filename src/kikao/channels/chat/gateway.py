"""What every chat gateway shares: a screen written as messages, and messages as parcels for the outbox."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from kikao.channels.calling import Make
from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.chat.ladder import Limits, laid_out, parts
from kikao.channels.chat.message import Message, Parcel
from kikao.channels.chat.templates import Templates
from kikao.channels.chat.told import Told as News
from kikao.channels.edge import Guard
from kikao.channels.inbound import Inbound
from kikao.channels.media.provider import Provider
from kikao.channels.media.store import FileStore
from kikao.channels.outbox.sender import Destination
from kikao.conversation.screens import Screen
from kikao.i18n.messages import Text, Translate
from kikao.i18n.money import Amount
from kikao.members.reach import Told
from kikao.sessions.policy import Groups

GOOD_FOR: Final = 86400.0
"""Seconds in which a screen has to leave: after that nobody waits for it."""

TAKEN: Final = Response(200, (("content-type", "text/plain; charset=utf-8"),), b"ok\n")
"""What was sent is dealt with, or kept until it is."""


class Received(msgspec.Struct, frozen=True):
    """What a webhook held, in its order: one bad piece of it takes nothing else along."""

    inbounds: tuple[Inbound, ...] = ()
    told: tuple[News, ...] = ()
    """What is no message of a member: statuses, blocks, what the provider says of the account, what nobody can read."""
    answer: Response | None = None
    """What the provider is told where no message of a member is in it; None for `TAKEN`."""


class Served(msgspec.Struct, frozen=True):
    """What a line has to know of the app that it speaks for."""

    translate: Callable[[str], Translate]
    """By locale; of one that there is not, the app's first."""
    locales: tuple[str, ...]
    commands: Mapping[str, Text]
    """The words that begin something, with what that is called."""
    groups: Groups
    """Whose a conversation in a group is."""


class Site(msgspec.Struct, frozen=True):
    """What a line works with beside messages, in one process."""

    make: Make
    """Makes calls over HTTP."""
    take: Callable[[Received], Awaitable[Response]]
    """Deals with what was received: 200 when that is done or kept, anything else wants it again."""
    mine: Callable[[], bool]
    """Whether this is the process that does what only one may do. It may change at any time."""
    tell: Callable[[str], None]
    """Writes a line into the log, which must hold nothing of a member and no secret."""
    public_url: str = ""


class Entrance(Protocol):
    """Where webhooks of one or several lines come in."""

    channel: str
    name: str
    """For the log."""
    guard: Guard

    def greet(self, request: Request) -> Response | None:
        """The answer to what the provider asks when a webhook is set; None where it asks nothing. Raises `Denied`."""
        ...

    def verify(self, request: Request) -> None:
        """Whether the provider sent it: over the raw body, in constant time, before anything is parsed.

        Raises `Denied` (403), which tells the caller nothing.
        """
        ...

    def receive(self, request: Request) -> Received:
        """What a webhook held, each inbound with the gateway it is for as `gateway`, in its order.

        Raises `BadRequest` only for what is no webhook of this provider at all.
        """
        ...


class ChatGateway(ABC):
    """Base of chat gateways, one for each number, bot or account. A gateway adds `api_url` and `destination`.

    `line` is its name in the outbox, and in what is kept of addresses: `whatsapp/cloud-api`, `telegram/bot-api`.
    """

    channel: str
    limits: Limits
    slug: str
    methods: tuple[str, ...] = ("POST",)
    dedupe: Dedupe = "exact"
    retention: float = 7 * 86400.0
    patience: float = GOOD_FOR
    chats: bool = True
    files: FileStore | None = None
    """Where files are that it shows; set before `destination` is asked for."""
    provider: Provider | None = None
    """Who knows where files of members lie; set by `destination`, where this gateway has files."""
    connects: bool = False
    """Whether messages come and go on a connection that kikao makes, or holds: then its parcels go over that."""
    tells_seen: bool = False
    """Whether who types tells what they saw as they did: a confirmation is then answered by nobody who saw another
    screen, or does not say."""
    has_field: bool = False
    """Whether what is secret is entered in the chat, in a field of its own that nobody keeps: no link is needed."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.line = self.pushes = f"{self.channel}/{slug}"
        self.templates = Templates()
        """What the app declares that providers approved."""

    @property
    @abstractmethod
    def api_url(self) -> str:
        """Where it is called: scheme and host, and a port."""

    @abstractmethod
    def destination(self, make: Make, clock: Callable[[], float]) -> Destination:
        """What sends its parcels. `make` makes calls over HTTP."""

    def speaks_for(self, app: Served) -> None:
        """Told once, before anything comes."""
        return

    async def work(self, site: Site) -> None:
        """What goes on beside messages, until it is cancelled: nothing, unless a gateway says so."""
        return

    def forgets(self, inbound: Inbound) -> Response:
        """The answer to a message that should not stay in the chat: it is taken away where the provider can do that."""
        return self.acknowledge(inbound)

    def alone(self, payload: str = "") -> str:
        """Where a member of a group can go on with the app alone, beginning with `payload`; empty for nowhere."""
        return ""

    def pages(self, screen: Screen, translate: Translate) -> list[Message]:
        """The screen as messages of which a member sees one at a time; see `ladder.laid_out`."""
        return laid_out(screen, translate, self.limits)

    def reply(self, inbound: Inbound, page: Message, *, ends: bool, note: str = "") -> Response:
        """It arrived; what the member sees leaves by itself.

        `note` is what they are told about the choice that they tapped, in their language, where the provider shows
        such a thing; empty for nothing.
        """
        return self.acknowledge(inbound)

    def pushed(
        self, inbound: Inbound, page: Message, *, ends: bool, until: float, mark: str = "", over: str = ""
    ) -> list[bytes]:
        """A message as parcels: one for each thing that is shown, then the text, in more than one where it is too long.

        Only the last has its choices.
        """
        most = self.limits.body if page.choices or page.link or page.wants else self.limits.text
        *before, last = parts(page.text, self.limits.text, most)
        whole = msgspec.structs.replace(page, text=last, shows=())
        messages = [*(Message("", shows=(each,)) for each in page.shows), *map(Message, before)]
        if last or page.choices or not messages:
            messages.append(whole)
        return [
            self._parcel(inbound, message, until, mark, over if len(messages) == 1 else "").written()
            for message in messages
        ]

    def echoed(self, inbound: Inbound, said: Message, *, until: float) -> list[bytes]:
        """What the member said, as parcels for their other devices; none where the provider shows it there."""
        return []

    def charged(self, response: Response, amount: Amount) -> Response | None:
        """No chat has the member's operator charge them."""
        return None

    def attend(self, inbound: Inbound) -> Callable[[bool], None] | None:
        """A member waits for what comes of an inbound, and may be shown so, without anything waiting for that.

        What is returned hears whether they are dealt with by now; None where there is nothing to show.
        """
        return None

    def closed_by(self, codes: Sequence[int]) -> tuple[Told, str] | None:
        """What a report that a message failed, for these reasons, says of its address, and the code of why."""
        return None

    def acknowledge(self, inbound: Inbound) -> Response:
        """It arrived."""
        return TAKEN

    def _parcel(self, inbound: Inbound, message: Message, until: float, mark: str, over: str) -> Parcel:
        chat = inbound.chat
        return Parcel(
            to=(chat.to if chat is not None else "") or inbound.identity,
            message=message,
            until=until,
            member="" if chat is not None and chat.group else inbound.identity,
            heard_at=inbound.sent_at or 0.0,
            mark=mark,
            replaces=over,
            answers=chat.said if chat is not None and chat.group else "",
            owner=inbound.identity if chat is not None and chat.group else "",
        )
