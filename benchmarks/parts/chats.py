"""A message of a chat, from its webhook to its reply, beside the frameworks of the platforms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.engines import Engines
from benchmarks.environments import NotHere, python_of_peers
from benchmarks.subjects import Process, side_by_side, subject
from benchmarks.table import Line, Row, cost, number, skipped, times

UNITS: Final = 3000
"""Messages after which memory is looked at."""


def chats(engines: Engines) -> Iterator[Line]:
    """Telegram beside aiogram, WhatsApp beside pywa: the same conversation, each reply a call that is answered."""
    yield "A message in a chat, CPU of one, from the body of a webhook to the answer to the call of its reply"
    ours = {
        "Telegram": subject("chats:messages", "telegram"),
        "WhatsApp": subject("chats:messages", "whatsapp"),
    }
    peers = {"Telegram": ("aiogram", "aiogram_bot:sending"), "WhatsApp": ("pywa", "pywa_bot:webhook")}
    commands: dict[str, Sequence[str]] = {f"kikao, {name}": command for name, command in ours.items()}
    try:
        python = python_of_peers()
    except NotHere as reason:
        yield skipped("aiogram, pywa", reason)
    else:
        commands |= {peer: subject(f"peers.{where}", python=python) for peer, where in peers.values()}
    found = side_by_side(commands)
    for name, (peer, _) in peers.items():
        mine, beside = found[f"kikao, {name}"], found.get(peer)
        yield Row(f"kikao, {name}", *cost(mine))
        if beside is not None:
            yield Row(f"{peer}, which keeps nothing", *cost(beside))
            ratio = mine.best / beside.best, mine.median / beside.median
            yield Row("  kikao takes so many times as long", *times(ratio))
    yield f"Memory of the process after {UNITS:,} messages, MB"
    for name, command in commands.items():
        with Process(*command) as process:
            process.work(UNITS)
            yield Row(name, number(process.resident))
