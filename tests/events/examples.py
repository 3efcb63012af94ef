"""An event of each type, as a log may have it."""

from __future__ import annotations

from typing import Final

from kikao.events import (
    AddressesSwept,
    AddressMarketing,
    AddressResumed,
    AddressStopped,
    AnswerRefused,
    AnswerTaken,
    ChargeAsked,
    DestinationPaused,
    DialogueClosed,
    ErrorUncaught,
    Event,
    EventsDropped,
    FileFetched,
    FileLost,
    FilesSwept,
    FlowAbandoned,
    FlowFinished,
    FlowStarted,
    GatewayTold,
    KeysResealed,
    LimitHit,
    LinkBound,
    LinkLost,
    LiveClosed,
    LiveEnded,
    LogRepeated,
    MembersLinked,
    MessageDead,
    MessageQueued,
    MessageReported,
    MessageRetried,
    MessageSent,
    MessageStranded,
    MiddlewareFailed,
    NoticeLost,
    OperatorCommand,
    RecoveryDone,
    RequestRefused,
    ScreenShown,
    SecretUsed,
    SessionEnded,
    SessionExpired,
    SessionOpened,
    SessionReset,
    SessionResumed,
    SharesChanged,
    StageChanged,
    StageMenu,
    StepDone,
    StepIntended,
    StepRefused,
    StepUnknown,
    StepVoided,
    SweepDone,
    TurnCommitted,
    TurnDuplicated,
    TurnRejected,
)

AT: Final = {"channel": "ussd", "gateway": "nalo", "session": "31bdb55c574e"}
PIN: Final = {**AT, "flow": "wallet", "at": "send#1/pin#1"}
AMOUNT: Final = {**AT, "flow": "wallet", "at": "send#1/amount#1"}
ID: Final = "6d1f6c0b5f0a4a7a9f3f0f5f4b1c2d3e"
FROM: Final = {"from_flow": "wallet", "from_at": "send#1/to#1"}

FOUND: Final[tuple[Event, ...]] = (
    TurnCommitted(**AMOUNT, what="asked", version=3, ms=1.35),  # type: ignore[arg-type]
    TurnDuplicated(**AT, ms=0.21),  # type: ignore[arg-type]
    TurnRejected(**AT, what="busy", ms=3801.4),  # type: ignore[arg-type]
    DialogueClosed(channel="ussd", gateway="africastalking", how="end", note="Success, 12000 ms"),
    GatewayTold(channel="ussd", gateway="infobip", note="asked whether it is active"),
    LimitHit(**AT, kind="address", retry_after=1.25),  # type: ignore[arg-type]
    SessionOpened(**AT),  # type: ignore[arg-type]
    SessionResumed(**AMOUNT, silence=42.0),  # type: ignore[arg-type]
    SessionExpired(**AMOUNT, silence=512.0),  # type: ignore[arg-type]
    SessionEnded(**AT, by="operator"),  # type: ignore[arg-type]
    SessionReset(**AMOUNT, by="cancel"),  # type: ignore[arg-type]
    StageChanged(**AMOUNT, **FROM),  # type: ignore[arg-type]
    StageMenu(**AT, flow="wallet", at="menu#1", **FROM),  # type: ignore[arg-type]
    ScreenShown(**AMOUNT, kind="question", units=74, alphabet="gsm7"),  # type: ignore[arg-type]
    ChargeAsked(**{**AMOUNT, "at": "fee#1"}, currency="KES", minor=250, carried=True),  # type: ignore[arg-type]
    AnswerTaken(**AMOUNT),  # type: ignore[arg-type]
    AnswerRefused(**AMOUNT, tries=1),  # type: ignore[arg-type]
    FlowStarted(**AT, flow="wallet"),  # type: ignore[arg-type]
    FlowFinished(**AT, flow="wallet", what="ended"),  # type: ignore[arg-type]
    FlowAbandoned(**AMOUNT, what="home"),  # type: ignore[arg-type]
    StepIntended(**PIN, kind="secret"),  # type: ignore[arg-type]
    StepDone(**PIN, kind="secret", source="turn"),  # type: ignore[arg-type]
    StepRefused(**PIN, kind="secret", source="turn", code="wrong_secret"),  # type: ignore[arg-type]
    StepUnknown(**PIN, kind="secret", source="recovery", tries=2, reason="TimeoutError"),  # type: ignore[arg-type]
    StepVoided(**PIN, kind="secret", source="recovery"),  # type: ignore[arg-type]
    SecretUsed(**PIN, what="refused", code="wrong_secret"),  # type: ignore[arg-type]
    MessageQueued(**{**AMOUNT, "at": "lead#1"}, to="webhook/crm", message=ID),  # type: ignore[arg-type]
    MessageStranded(**{**AMOUNT, "at": "lead#1"}, to="webhook/crm", message=ID),  # type: ignore[arg-type]
    MessageSent(to="webhook/crm", message=ID, session="31bdb55c574e", tries=1, ms=82.4, waited=0.09),
    MessageRetried(
        to="webhook/crm", message=ID, session="31bdb55c574e", tries=2, reason="HTTP 503", retry_after=7.31
    ),
    MessageDead(to="webhook/crm", message=ID, session="31bdb55c574e", tries=1, reason="HTTP 410"),
    NoticeLost(to="ussd/ideamart", reason="HTTP 503"),
    DestinationPaused(to="webhook/crm", seconds=30.0, reason="HTTP 429"),
    MessageReported(to="sms/nalo", status="delivered"),
    RecoveryDone(**AT, flow="wallet", what="settled", tries=1),  # type: ignore[arg-type]
    SweepDone(count=1204, seconds=0.318),
    FileFetched(channel="whatsapp", gateway="cloud-api", what="image", size=148_213, ms=640.2),
    FileLost(channel="telegram", gateway="bot-api", reason="HTTP 404"),
    FilesSwept(count=12, kept=380, octets=61_204_118, seconds=0.041),
    SharesChanged(shards=32, workers=2),
    KeysResealed(count=380, left=0, seconds=2.1),
    MembersLinked(made=2),
    AddressStopped(channel="telegram", gateway="bot-api", what="blocked", reason="forbidden"),
    AddressResumed(channel="telegram", gateway="bot-api", was="blocked"),
    AddressMarketing(channel="whatsapp", gateway="cloud-api", what="refused", reason="131050"),
    AddressesSwept(count=318),
    MiddlewareFailed(**AT, name="maintenance", when="before", error="KeyError at maintenance.py:7"),  # type: ignore[arg-type]
    RequestRefused(channel="ussd", gateway="nalo", status=404, reason="path token wrong or missing"),
    LinkBound(channel="ussd", gateway="smpp"),
    LinkLost(channel="ussd", gateway="smpp", reason="closed by the SMSC", retry_after=0.731),
    LiveClosed(channel="socket", gateway="phoenix", reason="lost", seconds=73.4),
    LiveEnded(
        channel="socket",
        gateway="phoenix",
        live="5f0c2be18a43",
        reason="left",
        seconds=731.0,
        sockets=3,
        events=41,
        sent=97,
        channels=4,
    ),
    OperatorCommand(command="sessions.list", what="done"),
    ErrorUncaught(where="loop", error="ValueError at alarms.py:12"),
    EventsDropped(subscriber="shop.alarms.tell", count=37),
    LogRepeated(channel="ussd", gateway="nalo", of="request.refused", which="404", count=9997, seconds=60.0),
)

EXAMPLES: Final = {type(event): event for event in FOUND}
