"""Keys come and go while the server is down, between messages and their redelivery, and the commands are killed too.

After a kill an operator does one of these:

- puts a new key in front of the others;
- takes the last one out, and puts it back when the start is refused;
- seals everything anew;
- moves everything to another look-up key. The command is killed at random, some times over, and done again.

Beside the members who send money there are many who wait: nobody writes their sessions, and each must still be there
in the end with the reply to their message.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
from pathlib import Path
from typing import Final

from kikao.config import load
from kikao.opening import make_store
from kikao.sessions.keeper import Sessions
from kikao.sessions.keys import needs
from kikao.sessions.rekeying import BATCH
from kikao.sessions.resealing import reseal
from kikao.sessions.sealing import KeyRing
from tests.http.servers import KIKAO, environment
from tests.reliability.kill_loop import Meanwhile
from tests.sessions import bystanders

KEYS: Final = 6
"""Most keys at a time: then the next thing an operator does is to take one out."""

PATIENCE: Final = 60.0
"""Seconds a command may take."""

LINES: Final = 40
"""Most lines of progress that a command gets to say before it is killed."""


COUNTED: Final = (
    "keys added",
    "keys taken out",
    "keys that were still needed",
    "sealed anew by command",
    "look-up keys changed",
    "commands killed",
    "moves killed half-way",
)


class Rotation(Meanwhile):
    """What becomes of the keys. `waiting` are the members who wait."""

    def __init__(self, seed: int, *, waiting: int) -> None:
        super().__init__()
        self._chance = random.Random(seed)
        self._kills = random.Random(seed)
        """Apart, so that what an operator does is the same for a seed, however fast the machine is."""
        self._waiting = waiting
        self._lines = min(LINES, waiting // BATCH + 3)
        self._made = 0
        self.keys: dict[str, bytes] = {}
        self._add()
        self.figures = {"members who wait": waiting, **dict.fromkeys(COUNTED, 0)}

    def env(self) -> dict[str, str]:
        listed = (f"{kid}:{base64.b64encode(key).decode()}" for kid, key in self.keys.items())
        return {"KIKAO_SECRET_KEYS": ",".join(listed)}

    async def prepare(self, data: Path) -> None:
        sessions = self._sessions(data)
        await sessions.open()
        await bystanders.fill(sessions, self._waiting)
        await sessions.close()

    async def act(self, data: Path) -> list[str]:
        acts = (self._add_one, self._take_out, self._reseal, self._rekey)
        weights = (0 if len(self.keys) >= KEYS else 3, 2 if len(self.keys) > 1 else 0, 1, 2)
        (chosen,) = self._chance.choices(acts, weights)
        return await chosen(data)

    async def check(self, data: Path) -> list[str]:
        sessions = self._sessions(data)
        await sessions.open()
        await reseal(sessions.store, sessions.ring, sessions.clock())
        needed = await needs(sessions.store, sessions.clock())
        wrong = [f"{need} sealed with {kid}" for kid, need in needed.items() if kid != sessions.ring.active]
        wrong += await bystanders.missing(sessions, self._waiting)
        await sessions.close()
        return wrong

    # --- what an operator does ---

    async def _add_one(self, data: Path) -> list[str]:
        self._add()
        self.figures["keys added"] += 1
        return []

    async def _take_out(self, data: Path) -> list[str]:
        return await self._without(data, self._chance.choice(list(self.keys)[1:]))

    async def _reseal(self, data: Path) -> list[str]:
        self.figures["sealed anew by command"] += 1
        return await self._command(data, "--reseal", mortal=True)

    async def _rekey(self, data: Path) -> list[str]:
        self._add()
        self.figures["look-up keys changed"] += 1
        return await self._command(data, "--rekey", mortal=True)

    async def _without(self, data: Path, kid: str) -> list[str]:
        """Take a key out, if it starts without."""
        key = self.keys.pop(kid)
        code, said = await self._run(data)
        if code == 0:
            self.figures["keys taken out"] += 1
            return []
        before = list(self.keys.items())
        self.keys = dict([*before, (kid, key)])
        self.figures["keys that were still needed"] += 1
        return [] if code == 2 and repr(kid) in said else [f"without {kid}: {code} {said}"]

    async def _command(self, data: Path, option: str, *, mortal: bool = False) -> list[str]:
        """Run it to its end. It may be killed before, and is then run again."""
        while mortal and self._kills.random() < 0.5:
            code, _ = await self._run(data, option, killed_at=self._kills.randrange(self._lines))
            if code == 0:
                return []
            self.figures["commands killed"] += 1
            if option == "--rekey":
                code, said = await self._run(data)
                self.figures["moves killed half-way"] += code == 2 and "half-way" in said
                if code and "half-way" not in said:
                    return [f"after a killed {option}: {code} {said}"]
        code, said = await self._run(data, option)
        return [f"kikao migrate {option}: {code} {said}"] if code else []

    async def _run(self, data: Path, *words: str, killed_at: int | None = None) -> tuple[int | None, str]:
        """`kikao migrate`: the exit code, and what it said on stderr. It is killed after so many lines."""
        process = await asyncio.create_subprocess_exec(
            *KIKAO,
            "migrate",
            *words,
            cwd=data.parent,
            env=environment(data, **self.env()),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        said = b""
        async with asyncio.timeout(PATIENCE):
            async for line in process.stderr:
                said += line
                if killed_at is not None and said.count(b"\n") > killed_at:
                    process.kill()
                    break
            await process.communicate()
        return process.returncode, said.decode()

    def _add(self) -> None:
        self._made += 1
        self.keys = {f"k{self._made}": os.urandom(32), **self.keys}

    def _sessions(self, data: Path) -> Sessions:
        settings = load(environment(data, **self.env()), data.parent)
        return Sessions(make_store(settings), KeyRing(settings.secret_keys))
