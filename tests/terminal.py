"""`kikao` in a terminal: a phone to type on, a server to kill."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
KIKAO = str(Path(sys.executable).with_name("kikao"))

PROMPTS = ("\n> ", "(ended; Enter dials again) ", "you hung up; Enter dials again\n")
TYPED = re.compile(r"^(> |\(ended; Enter dials again\))(.*)$", re.MULTILINE)


class Terminal:
    """`kikao chat` with a keyboard."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [KIKAO, "chat", *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.shown = ""
        self.read()

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()
        before, self.shown = self.shown, ""
        self.read()
        # The Enter is shown by the terminal, or with what was typed by a command that has none.
        self.shown = before + "\n" + self.shown.removeprefix(line + "\n")

    def read(self) -> None:
        """What is shown until the next prompt, or until the end."""
        assert self.process.stdout is not None
        new = b""
        while chunk := os.read(self.process.stdout.fileno(), 4096):
            new += chunk
            if new.decode(errors="replace").endswith(PROMPTS):
                break
        self.shown += new.decode()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def environment() -> dict[str, str]:
    """What somebody at a terminal has set: nothing of kikao's, and no sign that a machine runs the tests (`CI`)."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("KIKAO_") and name != "CI"
    }


def typed(transcript: str) -> list[str]:
    marked = transcript.replace("you hung up; Enter dials again", "(ended; Enter dials again)")
    return [match[2].strip() for match in TYPED.finditer(marked)]


def screens(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def without_answers(transcript: str) -> str:
    """What the terminal showed, without what was typed."""
    return TYPED.sub(lambda match: match[1], transcript)


class Served:
    """`kikao run` on a port of its own choice, then always on that port."""

    def __init__(self, folder: Path, target: str, **settings: str) -> None:
        self.folder = folder
        self.target = target
        self.settings = settings
        self.port = "0"
        self.url = ""
        self.start()

    def start(self) -> None:
        command = [KIKAO, "run", self.target, "--port", self.port]
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**environment(), **self.settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        found = re.match(r"kikao is answering on (http://\S+:(\d+))\n", self.process.stdout.readline())
        assert found
        self.url, self.port = found[1], found[2]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
