"""What holds for every test."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping

import coverage
import pytest
from hypothesis import settings

from tests.engines.fixtures import cluster, postgresql, redis_server, valkey
from tests.virtual import VirtualLoop

__all__ = ["cluster", "postgresql", "redis_server", "valkey"]

settings.register_profile("suite", deadline=None)  # how long an example takes tells of the machine only
settings.load_profile("suite")

SEARCHES = (
    "tests/checking/test_replaying_laws.py",
    "tests/checking/test_wallet.py",
    "tests/channels/ussd/test_pages.py",
    "tests/conversation/test_members.py",
    "tests/conversation/payments/",
    "tests/console/simulator_page/",
    "tests/i18n/test_catalogs.py",
    "tests/i18n/test_library.py",
    "tests/members/test_linking_laws.py",
    "tests/reliability/",
    "tests/secrets/test_elsewhere.py",
    "tests/secrets/test_endings.py",
    "tests/secrets/test_services.py",
    "tests/secrets/test_source.py",
    "tests/sessions/test_meter.py",
    "tests/sessions/test_rotation_laws.py",
    "tests/sessions/test_stores_sqlite_failures.py",
    "tests/wallet/test_ledger_laws.py",
    "tests/wallet/test_ledger_lives.py",
    "tests/test_docs.py",
    "tests/test_house.py",
    "tests/test_tutorial.py",
    "tests/wallet/test_resume.py",
    "tests/wallet/transcripts/lg/",
    "tests/wallet/transcripts/sw/",
)
"""Tests that go the same lines thousands of times, or run commands that others run too. Coverage would make them three
times as slow and find nothing that the plain tests beside them do not show, so it looks away: the figure is a lower
bound."""

# Tests start kikao a few hundred times. Without bytecode each start compiles it anew, and every worker its tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_MEASURED_CHILDREN = "COVERAGE_PROCESS_CONFIG"
"""Tells child processes to measure coverage as well."""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """End what measures a worker of xdist before pytest-cov begins the worker's own measurement.

    There is one of a child process, and one of pytest-cov. They would go on below that one, and never look away.
    """
    while "PYTEST_XDIST_WORKER" in os.environ and (begun := coverage.Coverage.current()):
        begun.stop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    root = config.rootpath
    for item in items:
        if item.path.relative_to(root).as_posix().startswith(SEARCHES):
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    measured = os.environ.get(_MEASURED_CHILDREN)
    commands = "tests/cli/" in item.path.as_posix() and item.get_closest_marker("no_cover") is None
    if (
        measured is None or commands
    ):  # other tests start servers, too, and see nothing there that these do not
        return (yield)
    del os.environ[_MEASURED_CHILDREN]
    try:
        return (yield)
    finally:
        os.environ[_MEASURED_CHILDREN] = measured


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """A test that is marked `virtual_time` runs in it; see `tests.virtual`."""
    if item.get_closest_marker("virtual_time") is not None:
        return {"virtual": VirtualLoop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture(scope="session", autouse=True)
def hang_ups() -> None:
    """Under `nohup` hang-ups are ignored, and processes of tests would inherit that, and wait for one that is sent.

    A handler goes no further than the process that runs tests, and ignores them as well.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda number, frame: None)


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a script's background jobs begin. Processes of tests would inherit it, and no Ctrl-C would end them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
