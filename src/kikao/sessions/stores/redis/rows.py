"""What the Redis store keeps, as bytes: times and counters are doubles, little-endian, which hold whole numbers up to
2**53. Lua reads the same.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from kikao.sessions.outgoing import Outgoing, State, Status
from kikao.sessions.store import Dedupe, IntentRow, Record, Write

_RECORD: Final = Struct("<dddI")
"""version, fence, expires_at, length of the address; then the address and the state."""

_LENGTH: Final = Struct("<I")

_DEDUPE: Final = Struct("<d?")
"""expires_at, whether there is a reply; then the reply."""

_INTENT: Final = Struct("<dddI")
"""fence, lease_until, due_at, tries."""

_MESSAGE: Final = Struct("<dddddIBBBI")
"""due_at, expires_at, posted_at, lease_until, fence, tries, urgency, state, status, length of the reason; then the
reason, and in the same way the destination, the reference and the session. lua/messages.lua reads the same."""

_STATES: Final[tuple[State, ...]] = ("waiting", "sent", "dead")

_DOUBLE: Final = Struct("<d")

double = _DOUBLE.pack


def undouble(value: bytes) -> float:
    return float(_DOUBLE.unpack(value)[0])


def score(value: float) -> bytes:
    """A number as sorted sets take it."""
    if value != value:
        raise ValueError("a time is not a number")
    return repr(float(value)).encode()


def packed(version: int, fence: int, expires_at: float, address: bytes, state: bytes) -> bytes:
    return _RECORD.pack(version, fence, expires_at, len(address)) + address + state


def sealed(address: bytes, state: bytes) -> bytes:
    """The end of a session's record: what sealing anew changes."""
    return _LENGTH.pack(len(address)) + address + state


def written(write: Write) -> bytes:
    """The session from this write on."""
    return packed(write.version + 1, write.fence, write.expires_at, write.address, write.state)


def record(key: bytes, value: bytes) -> Record:
    version, fence, expires_at, address = _RECORD.unpack_from(value)
    state_at = _RECORD.size + address
    return Record(key, int(version), int(fence), expires_at, value[state_at:], value[_RECORD.size : state_at])


def seen(dedupe: Dedupe) -> bytes:
    reply = dedupe.reply
    return _DEDUPE.pack(dedupe.expires_at, reply is not None) + (reply or b"")


def reply(value: bytes) -> bytes:
    """The reply in a dedupe record that has one."""
    return value[_DEDUPE.size :]


def answered(value: bytes, reply: bytes) -> bytes:
    """A dedupe record with another reply."""
    return value[: _DEDUPE.size] + reply


def dedupe(name: bytes, value: bytes) -> Dedupe:
    expires_at, replied = _DEDUPE.unpack_from(value)
    return Dedupe(name, value[_DEDUPE.size :] if replied else None, expires_at)


def intent(row: IntentRow) -> bytes:
    return _INTENT.pack(row.fence, row.lease_until, row.due_at, row.tries)


def intent_row(session: bytes, id_: bytes, value: bytes) -> IntentRow:
    fence, lease_until, due_at, tries = _INTENT.unpack(value)
    return IntentRow(id_, session, int(fence), lease_until, due_at, tries)


def by_due(row: IntentRow) -> tuple[float, bytes]:
    return row.due_at, row.id


def message(outgoing: Outgoing) -> bytes:
    """What a message is, without its payload."""
    head = _MESSAGE.pack(
        outgoing.due_at,
        outgoing.expires_at,
        outgoing.posted_at,
        outgoing.lease_until,
        outgoing.fence,
        outgoing.tries,
        outgoing.urgency,
        _STATES.index(outgoing.state),
        outgoing.status,
        len(reason := outgoing.reason.encode()),
    )
    to = outgoing.to.encode()
    session = outgoing.session
    return b"".join(
        (head, reason, _LENGTH.pack(len(to)), to, _LENGTH.pack(0), _LENGTH.pack(len(session)), session)
    )


def outgoing(id_: bytes, value: bytes, payload: bytes) -> Outgoing:
    """A message as it was stored."""
    head = _MESSAGE.unpack_from(value)
    due_at, expires_at, posted_at, lease_until, fence, tries, urgency, state, status, length = head
    reason, to, _, session = _texts(value, length)
    return Outgoing(
        id_,
        session,
        to.decode(),
        payload,
        due_at,
        expires_at,
        urgency,
        posted_at,
        tries,
        int(fence),
        lease_until,
        _STATES[state],
        Status(status),
        reason.decode(),
    )


def reference(value: bytes) -> bytes:
    """By what a provider calls a message; empty where it said nothing."""
    return _texts(value, _MESSAGE.unpack_from(value)[-1])[2]


def moved(value: bytes, session: bytes) -> bytes:
    """A message of another session from now on."""
    before = _texts(value, _MESSAGE.unpack_from(value)[-1])[3]
    return value[: len(value) - len(before) - 4] + _LENGTH.pack(len(session)) + session


def _texts(value: bytes, length: int) -> tuple[bytes, bytes, bytes, bytes]:
    """The reason (of this length), the destination, the reference and the session of a message."""
    texts, at = [], _MESSAGE.size
    for _ in range(4):
        texts.append(value[at : at + length])
        at += length
        length = _LENGTH.unpack_from(value, at)[0] if at < len(value) else 0
        at += 4
    return texts[0], texts[1], texts[2], texts[3]
