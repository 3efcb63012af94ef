"""`kikao outbox`, through a running server and without one; and a message on its whole way to a receiver."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kikao import App, Chat, Flows, Text
from kikao.channels.outbox import Delivered, Destination, Letter, Outcome, Rejected
from kikao.channels.webhook import verify
from kikao.cli.phone import loop_in_thread
from kikao.config import SettingsError
from kikao.events import OperatorCommand
from kikao.sessions.posting import screen, to_records
from kikao.testing import Phone, in_process
from tests.alone import alone
from tests.channels.webhook.receiver import Receiver
from tests.cli.commands import Commands, at_work
from tests.waiting import until

ASHA = "+256772000001"
SECRET = "0123456789abcdef" * 3

flows = Flows()


@flows.flow("leads")
async def leads(chat: Chat) -> None:
    name = await chat.ask("name", Text(), "Name")
    await chat.post("lead", "crm", {"name": name})
    await chat.post("lead", "shop", {"name": name})
    await chat.end("Thanks")


app = App(flows, entry="leads", members=False)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data and no other settings."""
    alone(monkeypatch, tmp_path)
    return tmp_path / "kikao-data"


class Crm:
    """Takes or refuses what it gets."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    async def send(self, letter: Letter) -> Outcome:
        return self.outcome


class Served:
    """A server in a thread of this process."""

    def __init__(self, run: Callable[[Any], Any], server: Any, events: list[object]) -> None:
        self.run = run
        self.server = server
        self.events = events

    def post(self, name: str) -> None:
        """Somebody has something to post."""

        async def talk() -> None:
            phone = Phone(in_process(self.server), ASHA)
            await phone.dial()
            await phone.reply(name)

        self.run(talk())

    def send(self) -> int:
        """Send what is due."""
        tries: int = self.run(self.server.dispatcher.once())
        return tries


@contextmanager
def served(background: bool = False, **outcomes: Outcome) -> Iterator[Served]:
    found = {f"webhook/{name}": Destination(sender=Crm(outcome)) for name, outcome in outcomes.items()}
    with at_work(app, destinations=found if outcomes else None, background=background) as at:
        yield Served(*at)


kikao = Commands("outbox")
said, parsed = kikao.said, kikao.parsed


# --- looking ---


def test_the_audit_trails_messages_are_a_destination_like_any_other() -> None:
    with served(crm=Delivered()) as server:
        sessions = server.server.sessions
        left = to_records(sessions.ring, b"k" * 16, b"nonsense", sessions.clock())
        server.run(sessions.store.post([left]))
        server.post("Asha")
        assert [line["id"] for line in parsed("list", "--to", "records")] == [left.id.hex()]
        assert len(parsed("list", "--to", "crm")) == len(parsed("list", "--to", "webhook/crm")) == 1


def test_records_that_cannot_be_used_are_told_where_the_store_needs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KIKAO_STORE", "redis://127.0.0.1:1/0")
    done = kikao("list")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "KIKAO_SECRET_KEYS" in done.stderr
    (tmp_path / "file").touch()
    monkeypatch.setenv("KIKAO_SECRET_KEYS", f"k1:{base64.b64encode(bytes(range(32))).decode()}")
    monkeypatch.setenv("KIKAO_RECORDS", str(tmp_path / "file" / "records.db"))
    done = kikao("list")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "records.db" in done.stderr


def test_what_is_told_is_the_same_with_a_server_and_without() -> None:
    with served(crm=Rejected("HTTP 410")) as server:
        server.post("Asha")
        server.send()
        listed = sorted(parsed("list"), key=lambda line: line["to"])
        assert [(line["to"], line["state"]) for line in listed] == [
            ("webhook/crm", "dead"),
            ("webhook/shop", "waiting"),
        ]
        dead = listed[0]
        assert (dead["reason"], dead["tries"], dead["kid"]) == ("HTTP 410", 1, dead["kid"])
        shown = parsed("show", dead["id"][:8], "--clear")
        assert shown == [{**dead, "body": '{"name":"Asha"}'}]
        assert OperatorCommand(command="outbox.list", what="done") in server.events
    assert sorted(parsed("list"), key=lambda line: line["to"]) == listed
    assert parsed("show", dead["id"]) == [dead]


def test_what_is_listed_can_be_narrowed() -> None:
    with served(crm=Delivered()) as server:
        for name in ("Asha", "Ben"):
            server.post(name)
        server.send()
    assert {line["to"] for line in parsed("list", "--state", "sent")} == {"webhook/crm"}
    assert {line["state"] for line in parsed("list", "--to", "shop")} == {"waiting"}
    assert {line["status"] for line in parsed("list", "--to", "webhook/crm")} == {"sent"}
    assert len(parsed("list", "--limit", "3")) == 3
    assert kikao("list", "--to", "nobody").stderr == "no messages\n"


def test_lines_say_what_and_why_and_nothing_that_was_said() -> None:
    with served(crm=Rejected("HTTP 410")) as server:
        server.post("Asha")
        server.send()
    listed = said("list")
    assert "HTTP 410" in listed
    assert "webhook/shop" in listed
    (dead,) = parsed("list", "--state", "dead")
    for words in ((dead["id"],), (dead["id"], "--json")):
        assert "Asha" not in said("show", *words)
    assert '{"name":"Asha"}' in said("show", dead["id"], "--clear")
    assert "Asha" not in listed


# --- doing ---


def test_dead_messages_leave_again_at_once() -> None:
    with served(crm=Rejected("HTTP 410"), shop=Rejected("HTTP 404")) as server:
        server.post("Asha")
        server.send()
        (crm,) = parsed("list", "--to", "crm")
        assert said("replay", crm["id"][:10]) == "1 leave again\n"
        server.server.dispatcher.destinations["webhook/crm"].sender.outcome = Delivered()
        assert server.send() == 1
    assert [line["state"] for line in parsed("list", "--to", "crm")] == ["sent"]
    assert said("replay", "--all", "--to", "shop") == "1 leave again\n"
    assert [line["state"] for line in parsed("list", "--to", "shop")] == ["waiting"]


def test_screens_that_nobody_waits_for_any_more_never_leave_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_SIMULATOR", "off")
    with served(crm=Rejected("HTTP 410"), shop=Delivered()) as server:
        server.post("Asha")
        server.send()
        sessions = server.server.sessions
        now = sessions.clock()
        lost = screen(sessions.ring, bytes(32), "ussd/ideamart", b"...", now, now + 20)
        server.run(sessions.store.post([lost]))
        sessions.pushed(lost.session)
        server.run(server.server.sending.screens.once())
        assert "a screen is of no use later" in kikao("replay", lost.id.hex()).stderr
        assert said("replay", "--all") == "1 leave again\n"
        assert [line["reason"] for line in parsed("list", "--state", "dead")] == ["not in the settings"]
    assert said("discard", "--all", "--yes") == "1 removed\n"


def test_dead_messages_are_discarded_when_that_is_meant() -> None:
    with served(crm=Rejected("HTTP 410"), shop=Rejected("HTTP 404")) as server:
        server.post("Asha")
        server.send()
    assert kikao("discard", "--all", typed="n\n").exit_code == 1
    assert len(parsed("list")) == 2
    assert said("discard", "--all", "--to", "crm", "--yes") == "1 removed\n"
    (shop,) = parsed("list")
    assert said("discard", shop["id"], "--yes") == "1 removed\n"
    assert parsed("list") == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("show", "nonsense"), "no id of a message"),
        (("show", "abc"), "no id of a message"),
        (("show", "000000"), "no message of an id"),
        (("replay",), "not both"),
        (("replay", "000000", "--all"), "not both"),
        (("discard", "--yes"), "not both"),
    ],
)
def test_what_is_not_clear_is_refused(words: tuple[str, ...], why: str) -> None:
    with served(crm=Delivered()):
        done = kikao(*words)
    assert done.exit_code == 1
    assert why in done.stderr


def test_what_is_not_dead_is_left_alone() -> None:
    with served(crm=Delivered()) as server:
        server.post("Asha")
    for line in parsed("list"):
        for words in (("replay", line["id"]), ("discard", line["id"], "--yes")):
            assert "is not dead: it is waiting" in kikao(*words).stderr


# --- on its whole way ---


def test_a_message_goes_from_the_flow_to_a_receiver(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with loop_in_thread() as run:
        crm = run(Receiver().__aenter__())
        monkeypatch.setenv("KIKAO_WEBHOOK_CRM_URL", crm.url)
        monkeypatch.setenv("KIKAO_WEBHOOK_CRM_SECRET", SECRET)
        with served(background=True) as server:
            server.post("Asha")
            run(until(lambda: crm.requests, "the message"))
            assert "t0ken" not in str(server.server.settings)
            assert f"webhook crm: http://127.0.0.1:{crm.port}, signed, no pace" in (
                server.server.settings.describe()
            )
        (request,) = crm.requests
        run(crm.__aexit__())
    assert request.body == b'{"name":"Asha"}'
    at = float(request.headers["kikao-signature"][2:].partition(",")[0])
    signed = request.headers["kikao-signature"], request.headers["kikao-message"]
    verify(SECRET.encode(), *signed, request.body, at)
    (sent,) = parsed("list", "--to", "crm")
    assert (sent["state"], sent["id"]) == ("sent", request.headers["kikao-message"])
    assert SECRET not in (data / "sessions.db").read_bytes().decode("latin-1")


def test_a_missing_library_is_told_with_its_cure(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setenv("KIKAO_WEBHOOK_CRM_URL", "http://127.0.0.1:9/")
    for name in ("kikao.channels.webhook.sender", "kikao.channels.caller"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "httpcore", None)
    with pytest.raises(SettingsError, match=r"pip install './kikao\[webhooks\]'"), served():
        pass
