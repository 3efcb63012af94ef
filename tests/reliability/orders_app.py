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
    for module in (keeper, working, turn, dispatcher):  # this process only
        vars(module)["LEASE"] = float(lease)

app = App(orders, entry="order", members=False, budget=1.0)
