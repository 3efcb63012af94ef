"""`kikao audit`: what it prints of the trail, and what it says where there is none."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kikao.audit.trail import AuditTrail
from kikao.cli import main
from kikao.conversation.facts import fact
from kikao.events import FlowFinished, StepDone, StepRefused
from kikao.records import Records
from kikao.sessions.trail import Trail, told
from tests.alone import alone

BEGAN = 1_767_225_600.0
"""2026-01-01, midnight."""


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data, the keys that belong to it, and no other settings."""
    alone(monkeypatch, tmp_path)
    monkeypatch.setenv("KIKAO_SECRET_KEYS", f"k1:{base64.b64encode(bytes(32)).decode()}")
    (tmp_path / "kikao-data").mkdir()
    return tmp_path / "kikao-data"


@pytest.fixture
def kept(data: Path) -> None:
    """What three turns of two members left."""
    refused = fact(StepRefused, flow="send", at="pin#1", kind="secret", source="turn", code="wrong_secret")
    done = fact(StepDone, flow="send", at="pin#1", kind="secret", source="turn")
    over = fact(FlowFinished, flow="send", what="ended")

    async def fill() -> None:
        records = Records(data / "records.db")
        try:
            trail = AuditTrail(records)
            await trail.start()
            lefts = [("m1", "s1", [refused]), ("m1", "s1", [done, over]), ("m2", "s2", [done])]
            await trail.add(
                [
                    (bytes([n]) * 16, Trail(BEGAN + n, session, member, "ussd", "plain", 3, told(facts)))
                    for n, (member, session, facts) in enumerate(lefts)
                ]
            )
        finally:
            await records.close()

    asyncio.run(fill())


def audit(*words: str) -> Result:
    return CliRunner().invoke(main, ["audit", *words])


@pytest.mark.usefixtures("kept")
def test_the_newest_comes_first_a_line_each() -> None:
    found = audit()
    assert found.exit_code == 0
    assert found.output.splitlines() == [
        "2026-01-01T00:00:02Z step.done send pin#1 kind=secret source=turn member=m2 session=s2",
        "2026-01-01T00:00:01Z flow.finished send what=ended member=m1 session=s1",
        "2026-01-01T00:00:01Z step.done send pin#1 kind=secret source=turn member=m1 session=s1",
        "2026-01-01T00:00:00Z step.refused send pin#1 kind=secret source=turn code=wrong_secret member=m1 session=s1",
    ]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--member", "m1"], 3),
        (["--session", "s2"], 1),
        (["--event", "step.done"], 2),
        (["--event", "step.done", "--member", "m1"], 1),
        (["--limit", "2"], 2),
        (["--member", "nobody"], 0),
    ],
)
def test_some_of_it(words: list[str], count: int) -> None:
    found = audit(*words)
    assert found.exit_code == 0
    assert len(found.output.splitlines()) == count


@pytest.mark.usefixtures("kept")
def test_a_json_object_a_line() -> None:
    (line,) = audit("--json", "--session", "s2").output.splitlines()
    assert json.loads(line) == {
        "at": BEGAN + 2,
        "event": "step.done",
        "session": "s2",
        "member": "m2",
        "channel": "ussd",
        "gateway": "plain",
        "release": 3,
        "fields": {"flow": "send", "at": "pin#1", "kind": "secret", "source": "turn"},
    }


def test_where_there_are_no_records_it_says_so_and_makes_none(data: Path) -> None:
    found = audit()
    assert found.exit_code == 2
    assert "there is no audit trail yet" in found.output
    assert list(data.iterdir()) == []


def test_records_without_a_trail_are_left_as_they_are(data: Path) -> None:
    (data / "records.db").touch()
    found = audit()
    assert found.exit_code == 2
    assert "kikao migrate" in found.output
    with closing(sqlite3.connect(data / "records.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_a_server_that_is_away_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_RECORDS", "postgresql://me:hush@127.0.0.1:1/kikao")
    found = audit()
    assert found.exit_code == 2
    assert "127.0.0.1" in found.output
    assert "hush" not in found.output
