"""What commands load, with what is wrong told in plain words: settings, an app, a socket that listens."""

from __future__ import annotations

import importlib
import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import click

from kikao.app import App
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import Settings, SettingsError, load, tenants_named
from kikao.config.tenants import CHOSEN, FOLDER
from kikao.tenants import Tenants

BACKLOG: Final = 2048
"""Connections that may wait to be accepted."""

logger = logging.getLogger(__name__)


def load_settings(*, makes_keys: bool = False, workers: int = 1, tenant: str | None = None) -> Settings:
    """The settings, or an exit that lists every problem with them. See `kikao.config.load`."""
    try:
        return load(gateways=OPTIONS, makes_keys=makes_keys, workers=workers, tenant=tenant)
    except SettingsError as error:
        give_up(str(error))


def standing_settings() -> Settings:
    """The settings of somebody who was served already, or an exit: a misspelt tenant looks like one without data."""
    settings = load_settings()
    if settings.tenant and not settings.data.is_dir():
        beside = settings.data.parent
        known = {*tenants_named(), *(each.name for each in beside.glob("*/") if beside.name == FOLDER)}
        if known and settings.tenant not in known:
            give_up(
                f"{CHOSEN}={settings.tenant}: there is no such tenant; there are {', '.join(sorted(known))}"
            )
    return settings


def keys_expected(settings: Settings) -> Settings:
    """The same settings, or an exit where they have no secret keys."""
    if not settings.secret_keys:
        give_up(
            f"there are no secret keys: KIKAO_SECRET_KEYS is not set, and no server has made any in {settings.data}. "
            "Do this where your server runs, with its settings."
        )
    return settings


def load_app(target: str) -> App:
    """The app that `module:app` names; of tenants the one that `KIKAO_TENANT` names."""
    return chosen(load_target(target), target)


def load_target(target: str) -> App | Tenants:
    """What `module:app` names; modules of the present folder are found."""
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
    if not isinstance(found, App | Tenants):
        give_up(f"{target} is a {type(found).__name__}, not a kikao App")
    return found


def chosen(found: App | Tenants, target: str) -> App:
    """The app that is meant, or an exit: of tenants the one that `KIKAO_TENANT` names."""
    if isinstance(found, App):
        return found
    name = os.environ.get(CHOSEN, "")
    names = ", ".join(found.apps)
    if not name:
        first = next(iter(found.apps))
        give_up(f"{target} serves tenants: {names}. Say which is meant, for example: {CHOSEN}={first}")
    if name not in found.apps:
        give_up(f"{CHOSEN}: {target} has no tenant {name[:40]!r}. It has: {names}")
    return found.apps[name]


class GivenUp(SystemExit):
    """A command of ours ends with 2, and has said why; an app that ends Python by itself raises another."""


def give_up(reason: str) -> NoReturn:
    """End the command with a reason for a human."""
    click.secho(f"kikao: {reason}", fg="red", err=True)
    raise GivenUp(2)


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
        door = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        # getaddrinfo has negative numbers of its own.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        give_up(f"cannot listen on {host} port {port}: {why}. Choose another with --port (make: PORT=...).")
    # Who is accepted inherits it. uvloop sets it by itself; asyncio does not, of a socket that it did not make, and the
    # second of two small frames waits up to 40 ms for the client to acknowledge the first.
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return door


def announce(
    settings: Sequence[Settings],
    middleware: tuple[str, ...],
    url: str,
    *,
    welcome: bool,
    ahead: float = 0.0,
    lacking: Sequence[str] = (),
    live: Sequence[str] = (),
) -> None:
    """Say what is on, where the data lies, what stands around a turn and, for a demo, what to type.

    `settings` are those of the app, or of each tenant. `ahead` is how many seconds the clock was moved forward in the
    simulator. `lacking` are channels that the app is meant for, and has no line of. `live` are the paths of live
    sessions, of each app that has any.
    """
    click.echo(f"kikao is answering on {url}")
    around = [f"middleware: {' → '.join([*middleware, 'the turn'])}"] if middleware else []
    for own in settings:
        if own.tenant:
            click.echo(
                f"  tenant {own.tenant}: {url}/{own.tenant}"
                if len(settings) > 1
                else f"  tenant {own.tenant}"
            )
        for line in own.describe():
            click.echo(f"  {'  ' if own.tenant else ''}{line}")
    for channel in lacking:
        click.echo(
            f"  {channel}: the app is meant for it, and the settings have no line: nothing real goes over it"
        )
    token = "" if settings[0].env == "production" else "; a token: kikao live token --user NAME"
    for path in live:
        at = f"{browsed(url)}{path}"
        click.echo(f"  live: {at.replace('http', 'ws', 1)}, page script {at}/widget.js{token}")
    for line in around:
        click.echo(f"  {line}")
    if any(own.simulator != "off" for own in settings):
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
  in a chat        the phones in a browser: WhatsApp and Telegram, played here
  on a site        the same, with one more phone ("Add a phone") whose service is "Web chat"
  as the gateway   curl -d sessionId=1 -d phoneNumber=+256772000001 -d serviceCode='*284#' \\
                        --data-urlencode text= {url}/ussd/africastalking

Register, then send money to the second number. Stop it with Ctrl-C, or kill -9 it in the middle:
start it again, and the conversation goes on. Nothing is lost and nothing is paid twice.
(Chats in the browser then show none of what was said before: write, and they go on as well.)
An account that too many wrong PINs locked: .venv/bin/python -m kikao_apps.wallet unlock +256772000001
"""
