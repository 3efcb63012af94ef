"""An app that Africa's Talking's SMS comes to and goes from, with the provider of `kikao.channels.sms.emulator`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from msgspec import structs

from kikao import App
from kikao.channels.sms.emulator import SmsApi
from kikao.config import Hidden, Settings, load
from kikao.config.settings import SmsSettings
from kikao.events import Event
from kikao.server import Server
from kikao.sessions.store import SessionStore
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock

ASHA = "+256772000001"
BINTA = "+256772000002"

ACCOUNT = {"username": "sandbox", "api_key": "atsk_test"}


def account(*, sender: str = "KIKAO", token: str = "", **options: str) -> SmsSettings:
    """An account's settings; `options` are those of its own."""
    own = {name: Hidden(value.encode()) for name, value in (ACCOUNT | options).items()}
    return SmsSettings(sender=sender, token=Hidden(token.encode()) if token else None, options=own)


def settings_of(folder: Path, sms: SmsSettings | None = None, **more: Any) -> Settings:
    """Settings with one account, and whatever else."""
    found = load({"KIKAO_SIMULATOR": "off"}, folder, gateways=None, makes_keys=True)
    return structs.replace(found, sms={"africastalking": sms or account()}, **more)


@contextlib.asynccontextmanager
async def serving(
    app: App,
    folder: Path,
    api: SmsApi | None = None,
    *,
    sms: SmsSettings | None = None,
    store: SessionStore | None = None,
    clock: Callable[[], float] | None = None,
    events: list[Event] | None = None,
    **more: Any,
) -> AsyncIterator[tuple[Server, SmsApi]]:
    """The app at work, without background: `server.push()` sends what waits."""
    api = api or SmsApi()
    settings = settings_of(folder, sms)
    heard = [] if events is None else events
    async with app.serving(
        settings,
        store=store or MemoryStore(),
        clock=clock or Clock(),
        chat_network=api.network,
        subscribers=[heard.append],
        background=False,
        door=False,
        **more,
    ) as server:
        token = settings.sms["africastalking"].token
        api.calls_back(server, token=token.reveal().decode() if token else "")
        yield server, api
