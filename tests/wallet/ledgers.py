"""A bank for tests: cheap PINs, a clock to turn, members with money."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from kikao.app import ServicesFactory
from kikao.config import Settings
from kikao.conversation.outcomes import Done, Refused
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount
from kikao.records import Records
from kikao.testing import Clock
from kikao_apps.wallet.bank import Account, Bank
from kikao_apps.wallet.flows import Support
from kikao_apps.wallet.ledger import MIGRATIONS, VERSION_TABLE, Ledger, readable_ref
from kikao_apps.wallet.pins import PinHash, Pins
from tests.databases import records_of

T = TypeVar("T")

ASHA, BINTA, CHIDI = "+256700000001", "+256700000002", "+256700000003"
STRANGER = "+256700000009"
PIN = Secret("2580")
WRONG = Secret("1379")
GIFT = 100_000
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A folder where files do not wait for a disk (on Linux), for tests that make many of them."""


def cheap_pins(peppers: Mapping[str, bytes] | None = None, workers: int = 2, queue: int = 128) -> Pins:
    return Pins(peppers=peppers, memory_kib=8, passes=1, workers=workers, queue=queue)


class StallingPins(Pins):
    """A worker that stops between comparing a PIN and its transaction, until it may go on."""

    def __init__(self) -> None:
        super().__init__(memory_kib=8, passes=1)
        self.compared = asyncio.Event()
        self.go_on = asyncio.Event()

    async def verify(self, msisdn: str, pin: Secret, stored: PinHash | None) -> bool:
        right = await super().verify(msisdn, pin, stored)
        self.compared.set()
        await self.go_on.wait()
        return right


@asynccontextmanager
async def a_ledger(
    folder: Path,
    *,
    gift: int | None = GIFT,
    clock: Callable[[], float] | None = None,
    pins: Pins | None = None,
    new_ref: Callable[[], str] = readable_ref,
) -> AsyncIterator[Ledger]:
    """A bank in `folder`; open a second one on the same folder to meet what the first left."""
    where = await where_of(folder)
    if isinstance(where, Path):
        await write_migrated(where, (MIGRATIONS, VERSION_TABLE))
    records = Records(where)
    ledger = Ledger(
        records, opening_gift=gift, pins=pins or cheap_pins(), clock=clock or Clock(), new_ref=new_ref
    )
    await records.migrate(MIGRATIONS, VERSION_TABLE, upgrade=True)
    await ledger.start()
    try:
        yield ledger
    finally:
        await ledger.close()
        await records.close()


_migrated: dict[tuple[tuple[Path, str], ...], bytes] = {}
"""SQLite files with some tables and nothing else, made once: migrating takes longer than most tests."""


async def write_migrated(path: Path, *tables: tuple[Path, str]) -> None:
    """Write a SQLite file with these tables (folder of migrations, version table), unless there is a file."""
    if path.exists():
        return
    if tables not in _migrated:
        with tempfile.TemporaryDirectory() as folder:
            template = Path(folder) / "records.db"
            records = Records(template)
            for scripts, version_table in tables:
                await records.migrate(scripts, version_table)
            await records.close()
            _migrated[tables] = template.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_migrated[tables])


def services_of(
    clock: Callable[[], float], *, gift: int | None = GIFT, new_ref: Callable[[], str] = readable_ref
) -> ServicesFactory:
    """The services of the wallet, with cheap PINs, in the records of the settings."""

    @asynccontextmanager
    async def services(settings: Settings) -> AsyncIterator[Mapping[Any, Any]]:
        records = Records(settings.records)
        ledger = Ledger(records, opening_gift=gift, pins=cheap_pins(), clock=clock, new_ref=new_ref)
        try:
            await ledger.start()
            yield {Bank: ledger, Support: Support()}
        finally:
            await ledger.close()
            await records.close()

    return services


@asynccontextmanager
async def its_records(folder: Path) -> AsyncIterator[Records]:
    """The database of the bank in `folder`, to look under the floor."""
    records = Records(await where_of(folder))
    try:
        yield records
    finally:
        await records.close()


_keys = itertools.count()


def a_key() -> str:
    """A key that no test has used."""
    return f"key-{next(_keys)}"


async def register(ledger: Ledger, *members: str, currency: str = "UGX", pin: Secret = PIN) -> None:
    for member in members:
        done(await ledger.propose_pin(member, pin, key=a_key()))
        opened = done(await ledger.open_account(member, f"M {member[-1]}", currency, pin, key=a_key()))
        assert isinstance(opened, Account)


async def held(ledger: Ledger, member: str, pin: Secret = PIN) -> int:
    """What a member has, in minor units."""
    return done(await ledger.balance(member, pin, key=a_key())).amount.minor


def done(outcome: Done[T] | Refused) -> T:
    assert isinstance(outcome, Done), outcome
    return outcome.result


def ugx(minor: int) -> Amount:
    return Amount("UGX", minor)


async def where_of(folder: Path) -> str | Path:
    """The database of the bank in `folder`."""
    return await records_of(folder, "bank/records.db")
