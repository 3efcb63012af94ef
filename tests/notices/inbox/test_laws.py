"""Laws of the inbox: whatever users and apps do, in whatever order, it is what a list of notifications would be."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.notices.inbox import Inbox, Notifications, Unread
from kikao.testing import Clock
from tests.notices.inbox.inboxes import an_inbox

USERS = ("asha", "binta")
KINDS = ("bill", "news")
MOST = 4

user = st.sampled_from(USERS)
kind = st.sampled_from(KINDS)
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("push"), user, kind, st.sampled_from([None, "a", "b"]), st.sampled_from([None, 10.0])
        ),
        st.tuples(st.just("read"), user, st.integers(0, 5)),
        st.tuples(st.just("read all"), user, st.none() | kind),
        st.tuples(st.just("mute"), user, kind),
        st.tuples(st.just("want"), user, kind),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 10.0])),
        st.tuples(st.just("sweep")),
    ),
    max_size=14,
)


class One:
    """A notification as the law sees it."""

    def __init__(self, id_: str, kind: str, key: str | None, expires_at: float) -> None:
        self.id, self.kind, self.key, self.expires_at, self.read = id_, kind, key, expires_at, False


class Model:
    """Lists of notifications, and what is not wanted."""

    def __init__(self, users: dict[str, str]) -> None:
        self.users = users
        self.lists: dict[str, list[One]] = {each: [] for each in USERS}
        self.muted: dict[str, set[str]] = {each: set() for each in USERS}


async def play(inbox: Inbox, clock: Clock, model: Model, step: tuple[Any, ...]) -> None:
    match step:
        case ("push", who, what, key, expires):
            made = await inbox.push(model.users[who], what, {}, key=key, expires=expires)
            known = next((one for one in model.lists[who] if key and one.key == key), None)
            if what in model.muted[who]:
                assert made is None
            elif known is not None:
                assert made is not None
                assert made.id == known.id
            else:
                assert made is not None
                model.lists[who].append(One(made.id, what, key, clock.now + (expires or 1e6)))
                del model.lists[who][:-MOST]
        case ("read", who, at):
            ids = [one.id for one in model.lists[who][at : at + 2]]
            await inbox.mark_read(model.users[who], ids)
            for one in model.lists[who][at : at + 2]:
                one.read = True
        case ("read all", who, what):
            await inbox.mark_read(model.users[who], kinds=what and [what])
            for one in model.lists[who]:
                one.read = one.read or what in (None, one.kind)
        case ("mute", who, what):
            await inbox.unsubscribe(model.users[who], [what])
            model.muted[who].add(what)
        case ("want", who, what):
            await inbox.subscribe(model.users[who], [what])
            model.muted[who].discard(what)
        case ("wait", seconds):
            clock.advance(seconds)
        case ("sweep",):
            await inbox.sweep()


async def holds(inbox: Inbox, clock: Clock, model: Model, versions: dict[tuple[str, int], int]) -> None:
    for who in USERS:
        shown = [one for one in model.lists[who] if one.expires_at > clock.now]
        unread = [one for one in shown if not one.read]
        page = await inbox.page(model.users[who])
        assert [(one.id, one.is_read) for one in page.notifications] == [
            (one.id, one.read) for one in reversed(shown)
        ]
        assert [one.id for one in await inbox.pending(model.users[who])] == [
            one.id for one in reversed(unread)
        ]
        by_kind = {each: sum(one.kind == each for one in unread) for each in KINDS}
        counts = await inbox.unread(model.users[who])
        assert counts.by_kind == {each: n for each, n in by_kind.items() if n}
        assert counts.total == len(unread)
        # A version says one thing, but for what has expired since.
        assert versions.setdefault((who, counts.version), counts.total) >= counts.total
        versions[who, counts.version] = counts.total


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


class Processes:
    """Two processes of one app for all examples, each of which has users of its own."""

    def __init__(self, folder: Path, runner: asyncio.Runner) -> None:
        self.clock = Clock()
        self.runner = runner
        self._stack = AsyncExitStack()
        self._examples = itertools.count()
        self.one, self.two, self.full = (
            runner.run(self._stack.enter_async_context(an_inbox(folder, each, clock=self.clock, live=False)))
            for each in (None, None, Notifications(most=MOST))
        )

    def users(self) -> dict[str, str]:
        """Users whom no example met before."""
        n = next(self._examples)
        return {each: f"{each}-{n}" for each in USERS}

    def close(self) -> None:
        self.runner.run(self._stack.aclose())


@pytest.fixture
def processes(tmp_path: Path, runner: asyncio.Runner) -> Iterator[Processes]:
    processes = Processes(tmp_path, runner)
    yield processes
    processes.close()


def test_it_is_what_a_list_would_be(processes: Processes) -> None:
    @settings(max_examples=15)
    @given(steps)
    def law(steps: list[tuple[Any, ...]]) -> None:
        users = processes.users()

        async def run() -> None:
            model, versions = Model(users), dict[tuple[str, int], int]()
            for step in steps:
                await play(processes.full, processes.clock, model, step)
                await holds(processes.full, processes.clock, model, versions)

        processes.runner.run(run())

    law()


def test_the_newest_version_that_anybody_was_told_is_true(processes: Processes) -> None:
    """Of all that happens at once, over two processes, devices that keep the highest version have the right count."""
    one, two = processes.one, processes.two

    async def work(inbox: Inbox, user: str, ids: list[str], what: str, n: int) -> Unread:
        match what:
            case "push":
                await inbox.push(user, KINDS[n % 2], {}, key=f"{n}")
                return await inbox.unread(user)
            case "read":
                return await inbox.mark_read(user, ids[n:])
            case "kind":
                return await inbox.mark_read(user, kinds=[KINDS[n % 2]], until=ids[n])
        return await inbox.mark_read(user, until=ids[n])

    @settings(max_examples=8)
    @given(
        st.lists(
            st.tuples(st.sampled_from(["push", "read", "until", "kind"]), st.integers(0, 7)), max_size=20
        )
    )
    def law(works: list[tuple[str, int]]) -> None:
        user = processes.users()["asha"]

        async def run() -> None:
            first = await asyncio.gather(*(one.push(user, KINDS[n % 2], {}) for n in range(8)))
            ids = [each.id for each in first if each is not None]
            told = await asyncio.gather(
                *(work((one, two)[at % 2], user, ids, what, n) for at, (what, n) in enumerate(works))
            )
            final = await one.unread(user)
            for each in told:
                assert each.version <= final.version
                assert each.version < final.version or each == final

        processes.runner.run(run())

    law()
