"""`kikao replay`: reads beside a running server, writes nothing, and says how bad it is with its exit code."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kikao.cli import main
from kikao.testing import Phone
from tests.alone import alone
from tests.cli.test_sessions import ASHA, BEN, served
from tests.http.forked import serving
from tests.http.wire import over_wire

APP = "tests.cli.kiosk:app"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data and no other settings."""
    alone(monkeypatch, tmp_path)
    return tmp_path / "kikao-data"


def kikao(*words: str) -> Result:
    return CliRunner().invoke(main, ["replay", *words])


def edited(folder: Path, name: str, old: str, new: str) -> str:
    """The kiosk with another line, as a module of the present folder; its target."""
    text = (Path(__file__).parent / "kiosk.py").read_text()
    assert old in text
    (folder / f"{name}.py").write_text(text.replace(old, new))
    return f"{name}:app"


def written(folder: Path) -> dict[str, tuple[str, int]]:
    """What is in a folder, to the octet and to the nanosecond."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files
    }


def test_a_store_is_read_and_nothing_is_written(data: Path, tmp_path: Path) -> None:
    with served() as server:
        server.talk(ASHA, "tea")
        server.talk(BEN)
    before = written(data)
    done = kikao(APP)
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("2 replayed of 2 sessions (0 with nothing open): 2 go on\n")
    assert written(data) == before
    changed = kikao(edited(tmp_path, "kiosk_sizes", '"size", Text()', '"sizes", Text()'))
    assert changed.exit_code == 1
    assert "asked again            1  kiosk: size\n" in changed.stdout
    assert (
        "kiosk_sizes.py:30: the code asks 'sizes#1' (text) where 'size#1' (text) was open" in changed.stdout
    )
    assert written(data) == before


def test_of_a_tenant_what_is_its_own_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_TENANT", "acme")
    with served() as server:
        server.talk(ASHA, "tea")
    done = kikao(APP)
    assert done.stdout.endswith("1 replayed of 1 sessions (0 with nothing open): 1 goes on\n"), done.output


def test_thresholds(data: Path, tmp_path: Path) -> None:
    with served() as server:
        server.talk(ASHA, "tea")
        server.talk(BEN)
    target = edited(tmp_path, "kiosk_thresholds", '"size", Text()', '"sizes", Text()')
    assert kikao(target, "--allow-asked", "1").exit_code == 0
    assert kikao(target, "--allow-asked", "50%").exit_code == 0
    assert kikao(target, "--allow-asked", "49.9%").exit_code == 1
    assert kikao(target, "--allow-parked", "100%", "--allow-unknown", "7").exit_code == 1
    refused = kikao(target, "--allow-asked", "some")
    assert (refused.exit_code, "--allow-asked: 'some' is neither a number" in refused.stderr) == (2, True)


def test_as_json_and_at_most_so_many(data: Path) -> None:
    with served() as server:
        for place in range(5):
            server.talk(f"+25677200000{place}", "tea")
    report = json.loads(kikao(APP, "--format", "json", "--limit", "3", "--examples", "1").stdout)
    assert (report["sessions"], report["verdicts"]) == (3, {"goes on": 3})
    (group,) = report["groups"]
    assert (group["count"], len(group["examples"]), group["outcome"]["at"]) == (3, 1, "size")


def test_no_answer_is_shown(data: Path, tmp_path: Path) -> None:
    with served() as server:
        server.talk(ASHA, "greentea")
    target = edited(tmp_path, "kiosk_greets", 't("Size")', 't("Size of {what}", what=what)').split(":")[0]
    path = tmp_path / f"{target}.py"
    path.write_text(
        path.read_text()
        .replace('await chat.ask("what"', 'what = await chat.ask("what"')
        .replace('"size",', '"sizes",')
    )
    for form in ("text", "json"):
        shown = kikao(f"{target}:app", "--format", form).stdout
        assert "Size of {what}" in shown
        assert "greentea" not in shown


@pytest.mark.parametrize("store", ["memory:", "sqlite:nowhere.db"])
def test_where_nothing_can_be_read_it_says_why(
    store: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served() as server:
        server.talk(ASHA)
    monkeypatch.setenv("KIKAO_STORE", store)
    done = kikao(APP)
    assert done.exit_code == 2
    assert ("sessions in memory" if store == "memory:" else "does not exist") in done.stderr


def test_a_file_that_is_no_store_is_refused(data: Path) -> None:
    with served() as server:
        server.talk(ASHA)
    (store,) = data.glob("sessions*.db")
    store.write_bytes(b"no database" * 100)
    done = kikao(APP)
    assert (done.exit_code, "cannot be read" in done.stderr) == (2, True)


def test_sessions_of_other_keys_are_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as server:
        server.talk(ASHA)
    monkeypatch.setenv("KIKAO_SECRET_KEYS", "k9:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=")
    done = kikao(APP)
    assert done.exit_code == 1
    assert "cannot be opened" in done.stdout
    assert "no conversation is in flight" not in done.stdout
    assert "which is not among the secret keys" in done.stdout


def test_a_recording_is_replayed_without_the_store(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served() as server:
        server.talk(ASHA, "greentea")
        server.talk(BEN)
    done = kikao(APP, "--record", "flight.jsonl")
    assert (done.exit_code, done.stderr) == (
        0,
        "recorded; 0 depend on answers, which were left out, and will be unknown\n",
    )
    assert "greentea" not in (tmp_path / "flight.jsonl").read_text()
    assert kikao(APP, "--record", "flight.jsonl").exit_code == 2
    assert kikao(APP, "--record", "other.jsonl", "--from", "flight.jsonl").exit_code == 2
    monkeypatch.setenv("KIKAO_STORE", "memory:")
    monkeypatch.setenv("KIKAO_DATA", str(tmp_path / "elsewhere"))
    assert kikao(APP, "--from", "flight.jsonl").stdout.endswith("2 go on\n")
    target = edited(tmp_path, "kiosk_recorded", '"size", Text()', '"sizes", Text()')
    changed = kikao(target, "--from", "flight.jsonl")
    assert (changed.exit_code, "such as line 2" in changed.stdout or "such as line 3" in changed.stdout) == (
        1,
        True,
    )
    assert kikao(APP, "--from", "nowhere.jsonl").exit_code == 2
    (tmp_path / "flight.jsonl").write_text("hello")
    refused = kikao(APP, "--from", "flight.jsonl")
    assert (refused.exit_code, "is no recording of kikao replay" in refused.stderr) == (2, True)


def test_a_server_that_is_alive_loses_no_turn(data: Path) -> None:
    """Turns go on in one process while another replays, again and again; all of them are there at the end."""
    with serving(data, APP) as server:
        phones = [Phone(over_wire(server.port), f"+2567720000{place:02}") for place in range(20)]

        async def talk() -> None:
            for phone in phones:
                assert await phone.dial() == "What"
            for phone in phones:
                assert (await phone.reply("tea")).startswith("Size")

        talking = threading.Thread(target=lambda: asyncio.run(talk()))
        talking.start()
        seen = [json.loads(kikao(APP, "--format", "json").stdout)["sessions"]]
        while talking.is_alive():
            seen.append(json.loads(kikao(APP, "--format", "json").stdout)["sessions"])
        talking.join()
        assert seen == sorted(seen)
        before = written(data)
        report = json.loads(kikao(APP, "--format", "json").stdout)
        assert {group["outcome"]["at"]: group["count"] for group in report["groups"]} == {"size": 20}
        assert written(data) == before


@pytest.mark.parametrize("line", ["import sys; sys.exit(0)", "def broken(", "import nothing_like_that"])
def test_an_app_that_cannot_be_imported_is_no_success(data: Path, tmp_path: Path, line: str) -> None:
    name = f"kiosk_import_{len(line)}"
    (tmp_path / f"{name}.py").write_text(line + "\n")
    done = kikao(f"{name}:app")
    assert done.exit_code == 2
    assert f"{name}:app cannot be imported: {name}.py:1: " in done.stderr


def test_a_flow_that_ends_python_fails(data: Path, tmp_path: Path) -> None:
    with served() as server:
        server.talk(ASHA, "tea")
    target = edited(
        tmp_path,
        "kiosk_exits",
        "async def kiosk(chat: Chat) -> None:\n",
        "async def kiosk(chat: Chat) -> None:\n    raise SystemExit(0)\n",
    )
    done = kikao(target)
    assert done.exit_code == 1
    assert "fails" in done.stdout
    assert "SystemExit" in done.stdout
