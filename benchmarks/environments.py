"""Where peers live: a virtual environment beside kikao's own, and a folder of Node's. Made when first needed.

Nothing of them is part of kikao, and nothing of kikao needs them. What cannot be had here (no network, no Node) is left
out, and the table says why.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PEERS: Final = ROOT / ".venv-peers"
REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")

USSD_MENU: Final = "ussd-menu-builder@1.2.0"

PATIENCE: Final = 180.0
"""Seconds that a download may take."""


class NotHere(Exception):
    """What a figure needs is not on this machine; says what, for the table."""


def python_of_peers() -> str:
    """An interpreter with `requirements.txt` installed. Raises `NotHere`."""
    python, stamp = PEERS / "bin" / "python", PEERS / ".installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        shutil.rmtree(PEERS, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(PEERS)], "Python's venv")
        install = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input", "install"]
        _run([*install, "--require-hashes", "-r", str(REQUIREMENTS)], "the peers' packages")
        stamp.write_text(wanted)
    return str(python)


def ussd_menu(folder: Path) -> list[str]:
    """How to start the peer that runs in Node, installed into `folder`. Raises `NotHere`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotHere("Node is not installed")
    options = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
    _run([npm, "install", "--prefix", str(folder), *options, USSD_MENU], "ussd-menu-builder")
    return [node, str(Path(__file__).parent / "peers" / "ussd_menu.cjs"), str(folder)]


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHere(f"{what} could not be installed ({type(error).__name__})") from None
    if done.returncode:
        raise NotHere(f"{what} could not be installed ({Path(command[0]).name} ended with {done.returncode})")
