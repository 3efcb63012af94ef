"""What happens, in order: kills, a pause, outages, a process that is cut off, one that stops in good order."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec

from kikao.channels.socket.tokens import Tokens
from kikao.config import Hidden
from kikao.config.jwt import JwtKey, JwtSettings
from tests.reliability.grounds import GROUNDS
from tests.reliability.living.crowd import Crowd, Desk, Times
from tests.reliability.living.device import Device
from tests.reliability.living.workers import Worker, Workers
from tests.reliability.report import Report, at_least, exactly, report

KEY: Final = bytes(range(32))
TOLD: Final = 15.0
"""Seconds until notifications are told that a process stored and could not tell."""

LEASE, BEAT, REAP = 15.0, 4.0, 3.0
"""Seconds, as the product has them."""


class Plan(msgspec.Struct, frozen=True):
    """How much of it. Times are seconds."""

    processes: int
    users: int
    rooms: int
    kills: int
    every: float
    outages: tuple[float, ...]
    share: float = 1.0
    """Of the usual lease, and all that follows from it."""
    window: float = 10.0
    slack: float = 3.0
    pauses: bool = True
    """Whether a process stands still for a while."""

    @property
    def times(self) -> Times:
        return Times(LEASE * self.share, BEAT * self.share, REAP * self.share, self.window, self.slack)


class Story:
    """One run."""

    def __init__(self, crowd: Crowd, workers: Workers, plan: Plan, away: Path) -> None:
        self.crowd, self.workers, self.plan, self.away = crowd, workers, plan, away
        self.times = plan.times
        self.chance = crowd.chance
        self.desk = Desk(crowd)
        self.figures: dict[str, int | float | str] = {}
        self.gone_away: set[str] = set()
        """Users whose session was ended for a while, or for good."""
        self.buried: list[float] = []
        """Seconds after a kill until nobody saw what had been on that process."""

    async def goes(self) -> None:
        crowd = self.crowd
        numbers = itertools.count(1)

        async def push() -> None:
            everybody = [*crowd.of, *crowd.strangers]
            await self.desk.push(self.chance.choice(everybody), next(numbers))

        await asyncio.sleep(1.0)  # as late as processes know of each other's sessions
        crowd.again(0.15, push)
        crowd.again(0.3, crowd.read)
        await self.rests(self.plan.slack)
        crowd.again(0.3, crowd.churn)
        await self.kills()
        crowd.churns = False
        await self.rests(max(self.times.dead, self.times.lost))
        await self.sessions()
        if self.plan.pauses:
            await self.pause()
        for seconds in self.plan.outages:
            await self.outage(seconds)
        await self.cut_off()
        await self.drain()
        crowd.calm = True
        await self.rests(15.0 + self.plan.slack)
        await self.unread()
        crowd.check_streams()
        await crowd.notices_seen(TOLD + self.plan.slack)
        await crowd.until(self._unhanded, TOLD + self.plan.slack, "notifications to be handed over")
        self.check_presence()
        self.count()

    async def rests(self, within: float, *, stable: float = 0.0) -> tuple[float, float, float]:
        """Nobody says anything more until all is right; how long presence, rooms and inboxes took."""
        crowd = self.crowd
        was, crowd.calm = crowd.calm, True
        await crowd.all_in(within + 10.0)
        took = await asyncio.gather(
            crowd.presence_right(within, stable=stable),
            crowd.rooms_right(within, stable=stable),
            crowd.inboxes_right(max(within, TOLD + self.plan.slack), stable=stable),
        )
        crowd.calm = was
        return took

    def heals(self, what: str, took: tuple[float, float, float]) -> None:
        for name, seconds in zip(("presence", "rooms", "inboxes"), took, strict=True):
            self.figures[f"{what}: {name} right (s)"] = round(seconds, 1)

    @property
    def stable(self) -> float:
        """Seconds for which all has to be right after something that took long: a lease may lapse yet."""
        return self.times.lease / 2

    # --- what is done ---

    async def kills(self) -> None:
        self.crowd.begins("kills")
        killed: list[tuple[float, dict[Device, set[str]]]] = []
        for _ in range(self.plan.kills):
            await asyncio.sleep(self.plan.every)
            worker = self.chance.choice(self.workers.up)
            there = [each for each in self.crowd.devices if each.worker is worker and each.is_in]
            keys = {each.key for each in there}
            await self.workers.kill(worker)
            at = time.monotonic()
            seen = {
                each: each.watcher.of(keys)
                for each in self.crowd.devices
                if each.worker is not worker and each.is_in
            }
            killed.append((at, seen))
            await self.workers.restart(worker)
        await asyncio.sleep(max(0.0, killed[-1][0] + self.times.dead - time.monotonic()))
        ghosts, taken_over = 0, 0
        for at, seen in killed:
            last = 0.0
            for device, refs in seen.items():
                for ref in refs:
                    gone = device.watcher.gone.get(ref)
                    if gone is not None:
                        last = max(last, gone - at)
                    elif ref in device.watcher.client.refs():
                        taken_over += 1
            self.buried.append(last)
            ghosts += sum(
                device.watcher.gone.get(ref, at) - at > self.times.dead + self.times.window
                for device, refs in seen.items()
                for ref in refs
            )
        self.figures["kills"] = self.workers.kills
        self.figures["presences on killed processes, by observer"] = sum(
            len(refs) for _, seen in killed for refs in seen.values()
        )
        self.figures["of these held and taken over"] = taken_over
        self.figures["gone after a kill, p50 of kills (s)"] = round(statistics.median(self.buried), 1)
        self.figures["gone after a kill, most (s)"] = round(max(self.buried), 1)
        if ghosts:
            self.crowd.wrong(f"{ghosts} presences were gone too late after a kill")

    async def pause(self) -> None:
        self.crowd.begins("pause")
        worker = self.chance.choice(self.workers.up)
        began = time.monotonic()
        self.workers.pause(worker)
        worker.impair(began + self.times.lease - self.times.beat - 1.0)
        await asyncio.sleep(self.times.dead)
        ghosts = self._shown_of(worker)
        if ghosts:
            self.crowd.wrong(f"{ghosts} presences of a process that stands still are shown after the lease")
        self.workers.resume(worker)
        took = await self.rests(5 * self.times.beat + self.plan.slack, stable=self.stable)
        worker.recover()
        self.heals("after a pause", took)

    def _shown_of(self, worker: Worker) -> int:
        keys = {each.key for each in self.crowd.devices if each.worker is worker}
        return sum(
            len(each.watcher.of(keys))
            for each in self.crowd.devices
            if each.worker is not worker and each.is_in
        )

    async def outage(self, seconds: float) -> None:
        self.crowd.begins("outage")
        crowd, began = self.crowd, time.monotonic()
        drops, echoes = sum(each.drops for each in crowd.devices), len(crowd.echoes)
        lost, unsaid = crowd.echoes_lost, crowd.unsaid
        workers = list(self.workers.all)
        self.workers.cut(*workers)
        for worker in workers:
            worker.impair(began + self.times.lease - self.times.beat - 1.0)
        await asyncio.sleep(seconds)
        name = f"outage of {seconds:g} s"
        during = [took for at, took in crowd.echoes[echoes:]]
        self.figures[f"{name}: sockets lost"] = sum(each.drops for each in crowd.devices) - drops
        self.figures[f"{name}: echoes"] = len(during)
        self.figures[f"{name}: slowest echo (s)"] = round(max(during, default=0.0), 3)
        if crowd.echoes_lost > lost:
            crowd.wrong(f"{crowd.echoes_lost - lost} echoes were not answered in an outage")
        self.workers.heal(*workers)
        took = await self.rests(6 * self.times.beat + 5.0 + self.plan.slack, stable=self.stable)
        for worker in workers:
            worker.recover()
        self.heals(f"after the {name}", took)
        self.figures[f"{name}: messages refused"] = crowd.unsaid - unsaid

    async def cut_off(self) -> None:
        """One process is alone, while users are logged out and stopped elsewhere."""
        self.crowd.begins("cut_off")
        crowd = self.crowd
        alone, other = self.chance.sample(self.workers.up, 2)
        there = [
            user
            for user, devices in crowd.of.items()
            if not any(each.over for each in devices) and any(each.worker is alone for each in devices)
        ]
        out = self.chance.sample(there, min(6, len(there)))
        self.gone_away.update(out)
        crowd.ending.update(out)
        self.workers.cut(alone)
        alone.impair(time.monotonic() + self.times.lease - self.times.beat - 1.0)
        await asyncio.sleep(0.5)
        for user in out[: len(out) // 2]:
            await self.desk.ask(other, "log_out", {"user": user})
        stopped = out[len(out) // 2 :]
        was = {device: device.line for user in stopped for device in crowd.of[user]}
        for user in stopped:
            await self.desk.ask(other, "stop_session", {"user": user})
        logged_out = [device for user in out[: len(out) // 2] for device in crowd.of[user]]
        await asyncio.sleep(min(4.0, self.times.lease / 2))
        self.workers.heal(alone)
        began = time.monotonic()

        def still() -> list[str]:
            return [
                *(f"{each.name} is still in after a log-out" for each in logged_out if each.line is not None),
                *(
                    f"{each.name} is still on its socket after a stop"
                    for each, line in was.items()
                    if line is not None and each.line is line
                ),
            ]

        await crowd.until(still, 10.0, "log-outs to hold")
        self.figures["cut off: ended after the heal (s)"] = round(time.monotonic() - began, 1)
        for device in logged_out:
            if device.ended != "logged_out":
                crowd.wrong(f"{device.name} was logged out, and told {device.ended!r}")
        took = await self.rests(6 * self.times.beat + self.plan.slack, stable=self.stable)
        alone.recover()
        for device in logged_out:
            if not device.over:
                crowd.wrong(f"{device.name} was logged out, and is let in again")
        self.heals("after one was cut off", took)
        self.figures["users logged out or stopped meanwhile"] = len(out)

    async def drain(self) -> None:
        self.crowd.begins("drain")
        crowd = self.crowd
        worker = self.chance.choice(self.workers.up)
        there = [each for each in crowd.devices if each.worker is worker and each.is_in]
        keys = {each.key for each in there}
        seen = {
            each: each.watcher.of(keys) for each in crowd.devices if each.worker is not worker and each.is_in
        }
        began = time.monotonic()
        code = await self.workers.drain(worker)
        self.figures["drain: sockets"] = len(there)
        self.figures["drain: seconds"] = round(time.monotonic() - began, 1)
        if code:
            crowd.wrong(f"SIGTERM ended a process with {code}")
        await crowd.all_in(10.0)
        flickers = sum(each.watcher.gone.get(ref, 0.0) > began for each, refs in seen.items() for ref in refs)
        self.figures["drain: presences, by observer"] = sum(map(len, seen.values()))
        self.figures["drain: of these that flickered"] = flickers
        await self.workers.restart(worker)

    async def sessions(self) -> None:
        """Every process knows of every user's sockets, and of no others."""
        crowd = self.crowd
        await asyncio.sleep(1.5)
        for worker in self.workers.up:
            for user in [*self.chance.sample([*crowd.of], 5), "nobody"]:
                devices = [each for each in crowd.of.get(user, ()) if each.line is not None]
                found = await self.desk.ask(worker, "session", {"user": user})
                sockets = len((found["session"] or {}).get("sockets", ()))
                if found["exists"] != bool(devices) or sockets != len(devices):
                    crowd.wrong(f"{user} has {len(devices)} sockets, and {worker.number} says {found}")

    async def unread(self) -> None:
        """What devices count is what the records have, once they were told of the last that was read."""
        until = time.monotonic() + TOLD + self.plan.slack
        for user, devices in self.crowd.of.items():
            if any(each.over for each in devices):
                continue
            while True:
                worker = self.crowd.door()
                assert worker is not None
                counted = await self.desk.ask(worker, "unread", {"user": user})
                behind = [each for each in devices if each.notices.unread["total"] != counted["total"]]
                if not behind or time.monotonic() > until:
                    break
                await asyncio.sleep(0.05)
            for device in behind:
                self.crowd.wrong(
                    f"{device.name} counts {device.notices.unread}; the records {counted}", "unread"
                )

    # --- what is found ---

    def check_presence(self) -> None:
        for device in self.crowd.devices:
            for ref, at in device.watcher.came_back.items():
                if not any(w.was_impaired(at) for w in self.workers.ever):
                    left = self.crowd.when(device.watcher.gone[ref])
                    self.crowd.wrong(
                        f"{device.name}: {ref} left {left} and came back {self.crowd.when(at)}", "came back"
                    )

    def count(self) -> None:
        crowd = self.crowd
        handed = Counter(line.split()[0] for line in self._away())
        unsure = {line.split()[0] for line in self._away() if self._was_unsure(float(line.split()[3]))}
        due = self._due()
        away = {id_ for user in self.gone_away for id_ in crowd.pushed[user]}
        for id_ in handed.keys() - due - away - unsure:
            crowd.wrong(f"notification {id_} was handed over, though its user is there", "there")
        doubles = handed.total() - len(handed)
        if doubles > self.workers.kills + 1:
            crowd.wrong(f"{doubles} handed over twice")
        self.figures |= {
            "processes": self.plan.processes,
            "users, with two sockets each": len(crowd.of),
            "messages": len(crowd.said),
            "delivered": sum(len(each.log.messages) for each in crowd.devices),
            "of these replayed": sum(each.log.replayed for each in crowd.devices),
            "resumes": sum(each.log.resumes for each in crowd.devices),
            "told that they missed something": sum(each.log.refused.total() for each in crowd.devices),
            "left out of a list, and told later": sum(each.watcher.listed_without for each in crowd.devices),
            "joins shown twice": sum(each.watcher.doubled for each in crowd.devices),
            "notifications pushed": sum(map(len, crowd.pushed.values())),
            "of these for who is away": len(due),
            "handed over": len(handed),
            "handed over twice": doubles,
            "slowest echo (s)": round(max(took for _, took in crowd.echoes), 2),
        }

    def _due(self) -> set[str]:
        """What is to be handed over: their users never connect."""
        return {id_ for user in self.crowd.strangers for id_ in self.crowd.pushed[user]}

    def _unhanded(self) -> list[str]:
        handed = {line.split()[0] for line in self._away()}
        return [
            f"notification {id_} of somebody who is away was not handed over" for id_ in self._due() - handed
        ]

    def _was_unsure(self, at: float) -> bool:
        """Whether some process stood still or was cut off then, so that its sessions were taken to be over."""
        then = at - time.time() + time.monotonic()
        return any(worker.was_impaired(then) for worker in self.workers.ever)

    def _away(self) -> list[str]:
        return self.away.read_text().splitlines() if self.away.exists() else []


async def run(folder: Path, kind: str, plan: Plan, seed: int) -> Report:
    """One run on a ground."""
    tokens = Tokens(JwtSettings(keys=(JwtKey("k1", "HS256", Hidden(KEY)),)))
    away = folder / "away"
    env = {
        "KIKAO_JWT_KEYS": f"k1:HS256:{base64.b64encode(KEY).decode()}",
        "AWAY": str(away),
        "WINDOW": f"{plan.window}",
    }
    if plan.share != 1.0:
        env["LIVE_LEASE"] = f"{LEASE * plan.share}"
    (folder / "data").mkdir(parents=True)
    with GROUNDS[kind](folder / "store") as ground:
        async with Workers(folder, ground, env, plan.processes) as workers:
            crowd = Crowd(
                workers,
                tokens,
                plan.times,
                users=plan.users,
                rooms=plan.rooms,
                strangers=max(2, plan.users // 10),
                seed=seed,
            )
            story = Story(crowd, workers, plan, away)
            async with crowd:
                await story.goes()
            codes = await asyncio.gather(*map(workers.drain, workers.up))
            crowd.violations += [f"SIGTERM ended a process with {code}" for code in codes if code]
    crowd.violations += _noise(folder / "workers.log")
    return report(
        story.figures,
        crowd.violations,
        kills=at_least(plan.kills),
        **{"drain: of these that flickered": exactly(0)},
    )


def _noise(log: Path) -> list[str]:
    """Lines that say that something broke."""
    found = []
    for line in log.read_text().splitlines():
        with contextlib.suppress(msgspec.DecodeError):
            event: dict[str, Any] = msgspec.json.decode(line)
            if event.get("event") == "error.uncaught" and "LiveAway" not in event["error"]:
                found.append(f"in the log: {line}")
            continue
        if "Traceback" in line or "Error" in line:
            found.append(f"in the log: {line}")
    return found[:10]


def _plan(processes: int, quick: bool) -> Plan:
    if quick:
        return Plan(processes, 16, 2, 1, 1.0, (), share=0.2, window=2.0, slack=2.0, pauses=False)
    return Plan(processes, 200 if processes > 2 else 100, 8, 6, 5.0, (6.0, 25.0))


async def postgresql(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "PostgreSQL", _plan(2, quick), seed)


async def valkey(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "Valkey", _plan(3, quick), seed)
