"""What the transcripts are played on: the payments of the guide, with what its members have."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from paying import flows
from service import Payments

from kikao import App
from kikao.testing import NAME, Play, Stage, step


@pytest.fixture
def kikao_stage(tmp_path: Path) -> Stage:
    return Stage(App(flows, entry="pay", services={Payments: Payments(tmp_path / "payments.db")}))


@step(rf"(?P<who>{NAME}) has UGX (?P<amount>[\d,]+)\.")
def has_money(play: Play, who: str, amount: str) -> None:
    """What is on their account, in whole shillings."""
    path = play.stage.service(Payments).real.path
    with closing(sqlite3.connect(path)) as connection, connection:
        row = (play.number(who), int(amount.replace(",", "")))
        connection.execute("INSERT OR REPLACE INTO balances VALUES (?, ?)", row)
