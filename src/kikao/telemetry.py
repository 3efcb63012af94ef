"""Traces of turns with OpenTelemetry: a span for each turn, and one for each of its phases inside.

    app = App(flows, entry="menu", middleware=[traces()])

Needs the extra `kikao[telemetry]`, which is OpenTelemetry's API; the app chooses an SDK and where its spans go. Spans
that services open (an HTTP client's, a database's) nest under the phase they are opened in. What is on a span is a list
of names from code: never an address, a text or a secret.
"""

from __future__ import annotations

from contextvars import Token
from typing import Final

from kikao.events import RecoveryDone
from kikao.metrics.counters import question_of
from kikao.metrics.phases import Phase
from kikao.middleware import Outcome, Proceed, TurnContext

try:
    from opentelemetry import context, trace
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, TracerProvider
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "traces need OpenTelemetry: install kikao[telemetry], and an SDK with an exporter", name=error.name
    ) from None

ATTRIBUTES: Final = frozenset(
    {
        "kikao.channel",
        "kikao.gateway",
        "kikao.happening",
        "kikao.session",
        "kikao.what",
        "kikao.flow",
        "kikao.question",
        "kikao.committed",
        "kikao.by",
        "kikao.error",
        "kikao.tries",
    }
)
"""All that a span of kikao's may carry, where it is not empty."""

TROUBLE: Final = frozenset({"failed", "unavailable", "older_code", "parked", "unknown"})
"""What became of turns whose spans say that there was an error."""


def traces(provider: TracerProvider | None = None) -> Traces:
    """Middleware that makes the spans, with the global tracer provider unless one is given.

    Put it first: what other middleware does is then inside of the turn's span.
    """
    return Traces(trace.get_tracer("kikao", tracer_provider=provider))


class Traces:
    """Middleware around turns, and a subscriber of what recovery and late outcomes come to."""

    listens_to = RecoveryDone

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    async def __call__(self, turn: TurnContext, proceed: Proceed) -> Outcome:
        """See `kikao.middleware.Middleware`."""
        span = self._tracer.start_span(
            f"turn {turn.gateway}",
            kind=SpanKind.SERVER,
            attributes={
                "kikao.channel": turn.channel,
                "kikao.gateway": turn.gateway,
                "kikao.happening": turn.happening,
                "kikao.session": turn.session,
            },
        )
        # Nothing that is raised in here is recorded: its text may hold what a member typed.
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            turn.watch(_Phases(self._tracer))
            outcome = await proceed()
            span.set_attribute("kikao.committed", outcome.committed)
            _describe(
                span, what=outcome.what, flow=outcome.flow, at=outcome.at, error=outcome.error, by=outcome.by
            )
            return outcome

    def heard(self, event: RecoveryDone) -> None:
        """A span for what recovery came to, or for an outcome that came after its turn, which it links to."""
        turn = trace.get_current_span().get_span_context()
        span = self._tracer.start_span(
            "late outcome" if event.what == "late" else "recovery",
            context=Context(),
            links=[trace.Link(turn)] if turn.is_valid else [],
            attributes={"kikao.session": event.session, "kikao.tries": event.tries},
        )
        _describe(span, what=event.what, flow=event.flow, at=event.at, error=event.error)
        span.end()


def _describe(span: Span, *, what: str, flow: str, at: str, error: str, by: str = "") -> None:
    named = {"what": what, "flow": flow, "question": question_of(at), "error": error, "by": by}
    for name, value in named.items():
        if value:
            span.set_attribute(f"kikao.{name}", value)
    if what in TROUBLE:
        span.set_status(StatusCode.ERROR, what)


class _Phases:
    """A child span for each phase of one turn, current while that lasts."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._open: list[tuple[Span, Token[Context]]] = []

    def entered(self, phase: Phase) -> None:
        """See `PhaseWatcher`."""
        span = self._tracer.start_span(phase)
        self._open.append((span, context.attach(trace.set_span_in_context(span))))

    def left(self, phase: Phase) -> None:
        """See `PhaseWatcher`."""
        span, token = self._open.pop()
        context.detach(token)
        span.end()
