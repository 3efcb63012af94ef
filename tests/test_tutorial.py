"""The tutorial, walked step by step in an empty folder: what its pages say to save, to run and to type is done, in
their order, and what they show has to appear.

A block below a line that names a file and ends with a colon is that file. A block of `sh` is run by one shell, which
lives as long as the tutorial. After `kikao chat` the next block of text is the terminal's: what stands behind its
prompts is typed, and every screen has to be the same. Any other block of text is a piece of what was shown last, or of
a file.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.terminal import DOCS, Terminal, environment, screens, typed, without_answers

TUTORIAL = DOCS / "tutorial"
BIN = Path(sys.executable).parent
FENCE = re.compile(
    r"^(?:[^\n]*`(?P<name>[\w./-]+\.\w+)`[^\n]*:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
"""A block, and the file that it is, if the line above ends with its name and a colon."""

SETUP = re.compile(r"^(python3 -m venv|pip install|\. \.venv/bin/activate).*$", re.MULTILINE)
"""What this environment has already."""

PATIENCE = 60.0
"""Seconds a command may take."""

ANSWERED = 6.0
"""Seconds in which the slow provider of the tutorial has answered."""


class Shell:
    """One bash with job control. `kikao` talks to a port that is free, where the tutorial has the usual one."""

    def __init__(self, folder: Path, port: int) -> None:
        self.process = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env={**environment(), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.shown = ""
        self.run(f'set -m; kikao() {{ [ "$1" = run ] && set -- "$@" --port {port}; command kikao "$@"; }}')

    def run(self, script: str) -> str:
        """Do it, to its end, or until the server that it starts in the background answers; all that it shows."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        begins = script.endswith("&")
        ends = re.compile(r"kikao is answering on .*\n" if begins else r"--\d+--\n")
        self.process.stdin.write(f"{script}\n" if begins else f'{script}\necho "--$?--"\n')
        self.process.stdin.flush()
        watch = threading.Timer(PATIENCE, self.process.kill)
        watch.daemon = True
        watch.start()
        self.shown = ""
        for line in self.process.stdout:
            if ends.fullmatch(line):
                break
            self.shown += line
        else:
            raise AssertionError(f"{script!r} does not come to an end:\n{self.shown}")
        watch.cancel()
        return self.shown

    def close(self) -> None:
        """End it, and what it has in the background."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write("kill -9 $(jobs -p)\nexit\n")
            self.process.stdin.close()
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Walk:
    """Somebody who does what the pages say."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.shell = Shell(folder, port)
        self.chat: list[str] | None = None
        """Arguments of a phone that was taken up and not answered yet."""
        self.meanwhile: list[str] = []
        """What is done elsewhere after the first answer on it."""

    def page(self, name: str) -> None:
        text = (TUTORIAL / f"{name}.md").read_text(encoding="utf-8")
        for token in FENCE.finditer(text):
            if token["name"]:
                self.save(token["name"], token["text"])
            elif token["kind"] == "sh":
                self.do(SETUP.sub("", token["text"]).strip())
            elif self.chat is not None:
                self.talk(token["text"])
            else:
                self.look(token["text"])

    def save(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def do(self, script: str) -> None:
        words = shlex.split(script, comments=True)
        if words[:2] == ["kikao", "chat"]:
            self.chat = words[2:]
        elif self.chat is not None:
            self.meanwhile.append(script)
        elif script.startswith("mkdir"):
            self.folder /= words[1]
            self.shell.run(script)
        elif script:
            self.shell.run(script)

    def talk(self, transcript: str) -> None:
        assert self.chat is not None
        arguments = self.chat if any(":" in word for word in self.chat) else [*self.chat, "--url", self.url]
        terminal = Terminal(self.folder, *arguments)
        slow = "slow:app" in arguments
        try:
            for place, line in enumerate(typed(transcript)):
                while place == 1 and self.meanwhile:
                    self.shell.run(self.meanwhile.pop(0))
                if slow and line == "":
                    time.sleep(ANSWERED)  # as the page says
                terminal.type(line)
        finally:
            terminal.close()
        assert screens(terminal.shown) == screens(without_answers(transcript))
        self.chat = None

    def look(self, text: str) -> None:
        written = [path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("transcripts/*.txt"))]
        assert any(text in shown for shown in (self.shell.shown, *written)), (
            f"nowhere: {text}\nshown: {self.shell.shown}"
        )


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="its shell is bash")
def test_the_tutorial_leads_from_an_empty_folder_to_a_tested_service_in_two_languages(tmp_path: Path) -> None:
    walk = Walk(tmp_path)
    try:
        walk.page("index")
        for name in re.findall(
            r"^\d+\. \[.*\]\(([\w-]+)\.md\)", (TUTORIAL / "index.md").read_text(), re.MULTILINE
        ):
            walk.page(name)
            if name == "a-test":
                assert "5 passed" in walk.shell.shown
        assert "7 passed" in walk.shell.shown
        for name in ("kiswahili", "telegram"):
            assert (tmp_path / f"airtime/transcripts/{name}.txt").read_text().count("    ") > 7
    finally:
        walk.shell.close()
