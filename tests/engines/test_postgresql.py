"""The server that other tests rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.postgresql import PostgreSQL
from tests.waiting import blocked_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgreSQL]:
    server = PostgreSQL(tmp_path)
    server.start()
    yield server
    server.remove()


def test_what_was_committed_survives_a_stop_and_a_kill(server: PostgreSQL) -> None:
    url = server.database()
    server.execute("CREATE TABLE written AS SELECT 1 AS number", url=url)
    server.stop()
    assert server.processes() == []
    assert "database system is shut down" in server.log.read_text()
    server.start()
    server.execute("INSERT INTO written VALUES (2)", url=url)
    server.kill()
    server.start()
    assert "not properly shut down" in server.log.read_text()
    assert server.execute("SELECT number FROM written ORDER BY number", url=url) == [(1,), (2,)]


def test_nobody_answers_while_it_is_stalled(server: PostgreSQL) -> None:
    with server.stalled():
        states = {Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] for pid in server.processes()}
        assert states == {"T"}
    assert server.execute("SELECT 1", url=server.socket_url_of("postgres")) == [(1,)]


def test_databases_do_not_know_each_other(postgresql: PostgreSQL) -> None:
    one = postgresql.database()
    postgresql.execute("CREATE TABLE of_one ()", url=one)
    copy = postgresql.database(template=one.rpartition("/")[2])
    for url, found in ((one, 1), (copy, 1), (postgresql.database(), 0)):
        tables = postgresql.execute("SELECT FROM pg_tables WHERE tablename = 'of_one'", url=url)
        assert len(tables) == found


def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.engines.postgresql import PostgreSQL\n"
        "server = PostgreSQL(Path(sys.argv[1])); server.start()\n"
        "print(server.processes()[0], server.url_of('x'), flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    with child:
        assert child.stdout is not None
        pid = int(child.stdout.readline().split()[0])
        assert _is_alive(pid)
        child.send_signal(signal.SIGKILL)
    blocked_until(lambda: not _is_alive(pid), "it to end")


def _is_alive(pid: int) -> bool:
    return _state(pid) not in ("", "Z")


def _state(pid: int) -> str:
    """The first letter `ps` has for a process: T is stopped, Z dead and not waited for; nothing when it is gone."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout[:1]
