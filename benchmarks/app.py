"""The wallet's menu as an app: `kikao run benchmarks.app:app`."""

from __future__ import annotations

from benchmarks.turns import TIRELESS
from benchmarks.wallet import flows
from kikao.app import App

app = App(flows, entry="wallet", policy=TIRELESS)
