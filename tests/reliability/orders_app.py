"""An app that posts two messages in each conversation. `LEASE` in the environment is how long what a killed process
held is left alone, in seconds: the usual times would let everybody wait for most of a run.
"""

from __future__ import annotations

import os

from kikao import App, turn
from kikao.channels.outbox import dispatcher
from kikao.sessions import keeper, working
from tests.reliability.call_faults import orders

if lease := os.environ.get("LEASE"):
    names = (
        (keeper, "LEASE"),
        (working, "LEASE"),
        (turn, "LEASE"),
        (dispatcher, "HELD_UP"),
        (dispatcher, "SLACK"),
    )
    for module, name in names:  # this process only
        assert name in vars(module), f"{module.__name__} has no {name} any more"
        vars(module)[name] = float(lease) / (1 if name == "LEASE" else 2)

app = App(orders, entry="order", members=False, budget=1.0)
