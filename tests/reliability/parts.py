"""The parts of the suite, in the order in which they are told. Each runs in a process of its own.

A part is a function `async (folder, *, quick, seed) -> Report`, named here by module and name, so that a process
imports nothing but its own.
"""

from __future__ import annotations

import importlib
from typing import Final, cast

import msgspec

from tests.reliability.report import Run


class Part(msgspec.Struct, frozen=True):
    """One row of the plan."""

    name: str
    """What `--only` takes, and the title of its figures."""
    where: str
    """`module:function`, below `tests.reliability`."""
    seconds: tuple[float, float]
    """About how long it takes, and its slice: those that take the longest begin first. 0 for one that has no slice,
    since another part shows the same with the same code."""

    def load(self) -> Run:
        module, _, name = self.where.partition(":")
        return cast(Run, getattr(importlib.import_module(f"tests.reliability.{module}"), name))


PARTS: Final = (
    Part("deterministic simulation", "simulated:simulation", (600, 8)),
    Part("crash points", "simulated:crashes", (400, 12)),
    Part("journals of releases", "simulated:journals", (5, 5)),
    Part("mutants of the product", "simulated:mutation", (150, 8)),
    Part("kill -9 on SQLite", "work:kills", (40, 8)),
    Part("kill -9 on PostgreSQL", "killing:postgresql", (40, 12)),
    Part("kill -9 on Valkey", "killing:valkey", (40, 10)),
    Part("kill -9 on Redis", "killing:redis", (40, 0)),
    Part("messages under kill -9", "posting:part", (110, 12)),
    Part("crash points of chats", "chat_crashes:part", (3, 3)),
    Part("chats on SQLite", "chatting:sqlite", (90, 20)),
    Part("chats on PostgreSQL", "chatting:postgresql", (90, 0)),
    Part("chats on Valkey", "chatting:valkey", (90, 25)),
    Part("live on Valkey", "living.part:valkey", (190, 25)),
    Part("live on PostgreSQL", "living.part:postgresql", (190, 0)),
    Part("faults before PostgreSQL", "store_faults:postgresql", (150, 20)),
    Part("faults before Valkey", "store_faults:valkey", (120, 20)),
    Part("faults before Redis", "store_faults:redis", (120, 0)),
    Part("faults before bank, webhook", "call_faults:part", (60, 13)),
    Part("failover of Redis", "failover:part", (20, 6)),
    Part("failover of PostgreSQL", "failover_postgresql:part", (25, 5)),
    Part("Valkey that hangs", "hanging:valkey", (15, 10)),
    Part("PostgreSQL that hangs", "hanging:postgresql", (15, 0)),
    Part("rotation of keys", "work:keys", (60, 8)),
    Part("linking", "work:links", (70, 14)),
    Part("secrets and SQLite", "work:secrets", (25, 20)),
    Part("secrets and PostgreSQL", "work:secrets_postgresql", (50, 12)),
    Part("secrets and Valkey", "work:secrets_valkey", (30, 10)),
    Part("secrets and Redis", "work:secrets_redis", (30, 0)),
    Part("bad input", "bad_input:part", (40, 4)),
    Part("paging proof", "work:pages", (50, 3)),
)
