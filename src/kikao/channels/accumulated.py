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
from kikao.conversation.inputs import Dial, Event, Reply, Show, Tell
from kikao.conversation.secrets import Secret
from kikao.sessions.session import Dialogue

SEPARATOR = "*"

REMEMBERED: Final = 6
"""Dialogues before the present one that something may still come from: of two phones, each may dial anew and again."""

COUNTED: Final = 6 * 86400.0
"""Seconds of silence after which a provider that counts may have begun anew."""

Hash = Callable[[str, str], bytes]
"""Keyed hash of a text for a purpose ("dialogue", "text")."""

Meaning = tuple[Event, Dialogue]
"""What an inbound is, and the dialogue to remember."""


def understand(
    inbound: Inbound,
    dialogue: Dialogue | None,
    hashed: Hash,
    *,
    secret: bool = False,
    consumed: bool = False,
    silence: float = 0.0,
) -> Meaning:
    """The event an inbound means after what was processed, and the dialogue to remember.

    `secret`: the open question asks for a PIN or the like. `consumed`: an inbound of this name was processed before, by
    a turn that died before its reply. `silence`: seconds since the session was last written.

    The first rule that fits decides. A dialogue begins with a dial; what was dialled behind the code is a long dial.
    What is no dial and no answer shows the present screen again.
    """
    line, mark = _line(inbound), _mark(inbound, hashed)
    if inbound.happening == "outcome":
        return Tell(), dialogue or Dialogue(mark, line=line)
    same = dialogue if dialogue is not None and compare_digest(dialogue.mark, mark) else None
    if dialogue is not None and dialogue.line == line:
        if _was_overtaken(inbound, dialogue, silence):
            return Show(late=True), dialogue
        if _was_tapped_elsewhere(inbound, dialogue):
            return Show(why="old"), dialogue
    after = _after(inbound, dialogue, same, line, mark, hashed)
    if consumed:
        here = same is not None and _is_not_behind(inbound, same, line)
        return Show(late=dialogue is not None and not here), dialogue or after
    if _says_that_it_begins(inbound):
        return Dial(_ahead(inbound.text.reveal())), after
    if dialogue is not None and same is None and _is_of_one_before(dialogue, mark):
        return (Show(late=True), dialogue) if dialogue.line == line else (Show(), after)
    if inbound.dialled is not None:
        meaning = _by_its_id(inbound, inbound.dialled, same, after, hashed)
        if meaning is not None:
            return meaning
    if inbound.accumulated:
        return _by_what_it_extends(inbound, same, after, hashed)
    return _by_what_was_shown(inbound, dialogue, after, hashed, secret=secret)


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


# --- the rules, in their order ---


def _was_overtaken(inbound: Inbound, dialogue: Dialogue, silence: float) -> bool:
    """What was sent before what was processed last is never an answer, where the provider says when, or counts.

    Telegram begins to count anywhere when a bot heard nothing for a week, and keeps what it brings for a day.
    """
    if inbound.sent_at is not None and 0.0 < inbound.sent_at < dialogue.sent_at:
        return True
    return inbound.chat is not None and silence < COUNTED and 0 < inbound.chat.order < dialogue.order


def _was_tapped_elsewhere(inbound: Inbound, dialogue: Dialogue) -> bool:
    """What was tapped is an answer to the screen that it stood on, and to no other."""
    return inbound.chat is not None and inbound.chat.pressed not in ("", dialogue.shown)


def _is_not_behind(inbound: Inbound, same: Dialogue, line: str) -> bool:
    """What was consumed before is neither an answer nor a dial; once something else was processed, it comes late."""
    return same.line == line and len(inbound.text.reveal()) >= same.length


def _says_that_it_begins(inbound: Inbound) -> bool:
    """Most providers of single answers say so with each request, whatever its id."""
    return inbound.happening == "new" and not inbound.accumulated and inbound.dialled is None


def _is_of_one_before(dialogue: Dialogue, mark: bytes) -> bool:
    """What comes late from a dialogue before is never an answer, and does not say where the member is now.

    Where several phones share the session, it is the way back to another one.
    """
    return any(compare_digest(one, mark) for one in dialogue.former)


def _by_its_id(
    inbound: Inbound, dialled: Secret, same: Dialogue | None, after: Dialogue, hashed: Hash
) -> Meaning | None:
    """Where only the id tells, one not met before is a dial. None for what may be an answer.

    If a dialled code, or nothing, began the dialogue and comes again before anything was answered, and nothing else
    tells, it is a copy; but only once, since a member may mean it, and any other text may be an answer whose dialogue
    was not met before. Where the provider says that a dialogue begins, and may say it again, the second time is a copy
    whenever it comes.
    """
    text = inbound.text.reveal()
    copied = inbound.message_id is None and (not text or text.startswith(SEPARATOR))
    began = hashed("dialled", text) if copied else b""
    if same is None:
        return Dial(_ahead(dialled.reveal())), structs.replace(after, text=began)
    if inbound.happening == "new":
        return Show(), structs.replace(after, text=same.text)
    if began and compare_digest(same.text, began):
        return Show(), after
    return None


def _by_what_it_extends(inbound: Inbound, same: Dialogue | None, after: Dialogue, hashed: Hash) -> Meaning:
    """Accumulated text of a dialogue not met before is a dial.

    What does not extend what was processed is never an answer: the text becomes the new base.
    """
    if same is None:
        return Dial(_ahead(inbound.typed())), after
    answer = _new_part(inbound.text.reveal(), same, hashed)
    return (Show() if answer is None else Reply(Secret(answer), inbound.attachment)), after


def _by_what_was_shown(
    inbound: Inbound, dialogue: Dialogue | None, after: Dialogue, hashed: Hash, *, secret: bool
) -> Meaning:
    """A single answer is one to the screen that the same gateway showed the same phone last, whatever its id.

    Where a screen was shown elsewhere since, it is no answer. Nor is a PIN that comes again where the next question
    asks for none, and nothing else tells that it is a copy: it would be kept as the answer.
    """
    typed = b"" if inbound.message_id is not None else hashed("text", inbound.text.reveal())
    if dialogue is not None:
        again = bool(typed) and not secret and compare_digest(typed, dialogue.text)
        if again or dialogue.line != after.line:
            return Show(), structs.replace(after, text=dialogue.text)
    return Reply(inbound.text, inbound.attachment), structs.replace(after, text=typed if secret else b"")


# --- what is remembered ---


def _after(
    inbound: Inbound, dialogue: Dialogue | None, same: Dialogue | None, line: str, mark: bytes, hashed: Hash
) -> Dialogue:
    """The dialogue of an inbound, once it is processed."""
    former = () if dialogue is None else _with_former(dialogue, mark) if same is None else same.former
    sent_at = inbound.sent_at or 0.0
    if inbound.accumulated:
        text = inbound.text.reveal()
        return Dialogue(mark, len(text), hashed("text", text), former, line, sent_at=sent_at)
    order = 0 if inbound.chat is None else inbound.chat.order
    if inbound.chat is not None and dialogue is not None and dialogue.line == line:
        # A tap, or what was entered on a page, may say neither: what was sent before is still late.
        sent_at, order = sent_at or dialogue.sent_at, order or dialogue.order
    return Dialogue(mark, former=former, line=line, sent_at=sent_at, order=order)


def _line(inbound: Inbound) -> str:
    where = inbound.chat.group if inbound.chat is not None else ""  # in which all may hold one conversation
    return f"{inbound.channel}/{inbound.gateway}/{where or inbound.identity}"


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
