"""Processes that end with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.http.servers import PATIENCE

CHILD = """
import signal, sys, threading
from kikao.cli.parent import end_with_it
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
end_with_it(int(sys.argv[1]), outlives=0.01, told=lambda: print("told", flush=True))
threading.Event().wait()
"""


@pytest.mark.parametrize(("kind", "code"), [("gentle", -signal.SIGTERM), ("stubborn", 1)])
def test_it_hears_what_it_is_told_and_ends_when_nobody_is_there(kind: str, code: int) -> None:
    hears, tells = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(hears), kind], stdout=subprocess.PIPE, pass_fds=[hears]
    ) as child:
        os.close(hears)
        assert child.stdout is not None
        os.write(tells, b"x")
        assert child.stdout.readline() == b"told\n"
        assert child.poll() is None
        os.close(tells)
        assert child.wait(PATIENCE) == code
