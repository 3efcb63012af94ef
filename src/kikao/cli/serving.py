"""Serving an app: settings, start-up errors in plain words, uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

import click

from kikao.app import App
from kikao.channels.ussd.registry import OPTIONS
from kikao.cli.ending import Ending
from kikao.config import Settings, SettingsError, load
from kikao.events.logged import logged
from kikao.events.uncaught import uncaught
from kikao.records import RecordsRefused
from kikao.sessions.store import StoreRefused

BACKLOG: Final = 2048
"""Connections that may wait to be accepted."""

logger = logging.getLogger(__name__)

Announced = Callable[[str, float], None]
"""Told the URL, and how many seconds the simulator's clock is ahead."""


def serve(target: str, host: str, port: int, *, welcome: bool = False) -> None:
    """Serve `module:app` until interrupted. Exits with 2 and the reason when it cannot start."""
    app, settings = load_app(target), load_settings(makes_keys=True)
    with contextlib.closing(listen(host, port)) as door:
        serve_on(
            door,
            app,
            settings,
            lambda url, ahead: announce(settings, app.order(), url, welcome=welcome, ahead=ahead),
        )


def serve_on(
    door: socket.socket,
    app: App,
    settings: Settings,
    announced: Announced,
    *,
    linger: float = 0.0,
    worker: int = 0,
) -> None:
    """Serve an app on a socket that listens, until interrupted. `announced` is called once it answers.

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
            runner.run(_serve(app, settings, door, hooks, announced, linger, worker))
    except (SettingsError, StoreRefused, RecordsRefused) as error:
        give_up(str(error))


def load_settings(*, makes_keys: bool = False, workers: int = 1) -> Settings:
    """The settings, or an exit that lists every problem with them. See `kikao.config.load`."""
    try:
        return load(gateways=OPTIONS, makes_keys=makes_keys, workers=workers)
    except SettingsError as error:
        give_up(str(error))


def keys_expected(settings: Settings) -> Settings:
    """The same settings, or an exit where they have no secret keys."""
    if not settings.secret_keys:
        give_up(
            f"there are no secret keys: KIKAO_SECRET_KEYS is not set, and no server has made any in {settings.data}. "
            "Do this where your server runs, with its settings."
        )
    return settings


def load_app(target: str) -> App:
    """The app that `module:app` names; modules of the present folder are found."""
    module_name, colon, attribute = target.partition(":")
    if not colon or not module_name or not attribute:
        give_up(f"{target!r} must look like module:app")
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise  # something the app itself imports
        give_up(f"there is no module {module_name!r} in {os.getcwd()} or installed")
    if not hasattr(module, attribute):
        give_up(f"module {module_name!r} has no {attribute!r}")
    found = getattr(module, attribute)
    if not isinstance(found, App):
        give_up(f"{target} is a {type(found).__name__}, not a kikao App")
    return found


class GivenUp(SystemExit):
    """A command of ours ends with 2, and has said why; an app that ends Python by itself raises another."""


def give_up(reason: str) -> NoReturn:
    """End the command with a reason for a human."""
    click.secho(f"kikao: {reason}", fg="red", err=True)
    raise GivenUp(2)


async def _serve(
    app: App,
    settings: Settings,
    door: socket.socket,
    hooks: contextlib.ExitStack,
    announced: Announced,
    linger: float,
    worker: int,
) -> None:
    from kikao.cli.web_server import WebServer

    make_folder(settings.data)
    # Entered before the app starts, and left when it is closed: a signal then never cuts either short.
    ending = hooks.enter_context(Ending())
    async with app.serving(settings, worker=worker) as server:
        if ending.told:
            return
        hooks.enter_context(uncaught(server.publish))

        def answering() -> None:
            host, port = door.getsockname()[:2]
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            announced(url, server.simulator.moment.offset if server.simulator is not None else 0.0)

        ending.call = server.drain
        await WebServer(server, ending, answering, drain=settings.drain, linger=linger).serve([door])


def make_folder(data: Path) -> None:
    """Make the data folder, for its owner alone, unless it is there; the log tells where that is impossible."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        logger.warning(
            "KIKAO_DATA: %s cannot be made (%s). /metrics tells the numbers of one worker alone, and commands like "
            "`kikao sessions` do not reach this server. Set KIKAO_DATA to a folder that it may write.",
            data,
            error.strerror,
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there, or an exit that says what stands in the way."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        # getaddrinfo has negative numbers of its own.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        give_up(f"cannot listen on {host} port {port}: {why}. Choose another with --port (make: PORT=...).")


def announce(
    settings: Settings, middleware: tuple[str, ...], url: str, *, welcome: bool, ahead: float = 0.0
) -> None:
    """Say what is on, where the data lies, what stands around a turn and, for a demo, what to type.

    `ahead` is how many seconds the clock was moved forward in the simulator.
    """
    click.echo(f"kikao is answering on {url}")
    around = [f"middleware: {' → '.join([*middleware, 'the turn'])}"] if middleware else []
    for line in [*settings.describe(), *around]:
        click.echo(f"  {line}")
    if settings.simulator != "off":
        click.echo(f"phones in a browser: {browsed(url)}/simulator")
    if ahead:
        hours, seconds = divmod(round(ahead), 3600)
        click.echo(f"the clock is {hours} h {seconds // 60} min ahead, as it was moved in the simulator")
    if welcome:
        click.echo(
            WELCOME.format(url=url, chat="kikao chat" if url.endswith(":8000") else f"kikao chat --url {url}")
        )


def browsed(url: str) -> str:
    """The address as a browser on this machine has it: what listens everywhere listens here, too."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


WELCOME = """
Try it from another terminal:

  a phone          .venv/bin/{chat}
  a second phone   .venv/bin/{chat} --as +256772000002
  as the gateway   curl -d sessionId=1 -d phoneNumber=+256772000001 -d serviceCode='*284#' \\
                        --data-urlencode text= {url}/ussd/africastalking

Register, then send money to the second number. Stop it with Ctrl-C, or kill -9 it in the middle:
start it again, and the conversation goes on. Nothing is lost and nothing is paid twice.
An account that too many wrong PINs locked: .venv/bin/python -m kikao_apps.wallet unlock +256772000001
"""
