"""A bank of an earlier version goes on: its PINs, its results under keys, its members."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from sqlalchemy import Connection, text

from kikao.conversation.outcomes import Done
from kikao.records import Records
from kikao_apps.wallet import operations
from kikao_apps.wallet.bank import Account, Balance, Receipt
from kikao_apps.wallet.ledger import MIGRATIONS, VERSION_TABLE
from kikao_apps.wallet.pins import peppers
from tests.databases import ON_BOTH
from tests.wallet.ledgers import (
    ASHA,
    BINTA,
    PIN,
    STRANGER,
    a_ledger,
    cheap_pins,
    done,
    held,
    its_records,
    register,
    ugx,
    where_of,
)

KEYS = peppers({"k1": b"k" * 32})


@ON_BOTH
async def test_a_bank_of_the_first_version_goes_on(tmp_path: Path) -> None:
    receipt = await a_first_bank(tmp_path)

    async with a_ledger(tmp_path, pins=cheap_pins(KEYS)) as ledger:
        assert (await ledger.audit()).right
        found = {key: await ledger.find(key) for key in ("opened", "held", "paid", "proposed")}
        assert found == {
            "opened": Done(Account(number=ASHA, name="Asha", currency="UGX", locked=False)),
            "held": Done(Balance(ugx(94_900))),
            "paid": Done(receipt),
            "proposed": Done(None),
        }
        again = await ledger.transfer(ASHA, STRANGER, ugx(5000), pin=PIN, key="paid")
        assert again == found["paid"]
        assert await held(ledger, ASHA) == 94_900
        assert [each.kind for each in done(await ledger.statement(ASHA, PIN, key="s")).movements] == [
            "sent",
            "gift",
        ]
        await register(ledger, BINTA, STRANGER)
        await ledger.transfer(ASHA, BINTA, ugx(94_900 - 1000), pin=PIN, key="all")
        await ledger.forget(ASHA)
    async with its_records(tmp_path) as records:
        assert await operations.pins_per_key(records) == {"k1": 2}
        rows = await records.read(lambda c: c.execute(text("SELECT * FROM wallet_keys")).all())
    assert ASHA not in repr(rows)
    assert not {fingerprint("balance", ASHA), fingerprint("propose_pin", ASHA)} & {
        row.request for row in rows
    }


async def a_first_bank(folder: Path) -> Receipt:
    """What the first version left: Asha, who sent money to a stranger. Returns her receipt."""
    first = folder / "first"
    shutil.copytree(MIGRATIONS, first, ignore=shutil.ignore_patterns("v0002*", "__pycache__"))
    records, pins = Records(await where_of(folder)), cheap_pins()
    await records.migrate(first, VERSION_TABLE, upgrade=True)
    hashed = await pins.hash(ASHA, PIN)
    pins.close()
    receipt = Receipt(ref="ABCD2345", amount=ugx(5000), fee=ugx(100), to=STRANGER, balance=ugx(94_900))

    def money(minor: int) -> dict[str, object]:
        return {"type": "m", "currency": "UGX", "minor": minor}

    account = {"type": "account", "number": ASHA, "name": "Asha", "currency": "UGX", "locked": False}
    paid = {"amount": money(5000), "fee": money(100), "to": STRANGER, "balance": money(94_900)}
    keys: list[tuple[str, list[object], object]] = [
        ("opened", ["open_account", ASHA, "Asha", "UGX"], account),
        ("held", ["balance", ASHA], {"type": "balance", "amount": money(94_900)}),
        ("paid", ["transfer", ASHA, STRANGER, money(5000)], {"type": "receipt", "ref": "ABCD2345", **paid}),
        ("proposed", ["propose_pin", ASHA], None),
    ]

    def write(connection: Connection) -> None:
        def run(statement: str) -> None:
            connection.execute(text(statement))

        run(f"INSERT INTO wallet_numbers VALUES ('{ASHA}'), ('{STRANGER}')")
        run(
            "INSERT INTO wallet_accounts (id, kind, msisdn, name, currency, opened_at) VALUES "
            f"(101, 'member', '{ASHA}', 'Asha', 'UGX', 1), (102, 'unclaimed', '{STRANGER}', NULL, 'UGX', 1)"
        )
        connection.execute(text("INSERT INTO wallet_pins VALUES (101, :hash, 0)"), {"hash": hashed.hash})
        run(
            "INSERT INTO wallet_transfers VALUES "
            "(1, 'gift', 'GIFT2345', 'opened', 1), (2, 'payment', 'ABCD2345', 'paid', 2)"
        )
        bank = "(SELECT id FROM wallet_accounts WHERE currency = 'UGX' AND kind = '{}')"
        for transfer, debit, credit, amount in (
            (1, bank.format("float"), 101, 100_000),
            (2, 101, 102, 5000),
            (2, 101, bank.format("fees"), 100),
        ):
            run(
                "INSERT INTO wallet_entries (transfer_id, debit_id, credit_id, currency, amount) "
                f"VALUES ({transfer}, {debit}, {credit}, 'UGX', {amount})"
            )
        connection.execute(
            text("INSERT INTO wallet_keys VALUES (:key, :request, :result, 1)"),
            [
                {"key": key, "request": fingerprint(*request), "result": json.dumps(result)}
                for key, request, result in keys
            ],
        )
        run("INSERT INTO wallet_keys VALUES ('void', NULL, NULL, 1)")

    await records.write(write)
    await records.close()
    return receipt


def fingerprint(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()
