"""K505: a message to a name that the settings do not declare."""

from __future__ import annotations

from collections.abc import Collection

from kikao.checking.reading.plain import Tell
from kikao.checking.reading.talking import Talking
from kikao.checking.reading.wording import HOLE, calls, literals


def read_posted(talking: Talking, destinations: Collection[str], tell: Tell) -> None:
    """Report every `chat.post` to a literal name that is none of these."""
    for module in talking.sources:
        for call, spot in calls(module):
            if talking.primitive(call, spot.function) != "post":
                continue
            given = dict(zip(("name", "to"), call.args, strict=False))
            given |= {each.arg: each.value for each in call.keywords if each.arg}
            for written in literals(given.get("to"), spot):
                if HOLE not in written.text and written.text not in destinations:
                    tell("K505", call, f"the settings here declare no destination {written.text!r}", spot)
