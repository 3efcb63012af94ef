"""`python -m kikao_apps.wallet`: what an operator does to the embedded bank, beside a running server.

Settings come from the environment and kikao.toml, as for `kikao run`: start it where, and as whom, the server runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from kikao.cli.serving import give_up, keys_expected, load_settings
from kikao.config import Settings
from kikao.i18n.e164 import is_e164
from kikao.records import CommitUnknown, Records, RecordsAway, RecordsRefused
from kikao.sessions.keys import PROPERTY, recognised
from kikao.sessions.sealing import KeyRing
from kikao.sessions.stores.sqlite.file import bound_in
from kikao_apps.wallet import operations
from kikao_apps.wallet.ledger import MIGRATIONS, VERSION_TABLE
from kikao_apps.wallet.operations import START_PIN_SECONDS, NoAccount
from kikao_apps.wallet.pins import NO_PEPPER, Pins, peppers

T = TypeVar("T")

RECORDS = click.option(
    "--records",
    metavar="PATH_OR_URL",
    help="The bank's database.  [default: that of the settings]",
)


def a_number(_: click.Context, __: click.Parameter, value: str) -> str:
    """An MSISDN as the bank has it."""
    if not is_e164(value):
        raise click.BadParameter("give an international number, such as +256772000001")
    return value


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """What an operator does to the wallet's bank. It works beside a running server."""


@main.command()
@click.argument("number", callback=a_number)
@click.option("--start-pin", is_flag=True, help="For who forgot the PIN: replace it by a start PIN.")
@RECORDS
def unlock(number: str, start_pin: bool, records: str | None) -> None:
    """Unlock the account of NUMBER, once you know who is asking.

    Without --start-pin the member goes on with the PIN they remember. With it they dial, enter the start PIN that is
    shown here, and choose a new one; it is good for a day, and for nothing else.
    """
    if not start_pin:
        locked = on_records(records, lambda bank: operations.unlock(bank, number, time.time()))
        otherwise = (
            f"{number} is not locked by wrong PINs. Who cannot go on may need a start PIN: --start-pin."
        )
        click.echo(f"{number} is unlocked." if locked else otherwise)
        return
    settings = keys_expected(load_settings())
    kid = next(iter(settings.secret_keys))
    if not on_records(records, lambda bank: knows_key(bank, settings)):
        give_up(
            f"nobody has used the secret key {kid!r} here yet, so the bank could not compare that PIN. Run this with "
            "the KIKAO_SECRET_KEYS of the server, which must have started with them."
        )
    pins = Pins(peppers=peppers(settings.secret_keys), workers=1)
    try:
        pin = on_records(records, lambda bank: operations.give_start_pin(bank, pins, number, time.time()))
    finally:
        pins.close()
    hours = START_PIN_SECONDS // 3600
    click.echo(
        f"Start PIN of {number}: {pin.reveal()}. Tell it to the member only; it is good for {hours} hours."
    )


@main.command()
@RECORDS
def pins(records: str | None) -> None:
    """How many PINs are hashed with each secret key: one with none may leave KIKAO_SECRET_KEYS.

    The session store has a say in that, too: see "Rotate the sealing keys" in the documentation.
    """
    for kid, count in on_records(records, operations.pins_per_key).items():
        click.echo(f"{'no key' if kid == NO_PEPPER else kid}: {count}")


async def knows_key(bank: Records, settings: Settings) -> bool:
    """Whether the server uses the first secret key: so says its session store, or else PINs with a key of that id."""
    if settings.store.kind == "sqlite":
        stored = bound_in(settings.store_path, PROPERTY)
        if stored is not None:
            return recognised(stored, KeyRing.of(settings))
    return next(iter(settings.secret_keys)) in await operations.pins_per_key(bank)


def on_records(where: str | None, work: Callable[[Records], Awaitable[T]]) -> T:
    """Do something on the bank's database; exits with 2 and the reason when that cannot be."""

    where = where or load_settings().records
    refuse_missing(where)

    async def run() -> T:
        records = Records(where)
        try:
            await records.migrate(MIGRATIONS, VERSION_TABLE, upgrade=False)
            return await work(records)
        finally:
            await records.close()

    try:
        return asyncio.run(run())
    except (NoAccount, RecordsRefused, RecordsAway) as error:
        give_up(str(error))
    except CommitUnknown as error:
        give_up(f"{error}. Look whether it was done, or do it again: that is harmless.")


def refuse_missing(where: str) -> None:
    """Exit for a file that is not there: opening it would make an empty bank."""
    if "://" in where and not where.startswith("sqlite:///"):
        return
    path = Path(where.removeprefix("sqlite:///"))
    if not path.exists():
        give_up(f"there is no bank at {path}")


if __name__ == "__main__":
    main(prog_name="python -m kikao_apps.wallet")
