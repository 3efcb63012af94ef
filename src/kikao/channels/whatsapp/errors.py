"""The errors of the Cloud API, and what each means for a message and for whom it is for.

Codes come in the answer to a call, or in a report that the message failed. Of an error only its code is ever kept:
what else it says may repeat the message.

Sources: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes; where Meta's pages say nothing of
a code, catalogues of client libraries. `SOURCES` says which.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from kikao.channels.calling import AGAIN, Answer, judged, seconds_of
from kikao.channels.outbox.sender import Delivered, Outcome, Rejected, TryLater
from kikao.channels.whatsapp import types
from kikao.members.reach import Told

Means = Literal[
    "again",
    "busy",
    "pair",
    "slow",
    "window",
    "gone",
    "refuses",
    "paused",
    "unfit",
    "mistake",
    "template",
    "broken",
]
"""What a failed message comes to:

- `again`: something went wrong there; it comes again by itself, ever later.
- `busy`: too much at once; the number rests for as long as it is told, or `REST`.
- `pair`: too much for one member; only they wait.
- `slow`: the quality or the limit of the number; it rests for an hour.
- `window`: the member wrote more than a day ago: a template, or nothing yet.
- `gone`: nobody there to be written to, until they write.
- `refuses`: no marketing for this member, until they want it.
- `paused`: no marketing for this member for a day.
- `unfit`: this message is not for this member.
- `mistake`: what was sent is wrong, and would be again.
- `template`: so is the template, until somebody mends it.
- `broken`: nothing can be sent with this number until somebody mends its account; it rests, and tries each minute.
"""


class Meaning(msgspec.Struct, frozen=True):
    """Of a code."""

    means: Means
    words: str
    """For operators and the log, in our own words."""


REST: Final = 5.0
"""Seconds that a number rests which is told to, and not for how long."""

PAIR_REST: Final = 6.0
"""Seconds until one more message may go to the same member."""

SLOW_REST: Final = 3600.0

BROKEN_REST: Final = 60.0

MEANINGS: Final[dict[int, Meaning]] = {
    0: Meaning("broken", "authentication failed"),
    1: Meaning("again", "unknown API error"),
    2: Meaning("again", "service away"),
    3: Meaning("broken", "capability or permission missing"),
    4: Meaning("busy", "rate limit of the app"),
    10: Meaning("broken", "permission denied"),
    100: Meaning("mistake", "parameter not known, misspelt or missing"),
    190: Meaning("broken", "token expired or invalid"),
    368: Meaning("broken", "account blocked for a violation of policies"),
    80007: Meaning("busy", "rate limit of the account"),
    130429: Meaning("busy", "throughput of the number"),
    130472: Meaning("unfit", "member is part of an experiment"),
    130497: Meaning("broken", "account may not write to this country"),
    131000: Meaning("again", "something went wrong"),
    131005: Meaning("broken", "access denied"),
    131008: Meaning("mistake", "parameter missing"),
    131009: Meaning("mistake", "parameter of a wrong value"),
    131016: Meaning("again", "service overloaded"),
    131021: Meaning("mistake", "recipient is the sender"),
    131026: Meaning("gone", "undeliverable: not on WhatsApp, too old an app, or blocked"),
    131030: Meaning("unfit", "recipient not on the list of the test number"),
    131031: Meaning("broken", "account locked"),
    131037: Meaning("broken", "display name not approved"),
    131042: Meaning("broken", "payment method"),
    131045: Meaning("broken", "number not registered, or certificate"),
    131047: Meaning("window", "more than 24 hours since the member wrote"),
    131048: Meaning("slow", "spam rate limit: quality of the number"),
    131049: Meaning("paused", "not delivered for the health of the ecosystem"),
    131050: Meaning("refuses", "member stopped marketing messages"),
    131051: Meaning("mistake", "message type not supported"),
    131052: Meaning("mistake", "media could not be downloaded"),
    131053: Meaning("again", "media could not be uploaded"),
    131056: Meaning("pair", "too many messages to this member"),
    131057: Meaning("busy", "number being upgraded, or account in maintenance"),
    131062: Meaning("unfit", "not for members who hide their number"),
    131063: Meaning("template", "marketing templates switched off for this API"),
    131064: Meaning("slow", "messaging limit of the number"),
    132000: Meaning("template", "number of parameters"),
    132001: Meaning("template", "missing, or not in this language"),
    132005: Meaning("template", "text too long once filled"),
    132007: Meaning("template", "policy of characters violated"),
    132008: Meaning("template", "parameter of a wrong value"),
    132012: Meaning("template", "parameter of a wrong format"),
    132015: Meaning("template", "paused for low quality"),
    132016: Meaning("template", "disabled for low quality"),
    132068: Meaning("template", "form blocked"),
    132069: Meaning("again", "form throttled"),
    133010: Meaning("broken", "number not registered"),
    133016: Meaning("slow", "too many registrations of the number"),
    135000: Meaning("mistake", "generic error, most often of a parameter"),
    137000: Meaning("unfit", "recipient's identity changed"),
}

STRIKES: Final[dict[str, Told]] = {"gone": "gone", "refuses": "refuses_marketing", "paused": "paused"}
"""What such a failure says of the address."""

PERMISSIONS: Final = range(200, 300)
"""Codes of missing permissions."""

UNKNOWN: Final = Meaning("mistake", "not known")


def meaning(code: int) -> Meaning:
    """Of a code; of one that is not known, that it is no use to send the same again."""
    if code in PERMISSIONS:
        return Meaning("broken", "permission missing")
    return MEANINGS.get(code, UNKNOWN)


def strike(codes: Iterable[int]) -> tuple[Told, str] | None:
    """What the codes of a message that failed say of its address, and which does; None for nothing."""
    for code in codes:
        what = STRIKES.get(meaning(code).means)
        if what is not None:
            return what, str(code)
    return None


class Judged(msgspec.Struct, frozen=True):
    """What came of a call."""

    outcome: Outcome
    means: Means | Literal["taken"]
    code: int = 0
    """The provider's; 0 where it told none."""


def judge(answer: Answer, now: float) -> Judged:
    """What an answer to a message says, by its status and by the code in it. `now`: seconds since the epoch."""
    try:
        said = types.ANSWERED.decode(answer.body)
    except types.UNREADABLE:
        said = types.Answered()
    if said.error is None:
        return _plain(answer, said, now)
    code = said.error.code
    known = code in MEANINGS or code in PERMISSIONS
    if not known and (answer.status >= 500 or answer.status in AGAIN):
        return Judged(judged(answer, now), "again", code)
    means = meaning(code).means
    return Judged(_outcome(means, code, answer, now), means, code)


def _plain(answer: Answer, said: types.Answered, now: float) -> Judged:
    """An answer without an error in it."""
    if 200 <= answer.status < 300:
        if said.messages and said.messages[0].id:
            return Judged(Delivered(said.messages[0].id), "taken")
        return Judged(TryLater(f"HTTP {answer.status} without a message id"), "again")
    if answer.status == 401:
        return Judged(TryLater("HTTP 401", BROKEN_REST), "broken")
    found = judged(answer, now)
    return Judged(found, "again" if isinstance(found, TryLater) else "mistake")


def _outcome(means: Means, code: int, answer: Answer, now: float) -> Outcome:
    reason = f"{code} {means}"
    match means:
        case "again":
            return TryLater(reason, seconds_of(answer.header("retry-after"), now))
        case "busy":
            return TryLater(reason, seconds_of(answer.header("retry-after"), now) or REST)
        case "pair":
            return TryLater(reason, PAIR_REST, alone=True)
        case "slow":
            return TryLater(reason, SLOW_REST)
        case "broken":
            return TryLater(reason, BROKEN_REST)
        case _:
            return Rejected(reason)
