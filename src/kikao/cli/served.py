"""What `kikao run` serves: one app, or the apps of several tenants."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import os
import socket
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from msgspec import structs

from kikao.app import App
from kikao.channels.chat.lines import CHANNELS
from kikao.cli.at_work import AtWork
from kikao.cli.ending import Ending
from kikao.cli.serving import (
    announce,
    browsed,
    chosen,
    give_up,
    listen,
    load_settings,
    load_target,
    make_folder,
)
from kikao.config import Settings, SettingsError
from kikao.config.tenants import CHOSEN
from kikao.events.logged import logged
from kikao.events.uncaught import uncaught
from kikao.events.unsaid import without_queries
from kikao.records import RecordsRefused
from kikao.sessions.store import StoreRefused
from kikao.tenants import Tenants


class Served(NamedTuple):
    """What is to be served, and with what settings: one, or one of each tenant."""

    settings: tuple[Settings, ...]
    order: tuple[str, ...]
    """The names of the middleware around a turn."""
    serving: Callable[[int], AbstractAsyncContextManager[AtWork]]
    """Brings it to work, as the worker of that number."""
    lacking: tuple[str, ...] = ()
    """Channels that it is meant for, and has no line of in the settings."""
    live: tuple[str, ...] = ()
    """The paths of live sessions, of each app that has any."""

    @property
    def drain(self) -> int:
        """Seconds that it serves on when it was told to stop."""
        return max(each.drain for each in self.settings)

    def announced(self, url: str, ahead: float, *, welcome: bool = False) -> None:
        """Say what is on, as `announce` does."""
        announce(
            self.settings,
            self.order,
            url,
            welcome=welcome,
            ahead=ahead,
            lacking=self.lacking,
            live=self.live,
        )


def served(
    target: str,
    *,
    makes_keys: bool = False,
    workers: int = 1,
    adapted: Callable[[Settings], Settings] = lambda _: _,
) -> Served:
    """What `module:app` names: an app, or the tenants of which `KIKAO_TENANT` may choose one.

    `adapted` changes what the settings say. Exits with 2 and the reason when it cannot be served so.
    """
    found = load_target(target)
    if isinstance(found, Tenants) and not os.environ.get(CHOSEN):
        try:
            each = found.settings(makes_keys=makes_keys, workers=workers)
            settings = {name: adapted(own) for name, own in each.items()}
            found.refuse_unfit(settings)  # before a folder is made, or anything opened
        except SettingsError as error:
            give_up(str(error))
        live = tuple(f"/{name}{app.live.path}" for name, app in found.apps.items() if app.live is not None)
        return Served(
            tuple(settings.values()),
            (),
            lambda worker: found.serving(settings, worker=worker),
            live=live,
        )
    app = chosen(found, target)
    own = adapted(load_settings(makes_keys=makes_keys, workers=workers))
    try:
        app.refuse_unfit(own)
    except SettingsError as error:
        give_up(str(error))
    return of_app(app, own)


def of_app(app: App, settings: Settings) -> Served:
    """One app."""
    serving = functools.partial(_serving, app, settings)
    live = () if app.live is None else (app.live.path,)
    return Served((settings,), app.order(), serving, lacking(app.channels, settings), live)


def _serving(app: App, settings: Settings, worker: int) -> AbstractAsyncContextManager[AtWork]:
    return app.serving(settings, worker=worker)


def lacking(channels: Iterable[str], settings: Settings) -> tuple[str, ...]:
    """Those of chats that the settings have no line for."""
    return tuple(each for each in channels if each in CHANNELS and not getattr(settings, each))


Announced = Callable[[str, float], None]
"""Told the URL, and how many seconds the simulator's clock is ahead."""


def serve(target: str, host: str, port: int, *, welcome: bool = False) -> None:
    """Serve `module:app` until interrupted. Exits with 2 and the reason when it cannot start."""
    with contextlib.closing(listen(host, port)) as door:
        what = served(target, makes_keys=True, adapted=functools.partial(reached, url=address(door)))
        serve_on(door, what, functools.partial(what.announced, welcome=welcome))


def reached(settings: Settings, url: str) -> Settings:
    """The same, with where a browser on this machine reaches the server: in development, where no other is set.

    So a question for a secret has its page there, beside a real bot too: no chat keeps a PIN for want of a setting.
    """
    if settings.public_url or settings.env != "dev":
        return settings
    return structs.replace(settings, public_url=browsed(url))


def address(door: socket.socket) -> str:
    """Where a socket listens, as a URL."""
    host, port = door.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_on(
    door: socket.socket, what: Served, announced: Announced, *, linger: float = 0.0, worker: int = 0
) -> None:
    """Serve on a socket that listens, until interrupted. `announced` is called once it answers.

    At the end no more connections are accepted, and those that were get `linger` seconds to bring a request: where
    another process accepts what comes then. A `worker` of several has its number in its log lines.
    Exits with 2 and the reason when it cannot start.
    """
    from uvicorn.loops.auto import auto_loop_factory

    try:
        with (
            logged(worker=worker),
            contextlib.ExitStack() as hooks,
            asyncio.Runner(loop_factory=auto_loop_factory()) as runner,
        ):
            runner.run(_serve(what, door, hooks, announced, linger, worker))
    except (SettingsError, StoreRefused, RecordsRefused) as error:
        give_up(str(error))


async def _serve(
    what: Served,
    door: socket.socket,
    hooks: contextlib.ExitStack,
    announced: Announced,
    linger: float,
    worker: int,
) -> None:
    from kikao.cli.web_server import WebServer

    for own in what.settings:
        make_folder(own.data)
    # Entered before the app starts, and left when it is closed: a signal then never cuts either short.
    ending = hooks.enter_context(Ending())
    async with what.serving(worker) as server:
        if ending.told:
            return
        hooks.enter_context(uncaught(server.publish))
        hooks.enter_context(without_queries())

        def answering() -> None:
            gc.freeze()  # what was made by now stays; a look through it would take the event loop 60 to 180 ms
            announced(address(door), server.simulator.moment.offset if server.simulator is not None else 0.0)

        ending.call = server.drain
        await WebServer(server, ending, answering, drain=what.drain, linger=linger).serve([door])
