"""Stored conversations as a release leaves them, each with what its member sends next and the reply to that.

    python -m tests.corpus.recording 0.1.0

adds those of today's code. A corpus is never changed once its release is out: code that cannot go on with it loses
what members are in the middle of.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from kikao.channels.inbound import Inbound
from kikao.conversation import Done
from kikao.conversation.secrets import Secret
from kikao.sessions.sealing import ADDRESS, STATE
from kikao.sessions.store import Claim, Record, Write
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from tests.reliability.simulation.bank import Bank, Order
from tests.reliability.simulation.flows import PEOPLE, Services, make_flows
from tests.talk import PlainGateway, Process

FOLDER: Final = Path(__file__).parent / "journals"
NUMBER: Final = "+256772000001"
PIN: Final = "73910482"

CONVERSATIONS: Final = {
    "send": ("", "1", "2", "750", "1", PIN, "rent", "5"),
    "send, again and back": ("", "1", "1", "750", "0", "800", "1", "11111111", PIN, "0", "rent", "9", "4"),
    "register": ("", "2", "Asha", PIN),
    "airtime": ("", "3", "900", "1", "thanks"),
    "bill": ("", "4", "600", "1"),
    "mistakes": ("", "9", "0", "1", "7", "2", "none", "00", "3", "99"),
    "hung up": ("", "1", "2", "750", "", "1", "800", "1", PIN, "", "2", "3"),
}
"""What members type, "" for a dial."""


class Journal(msgspec.Struct):
    """One stored session, what comes next, and what is answered."""

    conversation: str
    now: float
    expires_at: float
    version: int
    state: str
    """Unsealed, base64."""
    address: str
    text: str
    dialogue: str
    reply: str


class Counter:
    """The bank, which is always there."""

    def __init__(self) -> None:
        self._bank = Bank(tombstones=True, keeps_refusals=True)
        self._bank.open(NUMBER, PIN)

    def people(self) -> tuple[str, ...]:
        """The same every day."""
        return PEOPLE

    async def fee(self, minor: int) -> int:
        return self._bank.fee(minor)

    async def carry_out(self, order: Order, key: str, pin: Secret | None = None) -> Any:
        done = self._bank.carry_out(order, key, pin)
        # Whatever was carried out before: the reference is the amount's.
        if not isinstance(done, Done):
            return done
        return Done(msgspec.structs.replace(done.result, ref=f"{order.kind}{order.minor}"))

    async def register(self, number: str, name: str, key: str, pin: Secret) -> Any:
        return self._bank.register(number, name, key, pin)

    async def find(self, key: str) -> Any:
        return self._bank.find(key)


def process_at(now: float) -> Process:
    """A server with an empty store, at a time."""
    clock = Clock()
    clock.now = now
    return Process(make_flows(), "main", MemoryStore(), clock, services={Services: Counter()})


async def reply_to(process: Process, text: str, dialogue: str) -> str:
    """What is answered, with whether the dialogue goes on."""
    inbound = Inbound(
        "ussd", "plain", NUMBER, "reply" if text else "new", Secret(text), dialogue=dialogue, msisdn=NUMBER
    )
    response = await process.turns.handle(inbound, PlainGateway())
    return response.body.decode()


async def put(process: Process, journal: Journal) -> None:
    """Store what a release left."""
    sessions = process.sessions
    ring = sessions.ring
    key = await _key(process, journal)
    state = ring.seal(base64.b64decode(journal.state), key, STATE, 1)
    address = ring.seal(base64.b64decode(journal.address), key, ADDRESS)
    claim = await sessions.store.claim(key, None, now=journal.now, lease=1.0, wait=0.0)
    assert isinstance(claim, Claim)
    await sessions.store.commit(Write(key, claim.fence, 0, journal.expires_at, state, address))


async def _key(process: Process, journal: Journal) -> bytes:
    """Of the member's session, whatever it is made of today."""
    other = process_at(journal.now)
    await reply_to(other, "", "key")
    return (await _record(other)).key


async def _record(process: Process) -> Record:
    (record,) = [record async for record in process.sessions.store.scan()]
    return record


async def record(conversation: str) -> list[Journal]:
    """A conversation as today's code holds it: one journal for each answer in it."""
    process, found, dials = process_at(1_700_000_000.0), [], 0
    for typed in CONVERSATIONS[conversation]:
        dials += not typed
        before = [record async for record in process.sessions.store.scan()]
        process.clock.now += 5.0
        reply = await reply_to(process, typed, f"d{dials}")
        for each in before:
            ring = process.sessions.ring
            state = ring.unseal(each.state, each.key, STATE, each.version)
            address = ring.unseal(each.address, each.key, ADDRESS)
            found.append(
                Journal(
                    conversation,
                    process.clock.now,
                    each.expires_at,
                    each.version,
                    base64.b64encode(state).decode(),
                    base64.b64encode(address).decode(),
                    typed,
                    f"d{dials}",
                    reply,
                )
            )
    return found


async def replay_all() -> tuple[dict[str, int], list[str]]:
    """How many journals of each release there are, and which of them do not go on as they did."""
    found: dict[str, int] = {}
    broken: list[str] = []
    for release in sorted(FOLDER.glob("*.json")):
        journals = msgspec.json.decode(release.read_bytes(), type=list[Journal])
        found[release.stem] = len(journals)
        for number, journal in enumerate(journals):
            process = process_at(journal.now)
            await put(process, journal)
            if await reply_to(process, journal.text, journal.dialogue) != journal.reply:
                broken.append(f"{release.stem}, journal {number} ({journal.conversation})")
    return found, broken


def main(release: str) -> None:
    """Write the corpus of a release. Raises `FileExistsError` for one that is there already."""
    journals = [journal for name in CONVERSATIONS for journal in asyncio.run(record(name))]
    with (FOLDER / f"{release}.json").open("xb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(journals), indent=1) + b"\n")
    print(f"{len(journals)} journals of {release}")


if __name__ == "__main__":
    main(sys.argv[1])
