"""`python -m kikao_apps.wallet`: what an operator types, and what it says."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result

from kikao.config import load
from kikao.conversation.outcomes import Done
from kikao.conversation.secrets import Secret
from kikao.sessions.keys import settle
from kikao.sessions.sealing import KeyRing
from kikao.sessions.stores.sqlite import SQLiteStore
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
        settings = load({"KIKAO_DATA": str(Path.cwd() / "bank")}, Path.cwd(), makes_keys=True)
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


def a_key_of(kid: str, first: int) -> str:
    """A secret key as it is set."""
    return f"{kid}:{base64.b64encode(bytes(range(first, first + 32))).decode()}"


async def beside_a_server(*words: str) -> Result:
    """Run a command while a server has the session store open, under the settings of the environment."""
    settings = load()
    store = SQLiteStore(settings.store_path)
    await store.open()
    try:
        await settle(store, KeyRing(settings.secret_keys), 0.0)
        return await asyncio.to_thread(typed, *words)
    finally:
        await store.close()


def test_no_start_pin_with_a_key_that_the_server_does_not_use(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, away = home / "bank" / "secret-keys", home / "secret-keys"
    keys.rename(away)
    assert f"not set, and {keys} does not exist, though" in typed("unlock", ASHA, "--start-pin").output

    monkeypatch.setenv("KIKAO_SECRET_KEYS", a_key_of("other", 1))
    done = typed("unlock", ASHA, "--start-pin")
    assert done.exit_code == 2
    assert "nobody has used the secret key 'other' here yet" in done.output

    monkeypatch.setenv("KIKAO_SECRET_KEYS", a_key_of("dev", 1))
    asyncio.run(beside_a_server("pins"))
    monkeypatch.setenv("KIKAO_SECRET_KEYS", a_key_of("dev", 2))  # the id of a key is not the key
    assert "nobody has used the secret key 'dev' here yet" in typed("unlock", ASHA, "--start-pin").output

    assert not keys.exists()
    away.rename(keys)
    assert at_the_bank(lambda ledger: held(ledger, ASHA)) == GIFT, "the PIN is what it was"


def test_a_start_pin_with_a_key_that_the_server_has_just_begun_to_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KIKAO_SECRET_KEYS", a_key_of("new", 1))
    assert "nobody has used" in typed("unlock", ASHA, "--start-pin").output
    said = asyncio.run(beside_a_server("unlock", ASHA, "--start-pin"))
    assert said.output.startswith("Start PIN of"), said.output
    assert typed("unlock", ASHA, "--start-pin").output.startswith("Start PIN of"), "and when it has stopped"


def test_looking_from_a_wrong_folder_makes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_DATA", str(home / "elsewhere"))
    for words in (("unlock", ASHA), ("unlock", ASHA, "--start-pin"), ("pins",)):
        assert typed(*words).exit_code == 2
    assert not (home / "elsewhere").exists()


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
