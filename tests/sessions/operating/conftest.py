"""The office, asked in the process itself and through a server's door: both must be the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kikao.control import Commands, Door, Visitor
from kikao.sessions.operating import Operator
from kikao.sessions.policy import SessionPolicy
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from tests.sessions.operating.shop import Office, Service, flows
from tests.talk import Process


@pytest.fixture(params=["here", "door"])
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    service = Service()
    policy = SessionPolicy(idle=300, absolute=3600, resume=60)
    process = Process(flows, "shop", MemoryStore(), Clock(), services={Service: service}, policy=policy)
    await process.open()
    commands = Commands()
    Operator(process.sessions, process.publish, flow="shop").offer(commands)
    if request.param == "here":
        yield Office(commands, process, service)
        return
    door = Door(commands, "", lambda *_: None)
    await door.open(tmp_path)
    try:
        yield Office(Visitor(tmp_path, ""), process, service)
    finally:
        await door.close()
