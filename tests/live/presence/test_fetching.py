"""What an app adds to presence: once for a list and once for each half of a diff, and the order of diffs stays."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from kikao.channels.socket.protocol import Json
from kikao.events import ErrorUncaught, Event
from kikao.live.presence.fetching import Fetch, Released
from kikao.live.presence.state import Diff
from kikao.live.stores.store import Entry
from tests.live.presence.processes import ROOM, World, quiet

NAMES = {"asha": "Asha O.", "brian": "Brian K."}


def entry(key: str, ref: str) -> Entry:
    return Entry(ROOM, key, ref, "one", b'{"device":"web"}')


class Rig:
    def __init__(self, hook: Fetch | None, patience: float = 5.0) -> None:
        self.told: list[Any] = []
        self.events: list[Event] = []
        self.released = Released(self._release, lambda _: hook, self.events.append, patience)

    def _release(self, topic: str, payload: Json) -> None:
        assert topic == ROOM
        self.told.append(json.loads(payload))


async def test_a_hook_is_called_once_for_a_list_and_once_for_each_half_of_a_diff() -> None:
    calls: list[list[str]] = []

    async def fetch(topic: str, present: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        calls.append(sorted(present))
        for each in present.values():
            each["metas"].clear()  # what it does to what it got is its own affair
        return {key: {"name": NAMES[key]} for key in present}

    world = World()
    one, other = await world.process("one", fetch=fetch), await world.process("two")
    await other.track("asha", device="web")
    ref = await other.track("brian", device="web")
    assert calls == [["asha"], ["brian"]], "an empty half asks nobody, and neither does an empty list"
    calls.clear()
    await one.rejoin()
    assert calls == [["asha", "brian"]]
    assert {key: of["name"] for key, of in one.client.members.items()} == NAMES
    assert other.client.members["asha"] == {"metas": one.metas("asha")}

    calls.clear()
    other.tracker.update(ROOM, ref, {"device": "phone"})
    await quiet()
    assert calls == [["brian"], ["brian"]]
    assert one.diffs[-1]["joins"]["brian"]["name"] == one.diffs[-1]["leaves"]["brian"]["name"] == "Brian K."
    assert one.client.vanished == []


async def test_diffs_stay_in_order_though_the_first_hook_takes_longest() -> None:
    waits = [asyncio.Event(), asyncio.Event()]
    turn = iter(waits)

    async def fetch(topic: str, present: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        await next(turn).wait()
        return present

    rig = Rig(fetch)
    rig.released.diff(ROOM, Diff((entry("asha", "1"),)))
    rig.released.diff(ROOM, Diff((), (entry("asha", "1"),)))
    waits[1].set()
    await quiet()
    assert rig.told == []
    waits[0].set()
    await quiet()
    assert [sorted(diff["joins"]) for diff in rig.told] == [["asha"], []]
    assert rig.told[0]["joins"] == {"asha": {"metas": [{"device": "web", "phx_ref": "1"}]}}


async def test_a_hook_that_fails_takes_too_long_or_drops_keys_is_told_and_adds_nothing() -> None:
    async def raises(topic: str, present: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        raise ConnectionError("the directory is away")

    async def hangs(topic: str, present: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        await asyncio.Event().wait()
        return present

    async def drops(topic: str, present: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {}

    async def no_json(topic: str, present: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {key: {"user": object()} for key in present}

    for hook, error in (
        (raises, "ConnectionError"),
        (hangs, "TimeoutError"),
        (drops, "ValueError"),
        (no_json, "TypeError"),
    ):
        rig = Rig(hook, patience=0.0 if hook is hangs else 5.0)
        before = Json('{"asha":{"metas":[{"phx_ref":"1"}]}}')
        assert await rig.released.list(ROOM, before) == before
        rig.released.diff(ROOM, Diff((entry("asha", "1"),)))
        await quiet()
        assert [sorted(diff["joins"]) for diff in rig.told] == [["asha"]]
        assert [isinstance(event, ErrorUncaught) and event.error.split()[0] for event in rig.events] == [
            error
        ] * 2


async def test_without_a_hook_a_diff_passes_at_once_and_after_the_end_none_does() -> None:
    rig = Rig(None)
    rig.released.diff(ROOM, Diff((entry("asha", "1"),)))
    assert len(rig.told) == 1

    async def hangs(topic: str, present: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        await asyncio.Event().wait()
        return present

    rig = Rig(hangs)
    rig.released.diff(ROOM, Diff((entry("asha", "1"),)))
    await quiet()
    rig.released.close()
    await quiet()
    assert rig.told == []
