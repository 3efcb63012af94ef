"""What is new in an accumulated text: gateways like Africa's Talking resend everything typed since the dial.

The text is compared by length and keyed hash, since it holds every PIN typed in the dialogue and is never kept.
Splitting on `*` and taking the last piece would lose answers that contain `*` and could not see a repeat.
"""

from __future__ import annotations

from collections.abc import Callable

from kikao.channels.inbound import Inbound
from kikao.conversation.inputs import Dial, Event, Reply, Show
from kikao.conversation.secrets import Secret
from kikao.sessions.session import Dialogue

SEPARATOR = "*"

Hash = Callable[[str, str], bytes]
"""Keyed hash of a text for a purpose ("dialogue", "text")."""


def understand(inbound: Inbound, dialogue: Dialogue | None, hashed: Hash) -> tuple[Event, Dialogue]:
    """The event an inbound means after what was processed, and the dialogue to remember.

    A dialogue not met before is a dial, its text a long dial. A text that does not extend what was processed is never
    an answer: the pending screen is shown again and the text becomes the new base.
    """
    mark = hashed("dialogue", inbound.dialogue)
    text = inbound.text.reveal()
    if not inbound.accumulated:
        begins = inbound.happening == "new" or dialogue is None or dialogue.mark != mark
        return (Dial() if begins else Reply(inbound.text, inbound.attachment)), Dialogue(mark)
    after = Dialogue(mark, len(text), hashed("text", text))
    if dialogue is None or dialogue.mark != mark:
        ahead = tuple(Secret(answer) for answer in text.split(SEPARATOR)) if text else ()
        return Dial(ahead), after
    answer = _new_part(text, dialogue, hashed)
    return (Show() if answer is None else Reply(Secret(answer), inbound.attachment)), after


def _new_part(text: str, dialogue: Dialogue, hashed: Hash) -> str | None:
    length = dialogue.length
    if len(text) <= length or hashed("text", text[:length]) != dialogue.text:
        return None
    if length == 0:
        return text
    return text[length + 1 :] if text[length] == SEPARATOR else None
