"""`kikao sessions`, through a running server and without one: the same answers, and plain words where none is."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from kikao import Done, Unknown
from kikao.events import OperatorCommand
from kikao.testing import Phone, in_process
from tests.alone import alone
from tests.cli.commands import Commands, at_work
from tests.cli.kiosk import app, till
from tests.http.forked import fork
from tests.http.wire import over_wire

T = TypeVar("T")

ASHA, BEN = "+256772000001", "+256752000002"
APP = "tests.cli.kiosk:app"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data and no other settings."""
    alone(monkeypatch, tmp_path)
    monkeypatch.setattr(till, "outcome", Done(1))
    return tmp_path / "kikao-data"


class Served:
    """A server in a thread of this process, and phones that reach it."""

    def __init__(self, run: Callable[[Any], Any], server: Any, events: list[object]) -> None:
        self.events = events
        self._run = run
        self._send = in_process(server)
        self.server = server

    def talk(self, number: str, *answers: str) -> str:
        """Dial and answer; the last screen."""

        async def talk() -> str:
            phone = Phone(self._send, number)
            await phone.dial()
            return await phone.reply(*answers)

        screen: str = self._run(talk())
        return screen

    def recover(self) -> None:
        """Have recovery look once."""
        self._run(self.server.recovery.once())


@contextmanager
def served(**options: Any) -> Iterator[Served]:
    with at_work(app, background=False, **options) as at:
        yield Served(*at)


kikao = Commands("sessions")
said, parsed = kikao.said, kikao.parsed


def by_address(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {line["address"]: line for line in lines}


# --- the same both ways ---


def test_what_is_told_is_the_same_with_a_server_and_without() -> None:
    asked = [("list",), ("show", ASHA), ("explain", ASHA), ("explain", "--as", BEN, "--code", "*284#")]
    with served() as server:
        server.talk(ASHA, "tea")
        server.talk(BEN)
        through = [parsed(*words) for words in asked]
    alone = [parsed(*words, "--app", APP) for words in asked]

    assert by_address(through[0]).keys() == {"+25677****01", "+25675****02"}
    for one, other in zip(through, alone, strict=True):
        assert sorted(one, key=str) == sorted(other, key=str)


def test_a_session_is_ended_both_ways() -> None:
    with served() as server:
        server.talk(ASHA, "tea")
        server.talk(BEN, "tea")
        assert said("end", ASHA, "--yes").startswith("ended ")
        assert by_address(parsed("list"))["+25677****01"]["expired"]
        assert server.talk(ASHA) == "What", "nothing to go on with"
    assert said("end", BEN, "--yes").startswith("ended ")
    assert by_address(parsed("list", "--expired"))["+25675****02"]["expired"]


def test_a_sweep_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as server:
        server.talk(ASHA, "tea")
        assert said("sweep") == "0 removed\n"
    assert said("sweep") == "0 removed\n"
    with served(clock=lambda: 2e9) as server:
        assert said("sweep") == "1 removed\n"
        server.talk(BEN)
        assert [line["address"] for line in parsed("list")] == ["+25675****02"]


# --- how it reads ---


def test_a_list_for_people() -> None:
    with served() as server:
        server.talk(ASHA, "tea")
        head, line = said("list").splitlines()
        assert (
            head.split()
            == "KEY WHERE ADDRESS BEGAN UTC SEEN UTC EXPIRES VERS OPEN SEALED SESSION FLOW AT".split()
        )
        assert "ussd/africastalking" in line
        assert line.endswith("kiosk size#1")
        assert head.index("ADDRESS") == line.index("+25677****01")
        assert said("list", "--flow", "bank") == ""
        assert kikao("list", "--channel", "telegram").stderr == "no sessions\n"


def test_a_session_for_people_has_nothing_that_was_said() -> None:
    with served() as server:
        server.talk(ASHA, "Serengeti")
        shown = said("show", ASHA)

    assert "policy       of ussd: apart by flow, channel, gateway; identifier of the channel\n" in shown
    assert "times        idle 5m (until " in shown
    assert "absolute 1d (until " in shown
    assert "  asks       size#1 (text)\n" in shown
    assert "Serengeti" not in shown + said("show", ASHA, "--json")
    assert ASHA not in shown


def test_an_open_effect_is_shown_and_not_ended_and_an_untold_outcome_only_by_force() -> None:
    till.outcome = Unknown("timeout")
    with served() as server:
        server.talk(ASHA, "tea", "large")
        assert "intent     pay#1 (step, retry check), open for " in said("show", ASHA)
        for words in (["--yes"], ["--yes", "--force"]):
            refused = kikao("end", ASHA, *words)
            assert refused.exit_code == 1
            assert "an effect of it is open" in refused.stderr
    till.outcome = Done(1)
    with served(clock=lambda: 2e9) as server:
        server.recover()
        assert "waiting" in said("list")
        refused = kikao("end", ASHA, "--yes")
        assert (refused.exit_code, "--force ends it untold" in refused.stderr) == (1, True)
        assert said("end", ASHA, "--yes", "--force").startswith("ended ")


def test_ending_asks_first() -> None:
    with served() as server:
        server.talk(ASHA, "tea")
        no = kikao("end", ASHA, typed="n\n")
        assert no.exit_code == 1
        assert "End this session? [y/N]" in no.stdout
        assert "+25677****01" in no.stdout
        assert not parsed("list")[0].get("expired")
        assert "ended " in kikao("end", ASHA, typed="y\n").stdout
        assert parsed("list")[0]["expired"]


def test_how_a_key_came_about() -> None:
    with served() as server:
        server.talk(ASHA, "tea")
        (line,) = parsed("list")
        told = said("explain", line["key"])
        assert "identifier         of the channel: msisdn:+25677****01 + code:*284#\n" in told
        assert f"stored       session {line['id']}\n" in told
        assert ASHA not in told
        assert f"msisdn:{ASHA}" in said("explain", line["key"], "--clear")
        met = said("explain", "--as", ASHA, "--code", "*284#")
        assert f"key          {line['key']}\n" in met
        assert "stored       nothing\n" in said("explain", "--as", ASHA, "--code", "*999#")


def test_an_apps_policies_before_it_was_ever_started(data: Path) -> None:
    told = said("explain", "--app", APP, "--channel", "telegram", "--gateway", "bot-api", "--user", "4711")

    assert "identifier         of the channel: telegram:4711\n" in told
    assert "problem      the key is not known: there are no sessions yet" in told
    assert not (data / "sessions.db").exists()
    missing = said("explain", "--app", APP, "--channel", "socket", "--as", ASHA, "--json")
    assert json.loads(missing)["parts"][-1] == f"msisdn:{ASHA}"


# --- what stands in the way ---


def test_without_a_server_and_without_a_store_nothing_is_made(data: Path) -> None:
    for words in (["list"], ["show", ASHA], ["end", ASHA, "--yes"], ["sweep"], ["explain", ASHA]):
        done = kikao(*words)
        assert done.exit_code == 2, words
        assert f"there are no sessions yet: {data / 'sessions.db'} does not exist" in done.stderr
    assert not data.exists()


def test_a_store_in_memory_needs_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_STORE", "memory:")
    assert "sessions in memory are its own" in kikao("list").stderr
    with served() as server:
        server.talk(ASHA, "tea")
        assert len(parsed("list")) == 1


def test_a_store_in_use_by_a_process_without_a_door(data: Path) -> None:
    with served(door=False):
        done = kikao("list")
    assert done.exit_code == 2
    assert f"in use by another process (pid {os.getpid()})" in done.stderr
    assert f"No server listens in {data}" in done.stderr


def test_a_server_that_cannot_make_its_socket_serves_all_the_same_and_says_so(data: Path) -> None:
    data.mkdir(mode=0o700)
    (data / "control.sock").write_text("of somebody")
    with served() as server:
        assert server.talk(ASHA, "tea").startswith("Size")
        (closed,) = [event for event in server.events if isinstance(event, OperatorCommand)]
        assert (closed.command, closed.what) == ("", "closed")
        assert "control.sock is no socket. Move it away." in closed.error
        done = kikao("list")
    assert (done.exit_code, "is no socket" in done.stderr) == (2, True)
    assert (data / "control.sock").read_text() == "of somebody"


def test_a_server_with_another_store_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with served():
        monkeypatch.setenv("KIKAO_STORE", str(tmp_path / "other.db"))
        done = kikao("list")
        assert done.exit_code == 1
        assert "the server here has other data than the settings of this command name" in done.stderr


def test_the_store_of_another_user_is_left_alone(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    with served():
        pass
    before = sorted(os.listdir(data))
    monkeypatch.setattr(os, "geteuid", lambda: (data / "sessions.db").stat().st_uid + 1)
    done = kikao("list")
    assert done.exit_code == 2
    assert f"belongs to another user. Run this as that user: sudo -u '#{os.getuid()}'" in done.stderr
    assert sorted(os.listdir(data)) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "Asha"], "name a session by the first digits of its key"),
        (["show", "ffff"], "no stored session is meant by that"),
        (["explain"], "Name a stored session, or somebody by --as or --user"),
        (["explain", ASHA, "--as", BEN], "Name a stored session, or somebody by --as or --user"),
        (["explain", "--channel", "ussdd", "--as", ASHA], "there is no channel 'ussdd'"),
        (["list", "--app", "nowhere:app"], "there is no module 'nowhere'"),
        (["list", "--limit", "0"], "Invalid value for '--limit'"),
        (["explain", "--as", ASHA], "the app's policies are not known here"),
        (["explain", "--as", ASHA, "--app", APP], "give it with --code"),
        (["list", "--channel", "foo"], "there is no channel 'foo'"),
    ],
)
def test_what_cannot_be_done_says_why(words: list[str], told: str) -> None:
    with served():
        pass
    done = kikao(*words)
    assert done.exit_code in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_was_killed_is_no_obstacle(data: Path) -> None:
    """The real thing, in processes of their own."""
    server = fork(data).wait_until_up()
    asyncio.run(Phone(over_wire(server.port), ASHA).dial())
    assert [line["address"] for line in parsed("list")] == ["+25677****01"]
    server.kill()
    assert (data / "control.sock").is_socket()
    (alone,) = parsed("list")
    again = fork(data).wait_until_up()
    try:
        (through,) = parsed("list")
        assert through["id"] == alone["id"]
        assert '"event":"operator.command","command":"sessions.list","what":"done"' in again.log.read_text()
        again.stop()
        assert not (data / "control.sock").exists()
    finally:
        if again.process.poll() is None:
            again.kill()
