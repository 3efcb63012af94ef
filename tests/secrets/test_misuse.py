"""Inside `use`, an author does with the secret all that one should not: nothing that shows it works."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import inspect
import json
import logging
import pickle
import pprint
import reprlib
import sqlite3
import string
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import click
import msgspec
import pytest

from kikao import Chat, Secret, t
from tests.secrets.scenes import WAYS, scene
from tests.secrets.till import SECRETS, WRONG
from tests.talk import whats

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Request:
    """What an author may send to a backend."""

    pin: Secret


class Packed(msgspec.Struct):
    """The same, as a Struct."""

    pin: Secret


def crash(pin: Secret) -> None:
    try:
        raise ValueError("refused", pin)
    except ValueError:
        log.exception("the core refused %r", pin)


def locals_of(pin: Secret) -> None:
    try:
        raise ValueError
    except ValueError as error:
        print("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))


def in_a_file(pin: Secret) -> None:
    with open("/dev/null", "wb") as file:
        pickle.dump(pin, file)


MISUSES: Final[dict[str, Callable[[Any], Any]]] = {
    "log %s": lambda pin: log.error("PIN %s", pin),
    "log %r": lambda pin: log.error("PIN %r of %(who)s", pin),
    "log extra": lambda pin: log.error("PIN", extra={"pin": pin}),
    "log exception": crash,
    "print": print,
    "print repr": lambda pin: print(repr(pin), [pin], {"pin": pin}, Request(pin), Packed(pin)),
    "print attributes": lambda pin: print(dir(pin), inspect.getmembers(pin)),
    "write": sys.stderr.write,
    "echo": click.echo,
    "pretty": lambda pin: pprint.pp({"pin": pin, "request": Request(pin)}),
    "short": lambda pin: print(reprlib.repr([pin])),
    "f-string": lambda pin: print(f"{pin}"),
    "f-string of width": lambda pin: print(f"{pin:>20}"),
    "f-string repr": lambda pin: print(f"{pin!r} {pin=}"),
    "format": lambda pin: print("{}".format(pin)),  # noqa: UP032
    "percent": lambda pin: print("%s" % pin),  # noqa: UP031
    "template": lambda pin: print(string.Template("$pin").substitute(pin=pin)),
    "join": lambda pin: print("".join([pin])),
    "add": lambda pin: print("PIN " + pin),
    "urlencode": lambda pin: print(urlencode({"pin": pin})),
    "pickle": lambda pin: [print(pickle.dumps(pin, protocol)) for protocol in range(6)],
    "pickle to a file": in_a_file,
    "copy": copy.copy,
    "deep copy": lambda pin: copy.deepcopy([pin]),
    "asdict": lambda pin: print(dataclasses.asdict(Request(pin))),
    "json": lambda pin: print(json.dumps({"pin": pin})),
    "json of anything": lambda pin: print(json.dumps({"pin": pin}, default=repr)),
    "json of variables": lambda pin: print(json.dumps(pin, default=vars)),
    "msgspec": lambda pin: print(msgspec.json.encode({"pin": pin}), msgspec.msgpack.encode(pin)),
    "msgspec struct": lambda pin: print(msgspec.json.encode(Packed(pin)), msgspec.to_builtins(Packed(pin))),
    "equal": lambda pin: print(pin == WRONG),
    "not equal": lambda pin: print(pin != Secret(WRONG)),
    "in": lambda pin: print([WRONG].index(pin)),
    "hash": lambda pin: print({pin: 1}),
    "cached": lambda pin: print({pin}),
    "less": lambda pin: print(sorted([pin, Secret("1")])),
    "database": lambda pin: sqlite3.connect(":memory:").execute("SELECT ?", (pin,)),
    "warning": lambda pin: warnings.warn(f"{pin!r}", stacklevel=1),
    "warning %s": lambda pin: warnings.warn(str(pin), stacklevel=1),
    "variables": locals_of,
    "task name": lambda pin: asyncio.current_task().set_name(pin),  # type: ignore[union-attr]
}


@pytest.mark.parametrize(("gateway", "kind"), WAYS)
async def test_the_secret_itself_shows_nothing(gateway: str, kind: str, tmp_path: Path) -> None:
    tried: list[str] = []

    async def inside(chat: Chat, pin: Secret) -> None:
        for name, misuse in MISUSES.items():
            try:
                misuse(pin)
            except (TypeError, AttributeError, sqlite3.Error) as error:
                log.exception("%s does not work", name, exc_info=error)
            tried.append(name)

    async with scene(tmp_path, gateway, kind) as at:
        at.shop.inside = inside
        await at.to_the_secret()
        assert "Got Sale" in await at.type()
    assert tried == list(MISUSES)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda chat, pin: chat.say(pin),
        lambda chat, pin: chat.say(t("{pin}", pin=pin)),
        lambda chat, pin: chat.session.set("pin", pin),
        lambda chat, pin: chat.read("pin", lambda: pin),
        lambda chat, pin: chat.ask("pin", SECRETS["pin"], pin),
        lambda chat, pin: chat.end(pin),
        lambda chat, pin: chat.goto("sell", pin=pin),
    ],
)
@pytest.mark.parametrize("when", ["inside", "after"])
async def test_a_secret_that_got_out_cannot_be_kept_or_shown(when: str, misuse: Any, tmp_path: Path) -> None:
    """The `Secret` of this turn is still there after `use`; what becomes of it is a failed turn."""
    got_out: list[Secret] = []

    async def inside(chat: Chat, pin: Secret) -> None:
        got_out.append(pin)
        if when == "inside":
            await misuse(chat, pin)

    async def after(chat: Chat) -> None:
        await misuse(chat, *got_out)
        await chat.ask("next", SECRETS["pin"], "Next?")

    async with scene(tmp_path) as at:
        at.shop.inside = inside
        if when == "after":
            at.shop.after = after
        await at.to_the_secret()
        await at.type()
        assert whats(at.stage.events)[-1] == "failed"
        await at.dial()
