"""A small package with sentences, and its catalogs, for the tests of `kikao messages`."""

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from kikao.cli import main
from kikao.cli.messages.files import key, read, written

CODE = """
from kikao import Chat, t, tn


async def send(chat: Chat) -> None:
    await chat.ask("to", Phone(), t("Recipient"))
    await chat.confirm("ok", t("Send {amount} to {to}?", amount=1, to="x"))
    await chat.end(tn("{n} try left", "{n} tries left", 2))
"""

Edit = Callable[[str, str], None]


def messages(*words: str) -> Result:
    return CliRunner().invoke(main, ["messages", *words])


def po_of(package: Path, language: str = "lg") -> Path:
    return package / "locales" / language / "LC_MESSAGES" / "messages.po"


def translate(package: Path, language: str = "lg") -> None:
    """Give every sentence of CODE a right translation, as a translator's editor would, and compile."""
    path = po_of(package, language)
    po = read(path)
    for message in po.entries():
        if key(message) == "Recipient":
            message.string = "Afuna"
        elif key(message).startswith("Send"):
            message.string = "Weereza {to} {amount}?"
        elif message.pluralizable:
            message.string = ("Omulundi {n}", "Emirundi {n}")
    path.write_bytes(written(po))
    assert messages("update", str(package)).exit_code == 0
