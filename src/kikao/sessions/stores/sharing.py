"""Who looks after which shards, where the store is in this process: leases of workers, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kikao.sessions.outgoing import EVERY_SHARD, SHARDS, Share


def fair(workers: Collection[str], worker: str) -> int:
    """How many shards are for a worker, one of those at work: as many as for any other, or one more."""
    every = sorted(workers)
    each, more = divmod(SHARDS, len(every))
    return each + (every.index(worker) < more)


def divided(held: Mapping[str, Collection[int]], worker: str) -> frozenset[int]:
    """What a worker holds next, of what those at work hold now, each its shards; itself included.

    It keeps what it has, up to its fair share, and takes what is free. Nothing is taken from anybody.
    """
    own = sorted(held[worker])
    wanted = fair(held, worker)
    free = EVERY_SHARD.difference(*held.values())
    return frozenset([*own, *sorted(free)][:wanted])


class Workers:
    """The workers of a store in memory, and their shards."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._held: dict[str, frozenset[int]] = {}

    def share(self, worker: str, now: float, lease: float) -> Share:
        """As `OutboxStore.share`."""
        for name in [name for name, until in self._until.items() if until <= now]:
            self.leave(name)
        self._until[worker] = now + lease
        self._held.setdefault(worker, frozenset())
        self._held[worker] = divided(self._held, worker)
        return Share(self._held[worker], len(self._held))

    def leave(self, worker: str) -> None:
        """As `OutboxStore.leave`."""
        self._until.pop(worker, None)
        self._held.pop(worker, None)
