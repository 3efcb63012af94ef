"""Where the official client runs: a node and a Chromium, started once and asked by many tests."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from playwright.async_api import BrowserContext, Page, Route, async_playwright

from tests.console.browser import PATIENCE, QUIET

HERE: Final = Path(__file__).parent
CLIENT: Final = HERE.parents[2] / "src/kikao/live/assets/vendored/phoenix.mjs"
LONGEST_LINE: Final = 1024 * 1024

LOADED: Final = """async () => {
  const phoenix = await import("/client/phoenix.mjs");
  const { devices } = await import("/client/device.mjs");
  window.call = devices(phoenix);
}"""


class Host(Protocol):
    """Runs `device.mjs` with the official client."""

    async def call(self, url: str, *args: Any) -> Any:
        """Do something on a server's page or, in node, anywhere. Raises `AssertionError` with what went wrong there."""
        ...

    async def forget(self) -> None:
        """Disconnect all devices, and know of none any more."""
        ...


class Node:
    """A node process, asked over its stdin."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ids = itertools.count()
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._reading = asyncio.create_task(self._read())

    async def call(self, url: str, *args: Any) -> Any:
        assert self._process.stdin is not None
        number = next(self._ids)
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": number, "args": args}).encode() + b"\n")
        return await self._asked[number]

    async def forget(self) -> None:
        await self.call("", "forget")

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            answer = json.loads(line)
            asked = self._asked.pop(answer["id"])
            if asked.done():
                continue
            if "error" in answer:
                asked.set_exception(AssertionError(answer["error"]))
            else:
                asked.set_result(answer["value"])
        for asked in self._asked.values():
            asked.set_exception(AssertionError("node ended"))


class Chromium:
    """A page of each server that is asked about, with the client in it."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._pages: dict[str, Page] = {}

    async def call(self, url: str, *args: Any) -> Any:
        origin = url.replace("ws:", "http:", 1).partition("/socket")[0]
        if origin not in self._pages:
            self._pages[origin] = await self._open(origin)
        try:
            return await self._pages[origin].evaluate("args => window.call(...args)", list(args))
        except Exception as error:  # of whatever kind: it says what the page said
            raise AssertionError(str(error)) from None

    async def forget(self) -> None:
        """The pages stay: a new one takes longer than what most tests do in it."""
        for page in self._pages.values():
            await page.evaluate("window.call('forget')")

    async def _open(self, origin: str) -> Page:
        page = await self._context.new_page()
        await page.route("**/client/*", _served)
        # A page that really comes from there: one that a test fulfils may not connect to this machine.
        await page.goto(f"{origin}/healthz")
        await page.evaluate(LOADED)
        return page


async def _served(route: Route) -> None:
    """The scripts, from here and not from the server."""
    name = route.request.url.rpartition("/")[2]
    path = CLIENT if name == CLIENT.name else HERE / name
    await route.fulfill(body=path.read_bytes(), content_type="text/javascript")


class Hosts:
    """Both, each started when it is first asked for."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._started: dict[str, Host] = {}

    async def get(self, name: str) -> Host:
        """`node` or `chromium`. Skips, or fails, where this machine has none."""
        if name not in self._started:
            self._started[name] = await self._stack.enter_async_context(
                node() if name == "node" else chromium()
            )
        return self._started[name]

    async def __aenter__(self) -> Hosts:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def node() -> AsyncIterator[Node]:
    """The node of this machine. Skips where there is none, unless `DEMAND_NODE` is 1.

    It takes 20.10 or later, which has a WebSocket of its own.
    """
    found = demanded("node", "DEMAND_NODE", "on Debian and Ubuntu: apt install nodejs")
    process = await asyncio.create_subprocess_exec(
        found,
        "--no-warnings",
        "--experimental-websocket",
        str(HERE / "driver.mjs"),
        str(CLIENT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    running = Node(process)
    try:
        yield running
    finally:
        await running.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Chromium]:
    """The Chromium of this machine. Skips where there is none, unless `DEMAND_BROWSER` is 1."""
    found = demanded("chromium", "DEMAND_BROWSER", "on Debian and Ubuntu: apt install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found,
            headless=True,
            chromium_sandbox=os.geteuid() != 0,
            args=QUIET,
            timeout=PATIENCE,
        )
        context = await browser.new_context()
        context.set_default_timeout(PATIENCE)
        yield Chromium(context)
        await browser.close()


def demanded(command: str, variable: str, where_from: str) -> str:
    """The path of a command. Skips where there is none, unless the variable is 1: then it fails."""
    found = shutil.which(command)
    if found is None:
        why = f"there is no {command} on the PATH ({where_from})"
        if os.environ.get(variable) == "1":
            pytest.fail(why)
        pytest.skip(why)
    return found
