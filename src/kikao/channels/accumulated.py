"""What an inbound means after what was processed: a dial, an answer, or only the same screen again.

Gateways like Africa's Talking resend everything typed since the dial. That is compared by length and keyed hash, since
it holds every PIN typed in the dialogue and is never kept. Splitting on `*` and taking the last piece would lose
answers that contain `*` and could not see a repeat.

Some of those texts begin with the end of the dialled code. That is neither an answer nor dialled ahead, but part of
what is compared: only so an empty first answer (`7*` after `7`) can be seen.

Others send the last answer only. Most say themselves whether a dialogue begins. Their session ids may change within a
dialogue, or be missing, so an id never makes an answer a dial; it only tells what comes late from the dialogue before.
Some do not say, or not reliably (`Inbound.dialled`): of those the id tells, and one not met before is a dial. Should it
change within a dialogue, the member is offered to go on, and what was typed is no answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from hmac import compare_digest
from typing import Final

from msgspec import structs

from kikao.channels.inbound import Inbound
from kikao.conversation.inputs import Dial, Event, Reply, Show
from kikao.conversation.secrets import Secret
from kikao.sessions.session import Dialogue

SEPARATOR = "*"

REMEMBERED: Final = 6
"""Dialogues before the present one that something may still come from: of two phones, each may dial anew and again."""

Hash = Callable[[str, str], bytes]
"""Keyed hash of a text for a purpose ("dialogue", "text")."""


def understand(
    inbound: Inbound,
    dialogue: Dialogue | None,
    hashed: Hash,
    *,
    secret: bool = False,
    consumed: bool = False,
) -> tuple[Event, Dialogue]:
    """The event an inbound means after what was processed, and the dialogue to remember.

    `secret`: the open question asks for a PIN or the like. `consumed`: an inbound of this name was processed before, by
    a turn that died before its reply.

    - A dialogue begins with a dial; what was dialled behind the code is a long dial.
    - What was sent before what was processed last is never an answer, where the provider says when it was sent.
    - What comes late from a dialogue before is never an answer, and does not say where the member is now; where several
      phones share the session, it is the way back to another one.
    - What was consumed before is neither an answer nor a dial; once something else was processed, it comes late.
    - Accumulated text of a dialogue not met before is a dial. A text that does not extend what was processed is never
      an answer: the pending screen is shown again and the text becomes the new base.
    - Where only the id tells, one not met before is a dial. If a dialled code, or nothing, began the dialogue and comes
      again before anything was answered, and nothing else tells, it is a copy; but only once, since a member may mean
      it, and any other text may be an answer whose dialogue was not met before. Where the provider says that a
      dialogue begins, and may say it again, the second time is a copy whenever it comes.
    - A single answer is one to the screen that the same gateway showed the same phone last, whatever its id. Where a
      screen was shown elsewhere since, it is no answer.
    - What was tapped is an answer to the screen that it stood on, and to no other. What a chat's provider numbered
      before what was processed last comes late.
    - Nor is a PIN that comes again where the next question asks for none, and nothing else tells that it is a copy:
      it would be kept as the answer.
    """
    line, mark = _line(inbound), _mark(inbound, hashed)
    text = inbound.text.reveal()
    known = dialogue is not None and compare_digest(dialogue.mark, mark)
    former = () if dialogue is None else dialogue.former if known else _with_former(dialogue, mark)
    sent_at = inbound.sent_at or 0.0
    if dialogue is not None and dialogue.line == line and 0.0 < sent_at < dialogue.sent_at:
        return Show(late=True), dialogue
    if inbound.chat is not None and dialogue is not None and dialogue.line == line:
        if 0 < inbound.chat.order < dialogue.order:
            return Show(late=True), dialogue
        if inbound.chat.pressed not in ("", dialogue.shown):
            return Show(why="old"), dialogue
    order = 0 if inbound.chat is None else inbound.chat.order
    after = Dialogue(mark, former=former, line=line, sent_at=sent_at, order=order)
    if inbound.accumulated:
        after = Dialogue(mark, len(text), hashed("text", text), former, line, sent_at=sent_at)
    if consumed:
        present = known and dialogue is not None and dialogue.line == line and len(text) >= dialogue.length
        return Show(late=dialogue is not None and not present), dialogue or after
    if inbound.happening == "new" and not inbound.accumulated and inbound.dialled is None:
        return Dial(_ahead(text)), after
    if dialogue is not None and not known and any(compare_digest(one, mark) for one in dialogue.former):
        return (Show(late=True), dialogue) if dialogue.line == line else (Show(), after)
    if inbound.dialled is not None:
        copied = inbound.message_id is None and (not text or text.startswith(SEPARATOR))
        began = hashed("dialled", text) if copied else b""
        if dialogue is None or not known:
            return Dial(_ahead(inbound.dialled.reveal())), structs.replace(after, text=began)
        if inbound.happening == "new":
            return Show(), structs.replace(after, text=dialogue.text)
        if began and compare_digest(dialogue.text, began):
            return Show(), after
    if not inbound.accumulated:
        typed = b"" if inbound.message_id is not None else hashed("text", text)
        if dialogue is not None and (
            dialogue.line != line or (typed and compare_digest(typed, dialogue.text) and not secret)
        ):
            return Show(), structs.replace(after, text=dialogue.text)
        return Reply(inbound.text, inbound.attachment), structs.replace(after, text=typed if secret else b"")
    if dialogue is None or not known:
        return Dial(_ahead(inbound.typed())), after
    answer = _new_part(text, dialogue, hashed)
    return (Show() if answer is None else Reply(Secret(answer), inbound.attachment)), after


def repeats(inbound: Inbound, dialogue: Dialogue | None, names: Collection[bytes]) -> bool:
    """Whether it may be a copy, as its gateway says, and is what was processed last, by one of its names."""
    return inbound.again and dialogue is not None and dialogue.last in names


def closed(dialogue: Dialogue, inbound: Inbound, hashed: Hash) -> Dialogue:
    """The dialogue after the reply to this inbound has closed it.

    Nothing extends its accumulated text any more, so the hash of that is forgotten: whoever has the keys could try all
    PINs against it. Of a single answer it goes on to tell a PIN that comes again. A dialogue without an id is forgotten
    as such: whatever comes next begins another.
    """
    if not inbound.dialogue and not inbound.accumulated:
        return structs.replace(dialogue, mark=b"")
    if not inbound.accumulated or not compare_digest(dialogue.mark, _mark(inbound, hashed)):
        return dialogue
    return structs.replace(dialogue, text=b"")


def let_go(inbound: Inbound, dialogue: Dialogue | None, hashed: Hash) -> Dialogue | None:
    """The dialogue after the provider told that it is over: forgotten as such, so that whatever comes next begins
    another. None where that was of another dialogue, or of another phone."""
    if dialogue is None or dialogue.line != _line(inbound):
        return None
    if not compare_digest(dialogue.mark, _mark(inbound, hashed)):
        return None
    return structs.replace(dialogue, mark=b"")


def _line(inbound: Inbound) -> str:
    return f"{inbound.channel}/{inbound.gateway}/{inbound.identity}"


def _mark(inbound: Inbound, hashed: Hash) -> bytes:
    return hashed("dialogue", f"{inbound.channel}/{inbound.gateway} {inbound.dialogue}")


def _with_former(dialogue: Dialogue, mark: bytes) -> tuple[bytes, ...]:
    """The marks of dialogues before the one of `mark`, the last one first."""
    before = (one for one in dialogue.former if not compare_digest(one, mark))
    return (dialogue.mark, *itertools.islice(before, REMEMBERED - 1))


def _ahead(text: str) -> tuple[Secret, ...]:
    return tuple(Secret(answer) for answer in text.split(SEPARATOR)) if text else ()


def _new_part(text: str, dialogue: Dialogue, hashed: Hash) -> str | None:
    length = dialogue.length
    if len(text) <= length or not compare_digest(hashed("text", text[:length]), dialogue.text):
        return None
    if length == 0:
        return text
    return text[length + 1 :] if text[length] == SEPARATOR else None
