"""What a webhook holds: messages of members, how far ours came, and what else the provider tells.

One request may have several entries, changes, messages and statuses: all of them are looked at, each by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from kikao.channels.channel import BadRequest
from kikao.channels.chat.gateway import Received
from kikao.channels.chat.told import Changed, Moved, Other, Report, Told
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.whatsapp import types
from kikao.channels.whatsapp.kinds import Answer, said, word
from kikao.channels.whatsapp.types import UNREADABLE, Change, Said, Value
from kikao.conversation.secrets import Secret
from kikao.sessions.outgoing import Status

CHANNEL: Final = "whatsapp"

OBJECT: Final = "whatsapp_business_account"

ALL: Final = f"{CHANNEL}/cloud-api"
"""The line of what is told of no number in particular, where there are several."""

STATUSES: Final = {
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "played": Status.READ,
    "failed": Status.FAILED,
}


def received(body: bytes, numbers: Mapping[str, str]) -> Received:
    """What a body says; `numbers` are ours, the name of each by its `phone_number_id`.

    Raises `BadRequest` for what is no webhook of WhatsApp.
    """
    reading = _Reading(numbers)
    try:
        whole = types.WHOLE.decode(body)
    except UNREADABLE:
        return reading.pieces(_body(body))
    _check(whole.object)
    for entry in whole.entry:
        for change in entry.changes:
            reading.take(change.field, change.value)
    return reading.received


def _body(body: bytes) -> tuple[msgspec.Raw, ...]:
    """The entries of a webhook in which something is not as it should be."""
    try:
        found = types.BODY.decode(body)
    except UNREADABLE:
        raise BadRequest("whatsapp: the body is no webhook of the Cloud API") from None
    _check(found.object)
    return found.entry


def _check(about: str) -> None:
    if about != OBJECT:
        raise BadRequest(f"whatsapp: object is not {OBJECT}. Subscribe the app to WhatsApp alone.")


class _Reading:
    """One webhook, in its order."""

    def __init__(self, numbers: Mapping[str, str]) -> None:
        self._numbers = numbers
        self._line = f"{CHANNEL}/{next(iter(numbers.values()))}" if len(numbers) == 1 else ALL
        self._inbounds: list[Inbound] = []
        self._told: list[Told] = []
        self._notes = 0

    @property
    def received(self) -> Received:
        """What was read."""
        return Received(tuple(self._inbounds), tuple(self._told))

    def pieces(self, entries: Iterable[msgspec.Raw]) -> Received:
        """Read each piece by itself."""
        for raw in entries:
            try:
                changes = types.ENTRY.decode(raw).changes
            except UNREADABLE:
                self._note(self._line, "unreadable entry")
                continue
            for change in changes:
                self._change(change)
        return self.received

    def _change(self, raw: msgspec.Raw) -> None:
        change = Change()
        try:
            change = types.CHANGE.decode(raw)
            value = types.VALUE.decode(change.value) if change.value else Value()
        except UNREADABLE:
            self._note(self._line, f"unreadable change {word(change.field)}".rstrip())
            return
        self.take(change.field, value)

    def take(self, field: str, value: Value) -> None:
        """A change, if it is of a number of ours, or of none."""
        number = value.metadata.phone_number_id
        if number and number not in self._numbers:
            self._note(self._line, "a number that is not ours")
        else:
            self._value(field, value, self._numbers.get(number, ""))

    def _value(self, field: str, value: Value, name: str) -> None:
        line = f"{CHANNEL}/{name}" if name else self._line
        if field == "messages":
            if not name and (value.messages or value.statuses):
                self._note(line, "messages of no number")
                return
            for raw in value.messages or ():
                self._message(raw, name, line)
            for raw in value.statuses or ():
                self._status(raw, line)
            for raw in value.errors or ():
                self._note(line, f"error: {_code(raw)}")
        elif field == "user_preferences" and name:
            for raw in value.user_preferences or ():
                self._preference(raw, line)
        else:
            self._note(line, _described(field, value))

    # --- messages ---

    def _message(self, raw: msgspec.Raw, name: str, line: str) -> None:
        try:
            message = types.SAID.decode(raw)
            who, at = _who(message.sender, message.from_user_id), _time(message.timestamp)
            if message.group_id:
                self._note(line, "no answer: message in a group")
            elif message.type == "system":
                self._system(message, who, line)
            elif message.type == "unsupported":
                self._note(line, f"no answer: unsupported {_codes(message)}".rstrip())
            elif isinstance(answer := said(message), str):
                self._note(line, answer)
            elif not who or not 0 < len(message.id) <= LONGEST_ID:
                self._note(line, "a message of nobody" if not who else "a message without an id")
            else:
                self._said(message, answer, who, at, name, line)
        except UNREADABLE:
            self._note(line, "unreadable message")

    def _said(self, message: Said, answer: Answer, who: str, at: float, name: str, line: str) -> None:
        if message.referral:
            self._note(line, f"referral: {_referral(message.referral)}")
        self._inbounds.append(
            Inbound(
                channel=CHANNEL,
                gateway=name,
                identity=who,
                happening="reply",
                text=Secret(answer.text),
                message_id=Secret(message.id),
                attachment=answer.attachment,
                sent_at=at or None,
                chat=Chatted(pressed=answer.pressed, message=answer.message, remote=answer.remote),
            )
        )

    def _system(self, message: Said, who: str, line: str) -> None:
        """A member's new number takes nothing along by itself: whoever has it may be somebody else."""
        system = types.SYSTEM.decode(message.system)
        after = _who(system.wa_id or system.new_wa_id, "")
        if system.type in NUMBER_CHANGES and who and after:
            self._told.append(Moved(line=line, before=who, after=after, what="number"))
        else:
            self._note(line, f"system: {word(system.type) or 'unknown'}")

    # --- what is told besides ---

    def _status(self, raw: msgspec.Raw, line: str) -> None:
        try:
            status = types.STATUS.decode(raw)
        except UNREADABLE:
            self._note(line, "unreadable status")
            return
        known = STATUSES.get(status.status)
        if known is None or not 0 < len(status.id) <= LONGEST_ID:
            self._note(line, f"status: {word(status.status) or 'unknown'}")
            return
        self._told.append(
            Report(
                line=line,
                reference=status.id,
                status=known,
                at=_time(status.timestamp),
                codes=tuple(error.code for error in status.errors),
                identity=_who(status.recipient_id, status.recipient_user_id),
            )
        )

    def _preference(self, raw: msgspec.Raw, line: str) -> None:
        try:
            wish = types.PREFERENCE.decode(raw)
        except UNREADABLE:
            self._note(line, "unreadable preference")
            return
        who = _who(wish.wa_id, wish.user_id)
        if wish.category != "marketing_messages" or wish.value not in ("stop", "resume") or not who:
            self._note(line, f"user_preferences: {word(wish.category)} {word(wish.value)}".rstrip())
            return
        what: Final = "refuses_marketing" if wish.value == "stop" else "allows_marketing"
        self._told.append(
            Changed(line=line, identity=who, what=what, at=_time(wish.timestamp), reason="user_preferences")
        )

    def _note(self, line: str, note: str) -> None:
        self._notes += 1
        if self._notes <= MOST_NOTES:
            self._told.append(Other(line=line, note=note))


def _described(field: str, value: Value) -> str:
    """A change as a kind and a name: nothing of a member is in it."""
    about = [word(value.event), word(value.message_template_name)]
    for raw in value.calls or ():
        try:
            about.append(word(types.CALLED.decode(raw).event))
        except UNREADABLE:
            about.append("unreadable")
    for raw in value.statuses or ():
        try:
            about.append(word(types.STATUS.decode(raw).status))
        except UNREADABLE:
            about.append("unreadable")
    if value.message_echoes:
        about.append(f"{len(value.message_echoes)}")
    return f"{word(field) or 'unknown field'}: {' '.join(filter(None, about))[:200]}".removesuffix(": ")


def _codes(message: Said) -> str:
    errors = types.ERRORS.decode(message.errors) if message.errors else ()
    return " ".join(str(error.code) for error in errors[:3])


def _code(raw: msgspec.Raw) -> str:
    try:
        return str(types.ERROR.decode(raw).code)
    except UNREADABLE:
        return "unreadable"


def _referral(raw: msgspec.Raw) -> str:
    try:
        return word(types.REFERRAL.decode(raw).source_type)
    except UNREADABLE:
        return "unreadable"


def _who(phone: str, user_id: str) -> str:
    """The digits of a WhatsApp id; of a member who hides them, what names them to this business alone."""
    return phone if _PHONE(phone) else user_id if _USER_ID(user_id) else ""


def _time(value: str | int) -> float:
    """Seconds since the epoch; 0 where they are not said."""
    text = str(value)
    return float(text) if _SECONDS(text) else 0.0


MOST_NOTES: Final = 1000
"""Of one webhook, which holds no more pieces as the provider makes them: else a body of odd ones fills the log."""

LONGEST_ID: Final = 500
"""Characters of a name of a message."""

NUMBER_CHANGES: Final = ("user_changed_number", "customer_changed_number")

_PHONE = re.compile("[0-9]{5,20}").fullmatch
_USER_ID = re.compile("[A-Z]{2}[.][A-Za-z0-9._-]{1,150}").fullmatch
_SECONDS = re.compile("[0-9]{1,11}").fullmatch
