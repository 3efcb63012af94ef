"""Everybody who is connected, what they do all the time, and what has to be true of what they see."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Final

import msgspec
from websockets.exceptions import InvalidHandshake

from kikao.channels.socket.tokens import Tokens
from tests.reliability.living.device import Device
from tests.reliability.living.line import Frame, Line, Lost, opened
from tests.reliability.living.workers import Worker, Workers

SETTLED: Final = 2.0
"""Seconds after a join in which others may not have heard of it."""

PATIENCE: Final = 15.0
"""Seconds in which an operator tries again."""

TROUBLES: Final = (Lost, OSError, TimeoutError, InvalidHandshake, EOFError)
"""What somebody who connects has to expect."""

SHOWN: Final = 20
"""Of each kind of violation, so many are told."""


class Times(msgspec.Struct, frozen=True):
    """What follows from the lease and the window, in seconds."""

    lease: float
    beat: float
    reap: float
    window: float
    slack: float

    @property
    def dead(self) -> float:
        """After a kill, nobody shows what was on that process."""
        return self.lease + 1.2 * self.reap + self.slack

    @property
    def lost(self) -> float:
        """After its connection was lost, nobody shows somebody who does not come back."""
        return self.window + 1.2 * self.reap + self.slack


class Crowd:
    """`users` in `rooms`, two devices each, on different processes."""

    def __init__(
        self,
        workers: Workers,
        tokens: Tokens,
        times: Times,
        *,
        users: int,
        rooms: int,
        strangers: int,
        seed: int,
    ) -> None:
        self.workers = workers
        self.tokens = tokens
        self.times = times
        self.chance = random.Random(seed)
        self.violations: list[str] = []
        self.phase = "start"
        """What is going on."""
        self._phases: list[tuple[float, str]] = []
        self.rooms: dict[str, list[Device]] = {}
        self.of: dict[str, list[Device]] = {}
        self.strangers = [f"away{n}" for n in range(strangers)]
        for n in range(users):
            user, room = f"user{n}", f"r{n % rooms}"
            self.of[user] = [Device(self, user, f"{user}-{each}", room) for each in ("phone", "web")]
            self.rooms.setdefault(f"room:{room}", []).extend(self.of[user])
        self.devices = [device for devices in self.of.values() for device in devices]
        self.ending: set[str] = set()
        """Users who are logged out, or stopped: others may hear of it before their own devices do."""
        self.churns = True
        """Whether devices come and go."""
        self.calm = False
        """Whether nobody says anything, so that what was lost is not found by what follows it."""
        self.said: dict[int, str] = {}
        """Numbers that were acknowledged to who said them, and the room."""
        self.unsaid = 0
        self.pushed: dict[str, dict[str, int]] = defaultdict(dict)
        """By user, ids of notifications that were acknowledged, and their numbers."""
        self.echoes: list[tuple[float, float]] = []
        """When, and how long it took."""
        self.echoes_lost = 0
        self.doubled: Counter[str] = Counter()
        self._wrongs: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self._said_at: dict[int, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._signed: dict[str, str] = {}

    # --- for devices ---

    def token(self, user: str) -> str:
        if user not in self._signed:
            self._signed[user] = self.tokens.sign(user, 3600)
        return self._signed[user]

    def door(self, device: Device | None = None) -> Worker | None:
        """Where somebody is sent: where their other device is not, as far as there is such a place."""
        up = self.workers.up
        if device is None:
            return self.chance.choice(up) if up else None
        others = {other.worker for other in self.of[device.user] if other is not device}
        return self.chance.choice([worker for worker in up if worker not in others] or up) if up else None

    def wrong(self, what: str, kind: str = "") -> None:
        """Something that may not be."""
        self._wrongs[kind] += 1
        if self._wrongs[kind] <= SHOWN:
            self.violations.append(f"{self.phase}: {what}")

    def begins(self, phase: str) -> None:
        self.phase = phase
        self._phases.append((time.monotonic(), phase))

    def when(self, at: float) -> str:
        """In which phase that was, and how many seconds after it began."""
        since, phase = max((each for each in self._phases if each[0] <= at), default=(at, "start"))
        return f"{at - since:.1f} s into {phase}"

    def reached(self, number: int) -> None:
        """A message came to somebody."""

    def vanished(self, observer: Device, user: str) -> None:
        """A user has no meta left in what somebody sees: may that be?"""
        now = time.monotonic()
        if user in self.ending or observer.worker is None or observer.worker.was_impaired(now):
            return
        for device in self.of[user]:
            if self._must_be_shown(device, now):
                last = None if device.left is None else (device.left[0], round(now - device.left[1], 1))
                since = None if device.joined_at is None else round(now - device.joined_at, 1)
                self.wrong(
                    f"{user} vanished for {observer.name} on {observer.worker.number}, though {device.name} is in "
                    f"since {since} s and was last lost {last}",
                    "vanished",
                )

    def _must_be_shown(self, device: Device, now: float) -> bool:
        if device.worker is not None and device.worker.was_impaired(now):
            return False
        if device.joined_at is not None and device.joined_at <= now - SETTLED:
            return True
        if device.left is None:
            return False
        why, at = device.left
        holds = {
            "dropped": self.times.window,
            "drained": self.times.window,
            "killed": self.times.lease - self.times.beat,
        }
        return now < at + holds.get(why, 0.0) - 1.0

    # --- what they do ---

    async def __aenter__(self) -> Crowd:
        for device in self.devices:
            self.begin(device.live())
        await self.all_in(30.0)
        for room in self.rooms.values():
            self.again(0.3, partial(self._shout, room))
        for _ in range(4):
            self.again(0.2, self._echo)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def again(self, every: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do something again and again."""
        self.begin(self._every(every, work))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something until the end."""
        task = asyncio.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.wrong(f"a client broke: {error!r}", "broke")

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds * self.chance.uniform(0.5, 1.5))
            if not self.calm:
                await work()

    def _somebody(self, among: Iterable[Device]) -> Device | None:
        found = [each for each in among if each.is_in and each.worker is not None and each.worker.is_up]
        return self.chance.choice(found) if found else None

    async def _shout(self, room: list[Device]) -> None:
        if (device := self._somebody(room)) is None or (line := device.line) is None:
            return
        number = next(self._numbers)
        try:
            status, _ = await line.ask(device.room, "shout", {"n": number})
        except Lost:
            return
        if status == "ok":
            self.said[number] = device.room
        else:
            self.unsaid += 1

    async def _echo(self) -> None:
        if (device := self._somebody(self.devices)) is None or (line := device.line) is None:
            return
        began = time.monotonic()
        worker = device.worker
        try:
            status, response = await line.ask(device.room, "echo", {"n": began})
        except Lost:
            if worker is not None and worker.is_up and device.line is line:
                self.echoes_lost += 1
            return
        if status == "ok" and response == {"n": began}:
            self.echoes.append((began, time.monotonic() - began))
        elif device.line is line and device.is_in:
            self.wrong(f"{device.name}: an echo is answered {status} {response}", "echo")

    async def churn(self) -> None:
        """A device loses its connection, and is back at once or in a moment; or it leaves, and comes back."""
        if not self.churns or (device := self._somebody(self.devices)) is None:
            return
        kind = self.chance.random()
        if kind < 0.6 or device is self.of[device.user][0]:
            device.stays_away.clear()
            device.cut()
            await asyncio.sleep(0.0 if kind < 0.3 else self.chance.uniform(0.1, self.times.window / 2))
        else:
            device.stays_away.clear()
            await device.leave()
            await asyncio.sleep(self.chance.uniform(0.1, 3.0))
        device.stays_away.set()

    async def read(self) -> None:
        """A user reads what they have."""
        if (device := self._somebody(self.devices)) is None or not device.in_notices:
            return
        with contextlib.suppress(Lost):
            assert device.line is not None
            await device.line.ask(
                device.notices_topic, "read", {"ids": self.chance.sample(sorted(device.notices.seen), 1)}
            ) if device.notices.seen else None

    # --- what has to be true ---

    async def all_in(self, within: float) -> float:
        """Wait until every device is in its room and its inbox; how long that took."""
        return await self.until(
            lambda: [
                f"{device.name} is not in"
                for device in self.devices
                if not device.over and not (device.is_in and device.in_notices)
            ],
            within,
            "everybody to be in",
        )

    async def presence_right(self, within: float, *, stable: float = 0.0) -> float:
        """Wait until everybody sees exactly who is there; how long that took."""
        return await self.until(self._presence_wrong, within, "presence to be right", stable=stable)

    async def rooms_right(self, within: float, *, stable: float = 0.0) -> float:
        """Wait until everybody has everything that was said, though nobody says anything more."""
        return await self.until(self._rooms_wrong, within, "rooms to be right", stable=stable)

    async def inboxes_right(self, within: float, *, stable: float = 0.0) -> float:
        """Wait until the devices of each user count the same."""
        return await self.until(self._inboxes_wrong, within, "inboxes to be right", stable=stable)

    async def until(
        self, wrong: Callable[[], list[str]], within: float, what: str, *, stable: float = 0.0
    ) -> float:
        """Wait until nothing is wrong and stays so for `stable` seconds; the seconds until then."""
        began = right = time.monotonic()
        while True:
            now = time.monotonic()
            if found := wrong():
                right = now
                if now - began > within:
                    for each in found[:4]:
                        self.wrong(f"waited {within:.1f} s for {what}: {each}", what)
                    if len(found) > 4:
                        self.wrong(f"… and {len(found) - 4} more like this", what)
                    break
            elif now - right >= stable:
                break
            await asyncio.sleep(0.05)
        return right - began

    def _presence_wrong(self) -> list[str]:
        found = []
        for room, devices in self.rooms.items():
            there = Counter(device.key for device in devices if device.is_in)
            for device in devices:
                if device.is_in and device.worker is not None and (seen := device.watcher.devices()) != there:
                    more = {key: sorted(device.watcher.of({key})) for key in seen - there}
                    less = dict(there - seen)
                    found.append(
                        f"{device.name} on {device.worker.number} in {room} sees {more} too many, "
                        f"{less} too few, of {there.total()}"
                    )
        return found

    def _rooms_wrong(self) -> list[str]:
        found = []
        for room, devices in self.rooms.items():
            tops = Counter((each.log.stream, each.log.top) for each in devices if each.is_in)
            if len(tops) > 1:
                best = max(tops, key=lambda top: top[1] or 0)
                behind = [each for each in devices if each.is_in and (each.log.stream, each.log.top) != best]
                found.append(f"{room}: {dict(tops)}; behind are {[each.name for each in behind[:4]]}")
        return found

    def _inboxes_wrong(self) -> list[str]:
        found = []
        for user, devices in self.of.items():
            known = {msgspec.json.encode(each.notices.unread) for each in devices if each.in_notices}
            if len(known) > 1:
                found.append(f"{user}: devices count {known}")
        return found

    def check_streams(self) -> None:
        """Of all that was ever said: nothing twice, nothing missing, the same for all."""
        for device in self.devices:
            for log, name in ((device.log, device.room), (device.heard_notices, device.notices_topic)):
                for wrong in log.wrong:
                    self.wrong(f"{device.name} in {name}: {wrong}", "stream")
        for room, devices in self.rooms.items():
            all_of: dict[tuple[str, int], Any] = {}
            for device in devices:
                for at, number in device.log.messages.items():
                    if all_of.setdefault(at, number) != number:
                        self.wrong(f"{room}: {at} is {number} and {all_of[at]}", "order")
            heard = Counter(all_of.values())
            for number, where in self.said.items():
                if where == room and heard[number] != 1:
                    self.wrong(
                        f"{room}: {number} was acknowledged, and is in the stream {heard[number]} times",
                        "said",
                    )

    async def notices_seen(self, within: float) -> float:
        """Wait until whatever was acknowledged is seen; how long that took."""
        return await self.until(self._unseen, within, "notifications to be seen")

    def _unseen(self) -> list[str]:
        found = []
        for user, devices in self.of.items():
            if any(device.over for device in devices):
                continue
            seen = set[str]().union(*(device.notices.seen for device in devices))
            found += [f"{user} did not see notification {id_}" for id_ in self.pushed[user].keys() - seen]
        return found


class Desk:
    """An operator on a process, who asks and acts."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd

    async def ask(self, worker: Worker, event: str, payload: Any) -> Any:
        """On a process of one's choice, again for as long as it says that it cannot now. Raises `AssertionError`."""
        status, response, until = "", None, time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(*TROUBLES):
                status, response = await self._asked(worker, event, payload)
                if status == "ok" or response.get("reason") != "unavailable":
                    break
            await asyncio.sleep(0.1)
        assert status == "ok", f"{event} on {worker.number}: {response}"
        return response

    async def push(self, user: str, number: int) -> None:
        """Notify somebody, from any process, until that is acknowledged."""
        while True:
            worker = self.crowd.door()
            with contextlib.suppress(*TROUBLES):
                if worker is not None:
                    status, response = await self._asked(worker, "notify", {"user": user, "n": number})
                    if status == "ok":
                        self.crowd.pushed[user][response["id"]] = number
                        return
            await asyncio.sleep(0.1)

    async def _asked(self, worker: Worker, event: str, payload: Any) -> tuple[str, Any]:
        joined = asyncio.Event()

        def heard(frame: Frame) -> None:
            joined.set()

        async with opened(worker.port, self.crowd.token("operator"), heard) as line:
            return await self._through(line, joined, event, payload)

    async def _through(self, line: Line, joined: asyncio.Event, event: str, payload: Any) -> tuple[str, Any]:
        reading = asyncio.create_task(line.read())
        try:
            await line.join("desk", {})
            async with asyncio.timeout(10.0):
                await joined.wait()
            return await line.ask("desk", event, payload)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
