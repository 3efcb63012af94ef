"""What can be answered in the widget, and what counts as unread: its `Thread`, in node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

SCRIPT: Final = Path(__file__).parents[2] / "src/kikao/live/assets/thread.js"

NODE: Final = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")

PIN: Final = {"id": "pin", "text": "Enter PIN", "secret": True, "mark": "m1", "choices": [{"key": "0"}]}

CASES: Final[dict[str, tuple[list[dict[str, Any]], list[Any]]]] = {
    "a question": ([PIN], ["pin", "m1", 1]),
    "the end without a mark": ([PIN, {"id": "end", "text": "Coming.", "mark": ""}], [None, "", 2]),
    "news beside it": ([PIN, {"id": "news", "text": "Rain.", "mark": "", "aside": True}], ["pin", "m1", 2]),
    "answered elsewhere": ([PIN, {"id": "said", "text": "Back", "mine": True}], [None, "m1", 1]),
    "the next question": ([PIN, {"id": "name", "text": "Your name?", "mark": ""}], [None, "", 2]),
    "read before": ([{**PIN, "isRead": True}], ["pin", "m1", 0]),
}

TRIES: Final = """
const told = CASES.map((messages) => {
  const thread = new Thread();
  for (const { isRead, ...message } of messages) thread.take(message, { isRead });
  return [thread.open?.id ?? null, thread.mark, thread.unread];
});
console.log(JSON.stringify(told));
"""


def test_what_is_open_is_the_last_of_the_conversation_if_it_asks() -> None:
    cases = json.dumps([messages for messages, _ in CASES.values()])
    script = SCRIPT.read_text("utf-8") + TRIES.replace("CASES", cases)
    assert NODE is not None
    ran = subprocess.run(
        [NODE, "--input-type=module"], input=script, capture_output=True, text=True, check=True, timeout=60
    )
    assert dict(zip(CASES, json.loads(ran.stdout), strict=True)) == {
        name: wanted for name, (_, wanted) in CASES.items()
    }
