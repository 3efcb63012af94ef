"""A store in a folder of its own, and the loop it works in, for state machines: hypothesis gives them neither."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from kikao.sessions.store import SessionStore

T = TypeVar("T")


class Machine(RuleBasedStateMachine):
    """Base of machines that hold an open store against a model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.store = self.make_store(self.folder)
        self.run(self.store.open())

    def make_store(self, folder: Path) -> SessionStore:
        raise NotImplementedError

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.folder)
