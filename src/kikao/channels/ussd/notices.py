"""Notices: a page on a member's phone that no request asked for, through a gateway that can begin such a dialogue."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import structs

from kikao.channels.calling import Call, Make
from kikao.channels.chat.message import MessageRefused
from kikao.channels.outbox.sender import Destination
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.pushing import CallingGateway, Pages
from kikao.i18n.e164 import is_e164
from kikao.i18n.gsm7 import fits
from kikao.sessions.outgoing import OutboxStore, Outgoing
from kikao.sessions.sealing import KeyRing, message_to

NOTICES: Final = "notices/"
"""Before the name of a gateway, in the outbox."""

GOOD_FOR: Final = 3600.0
"""Seconds in which a notice has to leave: what is told of later was better told at the next dial."""

URGENCY: Final = 1
"""Replies go first."""


class NotifyingGateway(CallingGateway):
    """Base of gateways that can show a page that nobody asked for."""

    @abstractmethod
    def notice(self, number: str, text: str, *, code: str) -> Call:
        """The call that shows it: to a number in E.164, from a service code."""


class UssdNotices:
    """Sends notices, for `Messages`: that is the service that flows and others reach.

    `gateways` are those in the settings that can send one, by slug; `posted` hears of the lane in which one waits.
    """

    def __init__(
        self,
        gateways: Mapping[str, NotifyingGateway],
        store: OutboxStore,
        ring: Callable[[], KeyRing],
        *,
        clock: Callable[[], float],
        posted: Callable[[bytes], None],
    ) -> None:
        self._gateways = gateways
        self._store = store
        self._ring = ring
        self._clock = clock
        self._posted = posted

    @property
    def there(self) -> tuple[str, ...]:
        """The gateways that can send one."""
        return tuple(self._gateways)

    async def send(
        self,
        key: str,
        msisdn: str,
        text: str,
        *,
        gateway: str = "",
        code: str = "",
        good_for: float = GOOD_FOR,
    ) -> str:
        """Store a notice for a number (E.164), to leave soon; its id, 32 hex digits.

        The same `key` stores it once, however often it is sent: give the key of the step. `gateway` is the first that
        sends any, unless it is said; `code` is the service code that it comes from, by default the first of the
        gateway's settings; `good_for` is how many seconds it may wait. Notices to one number leave in order. Whether
        the phone showed it nobody tells.

        Raises `MessageRefused` for a gateway that is not there or sends none, for what is no number, and for a text
        that needs more than one page; what the store raises where it is away.
        """
        gateway = gateway or next(iter(self._gateways), "")
        found = self._gateways.get(gateway)
        if found is None:
            there = ", ".join(self._gateways) or "none in the settings"
            raise MessageRefused(f"no gateway {gateway[:40]!r} that sends notices. There are: {there}.")
        if not is_e164(msisdn):
            raise MessageRefused("a notice goes to a number in E.164: + and 7 to 15 digits.")
        code = code or next(iter(found.codes), "")
        if not code:
            raise MessageRefused(f"from which code? Give one, or set KIKAO_USSD_{gateway.upper()}_CODE.")
        page = found.spelled(text).encode(errors="replace").decode()
        if not page.strip() or not fits(page, found.budget):
            raise MessageRefused("a notice is one page: it is empty, or too long.")
        ring, now, to = self._ring(), self._clock(), f"{NOTICES}{gateway}"
        id_, lane = ring.lookup("notice", gateway, key)[:16], ring.lookup("notice to", gateway, msisdn)
        pushed = Pushed(page, True, now + good_for, msisdn, "", code)
        await self._store.post(
            [
                Outgoing(
                    id=id_,
                    session=lane,
                    to=to,
                    payload=ring.seal(pushed.written(), id_, message_to(to)),
                    due_at=now,
                    expires_at=now + good_for,
                    posted_at=now,
                    urgency=URGENCY,
                )
            ]
        )
        self._posted(lane)
        return id_.hex()


def destination(gateway: NotifyingGateway, make: Make, clock: Callable[[], float]) -> Destination:
    """Where its notices go: as its screens do, but each of them, with patience."""

    def call(pushed: Pushed, message: str) -> Call:
        return gateway.notice(pushed.identity, pushed.text, code=pushed.service_code)

    screens = gateway.destination(make, clock)
    plain = Destination(sender=Pages(gateway, call, make, clock))
    return structs.replace(plain, timeout=screens.timeout, here=screens.here)
