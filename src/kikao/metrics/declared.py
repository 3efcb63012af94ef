"""Every metric there is: name, labels and meaning. The exposition and the reference page are made of this list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kikao.metrics.phases import BOUNDS

TURN_BOUNDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Upper bounds of the turns' seconds; the last is the budget of a reply, the one before it what members may expect."""

LIVE_BOUNDS: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 4 * 3600.0, 24 * 3600.0)
"""Upper bounds of the seconds that live sessions last."""

PAGE_BOUNDS: Final = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. A counter's name ends in `_total` where it is shown, a histogram's in `_bucket`, `_sum`, `_count`."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    text: str
    """In a few words, for the exposition."""
    more: str = ""
    """What there is to know besides, as Markdown, for the reference."""
    bounds: tuple[float, ...] = ()
    """Upper ones of a histogram's buckets."""
    of_store: bool = False
    """A gauge that each worker reads from a store that all of them share: their values are not added up."""

    @property
    def shown(self) -> str:
        """The name as a query has it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


_WHERE: Final = ("channel", "gateway")
_QUESTION: Final = ("flow", "question")

INBOUNDS: Final = Metric(
    "kikao_inbounds",
    "counter",
    (*_WHERE, "what"),
    "Inbounds by what came of them; most are turns",
    "the [`what` of a turn](events.md#turn-committed), with `duplicate` (redeliveries), `busy`, `unavailable` and "
    "the others that are no turns",
)
TURN_SECONDS: Final = Metric(
    "kikao_turn_seconds",
    "histogram",
    _WHERE,
    "From an inbound to its reply",
    "without `duplicate`, `closed`, `notice` and `stale`, which nobody waited for a flow with",
    TURN_BOUNDS,
)
PHASE_SECONDS: Final = Metric(
    "kikao_turn_phase_seconds",
    "histogram",
    ("phase", "gateway"),
    "What turns spend their time on",
    "`claim` (waiting for the session, reading it), `run` (the flow and what it reads), `effects` (intents and "
    "services, where a flow has any; not part of `run`), `render`, `commit`",
    BOUNDS,
)
STORE_SECONDS: Final = Metric(
    "kikao_store_seconds",
    "histogram",
    ("call",),
    "Calls of the session store",
    "`claim` (with the wait for another turn of the session), `intent`, `commit`, `release`, `renew`, `end`, "
    "`sweep`, `due`, `seen`, `replace`, and of the [outbox](outbox.md) `post`, `take`, `settle`, `report`, `pace`, "
    "`share`; failed ones too",
    BOUNDS,
)
STORE_FAILURES: Final = Metric(
    "kikao_store_failures",
    "counter",
    ("call", "error"),
    "Calls of the session store that raised",
    "by error: `Conflict` is another writer that was faster, `StoreUnavailable` and `CommitUnknown` are trouble",
)
FLOWS_STARTED: Final = Metric("kikao_flows_started", "counter", ("flow",), "Runs of a flow that began")
FLOWS_FINISHED: Final = Metric(
    "kikao_flows_finished",
    "counter",
    ("flow", "what"),
    "Runs that came to their end",
    "`ended`, `refused`, or `moved` to another flow: see [the event](events.md#flow-finished)",
)
FLOWS_ABANDONED: Final = Metric(
    "kikao_flows_abandoned",
    "counter",
    (*_QUESTION, "what"),
    "Runs that were left before their end",
    "at which question, and how: see [the event](events.md#flow-abandoned). Who just never comes back is not counted "
    "before they do: for drop-off, compare what was shown with what was answered",
)
QUESTIONS_SHOWN: Final = Metric(
    "kikao_questions_shown",
    "counter",
    _QUESTION,
    "Questions of flows that were shown",
    "`question` is the journal key without ordinals: `pay/amount` is `amount` in the sub-flow `pay`, however often "
    "it was asked; further pages are not counted",
)
QUESTIONS_ANSWERED: Final = Metric(
    "kikao_questions_answered",
    "counter",
    _QUESTION,
    "Questions that were answered",
    "a secret is once its service has taken it",
)
ANSWERS_REFUSED: Final = Metric(
    "kikao_answers_refused",
    "counter",
    _QUESTION,
    "Answers that were none",
    "the member was asked again; a wrong PIN is a step that was refused",
)
STEPS: Final = Metric(
    "kikao_steps",
    "counter",
    ("flow", "step", "what"),
    "What became of effects",
    "`done`, `refused`, `unknown`, `voided`; the last word of [the event](events.md#step-done)",
)
SCREEN_PAGES: Final = Metric(
    "kikao_screen_pages",
    "histogram",
    ("gateway",),
    "Pages that screens took",
    "of every screen, when its first page is shown",
    PAGE_BOUNDS,
)
REFUSED: Final = Metric(
    "kikao_requests_refused",
    "counter",
    (*_WHERE, "status"),
    "Requests that were not let in",
    "see [the event](events.md#request-refused); `operator` and `metrics` for `/metrics` itself",
)
LIMITED: Final = Metric(
    "kikao_limited",
    "counter",
    (*_WHERE, "kind"),
    "Inbounds over a rate limit",
    "[by limit](../how-to/limit-traffic.md): `address`, `member`, `overall`",
)
MIDDLEWARE_FAILURES: Final = Metric(
    "kikao_middleware_failures",
    "counter",
    ("name", "when"),
    "Middleware that broke or took too long",
    "`before` the turn or `after` it: see [middleware](middleware.md)",
)
MESSAGES: Final = Metric(
    "kikao_messages",
    "counter",
    ("to", "what"),
    "What became of messages to other systems",
    "`queued`, `stranded`, `sent`, `retried`, `dead`; the last word of [the event](events.md#message-sent)",
)
ADDRESSES: Final = Metric(
    "kikao_addresses",
    "counter",
    (*_WHERE, "what"),
    "Addresses that were closed to what is written, or opened",
    "`blocked`, `gone`, `stopped`, `resumed`, `marketing_refused`, `marketing_allowed`, `marketing_paused`: see [the "
    "event](events.md#address-stopped)",
)
OUTBOX_WAITING: Final = Metric(
    "kikao_outbox_waiting",
    "gauge",
    ("to",),
    "Messages that wait to be sent",
    "due or not; see [the outbox](outbox.md)",
    of_store=True,
)
OUTBOX_DEAD: Final = Metric(
    "kikao_outbox_dead",
    "gauge",
    ("to",),
    "Messages that were given up",
    "until an operator replays or discards them, or 30 days have passed",
    of_store=True,
)
OUTBOX_OLDEST: Final = Metric(
    "kikao_outbox_oldest_seconds",
    "gauge",
    ("to",),
    "How long the oldest message waits",
    "since it was posted",
    of_store=True,
)
RECOVERIES: Final = Metric(
    "kikao_recoveries",
    "counter",
    ("what",),
    "Sessions whose open effects were looked at",
    "see [the event](events.md#recovery-done)",
)
SWEEPS: Final = Metric("kikao_sweeps", "counter", (), "Sweeps of expired sessions")
SWEPT: Final = Metric("kikao_sessions_swept", "counter", (), "Expired sessions removed")
SWEEP_SECONDS: Final = Metric("kikao_sweep_seconds", "counter", (), "Time spent on sweeps, pauses included")
FILES: Final = Metric(
    "kikao_files",
    "counter",
    (*_WHERE, "what"),
    "Files that members sent",
    "`fetched`, `delayed` (it is tried again), `lost` (the member was asked to send it again)",
)
FILES_SWEPT: Final = Metric("kikao_files_swept", "counter", (), "Files that were removed past their days")
OPEN_INTENTS: Final = Metric(
    "kikao_open_intents",
    "gauge",
    (),
    "Effects whose outcome is not known yet",
    "at work, or waiting for recovery; 1000 stands for as many or more",
    of_store=True,
)
QUEUE_DEPTH: Final = Metric(
    "kikao_queue_depth",
    "gauge",
    ("queue",),
    "What is under way or waits",
    "`inbounds` (being answered), `effects` (that run on after their turn's deadline), `store_writes` (SQLite: waiting "
    "for the disk), `events` (waiting for `async` subscribers)",
)
WORKERS: Final = Metric("kikao_workers", "gauge", (), "Processes that these numbers are of")
SHARDS: Final = Metric(
    "kikao_shards",
    "gauge",
    (),
    "Shards of the store that are looked after",
    "recovery, sweeping, sending; over all workers of all machines they are 64, a few seconds after one died",
)
_LIVE: Final = "see [why sockets end](live.md#the-end-of-a-socket)"

LIVE_SOCKETS: Final = Metric(
    "kikao_live_sockets",
    "gauge",
    ("transport",),
    "Live sockets that are open",
    "`websocket`, or `longpoll` for the sessions of clients that get through no other way",
)
LIVE_SESSIONS: Final = Metric(
    "kikao_live_sessions",
    "gauge",
    (),
    "Users who have a live session",
    "on each process where they have sockets, or had some within the window",
)
LIVE_CHANNELS: Final = Metric("kikao_live_channels", "gauge", (), "Channels that are joined")
LIVE_TOPICS: Final = Metric(
    "kikao_live_topics", "gauge", (), "Topics that somebody has joined", "on each process where somebody has"
)
LIVE_PRESENT: Final = Metric(
    "kikao_live_present",
    "gauge",
    (),
    "Presences that are tracked",
    "each by the process that its socket is on",
)
LIVE_OWED: Final = Metric(
    "kikao_live_presence_owed",
    "gauge",
    (),
    "Presences that the live store does not know yet as they are",
    "for a moment after each change; for as long as the store is away otherwise",
)
LIVE_AWAY: Final = Metric(
    "kikao_live_store_away",
    "gauge",
    (),
    "Processes to which the live store does not answer",
    "presence is what each knows by itself then, and what is to be kept is refused as `unavailable`",
)
LIVE_CONNECTS: Final = Metric(
    "kikao_live_connects",
    "counter",
    ("transport", "status"),
    "Attempts to open a socket",
    "101 for those that were let in; 403, 429 (too many of one user) and 503 (too many at once, the users cannot be "
    "loaded, or the process stops)",
)
LIVE_CLOSED: Final = Metric(
    "kikao_live_closed", "counter", ("reason",), "Sockets that ended", f"by reason: {_LIVE}"
)
LIVE_SECONDS: Final = Metric(
    "kikao_live_session_seconds",
    "histogram",
    ("reason",),
    "How long live sessions lasted",
    f"by why they ended: {_LIVE}",
    LIVE_BOUNDS,
)
LIVE_FRAMES: Final = Metric(
    "kikao_live_frames",
    "counter",
    ("direction",),
    "Frames of live sockets",
    "`in` and `out`, heartbeats and their replies too",
)
LIVE_BROADCASTS: Final = Metric(
    "kikao_live_broadcasts",
    "counter",
    (),
    "What was said to topics, users and groups",
    "counted where it was said; each hearer is a frame",
)
LIVE_REFUSED: Final = Metric(
    "kikao_live_events_refused",
    "counter",
    (),
    "Events of clients that were too many",
    "the client hears `rate limited`",
)
LIVE_CRASHES: Final = Metric(
    "kikao_live_crashes",
    "counter",
    (),
    "Functions of live channels that raised",
    "see [`error.uncaught`](events.md#error-uncaught), `channel`",
)
LIVE_RECOVERIES: Final = Metric(
    "kikao_live_recoveries",
    "counter",
    ("what",),
    "Clients that came back to a topic that is kept",
    "`recovered`, `too_far_behind`, `unknown_epoch`; `insufficient` are those that had to join again since what they "
    "missed was gone before they had it",
)
LIVE_GAPS: Final = Metric(
    "kikao_live_gaps",
    "counter",
    (),
    "Times that news of another process may have been missed",
    "the bus was away, or this process too slow: streams and presence are looked up then",
)
LIVE_UNOPENED: Final = Metric(
    "kikao_live_news_unopened",
    "counter",
    (),
    "What came over the bus for live sessions and does not open",
    "it was dropped: another deployment shares `KIKAO_BUS`, or a process has another look-up key",
)
LIVE_HEALED: Final = Metric(
    "kikao_live_presence_healed",
    "counter",
    (),
    "Topics whose presence was not as it was known here, when it was looked up",
)
UNNAMED: Final = Metric(
    "kikao_metrics_unnamed",
    "counter",
    ("metric",),
    "Counts under the label `other`",
    "a metric by flow and question had 1,000 series already: some name is made at run time",
)

METRICS: Final = (
    INBOUNDS,
    TURN_SECONDS,
    PHASE_SECONDS,
    STORE_SECONDS,
    STORE_FAILURES,
    FLOWS_STARTED,
    FLOWS_FINISHED,
    FLOWS_ABANDONED,
    QUESTIONS_SHOWN,
    QUESTIONS_ANSWERED,
    ANSWERS_REFUSED,
    SCREEN_PAGES,
    STEPS,
    OPEN_INTENTS,
    QUEUE_DEPTH,
    REFUSED,
    LIMITED,
    MIDDLEWARE_FAILURES,
    MESSAGES,
    ADDRESSES,
    OUTBOX_WAITING,
    OUTBOX_DEAD,
    OUTBOX_OLDEST,
    RECOVERIES,
    SWEEPS,
    SWEPT,
    SWEEP_SECONDS,
    FILES,
    FILES_SWEPT,
    LIVE_SOCKETS,
    LIVE_SESSIONS,
    LIVE_CHANNELS,
    LIVE_TOPICS,
    LIVE_PRESENT,
    LIVE_OWED,
    LIVE_AWAY,
    LIVE_CONNECTS,
    LIVE_CLOSED,
    LIVE_SECONDS,
    LIVE_FRAMES,
    LIVE_BROADCASTS,
    LIVE_REFUSED,
    LIVE_CRASHES,
    LIVE_RECOVERIES,
    LIVE_GAPS,
    LIVE_UNOPENED,
    LIVE_HEALED,
    UNNAMED,
    SHARDS,
    WORKERS,
)
