"""A phone in the terminal. It speaks a gateway's real format, to a running server or to an app in this process.

The terminal is read in the main thread, where Ctrl-C ends the wait for a line; an app runs in a thread beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import re
import secrets
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import click
from msgspec.structs import replace

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Client, Exchange
from kikao.channels.ussd.gateway import dialled_ahead
from kikao.channels.ussd.registry import SLUGS, client, kind
from kikao.cli.recording import Record, Tell, recorder_of
from kikao.cli.screens import PATIENCE, Screens
from kikao.cli.serving import give_up, load_app, load_settings, standing_settings
from kikao.config import SettingsError, UssdSettings
from kikao.config.tenants import CHOSEN
from kikao.events import Event, LogLines
from kikao.i18n.e164 import is_e164
from kikao.members import UnknownMember
from kikao.records import RecordsRefused
from kikao.server import Server
from kikao.sessions.store import StoreRefused
from kikao.testing import in_process
from kikao.testing.differences import boxed
from kikao.testing.looking import asks_secret, session_behind
from kikao.turn import WINDOW

CODE: Final = "*284#"
"""Dialled where the settings have no code."""

DEFAULT_URL: Final = "http://127.0.0.1:8000"
AGAIN: Final = 1.0
"""Seconds that it is waited for a screen of a request that was sent twice: there should be none."""

HELP: Final = "answer the screen and press Enter; /hangup, /dial, /again (send the same request twice), /quit"
COMMANDS: Final = ("/hangup", "/dial", "/again", "/quit")

T = TypeVar("T")

Send = Callable[[Exchange], Response]


def talk(
    target: str | None,
    *,
    gateway: str,
    number: str,
    code: str | None,
    locale: str | None,
    url: str | None,
    token: str | None,
    record: str | None,
    listen: int | None = None,
) -> None:
    """Hold a conversation until the user leaves it."""
    if gateway not in SLUGS:
        give_up(f"the phone does not speak {gateway!r}; it speaks {', '.join(SLUGS)}")
    if target is not None and url is not None:
        give_up("give either MODULE:APP or --url, not both")
    if target is None and locale is not None:
        give_up("--locale needs MODULE:APP: a running server has its own default language")
    if target is None and record is not None:
        give_up(
            "--record needs MODULE:APP: from outside of a server nobody knows which answers are secrets, and a "
            "transcript has none. The simulator of a server can record, too"
        )
    if not is_e164(number):
        give_up(f"--as takes an international number such as +256772000001, not {number!r}")
    settings = settings_of(gateway, near=target is not None)
    code = code or next(iter(settings.codes), CODE)
    speaks = client(gateway, number, code, settings)
    if kind(gateway).connects and target is None:
        give_up(
            f"{gateway} has no address that could be called: kikao connects to it. Give MODULE:APP, without --url"
        )
    if speaks.waits and target is None and listen is None:
        give_up(
            f"{gateway} is called with each screen: give --listen 9000, and start the server with "
            f"KIKAO_USSD_{gateway.upper()}_URL=http://127.0.0.1:9000/"
        )
    phone = Phone(
        speaks,
        f"/ussd/{gateway}" + (f"/{token}" if token else ""),
        WINDOW if kind(gateway).dedupe == "window" else 0.0,
        [f"KIKAO_USSD_{gateway}_{each.name}".upper() for each in kind(gateway).options if each.guards],
    )
    try:
        if target is None:
            with nullcontext() if listen is None else phone.screens.listening(listen):
                phone.hold(over_http(url or DEFAULT_URL))
        else:
            recorder = None if record is None else recorder_of(Path(record), number, gateway, code)
            with beside(target, locale, number, phone.screens) as near:
                if recorder is not None:
                    phone.record = Record(
                        Path(record or ""), recorder, lambda exchange: near.asks_secret(gateway, exchange)
                    )
                phone.hold(near.send)
    except SettingsError as error:
        give_up(str(error))
    except (StoreRefused, RecordsRefused) as error:
        behind = f"/{tenant}" if (tenant := os.environ.get(CHOSEN)) else ""
        give_up(
            f"{error}\nIf a server is running on this data, talk to it: kikao chat --url {DEFAULT_URL}{behind}"
        )


class Phone:
    """Reads answers from the terminal and shows screens.

    `window` is how many seconds the gateway takes the same request for a redelivery. No network is as fast as a
    terminal, so who gives the same answer twice at once waits that long here. `keys` are the variables of what the
    provider has to show.
    """

    def __init__(self, client: Client, path: str, window: float = 0.0, keys: Sequence[str] = ()) -> None:
        self._client = client
        self._keys = keys
        self._path = path
        self._window = window
        self._last: Exchange | None = None
        self._before: Exchange | None = None
        self._replied_at = 0.0
        self._alive = False
        self.screens = Screens(client)
        """Where those come that are no reply."""
        self.record: Record | None = None
        """Told of all that is done."""

    def hold(self, send: Send) -> None:
        """Dial, then answer screen after screen."""
        click.secho(HELP, dim=True)
        exchange, tell = self._dial()
        while True:
            self._alive = alive = self._exchange(send, exchange, tell)
            line = self._said("> ") if alive else self._after_the_end("(ended; Enter dials again) ")
            if line is None or line == "/quit":
                return
            if line == "/again":
                tell = None if self.record is None else self.record.again
                continue
            if line == "/hangup":
                if (told := self._client.hang_up()) is not None:
                    send(self._addressed(told))
                if self.record is not None:
                    self.record.hung_up()
                click.secho("you hung up; Enter dials again", dim=True)
                line = self._after_the_end("")
                if line in (None, "/quit"):
                    return
                exchange, tell = self._dial(line or "")
            elif _is_dial(line) or not alive:
                exchange, tell = self._dial(line)
            else:
                line = line.removeprefix("/") if line.startswith("//") else line
                tell = None if self.record is None else self.record.answer(self._addressed(exchange), line)
                exchange = self._client.answer(line)
                if exchange == self._last:
                    time.sleep(max(self._replied_at + self._window - time.monotonic(), 0.0))

    def _dial(self, line: str = "") -> tuple[Exchange, Tell | None]:
        """Dial, with what stands behind `/dial` behind the code, or as the whole of it: `1*500`, `*284*1*500#`."""
        said = line.removeprefix("/dial").strip() if _is_dial(line) else ""
        ahead = dialled_ahead(said, (self._client.code,))
        ahead = said.strip("*#") if ahead is None else ahead
        tell = None if self.record is None else partial(self.record.dialled, ahead=ahead)
        return self._client.dial(secrets.token_hex(8), ahead), tell

    def _addressed(self, exchange: Exchange) -> Exchange:
        return replace(exchange, path=self._path)

    def _exchange(self, send: Send, exchange: Exchange, tell: Tell | None) -> bool:
        response = send(self._addressed(exchange))
        self._before, self._last, self._replied_at = self._last, exchange, time.monotonic()
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            said = response.body.decode(errors="replace").strip()
            click.secho(f"HTTP {response.status}: {said}", fg="red")
            if response.status == HTTPStatus.NOT_FOUND:
                click.secho("If the gateway has a path token, give it with --token.", fg="red")
            if response.status == HTTPStatus.FORBIDDEN and self._keys:
                click.secho(
                    f"The phone shows what the provider would: {', '.join(self._keys)} must be here as on the "
                    "server, in the environment or in the kikao.toml of this folder.",
                    fg="red",
                )
            return False
        if self._client.waits:
            again = exchange == self._before
            came = self.screens.next(self._client.dialogue, patience=AGAIN if again else PATIENCE)
            if came is None:
                said = "no second screen" if again else f"no screen within {PATIENCE:g} seconds"
                click.secho(f"The request was acknowledged, and {said} came.", fg="yellow")
                return self._alive
            response = came
        try:
            text, alive = self._client.read(response)
        except (ValueError, LookupError, TypeError):
            click.secho("The reply is not one of this gateway: is another one behind this address?", fg="red")
            return False
        click.echo("\n".join(["", *boxed(text.splitlines())]))
        if tell is not None:
            tell(self._addressed(exchange), text, not alive)
        return alive

    def _after_the_end(self, prompt: str) -> str | None:
        """A command, or the empty line that dials: an answer is nothing to throw away in silence."""
        line = self._said(prompt)
        while line and line not in COMMANDS and not _is_dial(line):
            click.echo("nobody asks for an answer now: an empty line dials again, /quit ends")
            line = self._said(prompt)
        return line

    def _said(self, prompt: str) -> str | None:
        """A command or an answer, `//` before one that begins with a slash: a slip is not sent to anybody."""
        while (line := self._line(prompt)) is not None:
            command = line.rstrip()
            if command in COMMANDS:
                return command
            if not line.startswith("/") or line.startswith("//") or _is_dial(line):
                return line
            click.echo(
                f"there are {', '.join(COMMANDS)}; type a second slash before an answer that begins with one"
            )
        return None

    def _line(self, prompt: str) -> str | None:
        try:
            line = input(prompt).strip("\n")
            if not sys.stdin.isatty():  # then nobody has seen what was typed
                click.echo(line)
            return line
        except (EOFError, KeyboardInterrupt):
            click.echo()
            return None


def settings_of(gateway: str, *, near: bool) -> UssdSettings:
    """The settings of a gateway of an app in this process; of a server, where the gateway has some of its own, such as
    a key that its provider shows: the phone is that."""
    if not near and not kind(gateway).options:
        return UssdSettings()
    return standing_settings().ussd.get(gateway, UssdSettings())


def over_http(url: str) -> Send:
    """Send to a running server, past any proxy of the environment and to nowhere else: what is typed is for it only."""
    if _SERVER(url) is None:
        give_up(f"{url!r} is no address of a server; it looks like {DEFAULT_URL}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoFurther())

    def send(exchange: Exchange) -> Response:
        request = urllib.request.Request(  # noqa: S310 - http or https, as checked above
            url.rstrip("/") + exchange.target,
            data=exchange.body if exchange.method != "GET" else None,
            headers=dict(exchange.headers),
            method=exchange.method,
        )
        try:
            with opener.open(request, timeout=30) as response:
                return Response(response.status, tuple(response.headers.items()), response.read())
        except urllib.error.HTTPError as error:
            return Response(error.code, tuple(error.headers.items()), error.read())
        except (OSError, http.client.HTTPException) as error:
            give_up(
                f"nothing answers at {url}{_why(error)}. Start a server first: kikao run MODULE:APP, or kikao demo"
            )

    return send


class _NoFurther(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it is the answer."""

    def redirect_request(self, *_: object) -> None:
        """See `HTTPRedirectHandler`."""


def _why(error: Exception) -> str:
    """What the network said, in its own words; of another error its type, since its text may repeat the request."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    said = cause.strerror if isinstance(cause, OSError) else type(cause).__name__
    return f" ({said})" if said else ""


class Near(NamedTuple):
    """An app in this process."""

    send: Send
    asks_secret: Callable[[str, Exchange], bool]
    """Whether the open question of whoever sends such a request, to a gateway, asks for a secret."""


@contextlib.contextmanager
def beside(target: str, locale: str | None, number: str, screens: Screens) -> Iterator[Near]:
    """Serve an app in a thread of this process; what an asynchronous gateway is called with comes to `screens`."""
    app = load_app(target)
    if locale is not None and locale not in app.engine.locales:
        give_up(f"{target} has no language {locale!r}. It has: {', '.join(app.engine.locales)}")
    app.settings = load_settings(makes_keys=True)
    app.subscribers.append(show_trouble if sys.stderr.isatty() else LogLines())
    with loop_in_thread() as run:
        serving = app.serving(app.settings, locale=locale, network=screens.network)
        server = run(serving.__aenter__())
        send = in_process(server)
        try:
            if locale is not None and run(_is_known(server, number)):
                click.secho(f"{number} was met before: --locale is for new members", fg="yellow", err=True)
            yield Near(
                lambda exchange: run(send(exchange)),
                lambda gateway, exchange: asks_secret(run(session_behind(server, gateway, exchange))),
            )
        finally:
            run(serving.__aexit__(None, None, None))


async def _is_known(server: Server, number: str) -> bool:
    if server.members is None:
        return False
    try:
        await server.members.show(number)
    except UnknownMember:
        return False
    return True


@contextlib.contextmanager
def loop_in_thread() -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """An event loop in a thread of its own; what it yields runs a coroutine there and waits for its result."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="kikao-app")
    thread.start()

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    try:
        yield run
    finally:
        asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def show_trouble(event: Event) -> None:
    """Of all that is logged, what somebody at a terminal wants to see between the screens."""
    trouble = [getattr(event, "error", ""), *getattr(event, "reasons", ())]
    for text in filter(None, trouble):
        click.secho(text, fg="yellow", err=True)


def _is_dial(line: str) -> bool:
    return _DIAL(line) is not None


_DIAL = re.compile(r"/dial(\s+[0-9*#]*)?").fullmatch
_SERVER = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[!-~]*)?").fullmatch
