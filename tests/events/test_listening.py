"""Listening to an app: `app.on`, subscribers, the log and its setting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kikao.config import SettingsError, load
from kikao.events import Event, NoSuchEvent, SessionOpened, TurnCommitted
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Phone, Stage, in_process
from tests.events.market import market


async def test_an_app_is_listened_to_by_decorator_and_by_call() -> None:
    app, heard = market(), list[str]()

    @app.on("session.*")
    async def sessions(event: Event) -> None:
        heard.append(type(event).__name__)

    @app.on(TurnCommitted)
    def turns(event: TurnCommitted) -> None:
        heard.append(event.what)

    assert app.on(["flow.started"], heard.append) == heard.append
    async with Stage(app) as stage:
        await stage.phone().dial()
        await stage.settle()
    assert [each for each in heard if isinstance(each, str)] == ["asked", "SessionOpened"]
    assert len(heard) == 3


async def test_who_comes_while_it_is_served_hears_from_then_on() -> None:
    app, heard = market(), list[Event]()
    async with Stage(app) as stage:
        await stage.phone().dial()
        app.on(SessionOpened, heard.append)
        await stage.phone("+256772000002").dial()
    assert len(heard) == 1


def test_a_name_that_no_event_has_is_an_error_where_it_stands() -> None:
    with pytest.raises(NoSuchEvent, match=r"Did you mean session\.opened"):
        market().on("session.openend")


@pytest.mark.parametrize(
    ("setting", "logged"),
    [
        (None, ["turn.committed"]),
        ("default", ["turn.committed"]),
        ("session.*,screen.shown", ["session.opened", "screen.shown"]),
        ("default,flow.*", ["flow.started", "turn.committed"]),
        (
            "*",
            ["session.opened", "flow.started", "stage.changed", "screen.shown", "turn.committed"],
        ),
    ],
)
async def test_which_events_have_lines_is_a_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str | None, logged: list[str]
) -> None:
    environ = {} if setting is None else {"KIKAO_LOG_EVENTS": setting}
    settings = load(environ, tmp_path, makes_keys=True)
    async with market().serving(settings, store=MemoryStore(), background=False) as server:
        await Phone(in_process(server)).dial()
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == logged


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "turn.comitted",
            r"KIKAO_LOG_EVENTS: no event is called 'turn.comitted'. Did you mean turn.committed",
        ),
        ("default,sessions.*", r"no event is called 'sessions.\*'"),
    ],
)
async def test_a_misspelt_event_keeps_it_from_starting(tmp_path: Path, setting: str, said: str) -> None:
    settings = load({"KIKAO_LOG_EVENTS": setting}, tmp_path, makes_keys=True)
    with pytest.raises(SettingsError, match=said):
        async with market().serving(settings, store=MemoryStore(), background=False):
            raise AssertionError("it must not start")


@pytest.mark.parametrize("setting", ["Turn!", "turn.committed;*", " "])
def test_what_is_no_name_at_all_is_found_with_the_other_settings(tmp_path: Path, setting: str) -> None:
    with pytest.raises(SettingsError, match="KIKAO_LOG_EVENTS"):
        load({"KIKAO_LOG_EVENTS": setting}, tmp_path, makes_keys=True)
