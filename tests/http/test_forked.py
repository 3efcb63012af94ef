"""A forked command is what a command is: other tests take it for one."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.http.forked import fork, run
from tests.http.servers import CHEAP_WALLET, KIKAO, PATIENCE, environment


@pytest.mark.parametrize(
    "words",
    [["run", "nowhere:app"], ["chat", "broken:app"], ["chat", CHEAP_WALLET]],
    ids=["refused", "broken", "talks"],
)
def test_it_says_and_returns_what_a_started_one_does(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "broken.py").write_text("import no_such_library\n")
    typed = "Asha\n\n/quit\n"
    forked = run(words, folder=tmp_path, env=environment(tmp_path / "forked"), typed=typed)
    started = subprocess.run(
        (*KIKAO, *words),
        cwd=tmp_path,
        env=environment(tmp_path / "started"),
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (forked.returncode, forked.stdout) == (started.returncode, started.stdout)
    assert lines(forked.stderr)[-1:] == lines(started.stderr)[-1:]
    assert [path.name for path in sorted((tmp_path / "forked").glob("*.db"))] == [
        path.name for path in sorted((tmp_path / "started").glob("*.db"))
    ]


def lines(said: str) -> list[str]:
    """Without what is another one each time."""
    return re.sub(r'"(time|session|ms)":("[^"]*"|[0-9.]+)', "", said).splitlines()


def test_a_server_dies_of_what_it_is_sent(tmp_path: Path) -> None:
    killed, stopped = (fork(tmp_path / name).wait_until_up() for name in ("killed", "stopped"))
    killed.kill()
    assert killed.process.returncode == -signal.SIGKILL
    assert stopped.stop() == 0
    assert killed.process.pid != stopped.process.pid
