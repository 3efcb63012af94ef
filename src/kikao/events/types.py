"""The events, one struct each, by where they arise. Names and fields are stable: logs and metrics are made of them.

What an event of a turn says is true when it is published: the commit it rests on is done. `docs/reference/events.md` is
made of this file.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from kikao.events.addresses import (
    AddressesSwept,
    AddressMarketing,
    AddressResumed,
    AddressStopped,
    MembersLinked,
)
from kikao.events.charges import ChargeAsked
from kikao.events.event import (
    Event,
    GatewayEvent,
    Milliseconds,
    Name,
    Problem,
    Remark,
    Seconds,
    SessionEvent,
)
from kikao.events.files import FileFetched, FileLost, FilesSwept
from kikao.events.links import LinkBound, LinkLost
from kikao.events.live import LiveClosed, LiveEnded
from kikao.events.messages import (
    DestinationPaused,
    MessageDead,
    MessageQueued,
    MessageReported,
    MessageRetried,
    MessageSent,
    MessageStranded,
    NoticeLost,
)

What = Literal[
    "asked",
    "shown",
    "offered",
    "ended",
    "cancelled",
    "refused",
    "overdue",
    "working",
    "unknown",
    "parked",
    "failed",
]
"""What a turn came to."""

Source = Literal["turn", "late", "recovery"]
"""Who learned of an outcome: the turn itself, whoever waited on after the turn's deadline, or recovery."""


# --- turns ---


class TurnEvent(SessionEvent, frozen=True, kw_only=True):
    """An inbound was dealt with. `at` is the open question."""

    ms: Milliseconds = 0.0
    """From the inbound to its reply."""
    unknown_fields: tuple[Name, ...] = ()
    """Fields in the request that the gateway's contract does not list."""
    note: Remark = ""
    """That a code was dialled which is not in the settings."""


class TurnCommitted(TurnEvent, frozen=True, kw_only=True, tag="turn.committed"):
    """A turn is done: one inbound, one reply, one commit. The last event of a turn, and its summary."""

    what: What
    """`asked` put a question; `shown` showed a screen again, or another page; `offered` put a question of kikao's own;
    `ended` and `cancelled` ended the conversation, `refused` with a refusal; `overdue` reached the deadline with an
    effect at work; `working` found an effect still at work, or came late while something waits to be told; `unknown`
    ended with an outcome nobody could say; `parked` found code and journal at odds behind an effect; `failed` broke,
    and the member keeps the previous state."""
    version: int = 0
    """Of the session after the commit."""
    taken: int = 0
    """Answers of a long dial that were taken; what was dialled behind them was dropped."""
    error: Problem = ""
    """What failed, what the code and the journal are at odds about, or what the service refused with."""
    reasons: tuple[Remark, ...] = ()
    """Why outcomes are unknown; where the code changed under a journal, so that the member was asked again."""


class TurnDuplicated(TurnEvent, frozen=True, kw_only=True, tag="turn.duplicated"):
    """A redelivery was answered with the bytes of the first reply. Nothing else is published of it."""

    what: ClassVar[Literal["duplicate"]] = "duplicate"


class TurnRejected(TurnEvent, frozen=True, kw_only=True, tag="turn.rejected"):
    """An inbound became no turn: nothing was consumed, except where effects were begun.

    The member reads a sentence of kikao's, or the gateway an acknowledgement (`stale`).
    """

    what: Literal["busy", "unavailable", "older_code", "answered", "stale", "failed"]
    """`busy`: the session stayed busy for all of the budget, or others were faster again and again; `unavailable`: the
    store or the records did not take it, or middleware broke; `answered`: middleware answered in its place;
    `older_code`: a newer release wrote this session; `stale`: it is older than the dedupe records; `failed`: it broke
    before a commit."""
    error: Problem = ""


class DialogueClosed(GatewayEvent, frozen=True, kw_only=True, tag="dialogue.closed"):
    """The provider told that a dialogue is over. The session goes on, whatever became of the dialogue."""

    what: ClassVar[Literal["closed"]] = "closed"
    how: Literal["end", "abort", "timeout", "charge_failed"]
    """`end`: by whom the provider does not say; `abort`: the member hung up; `timeout`: nobody answered in time;
    `charge_failed`: the member could not be charged."""
    note: Remark = ""
    """What the provider says of it: a status."""
    unknown_fields: tuple[Name, ...] = ()
    """Fields in the request that the gateway's contract does not list."""


class GatewayTold(GatewayEvent, frozen=True, kw_only=True, tag="gateway.told"):
    """The provider told, or asked, something that concerns no dialogue. It was acknowledged, and nothing else done."""

    what: ClassVar[Literal["notice"]] = "notice"
    note: Remark = ""
    """What it was, where the provider says so."""
    unknown_fields: tuple[Name, ...] = ()
    """Fields in the request that the gateway's contract does not list."""


class LimitHit(SessionEvent, frozen=True, kw_only=True, tag="limit.hit"):
    """Somebody came more often than the policy's limits allow: not a turn, nothing was consumed."""

    kind: Literal["address", "member", "overall"]
    """Which limit it was. The overall one is checked before a session is looked up."""
    retry_after: Seconds
    """Until the next one would be let through."""


# --- sessions ---


class SessionOpened(SessionEvent, frozen=True, kw_only=True, tag="session.opened"):
    """A session began, with the commit of its first turn: there was none, or it had expired or been ended."""


class SessionResumed(SessionEvent, frozen=True, kw_only=True, tag="session.resumed"):
    """A new dialogue took up a session that is alive."""

    silence: Seconds
    """Since the turn before."""


class SessionExpired(SessionEvent, frozen=True, kw_only=True, tag="session.expired"):
    """An inbound found its session past its time: what it held is gone, and a new one begins.

    Sessions that nobody comes back to are not told one by one: `sweep.done` counts them.
    """

    silence: Seconds
    """Since the turn before."""


class SessionEnded(SessionEvent, frozen=True, kw_only=True, tag="session.ended"):
    """A session was ended before its time; what comes next begins another."""

    by: Literal["app", "operator"]
    """A flow with `chat.session.destroy()`, or `kikao sessions end`."""
    forced: bool = False
    """By an operator, although something may have waited to be told."""


class SessionReset(SessionEvent, frozen=True, kw_only=True, tag="session.reset"):
    """The member dropped what they were doing, and the session goes on."""

    by: Literal["restart", "cancel", "dial"]
    """"Start again", "Cancel", or a dial too late to be asked whether to continue."""


# --- where members are ---


class StageChanged(SessionEvent, frozen=True, kw_only=True, tag="stage.changed"):
    """A member stands at another question than before: `flow` and `at` now, the ones before beside."""

    from_flow: Name = ""
    """Empty where nothing was open."""
    from_at: Name = ""


class StageMenu(SessionEvent, frozen=True, kw_only=True, tag="stage.menu"):
    """A member came back to the menu: the first question of the entry flow is open again, after another one was."""

    from_flow: Name = ""
    """Where they were."""
    from_at: Name = ""


class ScreenShown(SessionEvent, frozen=True, kw_only=True, tag="screen.shown"):
    """A screen was sent; never its text. Not of a redelivery, which gets the screen of `turn.committed` again."""

    kind: Literal["question", "overlay", "end", "notice"]
    """A flow's question; a question of kikao's own over it; the last screen of a conversation; or a sentence of kikao's
    that closes the dialogue, such as "Request received" or "Service unavailable"."""
    page: int = 1
    """Which page, from 1."""
    pages: int = 1
    """Of how many."""
    units: int
    """Septets in GSM-7, UTF-16 units in UCS-2."""
    alphabet: Literal["gsm7", "ucs2"]


class AnswerTaken(SessionEvent, frozen=True, kw_only=True, tag="answer.taken"):
    """A question was answered, and the answer is in the journal; never what it is. Of a secret see `secret.used`."""


class AnswerRefused(SessionEvent, frozen=True, kw_only=True, tag="answer.refused"):
    """An answer was not one, and the member was asked again; never what it was. A wrong PIN is a `secret.used`."""

    tries: int = 0
    """Wrong answers to this question so far, with this one; 0 at a question of kikao's own."""


class FlowStarted(SessionEvent, frozen=True, kw_only=True, tag="flow.started"):
    """A run of a flow began: by a dial, a key, or a flow that led there (`goto`, `restart_with`)."""


class FlowFinished(SessionEvent, frozen=True, kw_only=True, tag="flow.finished"):
    """A run came to its end."""

    what: Literal["ended", "refused", "moved"]
    """By itself; with a refusal that leads nowhere; or in another run, which takes its place."""


class FlowAbandoned(SessionEvent, frozen=True, kw_only=True, tag="flow.abandoned"):
    """A run was left before its end; `at` is the question that was open."""

    what: Literal["home", "cancel", "restart", "dial", "expired", "ended", "parked"]
    """By the key for home or for cancel; by "Start again"; by a dial too late to continue; since its session expired or
    was ended; or since the code no longer fits what was done."""


# --- effects ---


class StepEvent(SessionEvent, frozen=True, kw_only=True):
    """Of an effect on the outside world (`chat.step`, `chat.secret`); `at` is its journal key."""

    kind: Literal["step", "secret"]


class StepIntended(StepEvent, frozen=True, kw_only=True, tag="step.intended"):
    """An effect is about to be performed, and that is stored: whatever happens now, somebody will ask about it."""

    tries: int = 0
    """How often nobody could say what became of it."""


class StepOutcome(StepEvent, frozen=True, kw_only=True):
    """What became of an effect, as it was written into the journal."""

    source: Source
    """Who learned of it: the `turn`, whoever waited on after its deadline (`late`), or `recovery`."""


class StepDone(StepOutcome, frozen=True, kw_only=True, tag="step.done"):
    """It happened."""


class StepRefused(StepOutcome, frozen=True, kw_only=True, tag="step.refused"):
    """The service did nothing, and said why."""

    code: Name
    """An error code: `wrong_secret`, `insufficient_balance` …"""
    reason: Remark = ""
    """What else is known, such as why a message cannot be sent."""


class StepUnknown(StepOutcome, frozen=True, kw_only=True, tag="step.unknown"):
    """Nobody can say whether it happened: recovery asks, or the next dial."""

    tries: int = 0
    """How often that was, with this one."""
    reason: Remark = ""


class StepVoided(StepOutcome, frozen=True, kw_only=True, tag="step.voided"):
    """It did not happen, and the service will refuse it for ever."""


class SecretUsed(SessionEvent, frozen=True, kw_only=True, tag="secret.used"):
    """A secret was handed to its service, at the question `at`; never what it was.

    Published when the service has answered, or at the turn's deadline: that stands, whatever becomes of the turn.
    """

    what: Literal["done", "refused", "unknown", "working"]
    """What came of it; `working`: the service was still at it."""
    code: Name = ""
    """Of a refusal: `wrong_secret`, `locked` …"""


class RecoveryDone(SessionEvent, frozen=True, kw_only=True, tag="recovery.done"):
    """Recovery asked what became of the open effects of one session, or an outcome came in after its turn."""

    what: Literal["settled", "late", "unknown", "conflict", "failed"]
    """`settled`: nothing is open any more; `late`: an outcome came after the deadline; `unknown`: nobody could say, or,
    with an `error`, the code no longer fits the journal; `conflict`: a turn was faster; `failed`."""
    tries: int = 0
    """How often it was asked before."""
    error: Problem = ""
    reasons: tuple[Remark, ...] = ()
    """Why outcomes are unknown."""


class SweepDone(Event, frozen=True, kw_only=True, tag="sweep.done"):
    """A sweep of expired sessions is over; one begins every 10 minutes."""

    count: int
    """Sessions that were removed."""
    seconds: Seconds
    """From its beginning to its end, the pauses for live turns included."""
    error: Problem = ""
    """What ended it early; the next sweep goes on."""


class SharesChanged(Event, frozen=True, kw_only=True, tag="shares.changed"):
    """Processes that use one store divided its shards anew: one came, or went, or could not renew its lease.

    A process that has the store for itself tells nothing.
    """

    shards: int
    """How many of the 64 this process looks after now: recovery, sweeping, sending."""
    workers: int
    """How many processes are at work, this one included."""
    error: Problem = ""
    """Why it could not renew its lease."""


class KeysResealed(Event, frozen=True, kw_only=True, tag="keys.resealed"):
    """All that is stored was looked through for what retired secret keys have sealed.

    Once after a start with more than one key; again after a minute when it was broken off or overtaken by turns.
    """

    count: int
    """Sessions, messages to send, and files, that were sealed anew."""
    left: int | None = None
    """Those that still need a retired key; with 0, and no `error`, nothing of kikao does, except to look up."""
    seconds: Seconds
    """From its beginning to its end, the pauses for live turns included."""
    error: Problem = ""
    """What ended it early; it is done again."""


# --- around the app ---


class MiddlewareFailed(SessionEvent, frozen=True, kw_only=True, tag="middleware.failed"):
    """An app's middleware broke or took too long. Nobody's turn is the worse for it.

    The session is that of the address that the inbound came from.
    """

    name: Name
    """Of the middleware."""
    when: Literal["before", "after"]
    """`before` the turn, which then did not take place: the member reads "unavailable, try again"; or `after` it, whose
    reply stands."""
    error: Problem
    """`TimeoutError` for what took too long."""


class RequestRefused(GatewayEvent, frozen=True, kw_only=True, tag="request.refused"):
    """A request was not let in, or is not what the gateway's contract says. Nobody's session was touched."""

    status: int
    """The HTTP status of the answer; 429 once the client's address has had too many refusals."""
    reason: Remark
    """What was wrong; names fields and client addresses, never a value or a token."""


class OperatorCommand(Event, frozen=True, kw_only=True, tag="operator.command"):
    """An operator asked for something through the server's control socket."""

    command: Name = ""
    """Its name, such as `sessions.list`; empty for a request that names none, and for the socket itself."""
    what: Literal["done", "refused", "failed", "left", "closed"]
    """`refused`: the operator was told why; `left`: the operator went away before the end; `closed`: there is no
    socket."""
    error: Problem = ""
    """What broke it."""


class ErrorUncaught(Event, frozen=True, kw_only=True, tag="error.uncaught"):
    """An error that nobody caught, or a warning. Python would have printed it with its text."""

    where: Literal["request", "loop", "thread", "finaliser", "warning", "subscriber", "channel", "users"]
    """`request`: the answer was 500, or broke off; `loop`: a forgotten task, or a callback; `subscriber`: of these
    events; `channel`: a function of a live channel; `users`: what loads the users of live sessions."""
    error: Problem
    subscriber: Name = ""
    """Which one; of each the first error of a minute is told."""
    times: int = 1
    """Errors of that subscriber since the last one that was told."""


class EventsDropped(Event, frozen=True, kw_only=True, tag="events.dropped"):
    """An asynchronous subscriber was too slow: its queue was full, and events did not reach it.

    The first time at once, then at most once a minute, and at the end.
    """

    subscriber: Name
    """Which one, as code calls it."""
    count: int
    """Since this was last told."""


class LogRepeated(GatewayEvent, frozen=True, kw_only=True, tag="log.repeated"):
    """In place of log lines that were left out because there were too many alike. Only the log has it."""

    of: Name
    """The event that was repeated."""
    which: Name
    """Its status, limit or place."""
    count: int
    """Lines that were left out."""
    seconds: Seconds
    """Within so long."""


EVENTS: Final[tuple[type[Event], ...]] = (
    TurnCommitted,
    TurnDuplicated,
    TurnRejected,
    DialogueClosed,
    GatewayTold,
    LimitHit,
    SessionOpened,
    SessionResumed,
    SessionExpired,
    SessionEnded,
    SessionReset,
    StageChanged,
    StageMenu,
    ScreenShown,
    ChargeAsked,
    AnswerTaken,
    AnswerRefused,
    FlowStarted,
    FlowFinished,
    FlowAbandoned,
    StepIntended,
    StepDone,
    StepRefused,
    StepUnknown,
    StepVoided,
    SecretUsed,
    MessageQueued,
    MessageStranded,
    MessageSent,
    MessageRetried,
    MessageDead,
    NoticeLost,
    DestinationPaused,
    MessageReported,
    RecoveryDone,
    SweepDone,
    FileFetched,
    FileLost,
    FilesSwept,
    SharesChanged,
    KeysResealed,
    MembersLinked,
    AddressStopped,
    AddressResumed,
    AddressMarketing,
    AddressesSwept,
    MiddlewareFailed,
    RequestRefused,
    LinkBound,
    LinkLost,
    LiveClosed,
    LiveEnded,
    OperatorCommand,
    ErrorUncaught,
    EventsDropped,
    LogRepeated,
)
"""All there are, in the order of the reference."""
