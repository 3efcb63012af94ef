"""What processes tell each other on the bus: in order, waiting for nobody; who was away hears of the gap."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from kikao.bus import LONGEST, Fanout, FanoutAway, Gap
from kikao.live.envelopes import Envelopes
from kikao.live.news import TOPIC, News, packed, unpacked
from kikao.sessions.sealing import KeyRing

N = TypeVar("N", bound=News)

NODE: Final = 16
"""Characters of a node's name, which stand before each message."""

WAITING: Final = 10_000
"""News that wait to be published; with more of them the oldest are lost, and the others told of a gap."""

TOGETHER: Final = 16 * 1024
"""Octets of news that are published together, unless one alone has more."""

AGAIN: Final = 1.0
"""Seconds until others are told again that something was lost, where the bus did not carry that."""

AT_ONCE: Final = 64
"""Messages of the bus that are dealt with before anything else may run."""

TOLD: Final = 60.0
"""Seconds between two times that it is told, and taken for a gap, that messages do not open."""

_UNOPENED: Final = (
    "live sessions: what another process says on the bus cannot be opened, and is dropped. It is of another "
    "deployment, with another look-up key: give each its own KIKAO_BUS, or prefix. Or their clocks are 5 minutes "
    "apart. Or somebody else writes to the bus."
)

logger = logging.getLogger(__name__)


class Wire:
    """Tells the other processes, and hears them; a process does not hear itself."""

    def __init__(self, bus: Fanout, node: str, ring: KeyRing | None = None) -> None:
        """`node` is the random name of this process, `NODE` characters of ASCII; with a `ring` what is said is sealed,
        and nothing is heard that is not."""
        self.node = node
        self._bus = bus
        self._own = node.encode()
        self._envelopes = None if ring is None else Envelopes(ring, node)
        self._hears: dict[type, Callable[[Any], None]] = {}
        self._gaps: list[Callable[[], None]] = []
        self._waiting: deque[bytes] = deque()
        self._lost = False
        """Whether any of them had to go."""
        self._rung = asyncio.Event()
        self.heard = asyncio.Event()
        """Whether it hears the others by now."""
        self.gaps = 0
        """How often something was lost."""
        self.unopened = 0
        """Messages that were not said by a process of this deployment."""
        self._told_at = -math.inf
        """When it was last told that there are such."""

    @property
    def seals(self) -> bool:
        """Whether what is said can be read by nobody else on the bus."""
        return self._envelopes is not None

    def on(self, kind: type[N], hears: Callable[[N], None]) -> None:
        """What is called with news of a kind. It must be quick, and must not raise."""
        self._hears[kind] = hears

    def on_gap(self, hears: Callable[[], None]) -> None:
        """What is called when something may have been missed: it looks for itself."""
        self._gaps.append(hears)

    def tell(self, news: News) -> None:
        """To all other processes, soon, in the order of the calls.

        What is too long for the bus, or said while it is away, is heard as a gap: as soon as it carries that. Where
        there are no others nothing is done.
        """
        if self.heard.is_set() and not self._bus.reaches_others(TOPIC):
            return
        if len(self._waiting) >= WAITING:
            self._waiting.popleft()
            self._lost = True
        self._waiting.append(packed(news))
        self._rung.set()

    async def run(self) -> None:
        """Tell and hear; cancel it to stop."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            tasks.create_task(self._hear())

    def doubt(self) -> None:
        """Have all other processes look for themselves, soon: nobody knows what was said and not heard."""
        self._lost = True
        self._rung.set()

    async def told(self) -> None:
        """Publish what waits, now."""
        while self._waiting:
            said = _ENCODER.encode(self._together())
            octets = self._own + (said if self._envelopes is None else self._envelopes.seal(said))
            if len(octets) > LONGEST or not await self._is_published(octets):
                self._lost = True
        if self._lost and await self._is_published(self._own):  # nothing: whoever hears this looks for itself
            self._lost = False

    def _together(self) -> list[bytes]:
        found = [self._waiting.popleft()]
        size = len(found[0])
        while self._waiting and size + len(self._waiting[0]) <= TOGETHER:
            found.append(self._waiting.popleft())
            size += len(found[-1])
        return found

    async def _tell(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN if self._lost else None):
                    await self._rung.wait()
            self._rung.clear()
            await self.told()

    async def _is_published(self, octets: bytes) -> bool:
        # Where it is not, a number is used up. But whoever connects later than others knows no number of ours, and
        # nobody may say anything for long: so those that are lost are told of.
        try:
            await self._bus.publish(TOPIC, octets)
        except FanoutAway:
            return False
        return True

    async def _hear(self) -> None:
        async with self._bus.subscribe(TOPIC) as heard:
            self.heard.set()
            count = 0
            async for each in heard:
                if isinstance(each, Gap):
                    self.missed()
                elif not each.payload.startswith(self._own):
                    self._take(each.payload)
                if (count := count + 1) % AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _take(self, payload: bytes) -> None:
        said: bytes | None = payload[NODE:]
        if said and self._envelopes is not None:
            said = self._envelopes.opened(payload[:NODE].decode("ascii", "replace"), said)
            if said is None:
                self._refuse()
                return
        try:
            found = [unpacked(octets) for octets in _DECODER.decode(said or b"")]
        except msgspec.MsgspecError:
            self.missed()  # of another release, or lost where it came from
            return
        for news in found:
            if (hears := self._hears.get(type(news))) is not None:
                try:
                    hears(news)
                except Exception as error:  # noqa: BLE001 - the next news may be well
                    loop = asyncio.get_running_loop()
                    loop.call_exception_handler({"message": "news of live sessions", "exception": error})

    def _refuse(self) -> None:
        """What does not open is dropped. If it was meant for us it is lost, so this is a gap; but whoever shares the
        bus says as much as they like, and may not have us look all the time."""
        self.unopened += 1
        now = asyncio.get_running_loop().time()
        if now >= self._told_at + TOLD:
            self._told_at = now
            logger.warning(_UNOPENED)
            self.missed()

    def missed(self) -> None:
        """Anything may have been lost."""
        self.gaps += 1
        for each in self._gaps:
            each()


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[bytes])
