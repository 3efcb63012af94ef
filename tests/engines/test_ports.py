"""Ports for servers of tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.engines.ports import free_port

ELSEWHERE = """
import sys
from tests.engines import ports
ports.PORTS = [int(port) for port in sys.argv[1:]]
print(ports.free_port())
"""


def test_no_port_is_given_twice_whoever_asks() -> None:
    ours = [free_port() for _ in range(20)]
    assert len(set(ours)) == 20
    unused = next(port for port in range(11_000, 12_000) if port not in ours)
    given = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *map(str, [*ours, unused])],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        check=True,
    )
    assert int(given.stdout) == unused
