"""The servers that tests use do what tests expect of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.valkey import Redis, Valkey
from tests.waiting import blocked_until

ORPHANED = """
import os, signal, sys
from pathlib import Path
from tests.engines.valkey import Valkey
server = Valkey(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("server", [Valkey, Redis])
def test_what_a_server_was_told_to_keep_survives_its_death(server: type[Valkey], tmp_path: Path) -> None:
    kept = server(tmp_path / "kept", options=["appendonly yes", "appendfsync always"])
    kept.start()
    try:
        kept.ask("SET", "a", "b")
        kept.kill()
        kept.start()
        assert kept.ask("GET", "a") == b"b"
    finally:
        kept.remove()
    assert not kept.socket.exists()


def test_a_server_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", ORPHANED, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    blocked_until(lambda: not is_running(int(child.stdout)), "it to end")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
