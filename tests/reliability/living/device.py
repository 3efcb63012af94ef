"""A device of a user: it connects as the official client does, again and again, and keeps what it hears in models."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from websockets.exceptions import InvalidHandshake, InvalidStatus

from tests.reliability.living.line import Frame, Line, Lost, opened
from tests.reliability.living.models import Log, Notices, Watcher

if TYPE_CHECKING:
    from tests.reliability.living.crowd import Crowd
    from tests.reliability.living.workers import Worker

PAUSES: Final = (0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1.0, 2.0)
"""Seconds between two connects, as with the official client; at most half of its longest, since a run is short."""

REJOIN: Final = 0.5
"""Seconds until a join that was refused, or a channel that failed, is tried again."""

HEARTBEAT: Final = 5.0


class Device:
    """See the module. `joined_at` is since when it is in its room, None while it is not."""

    def __init__(self, crowd: Crowd, user: str, name: str, room: str) -> None:
        self.crowd = crowd
        self.user = user
        self.name = name
        self.room = f"room:{room}"
        self.notices_topic = f"notices:{user}"
        self.log = Log()
        self.heard_notices = Log()
        self.watcher = Watcher(time.monotonic, self._vanished)
        self.notices = Notices()
        self.worker: Worker | None = None
        """Where it is connected."""
        self.line: Line | None = None
        self.joined_at: float | None = None
        self.in_notices = False
        self.left: tuple[str, float] | None = None
        """How it was last lost, and when: `left`, `dropped`, `killed`, `drained`, `ended`."""
        self.stays_away = asyncio.Event()
        """Cleared while it may not connect."""
        self.stays_away.set()
        self.ended = ""
        """What `session_ended` said."""
        self.over = False
        """Whether it never comes back: it was logged out."""
        self.refused: dict[int, int] = {}
        self.drops = 0
        """How often its socket ended without its doing."""
        self.dropped_at: list[float] = []
        self._why = ""
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def key(self) -> tuple[str, str]:
        """By which others see it."""
        return self.user, self.name

    @property
    def is_in(self) -> bool:
        return self.joined_at is not None

    # --- its life ---

    async def live(self) -> None:
        tries = 0
        while not self.over:
            await self.stays_away.wait()
            worker = self.crowd.door(self)
            if worker is not None:
                try:
                    async with opened(worker.port, self.crowd.token(self.user), self._heard) as line:
                        tries = 0
                        await self._connected(line, worker)
                except InvalidStatus as refused:
                    self._refused(refused.response.status_code)
                except (OSError, TimeoutError, InvalidHandshake, EOFError):
                    pass
            await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1

    async def _connected(self, line: Line, worker: Worker) -> None:
        self.line, self.worker, self.ended, self._why = line, worker, "", ""
        around = [asyncio.create_task(self._beats(line)), asyncio.create_task(self._joins(line))]
        try:
            await line.read()
        finally:
            now = time.monotonic()
            if not self._why:
                self.drops += 1
                self.dropped_at.append(now)
            why = self._why or ("drained" if line.code == 1012 else "ended" if self.ended else worker.fate)
            self.left = (why, now)
            self.line, self.worker, self.joined_at, self.in_notices = None, None, None, False
            self.watcher.client.rejoin()
            for task in (*around, *self._tasks):
                task.cancel()
            await asyncio.gather(*around, return_exceptions=True)

    async def _beats(self, line: Line) -> None:
        with contextlib.suppress(Lost):
            while True:
                await asyncio.sleep(HEARTBEAT)
                await line.ask("phoenix", "heartbeat", {}, patience=60.0)

    async def _joins(self, line: Line) -> None:
        with contextlib.suppress(Lost):
            await self._join_room(line)
            await self._join_notices(line)

    async def _join_room(self, line: Line) -> None:
        await line.join(self.room, {"device": self.name, **self.log.asks})

    async def _join_notices(self, line: Line) -> None:
        await line.join(self.notices_topic, {"limit": 200, **self.heard_notices.asks})

    def _again(self, topic: str) -> None:
        """Join anew, in a moment."""
        line = self.line
        assert line is not None

        async def again() -> None:
            await asyncio.sleep(REJOIN)
            with contextlib.suppress(Lost):
                await (self._join_room(line) if topic == self.room else self._join_notices(line))

        task = asyncio.create_task(again())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _refused(self, status: int) -> None:
        self.refused[status] = self.refused.get(status, 0) + 1
        if status == 403:
            self.over = True

    # --- what is done to it ---

    def cut(self) -> None:
        """The network fails it."""
        if self.line is not None:
            self._why = "dropped"
            self.line.cut()

    async def leave(self) -> None:
        """It is closed by its user."""
        if self.line is not None:
            self._why = "left"
            await self.line.close()

    # --- what comes ---

    def _heard(self, frame: Frame) -> None:
        join_ref, ref, topic, event, payload = frame
        line = self.line
        if line is None:
            return
        if event == "session_ended":
            self.ended = self._why = payload["reason"]
        elif join_ref is not None and join_ref != line.joins.get(topic):
            self.crowd.wrong(f"{self.key}: {event} for an older join of {topic}")
        elif event == "phx_reply" and ref == line.joins.get(topic):
            self._joined(topic, payload["status"], payload["response"])
        elif event in ("phx_error", "phx_close"):
            if topic == self.room:
                self.joined_at, self.left = None, (event, time.monotonic())
                self.watcher.client.rejoin()
            self._again(topic)
        elif topic == self.room:
            self._heard_in_room(event, payload)
        elif topic == self.notices_topic:
            self._heard_of_notices(event, payload)

    def _joined(self, topic: str, status: str, response: Any) -> None:
        if status != "ok":
            if response.get("reason") != "unavailable":
                self.crowd.wrong(f"{self.key}: joining {topic} is refused: {response}")
            self._again(topic)
        elif topic == self.room:
            self.log.joined(bool(self.log.asks), response)
            self.joined_at = time.monotonic()
        else:
            for message in self.heard_notices.joined(bool(self.heard_notices.asks), response):
                self._told(message["event"], message["payload"])
            self.notices.joined(response)
            self.in_notices = True

    def _heard_in_room(self, event: str, payload: Any) -> None:
        if event == "shout":
            self.log.heard(payload)
            self.crowd.reached(payload["n"])
        elif event == "presence_state":
            self.watcher.state(payload)
        elif event == "presence_diff":
            self.watcher.diff(payload)

    def _heard_of_notices(self, event: str, payload: Any) -> None:
        if "seq" in payload:
            self.heard_notices.heard(payload)
        self._told(event, payload)

    def _told(self, event: str, payload: Any) -> None:
        if event == "notice":
            self.notices.notice(payload)
        elif event == "unread":
            self.notices.counted(payload)

    def _vanished(self, user: str) -> None:
        self.crowd.vanished(self, user)
