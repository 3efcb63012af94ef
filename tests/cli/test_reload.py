"""`kikao run --reload`, with real processes: an edit under a conversation, a broken edit, nothing left running."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from kikao.cli.reloaded import compile_catalogs
from kikao.testing import Phone
from tests.http.servers import KIKAO, PATIENCE, environment
from tests.http.wire import over_wire

SHOP: Final = """
from kikao import App, Chat, Flows, Text, t

flows = Flows()


@flows.flow("buy")
async def buy(chat: Chat) -> None:
    what = await chat.ask("what", Text(), t("What?"))
    size = await chat.ask("size", Text(), t("Size?"))
    await chat.end(t("{what} {size}", what=what, size=size))


app = App(flows, entry="buy", members=False)
"""

ANSWERING: Final = "the new code is answering"


class Reloading:
    """`kikao run --reload` in a folder of its own."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.port = 0
        self.process = subprocess.Popen(
            (*KIKAO, "run", "shop:app", "--reload", "--port", "0"),
            cwd=folder,
            env=environment(folder / "kikao-data", **env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def until(self, words: str) -> str:
        """Everything it says until a line with these words; raises `AssertionError` when it ends before."""
        heard: list[str] = []
        while True:
            line = self._lines.get(timeout=PATIENCE)
            assert line, f"it ended without {words!r}: {''.join(heard)}"
            self.said.append(line)
            heard.append(line)
            if line.startswith("kikao is answering on "):
                self.port = int(line.strip().rpartition(":")[2])
            if words in line:
                return "".join(heard)

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "shop.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def phone(self, number: str) -> Phone:
        return Phone(over_wire(self.port), number)

    def children(self) -> list[int]:
        """The processes it started that live."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(line) for line in found.stdout.split()]

    def end(self, how: int) -> int:
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)  # its children have the other end, and are gone as well
        assert not self._reader.is_alive()
        return code


@contextmanager
def reloading(folder: Path, shop: str = SHOP, **env: str) -> Iterator[Reloading]:
    (folder / "shop.py").write_text(shop)
    running = Reloading(folder, **env)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(PATIENCE)
        assert running.process.stdout is not None
        running._reader.join(PATIENCE)
        running.process.stdout.close()


async def test_a_conversation_goes_on_across_edits_and_no_request_is_refused(tmp_path: Path) -> None:
    with reloading(tmp_path) as server:
        server.until("phones in a browser")
        asha, ben = server.phone("+256772000001"), server.phone("+256772000002")
        assert await asha.dial() == "What?"
        assert (await asha.reply("tea")).startswith("Size?")
        assert await ben.dial() == "What?"

        refused: list[str] = []
        over = False

        async def keep_asking() -> int:
            asked = 0
            while not over:
                asked += 1
                phone = server.phone(f"+2567730{asked:05}")
                if await phone.dial() != "What?":
                    refused.append(phone.screen)
                await asyncio.sleep(0.01)
            return asked

        asking = asyncio.create_task(keep_asking())
        server.edit('"size", Text', '"sizes", Text')
        told = await asyncio.to_thread(server.until, ANSWERING)
        over = True
        assert await asking > 10
        assert refused == []
        assert "shop.py changed" in told
        assert "1 asked again" in told
        assert "shop.py:10: the code asks 'sizes#1' (text) where 'size#1' (text) was open" in told
        assert (await asha.reply("big")).startswith(
            "We updated this service. Please enter this again.\nSize?"
        )
        assert await asha.reply("big") == "tea big"

        server.edit("app = App", "def broken(\napp = App")
        told = await asyncio.to_thread(server.until, "waiting for the next edit")
        assert "SyntaxError" in told
        assert "importlib" not in told
        assert (await ben.reply("milk")).startswith("Size?")

        server.edit("def broken(\n", "")
        await asyncio.to_thread(server.until, ANSWERING)
        assert await ben.reply("5") == "milk 5"
        (child,) = server.children()
        assert server.end(signal.SIGTERM) == 0
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_an_app_that_cannot_be_loaded_yet_and_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with reloading(
        tmp_path, SHOP.replace("from kikao", "import colours\nfrom kikao"), KIKAO_STORE="memory:"
    ) as server:
        told = server.until("waiting for the next edit")
        assert "No module named 'colours'" in told
        assert "nothing is served" in told
        (tmp_path / "colours.py").write_text("")
        assert "colours.py changed" in server.until("phones in a browser")
        (tmp_path / "colours.py").write_text("RED = 1\n")
        assert "conversations end here: sessions are in memory" in server.until(ANSWERING)
        (tmp_path / "colours.py").write_text("import os\nos._exit(3)\n")
        server.until("waiting for the next edit")
        assert len(server.children()) == 1
        assert server.end(signal.SIGKILL) == -signal.SIGKILL  # and `end` sees that its child is gone, too


def test_a_supervisor_that_is_killed_while_an_import_never_ends(tmp_path: Path) -> None:
    endless = "import time\nprint('importing', flush=True)\ntime.sleep(600)\n"
    with reloading(tmp_path, endless) as server:
        server.until("importing")
        assert server.end(signal.SIGKILL) == -signal.SIGKILL  # `end` sees that its child is gone, too


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"KIKAO_ENV": "production"}, "KIKAO_SECRET_KEYS: missing"),
        (
            {"KIKAO_ENV": "production", "KIKAO_SECRET_KEYS": f"k1:{b64encode(bytes(range(32))).decode()}"},
            "--reload is for development",
        ),
        ({"KIKAO_RELEASE": "x"}, "KIKAO_RELEASE"),
    ],
)
def test_settings_that_will_not_do_are_an_exit(settings: dict[str, str], reason: str, tmp_path: Path) -> None:
    done = subprocess.run(
        (*KIKAO, "run", "shop:app", "--reload", "--port", "0"),
        cwd=tmp_path,
        env=environment(tmp_path / "data", **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, reason in done.stderr) == (2, True), done.stderr


def test_a_translation_is_compiled_when_it_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    po = tmp_path / "lg" / "LC_MESSAGES" / "messages.po"
    po.parent.mkdir(parents=True)
    po.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Yes"\nmsgstr "Yee"\n'
    )
    compile_catalogs([tmp_path])
    assert capsys.readouterr().out == f"kikao: {po} compiled\n"
    compiled = po.with_suffix(".mo")
    os.utime(compiled, (1, 1))
    compile_catalogs([tmp_path])
    assert capsys.readouterr().out == ""
    po.write_text("nonsense")
    compile_catalogs([tmp_path])
    assert "messages.po:1" in capsys.readouterr().out
    assert compiled.exists()
