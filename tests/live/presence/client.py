"""What the official client does with presence: its algorithm, in Python (reference: "Client algorithm").

State is synced by set difference on `phx_ref`; joins come before leaves; a key whose last meta left is dropped. Until
the state of the current join came, diffs wait.
"""

from __future__ import annotations

import copy
from typing import Any

Payload = dict[str, Any]


class Client:
    """`members` is what an app would list; `vanished` tells each time that a key had no meta left."""

    def __init__(self) -> None:
        self.members: Payload = {}
        self.vanished: list[str] = []
        self._waiting: list[Payload] = []
        self._has_state = False

    def rejoin(self) -> None:
        """It joined again: what it shows stays, and diffs wait for the new state."""
        self._has_state = False

    def on_state(self, state: Payload) -> None:
        """`presence_state` came."""
        joins: Payload = {}
        leaves: Payload = {key: of for key, of in self.members.items() if key not in state}
        for key, of in state.items():
            current = self.members.get(key)
            if current is None:
                joins[key] = of
                continue
            new, old = refs_of(of), refs_of(current)
            if joined := [meta for meta in of["metas"] if meta["phx_ref"] not in old]:
                joins[key] = {**of, "metas": joined}
            if left := [meta for meta in current["metas"] if meta["phx_ref"] not in new]:
                leaves[key] = {**current, "metas": left}
        self._sync({"joins": joins, "leaves": leaves})
        self._has_state = True
        waiting, self._waiting = self._waiting, []
        for diff in waiting:
            self._sync(diff)

    def on_diff(self, diff: Payload) -> None:
        """`presence_diff` came."""
        assert set(diff) == {"joins", "leaves"}
        if self._has_state:
            self._sync(diff)
        else:
            self._waiting.append(diff)

    def refs(self) -> set[str]:
        """Of all that it shows."""
        return {ref for of in self.members.values() for ref in refs_of(of)}

    def _sync(self, diff: Payload) -> None:
        joins, leaves = copy.deepcopy(diff["joins"]), copy.deepcopy(diff["leaves"])
        for key, of in joins.items():
            current = self.members.get(key)
            self.members[key] = of
            if current is not None:
                new = refs_of(of)
                of["metas"][:0] = [meta for meta in current["metas"] if meta["phx_ref"] not in new]
        for key, of in leaves.items():
            current = self.members.get(key)
            if current is None:
                continue
            left = refs_of(of)
            current["metas"] = [meta for meta in current["metas"] if meta["phx_ref"] not in left]
            if not current["metas"]:
                del self.members[key]
                self.vanished.append(key)


def refs_of(presence: Payload) -> set[str]:
    return {meta["phx_ref"] for meta in presence["metas"]}
