"""`python -m kikao_apps.wallet`: what an operator types, and what it says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result

from kikao.config import load
from kikao.conversation.outcomes import Done
from kikao.conversation.secrets import Secret
from kikao.testing import Clock
from kikao_apps.wallet.__main__ import main
from kikao_apps.wallet.ledger import Ledger
from kikao_apps.wallet.pins import peppers
from tests.databases import POSTGRESQL
from tests.wallet.ledgers import (
    ASHA,
    BINTA,
    GIFT,
    STRANGER,
    WRONG,
    a_key,
    a_ledger,
    cheap_pins,
    held,
    register,
)

pytestmark = pytest.mark.skipif(bool(POSTGRESQL), reason="commands on a file")

T = TypeVar("T")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where a server runs with its own settings, and Asha has an account there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIKAO_DATA", str(tmp_path / "bank"))
    at_the_bank(lambda ledger: register(ledger, ASHA))
    return tmp_path


def at_the_bank(work: Callable[[Ledger], Awaitable[T]]) -> T:
    async def run() -> T:
        settings = load({"KIKAO_DATA": str(Path.cwd() / "bank")}, Path.cwd())
        async with a_ledger(Path.cwd(), pins=cheap_pins(peppers(settings.secret_keys))) as ledger:
            return await work(ledger)

    return asyncio.run(run())


async def lock_out(ledger: Ledger) -> None:
    for _ in range(3):
        await ledger.balance(ASHA, WRONG, key=a_key())


def typed(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_unlocking() -> None:
    at_the_bank(lock_out)
    assert typed("unlock", ASHA).output == f"{ASHA} is unlocked.\n"
    assert at_the_bank(lambda ledger: held(ledger, ASHA)) == GIFT
    assert typed("unlock", ASHA).output.startswith(f"{ASHA} is not locked by wrong PINs. Who cannot go on")


def test_a_start_pin_is_shown_and_is_the_one_that_lets_the_member_choose_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.time", Clock())
    at_the_bank(lock_out)

    said = typed("unlock", ASHA, "--start-pin").output

    shown = re.fullmatch(
        r"Start PIN of \+256700000001: (\d{4})\. Tell it to the member only; it is good for 24 hours\.\n",
        said,
    )
    assert shown, said
    start = Secret(shown[1])
    assert isinstance(at_the_bank(lambda ledger: ledger.begin_pin_change(ASHA, start, key="b")), Done)


def test_which_keys_are_in_use() -> None:
    async def before_there_were_peppers() -> None:
        async with a_ledger(Path.cwd(), pins=cheap_pins()) as ledger:
            await register(ledger, STRANGER)

    assert typed("pins").output == "dev: 1\n"
    asyncio.run(before_there_were_peppers())
    assert typed("pins").output == "no key: 1\ndev: 1\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("unlock", BINTA), "kikao: wallet: +256700000002 has no account"),
        (("unlock", BINTA, "--start-pin"), "kikao: wallet: +256700000002 has no account"),
        (("unlock", "0700000001"), "give an international number, such as +256772000001"),
        (("unlock", ASHA, "--records", "nowhere.db"), "kikao: there is no bank at nowhere.db"),
        (("pins", "--records", "sqlite:///nowhere.db"), "kikao: there is no bank at nowhere.db"),
        (("pins", "--records", "mysql://bank"), "kikao: records: cannot use mysql"),
    ],
)
def test_what_cannot_be_done(words: tuple[str, ...], said: str, home: Path) -> None:
    done = typed(*words)
    assert done.exit_code == 2
    assert said in done.output
    assert not (home / "nowhere.db").exists()


def test_another_database_than_that_of_the_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_the_bank(lock_out)
    monkeypatch.setenv("KIKAO_DATA", str(home / "elsewhere"))
    assert "there is no bank" in typed("unlock", ASHA).output
    path = home / "bank" / "records.db"
    assert typed("unlock", ASHA, "--records", str(path)).output == f"{ASHA} is unlocked.\n"
