"""Calls over a real connection; what may be called is in `webhook/`."""

import sys
from importlib.abc import MetaPathFinder
from typing import Any

import pytest

from kikao.channels.caller import Caller
from kikao.channels.calling import Answer, Call
from kikao.config import Hidden
from kikao.testing import served


class Watcher(MetaPathFinder):
    """Notes what is looked for."""

    def __init__(self) -> None:
        self.looked: list[str] = []

    def find_spec(self, name: str, path: Any, target: Any = None) -> None:
        self.looked.append(name)


@pytest.mark.skipif(bool(sys.modules.get("sniffio")), reason="it is installed")
async def test_a_call_looks_for_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    async def make(call: Call) -> Answer:
        return Answer(200, (), call.body)

    async with served(make) as url:
        caller = Caller(Hidden(url.encode()), timeout=5.0)
        call = Call(Hidden(f"{url}/x".encode()), (), b"hello")
        await caller(call)
        watcher = Watcher()
        monkeypatch.setattr(sys, "meta_path", [watcher, *sys.meta_path])
        assert (await caller(call)).body == b"hello"
        await caller.close()
    assert watcher.looked == []
