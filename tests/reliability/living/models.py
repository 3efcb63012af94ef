"""What a client knows, and what may never happen to it: pure, so that tests show each of these laws to be broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from kikao.live.stores.epochs import STORE
from tests.live.presence.client import Client, Payload


class Log:
    """A kept topic, as one client has it: a number for each message, without a gap and without a double, for as long as
    it is told that it recovered."""

    def __init__(self) -> None:
        self.epoch = ""
        self.top: int | None = None
        self.messages: dict[tuple[str, int], Any] = {}
        """What was said, by stream and number."""
        self.replayed = 0
        self.resumes = 0
        self.refused: Counter[str] = Counter()
        """Joins that asked and did not recover, by what they were told."""
        self.wrong: list[str] = []

    @property
    def asks(self) -> dict[str, Any]:
        """What a join says of where it was."""
        return {} if self.top is None else {"last_seq": self.top, "epoch": self.epoch}

    @property
    def stream(self) -> str:
        """The same for all who are in it: who joined before the first message has it under another epoch."""
        return self.epoch[:STORE]

    def joined(self, asked: bool, reply: Payload) -> list[Payload]:
        """The reply to a join; the messages that it brought."""
        epoch, top, messages = reply["epoch"], reply["seq"], reply["messages"]
        if not reply["recovered"]:
            if messages:
                self.wrong.append(f"not recovered, and given {len(messages)} messages")
            if asked:
                self.refused[reply.get("reason", "")] += 1
            self.epoch, self.top = epoch, top
            return []
        self.resumes += 1
        if epoch != self.epoch:
            self.wrong.append("recovered from another epoch")
        for message in messages:
            self.heard(message["payload"])
        self.replayed += len(messages)
        if self.top != top:
            self.wrong.append(f"recovered up to {self.top}, and the stream is at {top}")
        return list(messages)

    def heard(self, payload: Payload) -> None:
        """A message, replayed or not."""
        seq = payload["seq"]
        if self.top is None or seq != self.top + 1:
            self.wrong.append(f"{seq} after {self.top}")
        self.top = seq
        self.messages[self.stream, seq] = payload.get("n")


class Watcher:
    """Presence in a topic, as one client sees it: see `Client`. `vanished` hears of each key that has no meta left."""

    def __init__(self, clock: Callable[[], float], vanished: Callable[[str], None]) -> None:
        self.client = Client()
        self.gone: dict[str, float] = {}
        """When each ref left."""
        self.came_back: dict[str, float] = {}
        """Refs that joined after they had left, and when."""
        self.listed_without = 0
        """Refs that a list did not have and that came back: it was made while its process did not know all."""
        self.doubled = 0
        """Joins of what was there, and leaves of what was not: harmless, and counted."""
        self._clock = clock
        self._vanished = vanished
        self._not_listed: set[str] = set()

    def state(self, payload: Payload) -> None:
        before = self.client.refs()
        self._seen(lambda: self.client.on_state(payload))
        self._not_listed |= before - self.client.refs()

    def diff(self, payload: Payload) -> None:
        there = self.client.refs()
        joins, leaves = _refs(payload["joins"]), _refs(payload["leaves"])
        self.doubled += len(joins & there) + len(leaves - there - joins)
        self._seen(lambda: self.client.on_diff(payload))

    def devices(self) -> Counter[tuple[str, str]]:
        """How many metas are shown of each device."""
        return Counter(
            (key, meta["device"]) for key, of in self.client.members.items() for meta in of["metas"]
        )

    def of(self, devices: set[tuple[str, str]]) -> set[str]:
        """The refs that are shown of these."""
        return {
            meta["phx_ref"]
            for key, of in self.client.members.items()
            for meta in of["metas"]
            if (key, meta["device"]) in devices
        }

    def _seen(self, work: Callable[[], None]) -> None:
        before, known = self.client.refs(), len(self.client.vanished)
        work()
        after, now = self.client.refs(), self._clock()
        for ref in before - after:
            self.gone[ref] = now
        for ref in after - before:
            if ref in self._not_listed:
                self._not_listed.discard(ref)
                self.listed_without += 1
            elif ref in self.gone:
                self.came_back[ref] = now
        for key in self.client.vanished[known:]:
            self._vanished(key)


class Notices:
    """The inbox of a user, as one device has it."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        """How often each id was told as it happened, or replayed."""
        self.pending: set[str] = set()
        """Ids that stood in the reply to a join."""
        self.unread: Payload = {"version": -1}

    def joined(self, reply: Payload) -> None:
        self.pending.update(each["id"] for each in reply["pending"])
        self.counted(reply["unread"])

    def notice(self, payload: Payload) -> None:
        self.heard[payload["id"]] += 1

    def counted(self, payload: Payload) -> None:
        if payload["version"] >= self.unread["version"]:
            self.unread = {name: payload[name] for name in ("total", "by_kind", "version")}

    @property
    def seen(self) -> set[str]:
        return self.pending | set(self.heard)


def _refs(half: Payload) -> set[str]:
    return {meta["phx_ref"] for of in half.values() for meta in of["metas"]}
